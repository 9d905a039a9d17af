/* SPDX-License-Identifier: Apache-2.0 */
/*
 * realpath() by readlink(), component by component, in the tracee's root. It stops asking where a
 * name is that of a mount which /proc/PID/mountinfo calls FUSE, or lies below. Reading a link asks
 * only the file system that holds it; mountinfo and the links of /proc/PID/fd ask none.
 */
#include "tracer/served.h"

#include "base/io.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { SERVED_LINKS_MAX = 40 /* the kernel's MAXSYMLINKS */, SERVED_MOUNTS_MAX = 64 };

typedef struct Served {
    const Tracee *tracee;
    const Root *root;
    char *points[SERVED_MOUNTS_MAX]; /* where FUSE is mounted, in the tracee's root */
    size_t count;
    char done[PATH_MAX]; /* canonical so far; "" for "/" */
    char rest[2 * PATH_MAX + 2];
} Served;

bool served_type(const char *fstype)
{
    return strcmp(fstype, "fuse") == 0 || strncmp(fstype, "fuse.", 5) == 0 ||
           strncmp(fstype, "fuseblk", 7) == 0;
}

int served_stat(int dirfd, const char *path, int flags, struct stat *ret)
{
    struct statx got;

    /* Nothing that must be fetched is asked for, and so nothing is fetched. */
    if (statx(dirfd, path, flags | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, 0, &got) < 0)
        return -errno;
    *ret = (struct stat){
        .st_dev = makedev(got.stx_dev_major, got.stx_dev_minor),
        .st_ino = got.stx_ino,
        .st_mode = got.stx_mode,
        .st_nlink = got.stx_nlink,
        .st_uid = got.stx_uid,
        .st_gid = got.stx_gid,
        .st_rdev = makedev(got.stx_rdev_major, got.stx_rdev_minor),
        .st_size = (off_t)got.stx_size,
    };
    return 0;
}

void served_by(pid_t pid, bool *ret_file_system, bool *ret_permissions)
{
    char path[64];
    char name[64];
    const struct dirent *entry;

    *ret_file_system = false;
    *ret_permissions = false;
    (void)snprintf(path, sizeof path, "/proc/%d/fd", pid);
    CLEANUP(folder_close) DIR *folder = opendir(path);
    while (folder && (entry = readdir(folder)) != NULL) {
        const ssize_t n = readlinkat(dirfd(folder), entry->d_name, name, sizeof name - 1);
        if (n <= 0)
            continue;
        name[n] = '\0';
        *ret_file_system = *ret_file_system || strcmp(name, "/dev/fuse") == 0;
        *ret_permissions = *ret_permissions || strcmp(name, "anon_inode:[fanotify]") == 0;
    }
}

/* "\040" and the like, proc_pid_mountinfo(5), in place. */
static void unescape(char *text)
{
    char *out = text;

    for (const char *in = text; *in; in++) {
        if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] >= '0' && in[2] <= '7' &&
            in[3] >= '0' && in[3] <= '7') {
            *out++ = (char)((in[1] - '0') * 64 + (in[2] - '0') * 8 + (in[3] - '0'));
            in += 3;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
}

/* "36 35 98:0 /root /point options [tags] - type source options" */
static void take_mount(Served *served, char *line)
{
    char *point = line;
    char *end = NULL;
    char type[32];

    for (int field = 0; field < 4 && point; field++) {
        point = strchr(point, ' ');
        point = point ? point + 1 : NULL;
    }
    end = point ? strchr(point, ' ') : NULL;
    const char *dash = end ? strstr(end, " - ") : NULL;
    if (!dash || sscanf(dash + 3, "%31s", type) != 1 || !served_type(type) ||
        served->count == SERVED_MOUNTS_MAX)
        return;
    *end = '\0';
    unescape(point);
    served->points[served->count] = strdup(strcmp(point, "/") == 0 ? "" : point);
    if (served->points[served->count])
        served->count++;
}

static void read_mounts(Served *served)
{
    CLEANUP(free_pointer) char *line = NULL;
    size_t size = 0;
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%d/mountinfo", served->tracee->tid);
    CLEANUP(file_close) FILE *mounts = fopen(path, "re");
    while (mounts && getline(&line, &size, mounts) > 0)
        take_mount(served, line);
}

static void served_deinit(Served *served)
{
    for (size_t i = 0; i < served->count; i++)
        free(served->points[i]);
}

/* What is done so far is on a served file system. */
static bool is_served(const Served *served)
{
    for (size_t i = 0; i < served->count; i++) {
        const size_t length = strlen(served->points[i]);
        if (strncmp(served->done, served->points[i], length) == 0 &&
            (served->done[length] == '\0' || served->done[length] == '/'))
            return true;
    }
    return false;
}

/* Puts TARGET before what is still to be walked. */
static bool push_front(Served *served, const char *target)
{
    CLEANUP(free_pointer) char *rest = strdup(served->rest);
    const int n = rest ? snprintf(served->rest, sizeof served->rest, "%s/%s", target, rest) : -1;

    if (target[0] == '/')
        served->done[0] = '\0';
    return n >= 0 && (size_t)n < sizeof served->rest;
}

/* A link below /proc that would be whittle's own if whittle read it. */
static bool own_link(const Served *served, char *target, size_t size)
{
    const int pid = served->tracee->process->pid;

    if (strcmp(served->done, "/proc/self") == 0)
        return snprintf(target, size, "%d", pid) > 0;
    if (strcmp(served->done, "/proc/thread-self") == 0)
        return snprintf(target, size, "%d/task/%d", pid, served->tracee->tid) > 0;
    return false;
}

/* Where the link leads that `done` names: true, and TARGET. */
static bool read_link(const Served *served, char *target, size_t size)
{
    char path[PATH_MAX + 64];
    const int n = served->root->own ? snprintf(path, sizeof path, "%s", served->done)
                                    : snprintf(path, sizeof path, "/proc/%d/root%s",
                                               served->tracee->process->pid, served->done);

    if (own_link(served, target, size))
        return true;
    if (n < 0 || (size_t)n >= sizeof path)
        return false;
    const ssize_t length = readlink(path, target, size - 1);
    if (length <= 0)
        return false;
    target[length] = '\0';
    /* Magic links are in whittle's view, and may name what is no file. */
    if (strncmp(served->done, "/proc/", 6) == 0 && target[0] == '/')
        (void)root_strip(served->root, target);
    return true;
}

static void go_up(Served *served)
{
    char *slash = strrchr(served->done, '/');

    if (slash)
        *slash = '\0';
}

/* False where there is nothing more to walk, or no room for it. */
static bool step(Served *served, bool nofollow, unsigned *links)
{
    char target[PATH_MAX];
    char *start = served->rest + strspn(served->rest, "/");
    const size_t length = strcspn(start, "/");
    const size_t have = strlen(served->done);
    const bool last = start[length] == '\0';

    if (length == 0 || have + length + 2 > sizeof served->done)
        return false;
    const bool up = length == 2 && memcmp(start, "..", 2) == 0;
    const bool here = length == 1 && start[0] == '.';
    if (!up && !here) {
        served->done[have] = '/';
        memcpy(served->done + have + 1, start, length);
        served->done[have + 1 + length] = '\0';
    }
    memmove(served->rest, start + length, strlen(start + length) + 1);
    if (up)
        go_up(served);
    if (up || here || is_served(served) || (last && nofollow) ||
        !read_link(served, target, sizeof target))
        return true;
    go_up(served);
    return ++*links <= SERVED_LINKS_MAX && push_front(served, target);
}

/* The text that a relative path starts from. */
static bool start_text(const Served *served, int dirfd, char *text)
{
    char path[64];

    if (dirfd == AT_FDCWD)
        (void)snprintf(path, sizeof path, "/proc/%d/cwd", served->tracee->tid);
    else
        (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", served->tracee->tid, dirfd);
    const ssize_t n = readlink(path, text, PATH_MAX - 1);
    if (n <= 0)
        return false;
    text[n] = '\0';
    return text[0] == '/' && root_strip(served->root, text);
}

bool served_path(const Tracee *tracee, const Root *root, int dirfd, const char *raw, bool nofollow,
                 char *out)
{
    CLEANUP(served_deinit) Served served = {.tracee = tracee, .root = root};
    unsigned links = 0;

    if (strlen(raw) >= PATH_MAX)
        return false;
    read_mounts(&served);
    if (served.count == 0)
        return false;
    if (raw[0] != '/' && !start_text(&served, dirfd, served.done))
        return false;
    if (strcmp(served.done, "/") == 0)
        served.done[0] = '\0';
    memcpy(served.rest, raw, strlen(raw) + 1);
    /* The start may be a served folder already; going up may leave it. */
    while (step(&served, nofollow, &links))
        ;
    if (served.rest[strspn(served.rest, "/")] != '\0' || !is_served(&served))
        return false;
    (void)snprintf(out, PATH_MAX, "%s", served.done[0] ? served.done : "/");
    return true;
}
