/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own look-up (openat2 with O_PATH) does the work where it can: one call, and it
 * cannot be wrong about links, mounts or permissions. Where it would resolve for whittle instead of
 * for the tracee (/proc/self) or refuses (magic links), path_walk() goes step by step. The
 * canonical name is then what the kernel prints for the descriptor, less the tracee's root.
 */
#include "tracer/capture_paths.h"
#include "tracer/paths_private.h"
#include "tracer/served.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

Resolver *resolver_new(ProcessTable *table)
{
    Resolver *resolver = calloc(1, sizeof *resolver);

    if (!resolver)
        return NULL;
    resolver->table = table;
    resolver->slots[0].fd = -1;
    resolver->slots[1].fd = -1;
    (void)snprintf(resolver->own_proc, sizeof resolver->own_proc, "/proc/%d", getpid());
    return resolver;
}

Resolver *resolver_free(Resolver *resolver)
{
    MountType *mount;
    MountType *next;

    if (!resolver)
        return NULL;
    HASH_ITER (hh, resolver->mounts, mount, next) {
        HASH_DEL(resolver->mounts, mount);
        free(mount);
    }
    fd_close(&resolver->slots[0].fd);
    fd_close(&resolver->slots[1].fd);
    free(resolver);
    return NULL;
}

static const char *mount_type(Resolver *resolver, int fd, dev_t device)
{
    MountType *mount;
    struct statfs fs;

    HASH_FIND(hh, resolver->mounts, &device, sizeof device, mount);
    if (mount)
        return mount->name;
    if (fstatfs(fd, &fs) < 0)
        return "";
    mount = calloc(1, sizeof *mount);
    if (!mount)
        return "";
    mount->device = device;
    mount->name = filesystem_name((uint64_t)fs.f_type);
    HASH_ADD(hh, resolver->mounts, device, sizeof mount->device, mount);
    return mount->name;
}

/* The name the kernel prints for FD, into the slot. False where it prints none. */
static bool print_name(Slot *slot, int fd)
{
    char path[48];

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(path, slot->text, PATH_MAX);
    if (n <= 0 || n >= PATH_MAX)
        return false;
    slot->text[n] = '\0';
    return true;
}

/* Fills RESULT from the slot's descriptor. */
static void describe(Resolver *resolver, Process *process, const Root *root, Slot *slot,
                     PathResult *result)
{
    if (fstat(slot->fd, &result->st) == 0) {
        result->has_stat = true;
        result->mount = mount_type(resolver, slot->fd, result->st.st_dev);
    }
    if (!slot->named)
        return;
    if (!path_is_named(slot->text)) {
        result->is_path = false;
        result->text = slot->text;
        return;
    }
    if (result->has_stat)
        path_cut_deleted(slot->text, root->fd, &result->st, result->mount);
    /* Not from the process's root on, if that is another (chroot): LSMs name paths from the root of
     * the mount namespace. */
    if (strcmp(result->mount, "proc") == 0)
        path_hide_numbers(process, root->own, root->prefix, slot->text);
    result->text = slot->text;
}

static int kernel_lookup(int base, const char *raw, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | flags, .resolve = resolve};
    const long fd = syscall(SYS_openat2, base, raw, &how, sizeof how);

    return fd < 0 ? -errno : (int)fd;
}

/* It went through /proc/self: that is whittle's, and not what the tracee will get. */
static bool is_own_proc(const Resolver *resolver, const char *name)
{
    const size_t length = strlen(resolver->own_proc);

    return strncmp(name, resolver->own_proc, length) == 0 &&
           (name[length] == '\0' || name[length] == '/');
}

/* An O_PATH descriptor of what RAW names for the tracee, or a negative errno. */
static int lookup(const Resolver *resolver, const Tracee *tracee, const Root *root, Slot *slot,
                  int base, const char *raw, bool nofollow)
{
    const uint64_t flags = nofollow ? O_NOFOLLOW : 0u;

    if (root->own)
        slot->fd = kernel_lookup(base, raw, flags, RESOLVE_NO_MAGICLINKS);
    else if (raw[0] == '/')
        slot->fd = kernel_lookup(root->fd, raw, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    else
        slot->fd = -ENOSYS;
    slot->named = slot->fd >= 0 && print_name(slot, slot->fd);
    const bool again = slot->fd == -ELOOP || slot->fd == -EXDEV || slot->fd == -ENOSYS ||
                       slot->fd == -EPERM || (slot->named && is_own_proc(resolver, slot->text));
    if (!again)
        return slot->fd;
    fd_close(&slot->fd);
    CLEANUP(fd_close) int own = root->own ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    slot->fd = path_walk(tracee, root->own ? own : root->fd, base, raw, nofollow);
    slot->named = slot->fd >= 0 && print_name(slot, slot->fd);
    return slot->fd;
}

/* The folder exists: RESULT names LAST in it, whether that is there or not. */
static void describe_in_folder(Resolver *resolver, Process *process, const Root *root, Slot *slot,
                               const char *last, PathResult *result)
{
    PathResult folder = {.is_path = true, .mount = ""};

    describe(resolver, process, root, slot, &folder);
    result->has_parent = folder.has_stat;
    result->parent = folder.st;
    result->mount = folder.mount;
    if (folder.text && path_append(slot->text, last))
        result->text = slot->text;
    /* LAST may be a process or thread that is gone. */
    if (result->text && strcmp(folder.mount, "proc") == 0)
        path_hide_numbers(process, root->own, root->prefix, slot->text);
    if (fstatat(slot->fd, last, &result->st, AT_SYMLINK_NOFOLLOW) == 0) {
        result->has_stat = true;
        result->error = 0;
    } else {
        result->error = errno;
    }
    if (folder.has_stat && !S_ISDIR(folder.st.st_mode))
        result->error = ENOTDIR;
    /* Nothing can be made in a folder that was removed. */
    if (folder.has_stat && folder.st.st_nlink == 0)
        result->has_parent = false;
}

/*
 * RAW does not resolve. Its name is that of its deepest folder that does, with the rest behind it:
 * what the program asked for, in canonical form as far as there is one.
 */
static void describe_missing(Resolver *resolver, const Tracee *tracee, const Root *root, Slot *slot,
                             int base, const char *raw, PathResult *result)
{
    char folder[PATH_MAX];
    char upper[PATH_MAX];
    char last[NAME_MAX + 1];
    char tail[PATH_MAX] = "";
    bool first = true;

    (void)snprintf(folder, sizeof folder, "%s", raw);
    while (path_split_any(folder, upper, last, sizeof last)) {
        if (!path_prepend(tail, sizeof tail, last))
            return;
        if (lookup(resolver, tracee, root, slot, base, upper, false) >= 0) {
            const int error = result->error;
            path_simplify(tail);
            describe_in_folder(resolver, tracee->process, root, slot, tail, result);
            result->dangling =
                error == ENOENT && first && result->has_stat && S_ISLNK(result->st.st_mode);
            result->has_parent = result->has_parent && first;
            result->has_stat = false;
            result->error = error;
            return;
        }
        first = false;
        memcpy(folder, upper, sizeof folder);
    }
    /* Relative to a descriptor of what is no folder. */
    const int error = result->error;
    slot->fd = raw[0] != '/' && tail[0] != '\0' ? fcntl(base, F_DUPFD_CLOEXEC, 0) : -1;
    slot->named = slot->fd >= 0 && print_name(slot, slot->fd);
    if (slot->fd < 0)
        return;
    path_simplify(tail);
    describe_in_folder(resolver, tracee->process, root, slot, tail, result);
    result->has_parent = false;
    result->error = error;
}

/*
 * The kernel's look-up through /proc/self is in whittle's folder there, and may miss what the
 * tracee has (descriptors, threads). That shows in the deepest folder found, which lookup()
 * corrects.
 */
static bool found_in_proc(Resolver *resolver, const Tracee *tracee, const Root *root, Slot *slot,
                          int base, const char *raw, bool nofollow, PathResult *result)
{
    if (strcmp(result->mount, "proc") != 0)
        return false;
    CLEANUP(fd_close) int own = root->own ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    const int fd = path_walk(tracee, root->own ? own : root->fd, base, raw, nofollow);
    if (fd < 0)
        return false;
    fd_close(&slot->fd);
    slot->fd = fd;
    slot->named = print_name(slot, fd);
    *result = (PathResult){.is_path = true, .mount = ""};
    describe(resolver, tracee->process, root, slot, result);
    return true;
}

/*
 * RAW ends in a link to something that is not there. open(O_CREAT) would make that: so the name is
 * the target's. The slot's descriptor is the link's folder.
 */
static void describe_dangling(Resolver *resolver, const Tracee *tracee, const Root *root,
                              Slot *slot, const char *raw, PathResult *result)
{
    char upper[PATH_MAX];
    char last[NAME_MAX + 1];
    char target[PATH_MAX];

    (void)snprintf(target, sizeof target, "%s", raw);
    for (int links = 0; result->dangling && links < LINKS_MAX; links++) {
        if (!path_split(target, upper, last, sizeof last))
            return;
        CLEANUP(fd_close) int folder = fcntl(slot->fd, F_DUPFD_CLOEXEC, 0);
        const ssize_t n = readlinkat(folder, last, target, sizeof target - 1);
        if (n <= 0)
            return;
        target[n] = '\0';
        fd_close(&slot->fd);
        *result = (PathResult){.is_path = true, .mount = "", .error = ENOENT};
        const int base = target[0] != '/' ? folder : root->own ? AT_FDCWD : root->fd;
        describe_missing(resolver, tracee, root, slot, base, target, result);
    }
}

int path_start(const Tracee *tracee, const Root *root, int dirfd, const char *raw, int *owned)
{
    char path[64];

    if (raw[0] == '/')
        return root->own ? AT_FDCWD : root->fd;
    if (dirfd == AT_FDCWD)
        (void)snprintf(path, sizeof path, "/proc/%d/cwd", tracee->tid);
    else
        (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", tracee->tid, dirfd);
    *owned = open(path, O_PATH | O_CLOEXEC);
    return *owned < 0 ? (errno == ENOENT ? -EBADF : -errno) : *owned;
}

void resolver_expect_served(Resolver *resolver)
{
    resolver->expect_served = true;
}

bool resolver_expects_served(const Resolver *resolver)
{
    return resolver->expect_served;
}

void resolver_open_nothing(Resolver *resolver)
{
    resolver->open_nothing = true;
}

/* What RAW names is the workload's own to serve: RESULT has its name, and nobody was asked. */
static bool is_served(const Resolver *resolver, const Tracee *tracee, const Root *root, int dirfd,
                      const char *raw, bool nofollow, Slot *slot, PathResult *result)
{
    char name[PATH_MAX];

    if (!resolver->expect_served || !served_path(tracee, root, dirfd, raw, nofollow, name))
        return false;
    (void)snprintf(slot->text, sizeof slot->text, "%s%s", root->prefix, name);
    result->text = slot->text;
    result->mount = "fuse";
    result->served = true;
    return true;
}

void resolver_descriptor(Resolver *resolver, Tracee *tracee, int fd, unsigned slot_index,
                         PathResult *result)
{
    Slot *slot = &resolver->slots[slot_index];
    char path[64];

    *result = (PathResult){.is_path = true, .mount = ""};
    fd_close(&slot->fd);
    if (tracee->captured) {
        captured_resolve_descriptor(tracee, fd, slot, result);
        return;
    }
    const Root *root = process_root(resolver->table, tracee->process);
    if (!root) {
        result->error = EACCES;
        return;
    }
    if (is_served(resolver, tracee, root, fd, ".", false, slot, result))
        return;
    if (fd == AT_FDCWD)
        (void)snprintf(path, sizeof path, "/proc/%d/cwd", tracee->tid);
    else
        (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", tracee->tid, fd);
    slot->fd = open(path, O_PATH | O_CLOEXEC);
    if (slot->fd < 0) {
        result->error = errno == ENOENT ? EBADF : errno;
        return;
    }
    slot->named = print_name(slot, slot->fd);
    describe(resolver, tracee->process, root, slot, result);
}

static void resolve_in_parent(Resolver *resolver, const Tracee *tracee, const Root *root,
                              Slot *slot, int base, const char *raw, PathResult *result)
{
    char folder[PATH_MAX];
    char last[NAME_MAX + 1];

    if (!path_split(raw, folder, last, sizeof last)) {
        if (lookup(resolver, tracee, root, slot, base, raw, true) < 0)
            result->error = -slot->fd;
        else
            describe(resolver, tracee->process, root, slot, result);
        return;
    }
    if (lookup(resolver, tracee, root, slot, base, folder, false) >= 0) {
        describe_in_folder(resolver, tracee->process, root, slot, last, result);
        return;
    }
    result->error = -slot->fd;
    slot->fd = -1;
    describe_missing(resolver, tracee, root, slot, base, raw, result);
}

void resolver_look_up(Resolver *resolver, const Tracee *tracee, const Root *root, Slot *slot,
                      int base, const char *raw, PathFinal final, PathResult *result)
{
    const bool nofollow = final == PATH_FINAL_NOFOLLOW;

    if (final == PATH_FINAL_PARENT) {
        resolve_in_parent(resolver, tracee, root, slot, base, raw, result);
    } else if (lookup(resolver, tracee, root, slot, base, raw, nofollow) >= 0) {
        describe(resolver, tracee->process, root, slot, result);
    } else {
        result->error = -slot->fd;
        describe_missing(resolver, tracee, root, slot, base, raw, result);
        if (!found_in_proc(resolver, tracee, root, slot, base, raw, nofollow, result))
            describe_dangling(resolver, tracee, root, slot, raw, result);
    }
    if (slot->fd < 0)
        slot->fd = -1;
}

void resolver_look_up_below(Resolver *resolver, const Tracee *tracee, const Root *root, Slot *slot,
                            int folder, const char *raw, PathFinal final, PathResult *result)
{
    const Root below = {.fd = folder, .prefix = root->prefix};
    char path[PATH_MAX + 1];

    (void)snprintf(path, sizeof path, "/%s", raw);
    resolver_look_up(resolver, tracee, &below, slot, folder, path, final, result);
}

void resolver_resolve(Resolver *resolver, Tracee *tracee, const PathQuery *query,
                      unsigned slot_index, PathResult *result)
{
    Slot *slot = &resolver->slots[slot_index];
    CLEANUP(fd_close) int owned = -1;

    *result = (PathResult){.is_path = true, .mount = ""};
    fd_close(&slot->fd);
    if (tracee->captured) {
        captured_resolve(resolver, tracee, query, slot, result);
        return;
    }
    if (query->raw[0] == '\0' && query->empty_ok) {
        resolver_descriptor(resolver, tracee, query->dirfd, slot_index, result);
        return;
    }
    if (query->raw[0] == '\0') {
        result->error = ENOENT;
        return;
    }
    const Root *root = process_root(resolver->table, tracee->process);
    if (root && is_served(resolver, tracee, root, query->dirfd, query->raw,
                          query->final != PATH_FINAL_FOLLOW, slot, result))
        return;
    const int base = root ? path_start(tracee, root, query->dirfd, query->raw, &owned) : -EACCES;
    if (!root || (base < 0 && base != AT_FDCWD)) {
        result->error = -base;
        return;
    }
    if (query->in_root && owned >= 0)
        resolver_look_up_below(resolver, tracee, root, slot, owned, query->raw, query->final,
                               result);
    else
        resolver_look_up(resolver, tracee, root, slot, base, query->raw, query->final, result);
}

void resolver_mapping(Resolver *resolver, Tracee *tracee, uint64_t address, unsigned slot_index,
                      PathResult *result)
{
    Slot *slot = &resolver->slots[slot_index];
    char name[PATH_MAX];

    *result = (PathResult){.is_path = true, .mount = "", .error = ENOENT};
    fd_close(&slot->fd);
    if (tracee->captured) {
        captured_mapping(tracee, slot, result);
        return;
    }
    if (tracee_mapping(tracee, address, name, sizeof name) < 0)
        return;
    const Root *root = process_root(resolver->table, tracee->process);
    if (!root || !root_strip(root, name))
        return;
    resolver_resolve(
        resolver, tracee,
        &(PathQuery){.argument = -1, .dirfd = AT_FDCWD, .raw = name, .final = PATH_FINAL_FOLLOW},
        slot_index, result);
}

void resolver_release(Resolver *resolver)
{
    fd_close(&resolver->slots[0].fd);
    fd_close(&resolver->slots[1].fd);
}

int resolver_open(Resolver *resolver, unsigned slot_index)
{
    const Slot *slot = &resolver->slots[slot_index];
    struct stat st;
    char path[48];

    if (slot->fd < 0 || fstat(slot->fd, &st) < 0)
        return -EBADF;
    if (resolver->open_nothing)
        return -EBUSY;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", slot->fd);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd < 0 ? -errno : fd;
}
