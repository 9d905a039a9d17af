/* SPDX-License-Identifier: Apache-2.0 */
/* How openat2(2) confines a look-up: the kernel is asked by looking up the same in the same way. */
#include "tracer/paths_private.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

int resolver_confined(Resolver *resolver, Tracee *tracee, const PathQuery *query, uint64_t resolve)
{
    /* These stay below where they begin, whatever the process's root is. */
    const bool scoped = (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) != 0;
    const bool nofollow = query->final == PATH_FINAL_NOFOLLOW;
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | (nofollow ? O_NOFOLLOW : 0u),
                           .resolve = resolve};
    CLEANUP(fd_close) int owned = -1;

    if (tracee->captured || query->final == PATH_FINAL_PARENT)
        return RESULT_UNKNOWN;
    const Root *root = process_root(resolver->table, tracee->process);
    if (!root || (!scoped && !root->own))
        return RESULT_UNKNOWN;
    /* A path from the root begins at the folder, too, or is refused. */
    const char *from = scoped ? "." : query->raw;
    const int base = path_start(tracee, root, query->dirfd, from, &owned);
    if (base < 0 && base != AT_FDCWD)
        return RESULT_UNKNOWN;
    CLEANUP(fd_close) int fd = (int)syscall(SYS_openat2, base, query->raw, &how, sizeof how);
    if (fd >= 0)
        return RESULT_OK;
    return errno == EXDEV || errno == ELOOP ? errno : RESULT_UNKNOWN;
}
