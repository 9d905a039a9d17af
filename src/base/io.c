/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include "base/memory.h"
#include "base/nameless.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

void folder_close(DIR **folder)
{
    if (*folder)
        (void)closedir(*folder);
    *folder = NULL;
}

int write_all(int fd, const void *bytes, size_t length)
{
    const char *p = bytes;

    while (length > 0) {
        const ssize_t n = write(fd, p, length);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        p += n;
        length -= (size_t)n;
    }
    return 0;
}

int read_fd(int fd, Buffer *out, size_t limit)
{
    char block[65536];

    for (;;) {
        const ssize_t n = read(fd, block, sizeof block);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        if (n == 0)
            return 0;
        if ((size_t)n > limit || out->length > limit - (size_t)n)
            return -EFBIG;
        const int r = buffer_append(out, block, (size_t)n);
        if (r < 0)
            return r;
    }
}

int open_and_peek(const char *path, Buffer *out, size_t size, Error *err)
{
    CLEANUP(fd_close) int fd = -1;
    char block[4096];

    fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_errno(err, errno, "%s: cannot open", path);
    for (const size_t end = out->length + size; out->length < end;) {
        const size_t room = end - out->length;
        const ssize_t n = read(fd, block, room < sizeof block ? room : sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, errno, "%s: cannot read", path);
        if (n == 0)
            break;
        if (buffer_append(out, block, (size_t)n) < 0)
            return error_errno(err, ENOMEM, "%s", path);
    }
    const int opened = fd;
    fd = -1;
    return opened;
}

int read_file(const char *path, Buffer *out, size_t limit, Error *err)
{
    CLEANUP(fd_close) int owned = -1;
    int fd = STDIN_FILENO;

    if (strcmp(path, "-") != 0) {
        fd = owned = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
            return error_errno(err, errno, "%s: cannot open", path);
    }
    const int r = read_fd(fd, out, limit);
    if (r == -EFBIG)
        return error_set(err, r, "%s: larger than the limit of %zu bytes", path, limit);
    if (r < 0)
        return error_errno(err, r, "%s: cannot read", path);
    return 0;
}

int write_file_atomic(const char *path, const void *bytes, size_t length, Error *err)
{
    CLEANUP(fd_close) int fd = -1;

    if (strcmp(path, "-") == 0) {
        const int r = write_all(STDOUT_FILENO, bytes, length);
        return r < 0 ? error_errno(err, r, "cannot write to standard output") : 0;
    }
    int r = nameless_check(path, err);
    if (r < 0)
        return r;
    fd = nameless_open(path);
    if (fd < 0)
        return error_errno(err, fd, "%s: cannot create a file beside it", path);
    r = write_all(fd, bytes, length);
    return r < 0 ? error_errno(err, r, "%s: cannot write", path) : nameless_place(fd, path, err);
}

int write_file_check(const char *path, Error *err)
{
    if (!path || strcmp(path, "-") == 0)
        return 0;
    const int r = nameless_check(path, err);
    if (r < 0)
        return r;
    CLEANUP(fd_close) int fd = nameless_open(path);
    return fd < 0 ? error_errno(err, fd, "%s: cannot create a file beside it", path) : 0;
}

int make_folder(const char *path, Error *err)
{
    struct stat st;

    if (mkdir(path, 0777) == 0)
        return 0;
    if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return error_errno(err, errno == EEXIST ? ENOTDIR : errno, "%s: cannot make this folder", path);
}
