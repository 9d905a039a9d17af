/* SPDX-License-Identifier: Apache-2.0 */
/* File accesses that are not path arguments: through descriptors and mappings. */
#include "tracer/observer_private.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/mman.h>

static void draft_descriptor(Observer *observer, Tracee *tracee, Pending *pending, int fd,
                             uint32_t access, DraftWhen when)
{
    PathResult path;

    resolver_descriptor(observer->resolver, tracee, fd, 0, &path);
    if (path.error != 0)
        return;
    if (path.is_path && !path.text)
        tracee_loss(observer, tracee, "unresolved-path", "a descriptor's path is not known");
    draft_file(observer, tracee, pending, &path, access, when);
}

/* ---- executable mappings -------------------------------------------------------------------- */

/* i386's first mmap takes its arguments in memory: address, length, prot, flags, fd, offset. */
static bool mapping_arguments(Tracee *tracee, const Call *call, uint64_t *prot, uint64_t *flags,
                              int *fd)
{
    uint32_t block[6];

    if (call->arch == ARCH_I386 && strcmp(call->syscall->name, "mmap") == 0) {
        if (tracee_read(tracee, call->args[0], block, sizeof block) < 0)
            return false;
        *prot = block[2];
        *flags = block[3];
        *fd = (int)block[4];
        return true;
    }
    *prot = call->args[2];
    *flags = call->args[3];
    *fd = arg_int(call, 4);
    return true;
}

static void enter_mmap(Observer *observer, Tracee *tracee, Pending *pending)
{
    uint64_t prot;
    uint64_t flags;
    int fd;

    if (!mapping_arguments(tracee, &pending->call, &prot, &flags, &fd))
        return;
    if ((prot & PROT_EXEC) && !(flags & MAP_ANONYMOUS) && fd >= 0)
        draft_descriptor(observer, tracee, pending, fd,
                         ACCESS_MMAP_EXEC | (prot & PROT_READ ? ACCESS_READ : 0u),
                         DRAFT_IF_SUCCESS);
}

/* Making a file mapping executable asks the same of an LSM as mapping it so. */
static void enter_mprotect(Observer *observer, Tracee *tracee, Pending *pending)
{
    PathResult path;

    if (!(pending->call.args[2] & PROT_EXEC))
        return;
    resolver_mapping(observer->resolver, tracee, pending->call.args[0], 0, &path);
    if (path.error == 0)
        draft_file(observer, tracee, pending, &path, ACCESS_MMAP_EXEC, DRAFT_IF_SUCCESS);
}

/* ---- changes through a descriptor ----------------------------------------------------------- */

static void enter_descriptor(Observer *observer, Tracee *tracee, Pending *pending)
{
    const CallHandler *handler = observer->handlers[pending->call.syscall->index];

    draft_descriptor(observer, tracee, pending, arg_int(&pending->call, 0), handler->access,
                     DRAFT_ALWAYS);
}

static void enter_fcntl(Observer *observer, Tracee *tracee, Pending *pending)
{
    static const int locks[] = {
        F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW, F_SETLEASE, 13 /* i386 F_SETLK64 */,
        14 /* F_SETLKW64 */};
    const int command = arg_int(&pending->call, 1);

    for (size_t i = 0; i < ARRAY_LENGTH(locks); i++) {
        if (locks[i] == command) {
            enter_descriptor(observer, tracee, pending);
            return;
        }
    }
}

/* ---- what cannot be seen -------------------------------------------------------------------- */

/* TEXT leads to the file that ST tells of. */
static bool leads_to(Observer *observer, Tracee *tracee, const char *text, const struct stat *st)
{
    const Root *root = tracee->captured ? NULL : process_root(&observer->table, tracee->process);
    char name[PATH_MAX];
    PathResult path;

    /* The kernel itself walked up to the root. */
    if (tracee->captured)
        return true;
    if (!root || strlen(text) >= sizeof name)
        return false;
    (void)strcpy(name, text);
    if (!root_strip(root, name))
        return false;
    resolver_resolve(
        observer->resolver, tracee,
        &(PathQuery){.argument = -1, .dirfd = AT_FDCWD, .raw = name, .final = PATH_FINAL_NOFOLLOW},
        1, &path);
    return path.error == 0 && path.has_stat && path.st.st_dev == st->st_dev &&
           path.st.st_ino == st->st_ino;
}

/*
 * The handle names no path, but the new descriptor does; except where the kernel got at the file
 * by its number alone and has no name for it yet.
 */
static void opened_by_handle(Observer *observer, Tracee *tracee, Pending *pending)
{
    PathResult path;

    resolver_descriptor(observer->resolver, tracee, (int)pending->call.result, 0, &path);
    if (path.error || !path.is_path || !path.text || !path.has_stat ||
        (path.st.st_nlink > 0 && !leads_to(observer, tracee, path.text, &path.st))) {
        tracee_loss(observer, tracee, "unresolved-path",
                    "open_by_handle_at() of a file that the kernel had no name for");
        return;
    }
    draft_file(observer, tracee, pending, &path, open_access(pending->call.args[2], &path),
               DRAFT_ALWAYS);
}

static void enter_open_by_handle(Observer *observer, Tracee *tracee, Pending *pending)
{
    if (observer->options.sees_results)
        pending->on_success = opened_by_handle;
    else
        tracee_loss(observer, tracee, "unresolved-path", "open_by_handle_at() names no path");
}

static void enter_io_uring(Observer *observer, Tracee *tracee, Pending *pending)
{
    if ((uint32_t)pending->call.args[1] > 0 && !observer->sees_io_uring)
        tracee_loss(observer, tracee, "io-uring-unseen",
                    "operations submitted through io_uring are no system calls");
}

/* A listener of these classes is asked before a file is opened: fanotify_init(2). */
static void enter_fanotify_init(Observer *observer, Tracee *tracee, Pending *pending)
{
    (void)tracee;
    if (pending->call.args[0] & (FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT))
        resolver_open_nothing(observer->resolver);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

const CallHandler file_handlers[] = {
    {NAMES("mmap", "mmap2"), enter_mmap, false},
    {NAMES("mprotect", "pkey_mprotect"), enter_mprotect, false},
    {NAMES("fchmod"), enter_descriptor, true, ACCESS_CHMOD},
    {NAMES("fchown", "fchown32"), enter_descriptor, true, ACCESS_CHOWN},
    {NAMES("ftruncate", "ftruncate64"), enter_descriptor, true, ACCESS_TRUNCATE},
    {NAMES("fsetxattr", "fremovexattr"), enter_descriptor, true, ACCESS_WRITE},
    {NAMES("flock"), enter_descriptor, true, ACCESS_LOCK},
    {NAMES("fcntl", "fcntl64"), enter_fcntl, false, ACCESS_LOCK},
    {NAMES("open_by_handle_at"), enter_open_by_handle, true},
    {NAMES("io_uring_enter"), enter_io_uring, false},
    {NAMES("fanotify_init"), enter_fanotify_init, false},
    {NULL, NULL, false},
};
