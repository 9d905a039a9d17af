/* SPDX-License-Identifier: Apache-2.0 */
/*
 * O_TMPFILE where the file system has it. link() replaces no file, so the new one gets a name
 * beside the old one first, and rename() does the rest. Where that is not possible, a named
 * temporary file is filled and renamed.
 */
#include "base/nameless.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_and_unlink(const char *path)
{
    CLEANUP(free_pointer) char *temporary = NULL;

    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
        temporary = NULL;
        return -ENOMEM;
    }
    const int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    (void)unlink(temporary);
    return fd;
}

/* May the link PATH be replaced? Not one that stands for an open file, as /dev/stdout does: who
 * may write to its folder would take that away from all. ST becomes what it leads to. */
static bool may_replace_link(const char *path, struct stat *st)
{
    static const char open_files[] = "/proc/";
    char target[sizeof open_files - 1];

    if (readlink(path, target, sizeof target) == sizeof target &&
        memcmp(target, open_files, sizeof target) == 0)
        return false;
    return stat(path, st) < 0 || S_ISREG(st->st_mode);
}

int nameless_check(const char *path, Error *err)
{
    struct stat st;

    if (lstat(path, &st) < 0 || S_ISREG(st.st_mode) ||
        (S_ISLNK(st.st_mode) && may_replace_link(path, &st)))
        return 0;
    return error_set(err, S_ISDIR(st.st_mode) ? -EISDIR : -EEXIST,
                     S_ISDIR(st.st_mode)
                         ? "%s: is a folder"
                         : "%s: is no ordinary file, and a file would take its place; give "
                           "another name, or - for standard output",
                     path);
}

int nameless_open(const char *path)
{
    Error ignored = {0};
    const int allowed = nameless_check(path, &ignored);
    if (allowed < 0)
        return allowed;
    const char *slash = strrchr(path, '/');
    CLEANUP(free_pointer)
    char *folder = slash ? strndup(path, slash > path ? (size_t)(slash - path) : 1) : strdup(".");

    if (!folder)
        return -ENOMEM;
    const int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    /* EISDIR: a kernel that does not know it; EOPNOTSUPP: a file system; ENOENT: that, or no folder
     */
    return open_and_unlink(path);
}

/* Gives FD a name beside PATH, as mkstemp() makes them. NULL with errno if that is not possible. */
static char *name_beside(int fd, const char *path)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    char link_path[32];

    (void)snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", fd);
    for (int attempt = 0; attempt < 100; attempt++) {
        unsigned char bytes[6];
        char random[sizeof bytes + 1] = {0};
        char *name;

        if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
            return NULL;
        for (size_t i = 0; i < sizeof bytes; i++)
            random[i] = letters[bytes[i] % (sizeof letters - 1)];
        if (asprintf(&name, "%s.%s", path, random) < 0)
            return NULL;
        if (linkat(AT_FDCWD, link_path, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0)
            return name;
        const int code = errno;
        free(name);
        errno = code;
        if (code != EEXIST)
            return NULL;
    }
    return NULL;
}

int copy_all(int from, int to)
{
    const size_t size = (size_t)64 * 1024;
    CLEANUP(free_pointer) char *block = malloc(size);

    if (!block)
        return -ENOMEM;
    if (lseek(from, 0, SEEK_SET) < 0)
        return -errno;
    for (;;) {
        const ssize_t n = read(from, block, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        const int r = write_all(to, block, (size_t)n);
        if (r < 0)
            return r;
    }
}

/* The mode that a new file has, and all of it on the disk. */
static int settle(int fd)
{
    const mode_t mask = umask(0);

    (void)umask(mask);
    if (fchmod(fd, 0644 & ~mask) < 0)
        return -errno;
    if (fsync(fd) < 0 && errno != EINVAL && errno != EROFS)
        return -errno;
    return 0;
}

static int copy_beside(int from, const char *path, char **ret_name)
{
    CLEANUP(free_pointer) char *name = NULL;

    if (asprintf(&name, "%s.XXXXXX", path) < 0) {
        name = NULL;
        return -ENOMEM;
    }
    const int fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = copy_all(from, fd);
    if (r == 0)
        r = settle(fd);
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r < 0)
        (void)unlink(name);
    else
        *ret_name = TAKE(name);
    return r;
}

int nameless_place(int fd, const char *path, Error *err)
{
    CLEANUP(free_pointer) char *name = NULL;
    int r = settle(fd);

    if (r == 0) {
        name = name_beside(fd, path);
        if (!name)
            r = copy_beside(fd, path, &name);
    }
    if (name && rename(name, path) < 0) { /* it has one only if all went well */
        r = -errno;
        (void)unlink(name);
    }
    return r < 0 ? error_errno(err, r, "%s: cannot write", path) : 0;
}
