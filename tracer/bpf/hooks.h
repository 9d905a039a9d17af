/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs that run within the kernel's own look-up of paths (led.h), where it lets them. For calls
 * that name a path and return no descriptor; what an open() led to, its descriptor tells.
 *
 * A path to something that is there goes through filename_lookup(), which knows the string that it
 * was called for. What is made, removed or renamed is told to security modules, by the folder and
 * the name in it, before it is done. What fails before is not seen here.
 *
 * Unlike the programs at tracepoints these may be preempted, so that what belongs to the CPU is
 * none of theirs.
 */
#pragma once

#include "calls.h"
#include "led.h"

enum { PF_IO_WORKER = 0x10 }; /* linux/sched.h: a thread that does what io_uring was asked for */
enum { STACKED_MAX = 4 };     /* mounts on the very same folder that are followed */

/* For SCALAR() and what is to be noted; NULL if nothing is. */
static __always_inline struct leads *leads_of_call(void)
{
    struct task_struct *task = bpf_get_current_task_btf();
    const struct task_state *state = state_of(task);
    u32 abi;

    if (!state || state->flags & (TASK_LAUNCHING | TASK_MARK) || task->flags & PF_IO_WORKER)
        return NULL;
    const s64 nr = call_number(task, (const struct pt_regs *)bpf_task_pt_regs(task), &abi);
    const struct call_rule *rule = rule_of(abi, nr);
    if (!rule || !(rule->flags & RULE_LEADS))
        return NULL;
    return bpf_task_storage_get(&leads, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

static long folder_step(u32 index, struct walk *walk)
{
    return walk_hash(walk);
}

static __always_inline void note_inode(struct led *led, u64 inode, u64 vfsmount)
{
    const u64 super = (u64)FIELD(struct vfsmount, vfsmount, mnt_sb);

    led->device = FIELD(struct super_block, super, s_dev);
    led->magic = FIELD(struct super_block, super, s_magic);
    led->inode = inode ? FIELD(struct inode, inode, i_ino) : 0;
    led->mode = inode ? FIELD(struct inode, inode, i_mode) : 0;
    led->uid = inode ? FIELD(struct inode, inode, i_uid.val) : 0;
    led->gid = inode ? FIELD(struct inode, inode, i_gid.val) : 0;
    led->links = inode ? FIELD(struct inode, inode, i_nlink) : 0;
}

/* A dentry in a mount. */
struct spot {
    u64 dentry, mount;
};

static __always_inline bool is_top(const struct spot *spot)
{
    return (spot->dentry == own_root_dentry && spot->mount == own_root_mount) ||
           spot->dentry == (u64)FIELD(struct mount, spot->mount, mnt.mnt_root);
}

/* The root of a mount is named by what it is mounted on, which stays if it is unmounted. */
static __always_inline struct spot named_spot(u64 dentry, u64 mount)
{
    struct spot spot = {.dentry = dentry, .mount = mount};

    for (u32 i = 0; i < STACKED_MAX && is_top(&spot); i++) {
        const u64 up = (u64)FIELD(struct mount, spot.mount, mnt_parent);
        if (up == spot.mount || up == 0 || spot.dentry == own_root_dentry)
            break;
        spot.dentry = (u64)FIELD(struct mount, spot.mount, mnt_mountpoint);
        spot.mount = up;
    }
    return spot;
}

/* DENTRY in VFSMOUNT is what place WHICH is. */
__noinline int note_place(u32 which, u64 address, u64 dentry, u64 vfsmount)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct task_state *state = state_of(task);
    struct leads *places = bpf_task_storage_get(&leads, task, NULL, 0);

    if (!state || !places || is_kernel_mount(mount_of(vfsmount)))
        return 0;
    which = BOUND(which, LED_PLACES - 1);
    struct led *led = &places->places[which];
    const struct spot spot = named_spot(dentry, mount_of(vfsmount));
    const bool top = is_top(&spot);
    const u64 hash_len = top ? 0 : FIELD(struct dentry, spot.dentry, d_name.hash_len);
    const u32 length = BOUND(hash_len >> 32, NAME_BYTES - 1);

    led->address = address;
    led->dentry = top ? spot.dentry : (u64)FIELD(struct dentry, spot.dentry, d_parent);
    led->mount = spot.mount;
    led->name_length = length;
    if (length > 0)
        bpf_probe_read_kernel(led->name, length, FIELD(struct dentry, spot.dentry, d_name.name));
    note_inode(led, (u64)FIELD(struct dentry, dentry, d_inode), vfsmount);
    struct walk walk = {.dentry = led->dentry, .mount = led->mount};
    bpf_loop(DEPTH_MAX, folder_step, &walk, 0);
    led->folder = walk.hash;
    led->identity = mix(led->folder, hash_len);
    state->led |= 1u << which;
    return 0;
}

/* DENTRY is a name in FOLDER: path number ORDER of the call. */
static __always_inline int note_name(u32 order, const struct path *folder,
                                     const struct dentry *dentry)
{
    struct leads *places = leads_of_call();

    if (!places)
        return 0;
    const u64 vfsmount = NUMBER(struct path, folder, mnt);
    const u64 name = SCALAR(places, dentry);
    return note_place(order, 0, name, vfsmount);
}

SEC("fexit/filename_lookup")
int BPF_PROG(on_look_up, int dirfd, struct filename *name, unsigned int flags, struct path *path,
             struct path *root, int result)
{
    if (result < 0)
        return 0;
    struct leads *places = leads_of_call();
    if (!places)
        return 0;
    const u64 address = NUMBER(struct filename, name, uptr);
    if (address == 0)
        return 0; /* the kernel's own */
    const u64 dentry = NUMBER(struct path, path, dentry);
    const u64 vfsmount = NUMBER(struct path, path, mnt);
    const u32 which = LED_BY_ORDER + (places->strings++ & (LED_PLACES - LED_BY_ORDER - 1));
    return note_place(which, address, dentry, vfsmount);
}

SEC("fentry/security_path_mkdir")
int BPF_PROG(on_mkdir, const struct path *folder, struct dentry *dentry)
{
    return note_name(0, folder, dentry);
}

SEC("fentry/security_path_rmdir")
int BPF_PROG(on_rmdir, const struct path *folder, struct dentry *dentry)
{
    return note_name(0, folder, dentry);
}

SEC("fentry/security_path_unlink")
int BPF_PROG(on_unlink, const struct path *folder, struct dentry *dentry)
{
    return note_name(0, folder, dentry);
}

SEC("fentry/security_path_symlink")
int BPF_PROG(on_symlink, const struct path *folder, struct dentry *dentry)
{
    return note_name(0, folder, dentry);
}

SEC("fentry/security_path_mknod")
int BPF_PROG(on_mknod, const struct path *folder, struct dentry *dentry)
{
    return note_name(0, folder, dentry);
}

SEC("fentry/security_path_link")
int BPF_PROG(on_link, struct dentry *old, const struct path *folder, struct dentry *dentry)
{
    return note_name(1, folder, dentry);
}

SEC("fentry/security_path_rename")
int BPF_PROG(on_rename, const struct path *old_folder, struct dentry *old,
             const struct path *folder, struct dentry *dentry)
{
    note_name(0, old_folder, old);
    return note_name(1, folder, dentry);
}
