/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/stack_files.h"

#include "base/buffer.h"
#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 64, CHUNK = 64 * 1024 };
#define FILE_SIZE_MAX ((off_t)256 * 1024 * 1024)

typedef struct CopiedFile {
    struct stat st; /* as it was copied */
    int fd;         /* the copy; -1: it could not be had */
} CopiedFile;

struct StackFiles {
    CopiedFile files[FILES_MAX];
    size_t count;
    size_t next; /* to be forgotten once all places are taken */
};

StackFiles *stack_files_new(void)
{
    return calloc(1, sizeof(StackFiles));
}

StackFiles *stack_files_free(StackFiles *files)
{
    for (size_t i = 0; files && i < files->count; i++)
        fd_close(&files->files[i].fd);
    free(files);
    return NULL;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int copy_file(int fd, off_t size)
{
    CLEANUP(fd_close) int copy = memfd_create("whittle-elf", MFD_CLOEXEC);
    CLEANUP(free_pointer) char *chunk = malloc(CHUNK);
    off_t at = 0;

    if (copy < 0)
        return -errno;
    if (!chunk)
        return -ENOMEM;
    while (at < size) {
        const ssize_t n = pread(fd, chunk, CHUNK, at);
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        const int r = write_all(copy, chunk, (size_t)n);
        if (r < 0)
            return r;
        at += n;
    }
    const int made = copy;
    copy = -1;
    return made;
}

int stack_files_of_bytes(const void *bytes, size_t length)
{
    CLEANUP(fd_close) int copy = memfd_create("whittle-elf", MFD_CLOEXEC);

    if (copy < 0)
        return -errno;
    const int r = write_all(copy, bytes, length);
    if (r < 0)
        return r;
    const int made = copy;
    copy = -1;
    return made;
}

static int borrow(const CopiedFile *file)
{
    if (file->fd < 0)
        return file->fd;
    const int fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

int stack_files_copy(StackFiles *files, int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -ENOEXEC;
    for (size_t i = 0; i < files->count; i++) {
        if (same_file(&files->files[i].st, &st))
            return borrow(&files->files[i]);
    }
    if (st.st_size > FILE_SIZE_MAX)
        return -EFBIG;
    const int copy = copy_file(fd, st.st_size);
    if (copy < 0)
        return copy;
    CopiedFile *place = &files->files[files->next];
    if (files->count < FILES_MAX)
        files->count++;
    else
        fd_close(&place->fd);
    *place = (CopiedFile){.st = st, .fd = copy};
    files->next = (files->next + 1) % FILES_MAX;
    return borrow(place);
}

/* ---- debug files ---------------------------------------------------------------------------- */

static void hex(const uint8_t *bytes, size_t length, Buffer *out)
{
    for (size_t i = 0; i < length; i++)
        (void)buffer_printf(out, "%02x", bytes[i]);
}

/* The file PATH of this machine. */
static int open_copy(StackFiles *files, const Buffer *path)
{
    /* A FIFO would keep who opens it waiting. */
    CLEANUP(fd_close)
    int fd = open(buffer_text(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    return fd < 0 ? -errno : stack_files_copy(files, fd);
}

/* Where debuginfod's client keeps what it fetched, debuginfod_find_debuginfo(3). */
static void cache_folder(Buffer *out)
{
    const char *folder = getenv("DEBUGINFOD_CACHE_PATH");
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");

    if (folder && *folder)
        (void)buffer_puts(out, folder);
    else if (cache && *cache)
        (void)buffer_printf(out, "%s/debuginfod_client", cache);
    else if (home)
        (void)buffer_printf(out, "%s/.cache/debuginfod_client", home);
}

int stack_files_debug(StackFiles *files, const uint8_t *build_id, size_t length)
{
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;

    if (length < 2 || length > 64)
        return -ENOENT;
    (void)buffer_puts(&path, "/usr/lib/debug/.build-id/");
    hex(build_id, 1, &path);
    (void)buffer_putc(&path, '/');
    hex(build_id + 1, length - 1, &path);
    (void)buffer_puts(&path, ".debug");
    const int fd = path.error ? path.error : open_copy(files, &path);
    if (fd >= 0)
        return fd;
    buffer_clear(&path);
    cache_folder(&path);
    if (path.length == 0)
        return -ENOENT;
    (void)buffer_putc(&path, '/');
    hex(build_id, length, &path);
    (void)buffer_puts(&path, "/debuginfo");
    return path.error ? path.error : open_copy(files, &path);
}
