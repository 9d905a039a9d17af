/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/notify_files.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RESOLVE_CACHED /* Linux 5.12 */
#define RESOLVE_CACHED 0x20
#endif

/* Of null, zero, full, random, …. */
enum { MEMORY_DEVICES = 1 };

bool files_is_open(pid_t tid, uint64_t fd)
{
    char path[64];
    char target[1];

    (void)snprintf(path, sizeof path, "/proc/%d/fd/%u", (int)tid, (unsigned)fd);
    return readlink(path, target, sizeof target) >= 0;
}

bool files_is_regular(pid_t tid, uint64_t fd)
{
    struct statx status;
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%d/fd/%u", (int)tid, (unsigned)fd);
    return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE, &status) == 0 &&
           (S_ISREG(status.stx_mode) || S_ISDIR(status.stx_mode));
}

bool files_opens_at_once(pid_t tid, int memory, int directory, uint64_t address)
{
    /* What is not in the kernel's caches is not looked up, so nobody is asked. */
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_CACHED};
    struct statx status;
    char path[PATH_MAX];
    char base[64];

    const ssize_t n = pread(memory, path, sizeof path, (off_t)address);
    if (n <= 0 || !memchr(path, '\0', (size_t)n))
        return false;
    if (path[0] == '/') {
        (void)snprintf(base, sizeof base, "/proc/%d/root", (int)tid);
        how.resolve |= RESOLVE_IN_ROOT;
    } else if (directory == AT_FDCWD) {
        (void)snprintf(base, sizeof base, "/proc/%d/cwd", (int)tid);
    } else {
        (void)snprintf(base, sizeof base, "/proc/%d/fd/%d", (int)tid, directory);
    }
    CLEANUP(fd_close) int from = open(base, O_PATH | O_CLOEXEC);
    if (from < 0)
        return false;
    CLEANUP(fd_close) int file = (int)syscall(SYS_openat2, from, path, &how, sizeof how);
    if (file < 0)
        return errno == ENOENT;
    if (statx(file, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) < 0)
        return false;
    return S_ISREG(status.stx_mode) || S_ISDIR(status.stx_mode) ||
           (S_ISCHR(status.stx_mode) && status.stx_rdev_major == MEMORY_DEVICES);
}
