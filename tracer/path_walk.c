/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/paths_private.h"

#include "base/io.h"
#include "base/memory.h"
#include "base/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { PROC_ROOT_INODE = 1 };

typedef struct Walk {
    const Tracee *tracee;
    int root;                    /* borrowed */
    int current;                 /* owned */
    unsigned links;              /* followed so far */
    char rest[2 * PATH_MAX + 2]; /* what is still to be walked */
} Walk;

/* Takes the first component off WALK->rest. False at the end. */
static bool next_component(Walk *walk, char *name, size_t size)
{
    char *start = walk->rest + strspn(walk->rest, "/");
    const size_t length = strcspn(start, "/");

    if (length == 0 || length >= size)
        return false;
    memcpy(name, start, length);
    name[length] = '\0';
    memmove(walk->rest, start + length, strlen(start + length) + 1);
    return true;
}

static bool at_end(const Walk *walk)
{
    return walk->rest[strspn(walk->rest, "/")] == '\0';
}

static void go(Walk *walk, int fd)
{
    fd_close(&walk->current);
    walk->current = fd;
}

static int go_root(Walk *walk)
{
    const int fd = fcntl(walk->root, F_DUPFD_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    go(walk, fd);
    return 0;
}

/* ".." stays at the tracee's root. */
static int go_up(Walk *walk)
{
    struct stat here;
    struct stat root;

    if (fstat(walk->current, &here) < 0 || fstat(walk->root, &root) < 0)
        return -errno;
    if (here.st_dev == root.st_dev && here.st_ino == root.st_ino)
        return 0;
    const int fd = openat(walk->current, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    go(walk, fd);
    return 0;
}

/* Puts TARGET before what is still to be walked. */
static int push_front(Walk *walk, const char *target)
{
    char joined[sizeof walk->rest];
    const int n = snprintf(joined, sizeof joined, "%s/%s", target, walk->rest);

    if (n < 0 || (size_t)n >= sizeof joined)
        return -ENAMETOOLONG;
    memcpy(walk->rest, joined, (size_t)n + 1);
    return target[0] == '/' ? go_root(walk) : 0;
}

/* The tracee's own number in the pid namespace of the procfs whose root is FOLDER. */
static pid_t number_in_procfs(const Walk *walk, int folder, pid_t own)
{
    char link[64];
    char status[4096];

    /* Where whittle can see itself, that procfs counts as whittle does. */
    if (readlinkat(folder, "self", link, sizeof link) > 0)
        return own;
    if (procfs_read_task(own, "status", status, sizeof status) < 0)
        return own;
    const pid_t inner = procfs_innermost(status, walk->tracee->tid == own ? "NSpid" : "NStgid");
    return inner > 0 ? inner : own;
}

/* A link on procfs called NAME in the current folder, whose descriptor is LINK (given up here). */
static int follow_procfs(Walk *walk, const char *name, int link)
{
    struct stat folder;
    char target[PATH_MAX];
    const pid_t pid = walk->tracee->process->pid;
    const pid_t tid = walk->tracee->tid;

    (void)close(link);
    if (fstat(walk->current, &folder) < 0)
        return -errno;
    if (folder.st_ino == PROC_ROOT_INODE) {
        if (strcmp(name, "self") == 0) {
            (void)snprintf(target, sizeof target, "%d", number_in_procfs(walk, walk->current, pid));
            return push_front(walk, target);
        }
        if (strcmp(name, "thread-self") == 0) {
            (void)snprintf(target, sizeof target, "%d/task/%d",
                           number_in_procfs(walk, walk->current, pid),
                           number_in_procfs(walk, walk->current, tid));
            return push_front(walk, target);
        }
        const ssize_t n = readlinkat(walk->current, name, target, sizeof target - 1);
        if (n < 0)
            return -errno;
        target[n] = '\0';
        return push_front(walk, target);
    }
    /* The others are magic: the kernel jumps to the object itself. */
    const int fd = openat(walk->current, name, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    go(walk, fd);
    return 0;
}

static int follow_link(Walk *walk, const char *name, int link)
{
    struct statfs fs;
    char target[PATH_MAX];

    if (++walk->links > LINKS_MAX) {
        (void)close(link);
        return -ELOOP;
    }
    if (fstatfs(link, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
        return follow_procfs(walk, name, link);
    const ssize_t n = readlinkat(link, "", target, sizeof target - 1);
    const int error = n < 0 ? -errno : 0;
    (void)close(link);
    if (error)
        return error;
    if (n == 0)
        return -ENOENT;
    target[n] = '\0';
    return push_front(walk, target);
}

static int step(Walk *walk, const char *name, bool follow)
{
    struct stat st;

    if (strcmp(name, ".") == 0)
        return 0;
    if (strcmp(name, "..") == 0)
        return go_up(walk);
    const int fd = openat(walk->current, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0) {
        const int error = -errno;
        (void)close(fd);
        return error;
    }
    if (S_ISLNK(st.st_mode) && follow)
        return follow_link(walk, name, fd);
    go(walk, fd);
    return 0;
}

int path_walk(const Tracee *tracee, int root, int base, const char *raw, bool nofollow)
{
    char name[NAME_MAX + 2];
    Walk walk = {.tracee = tracee, .root = root, .current = -1};

    if (strlen(raw) >= sizeof walk.rest)
        return -ENAMETOOLONG;
    memcpy(walk.rest, raw, strlen(raw) + 1);
    walk.current = fcntl(raw[0] == '/' ? root : base, F_DUPFD_CLOEXEC, 0);
    if (walk.current < 0)
        return -errno;
    int r = 0;
    while (r == 0 && next_component(&walk, name, sizeof name))
        r = step(&walk, name, !(nofollow && at_end(&walk) && walk.rest[0] != '/'));
    if (r == 0 && !at_end(&walk))
        r = -ENAMETOOLONG;
    if (r < 0) {
        fd_close(&walk.current);
        return r;
    }
    return walk.current;
}
