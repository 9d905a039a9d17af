/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Paths, from the kernel's own dentries and mounts, up to the root of the mount namespace as
 * d_path() would go. Twice: to a hash, which tells two paths apart and costs little, and to text,
 * only for what is new.
 *
 * The hash covers each component's dentry and the hash that the kernel keeps of its name (salted
 * by its parent), and each mount: a dentry that is renamed, or whose memory is used for another
 * file later, gives another hash. The same path may have several in the course of time; the
 * recorder then sees it again, and counts it as the same.
 */
#pragma once

#include "maps.h"

enum { DEPTH_MAX = 4096 };

static __always_inline u64 mount_of(u64 vfsmount)
{
    return vfsmount - bpf_core_field_offset(struct mount, mnt);
}

/* One step up. True if that was a component, *COMPONENT, else a mount was crossed or the top is
 * reached. */
static __always_inline bool walk_up(struct walk *walk, u64 *component)
{
    const u64 dentry = walk->dentry;
    const u64 mount = walk->mount;

    if (dentry == own_root_dentry && mount == own_root_mount) {
        walk->done = 1;
        return false;
    }
    if (dentry == NUMBER(struct mount, mount, mnt.mnt_root)) {
        const u64 up = NUMBER(struct mount, mount, mnt_parent);
        if (up == mount || up == 0) {
            walk->done = 1;
            return false;
        }
        walk->dentry = NUMBER(struct mount, mount, mnt_mountpoint);
        walk->mount = up;
        return false;
    }
    const u64 up = NUMBER(struct dentry, dentry, d_parent);
    if (up == dentry || up == 0) { /* root of a file system that is mounted nowhere */
        walk->done = 1;
        return false;
    }
    *component = dentry;
    walk->dentry = up;
    return true;
}

/* One step of a hash; true if it was the last one. */
static __always_inline bool walk_hash(struct walk *walk)
{
    u64 component;

    if (walk_up(walk, &component)) {
        walk->hash = mix(walk->hash, component);
        walk->hash = mix(walk->hash, FIELD(struct dentry, component, d_name.hash_len));
        walk->depth++;
    } else {
        walk->hash = mix(walk->hash, walk->mount);
    }
    return walk->done != 0;
}

static long hash_step(u32 index, void *unused)
{
    struct scratch *scratch = scratch_get();

    return scratch ? walk_hash(&scratch->walk) : 1;
}

/* So many steps are made without asking for each if there may be another one. */
enum { STEPS_QUICK = 8 };

/* Fills identity and depth of the scratch's place from its dentry and mount. */
static __always_inline void place_hash(struct scratch *scratch)
{
    struct walk walk = {.dentry = scratch->place.dentry, .mount = scratch->place.mount};

#pragma unroll
    for (u32 i = 0; i < STEPS_QUICK; i++) {
        if (walk_hash(&walk))
            break;
    }
    if (!walk.done) {
        scratch->walk = walk;
        bpf_loop(DEPTH_MAX, hash_step, NULL, 0);
        walk = scratch->walk;
    }
    scratch->place.identity = walk.hash;
    scratch->place.depth = walk.depth;
}

static long text_step(u32 index, void *unused)
{
    struct scratch *scratch = scratch_get();

    if (!scratch)
        return 1;
    struct walk *walk = &scratch->walk;
    u64 component;
    if (walk_up(walk, &component)) {
        const u64 hash_len = FIELD(struct dentry, component, d_name.hash_len);
        const unsigned char *name = FIELD(struct dentry, component, d_name.name);
        const u32 length = (u32)(hash_len >> 32) & (NAME_BYTES - 1);
        const u32 before = scratch->path_at - length - 1;
        if (before >= PATH_BYTES - 1) { /* below 0 */
            scratch->place.flags |= FILE_CUT;
            return 1;
        }
        const u32 at = BOUND(before, PATH_BYTES - 1);
        scratch->path[at] = '/';
        bpf_probe_read_kernel(&scratch->path[at + 1], length, name);
        scratch->path_at = at;
    }
    return walk->done != 0;
}

static __always_inline void text_begin(struct scratch *scratch)
{
    scratch->path[PATH_BYTES - 1] = 0;
    scratch->path_at = PATH_BYTES - 1;
}

/* The text of the place before what stands in scratch->path already. */
static __always_inline void text_finish(struct scratch *scratch)
{
    scratch->walk = (struct walk){.dentry = scratch->place.dentry, .mount = scratch->place.mount};
    bpf_loop(DEPTH_MAX, text_step, NULL, 0);
    if (scratch->path_at == PATH_BYTES - 1) {
        scratch->path_at = PATH_BYTES - 2;
        scratch->path[PATH_BYTES - 2] = '/';
    }
}

/* The text of the place into scratch->path, from scratch->path_at to the NUL at PATH_BYTES - 1. */
__noinline int place_text(void)
{
    struct scratch *scratch = scratch_get();

    if (!scratch)
        return 0;
    text_begin(scratch);
    text_finish(scratch);
    return 0;
}

/* ---- places ---------------------------------------------------------------------------------- */

static __always_inline void place_clear(struct scratch *scratch)
{
    __builtin_memset(&scratch->place, 0, sizeof scratch->place);
}

/* The kernel's own mounts (pipes, sockets, memfds) have an error value for a namespace. */
static __always_inline bool is_kernel_mount(u64 mount)
{
    return NUMBER(struct mount, mount, mnt_ns) >= (u64)-4095;
}

static __always_inline u32 own_mount_namespace(const struct task_struct *task)
{
    const struct nsproxy *namespaces = plain(task)->nsproxy;

    return namespaces ? namespaces->mnt_ns->ns.inum : 0;
}

/* Paths end at the recorder's root: its own, where it was started under chroot. TASK has the same.
 */
static __always_inline void set_own_root(const struct task_struct *task)
{
    const struct fs_struct *folders = plain(task)->fs;

    if (!folders)
        return;
    own_root_dentry = NUMBER(struct fs_struct, folders, root.dentry);
    own_root_mount = mount_of(NUMBER(struct fs_struct, folders, root.mnt));
}

static __always_inline void place_fill(struct scratch *scratch, u64 dentry, u64 vfsmount)
{
    struct place *place = &scratch->place;

    place->dentry = dentry;
    place->mount = mount_of(vfsmount);
    place->inode = NUMBER(struct dentry, dentry, d_inode);
    place_hash(scratch);
    /* Unhashed and not a root: removed from its folder. */
    if (NUMBER(struct dentry, dentry, d_hash.pprev) == 0 &&
        NUMBER(struct dentry, dentry, d_parent) != dentry) {
        place->flags |= FILE_DELETED;
        place->identity = mix(place->identity, 1);
    }
}

/* A folder or file by dentry and vfsmount. */
__noinline int place_of_path(struct scratch *scratch, u64 dentry, u64 vfsmount)
{
    if (scratch && dentry && vfsmount)
        place_fill(scratch, dentry, vfsmount);
    return 0;
}

enum {
    S_IFMT = 0170000,
    S_IFSOCK = 0140000,
    AF_INET = 2,
    AF_INET6 = 10,
    SOCK_STREAM = 1,
    SOCK_DGRAM = 2
};
enum { FMODE_CREATED = 0x100000 };

static __always_inline void place_of_socket(struct place *place)
{
    const u64 socket = NUMBER(struct file, place->file, private_data);
    const u64 sock = socket ? NUMBER(struct socket, socket, sk) : 0;

    place->flags |= FILE_SOCKET;
    place->identity = 2;
    if (!sock)
        return;
    place->sock = sock;
    place->family = FIELD(struct sock, sock, __sk_common.skc_family);
    place->type = (u16)FIELD(struct socket, socket, type);
    place->protocol = FIELD(struct sock, sock, sk_protocol);
    place->identity = mix(mix(place->family, place->type), place->protocol);
}

/* What is mapped of an overlay is a file of the layer below, opened through a mount of the kernel's
 * own, though its file system is nobody's but the user's. It remembers by which path that was asked
 * for; before 6.8 that was its own. The bit in f_mode that says so is another one since 6.14. */
static __always_inline bool is_backing_file(u64 vfsmount)
{
    enum { SB_KERNMOUNT = 1 << 22 };

    if (!bpf_core_field_exists(struct backing_file, user_path))
        return false;
    const u64 super = NUMBER(struct vfsmount, vfsmount, mnt_sb);
    return !(FIELD(struct super_block, super, s_flags) & SB_KERNMOUNT);
}

/* What FILE refers to. */
__noinline int place_of_file(struct scratch *scratch, u64 file)
{
    if (!scratch)
        return 0;
    struct place *place = &scratch->place;
    place_clear(scratch);
    if (!file) {
        place->flags = FILE_NONE;
        return 0;
    }
    place->file = file;
    u64 dentry = NUMBER(struct file, file, f_path.dentry);
    u64 vfsmount = NUMBER(struct file, file, f_path.mnt);
    place->open_flags = FIELD(struct file, file, f_flags);
    if (!dentry || !vfsmount) {
        place->flags = FILE_NONE;
        return 0;
    }
    if (is_kernel_mount(mount_of(vfsmount)) && is_backing_file(vfsmount)) {
        dentry = NUMBER(struct backing_file, file, user_path.dentry);
        vfsmount = NUMBER(struct backing_file, file, user_path.mnt);
        if (!dentry || !vfsmount) {
            place->flags = FILE_NONE;
            return 0;
        }
    }
    if (is_kernel_mount(mount_of(vfsmount))) {
        place->dentry = dentry;
        place->mount = mount_of(vfsmount);
        place->inode = NUMBER(struct file, file, f_inode);
        place->flags = FILE_NAMELESS;
        const u64 super = NUMBER(struct vfsmount, vfsmount, mnt_sb);
        place->identity = FIELD(struct super_block, super, s_magic);
        if ((FIELD(struct inode, place->inode, i_mode) & S_IFMT) == S_IFSOCK)
            place_of_socket(place);
        return 0;
    }
    place_fill(scratch, dentry, vfsmount);
    if (FIELD(struct file, file, f_mode) & FMODE_CREATED) {
        place->flags |= FILE_CREATED;
        place->identity = mix(place->identity, 4);
    }
    return 0;
}

/* What descriptor FD of the current task refers to. */
static __always_inline int place_of_descriptor(struct scratch *scratch, s32 fd)
{
    const struct task_struct *task = plain(bpf_get_current_task_btf());
    u64 file = 0;

    if (fd >= 0 && task->files) {
        const struct fdtable *table = task->files->fdt;
        if ((u32)fd < table->max_fds)
            file = WORD(table->fd + (u32)fd);
    }
    return place_of_file(scratch, file);
}

/* The folder that a path argument starts from: DIRFD, or the working folder. */
enum { AT_FDCWD = -100 };
__noinline int place_of_folder(struct scratch *scratch, s32 dirfd)
{
    const struct task_struct *task = plain(bpf_get_current_task_btf());

    if (!scratch)
        return 0;
    if (dirfd != AT_FDCWD)
        return place_of_descriptor(scratch, dirfd);
    place_clear(scratch);
    if (!task->fs) {
        scratch->place.flags = FILE_NONE;
        return 0;
    }
    const u64 dentry = NUMBER(struct fs_struct, task->fs, pwd.dentry);
    const u64 vfsmount = NUMBER(struct fs_struct, task->fs, pwd.mnt);
    return place_of_path(scratch, dentry, vfsmount);
}
