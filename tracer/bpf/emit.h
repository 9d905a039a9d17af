/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Putting an event together in the scratch memory; deliver.h sends it. */
#pragma once

#include "walk.h"

/* ---- blobs ----------------------------------------------------------------------------------- */

/* Where the next blob goes; NULL if there is no room (the event is then marked cut). The bytes
 * behind it, BLOB_ROOM with the header, are the scratch's. */
static __always_inline struct blob *blob_start(struct scratch *scratch, u8 kind, s32 number,
                                               u64 address)
{
    const u32 at = scratch->used;

    if (at > EVENT_SIZE_MAX - BLOB_ROOM) {
        ((struct event *)scratch->event)->flags |= EVENT_CUT;
        return NULL;
    }
    struct blob *blob = (struct blob *)&scratch->event[at];
    blob->size = sizeof *blob;
    blob->kind = kind;
    blob->flags = 0;
    blob->number = number;
    blob->address = address;
    return blob;
}

static __always_inline void blob_end(struct scratch *scratch, struct blob *blob, u32 bytes)
{
    const u32 size = sizeof *blob + bytes;

    blob->size = (u16)size;
    scratch->used += (size + 7) & ~7u;
}

/* Bytes of the current task's memory. */
__noinline int blob_memory(u8 kind, s32 number, u64 address, u32 length)
{
    struct scratch *scratch = scratch_get();

    if (!scratch)
        return 0;
    struct blob *blob = blob_start(scratch, kind, number, address);
    if (!blob)
        return 0;
    if (length > 512)
        length = 512;
    if (bpf_probe_read_user(blob + 1, length, (const void *)address) < 0) {
        blob->flags = BLOB_UNREADABLE;
        length = 0;
    }
    blob_end(scratch, blob, length);
    return 0;
}

/* A string that stands in scratch->strings[SLOT & 1]. */
__noinline int blob_string(u8 kind, s32 number, u64 address, u32 slot)
{
    struct scratch *scratch = scratch_get();

    if (!scratch)
        return 0;
    struct blob *blob = blob_start(scratch, kind, number, address);
    if (!blob)
        return 0;
    u32 length = scratch->string_length[slot & 1];
    if (length == 0)
        blob->flags = BLOB_UNREADABLE;
    if (length > PATH_BYTES)
        length = PATH_BYTES;
    bpf_probe_read_kernel(blob + 1, length, scratch->strings[slot & 1]);
    blob_end(scratch, blob, length);
    return 0;
}

/* Return addresses of the kernel, SIZE bytes in scratch->frames. */
__noinline int blob_frames(u32 size)
{
    struct scratch *scratch = scratch_get();

    if (!scratch)
        return 0;
    struct blob *blob = blob_start(scratch, BLOB_STACK, 0, 0);
    if (!blob)
        return 0;
    if (size > sizeof scratch->frames)
        size = sizeof scratch->frames;
    bpf_probe_read_kernel(blob + 1, size, scratch->frames);
    blob_end(scratch, blob, size);
    return 0;
}

/* A string of the kernel. */
__noinline int blob_kernel_string(u8 kind, s32 number, u64 address)
{
    struct scratch *scratch = scratch_get();

    if (!scratch)
        return 0;
    struct blob *blob = blob_start(scratch, kind, number, address);
    if (!blob)
        return 0;
    const long length = bpf_probe_read_kernel_str(blob + 1, PATH_BYTES, (const void *)address);
    if (length < 0)
        blob->flags = BLOB_UNREADABLE;
    blob_end(scratch, blob, length < 0 ? 0 : (u32)length & (2 * PATH_BYTES - 1));
    return 0;
}

/* Ends a blob that describes a file by its path, LENGTH bytes from scratch->path_at on. */
static __always_inline void blob_end_text(struct scratch *scratch, struct blob *blob, u32 length)
{
    struct file_blob *file = (struct file_blob *)(blob + 1);

    if (length >= PATH_BYTES)
        length = PATH_BYTES - 1;
    u32 from = scratch->path_at;
    if (from >= PATH_BYTES)
        from = PATH_BYTES - 1;
    file->text_length = (u16)length;
    bpf_probe_read_kernel(file + 1, length, &scratch->path[from]);
    ((u8 *)(file + 1))[length] = 0;
    blob_end(scratch, blob, sizeof *file + length + 1);
}

/* The scratch's place. */
__noinline int blob_place(u8 kind, s32 number)
{
    struct scratch *scratch = scratch_get();

    if (!scratch)
        return 0;
    struct place *place = &scratch->place;
    u32 length = 0;
    if (place->dentry) {
        if (place->flags & FILE_NAMELESS) {
            const unsigned char *name = FIELD(struct dentry, place->dentry, d_name.name);
            const long n = bpf_probe_read_kernel_str(scratch->path, NAME_BYTES, name);
            scratch->path_at = 0;
            length = n > 0 ? (u32)n - 1 : 0;
        } else {
            place_text();
            length = PATH_BYTES - 1 - scratch->path_at;
        }
    }
    struct blob *blob = blob_start(scratch, kind, number, 0);
    if (!blob)
        return 0;
    struct file_blob *file = (struct file_blob *)(blob + 1);
    __builtin_memset(file, 0, sizeof *file);
    file->identity = place->identity;
    file->flags = place->flags;
    file->open_flags = place->open_flags;
    file->family = place->family;
    file->type = place->type;
    file->protocol = place->protocol;
    if (place->inode) {
        const u64 inode = place->inode;
        file->inode = FIELD(struct inode, inode, i_ino);
        file->mode = FIELD(struct inode, inode, i_mode);
        file->uid = FIELD(struct inode, inode, i_uid.val);
        file->gid = FIELD(struct inode, inode, i_gid.val);
        file->links = FIELD(struct inode, inode, i_nlink);
    }
    if (place->mount) {
        const u64 super = (u64)FIELD(struct mount, place->mount, mnt.mnt_sb);
        file->device = FIELD(struct super_block, super, s_dev);
        file->magic = FIELD(struct super_block, super, s_magic);
    }
    if (place->sock && (place->family == AF_INET || place->family == AF_INET6)) {
        const u64 sock = place->sock;
        file->peer_port = __builtin_bswap16(FIELD(struct sock, sock, __sk_common.skc_dport));
        if (place->family == AF_INET) {
            const u32 peer = FIELD(struct sock, sock, __sk_common.skc_daddr);
            __builtin_memcpy(file->peer_address, &peer, sizeof peer);
        } else {
            bpf_core_read(file->peer_address, sizeof file->peer_address,
                          &((struct sock *)sock)->__sk_common.skc_v6_daddr);
        }
    }
    blob_end_text(scratch, blob, length);
    return 0;
}

/* ---- the fixed part -------------------------------------------------------------------------- */

static __always_inline u64 capability_bits(const struct kernel_cap *cap)
{
    u64 bits = 0;

    bpf_core_read(&bits, sizeof bits, cap);
    return bits;
}

static __always_inline u32 innermost_number(const struct task_struct *task)
{
    const struct pid *pid = plain(task)->thread_pid;

    return pid ? number_at((u64)pid, pid->level) : 0;
}

static __always_inline u32 pid_namespace_of(const struct task_struct *task)
{
    const struct nsproxy *namespaces = plain(task)->nsproxy;

    return namespaces ? namespaces->pid_ns_for_children->ns.inum : 0;
}

/* Begins an event about the current task in the scratch. */
__noinline int event_begin(u32 type)
{
    const struct task_struct *task = plain(bpf_get_current_task_btf());
    struct scratch *scratch = scratch_get();

    if (!scratch)
        return 0;
    struct event *event = (struct event *)scratch->event;
    __builtin_memset(event, 0, sizeof *event);
    scratch->used = sizeof *event;
    event->type = (u16)type;
    event->nr = NR_NONE;
    event->label = current_label;
    event->tid = recorder_number(task);
    event->tgid = recorder_number(task->group_leader);
    event->parent = recorder_number(task->real_parent->group_leader);
    event->own_tid = innermost_number(task);
    event->own_tgid = innermost_number(task->group_leader);
    event->mount_namespace = own_mount_namespace(task);
    event->pid_namespace = pid_namespace_of(task);
    event->net_namespace = task->nsproxy ? task->nsproxy->net_ns->ns.inum : 0;
    const struct cred *cred = task->cred;
    event->user_namespace = cred->user_ns->ns.inum;
    struct event_credentials *out = &event->credentials;
    out->uid = cred->uid.val;
    out->euid = cred->euid.val;
    out->suid = cred->suid.val;
    out->fsuid = cred->fsuid.val;
    out->gid = cred->gid.val;
    out->egid = cred->egid.val;
    out->sgid = cred->sgid.val;
    out->fsgid = cred->fsgid.val;
    out->securebits = cred->securebits;
    out->inheritable = capability_bits(&cred->cap_inheritable);
    out->permitted = capability_bits(&cred->cap_permitted);
    out->effective = capability_bits(&cred->cap_effective);
    out->bounding = capability_bits(&cred->cap_bset);
    out->ambient = capability_bits(&cred->cap_ambient);
    return 0;
}

/* Whose event it is. */
static __always_inline void event_subject(struct scratch *scratch, const struct task_state *state)
{
    struct event *event = (struct event *)scratch->event;

    event->program = state->program;
    event->phase = (u8)state->phase;
    __builtin_memcpy(event->ancestry, state->ancestry, sizeof event->ancestry);
}

/* ---- the stack in user space ----------------------------------------------------------------- */

/* What lies at ADDRESS of the stack, to the end of the page. */
static __noinline int blob_piece(u64 address)
{
    struct scratch *scratch = scratch_get();

    if (!scratch)
        return 0;
    struct blob *blob = blob_start(scratch, BLOB_PIECE, 0, address);
    if (!blob)
        return 0;
    const u32 length = EVENT_PIECE_MAX - (u32)(address & (EVENT_PIECE_MAX - 1));
    if (bpf_probe_read_user(blob + 1, length, (const void *)address) < 0)
        return -1;
    blob_end(scratch, blob, length);
    return 0;
}

/* Where the stack of REGS ends. */
static __always_inline u64 user_stack_at(const void *regs)
{
#if defined(__TARGET_ARCH_x86)
    return ((const struct pt_regs___x86 *)regs)->sp;
#elif defined(__TARGET_ARCH_arm64)
    return ((const struct pt_regs___aarch64 *)regs)->sp;
#endif
}

/* The current thread's registers in user space, and its stack as far as there is room. Threads of
 * io_uring have none. */
static __noinline int blob_stack(void)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct scratch *scratch = scratch_get();
    const struct mm_struct *mm = plain(task)->mm;

    if (!scratch || !mm)
        return 0;
    const void *regs = (const void *)bpf_task_pt_regs(task);
    u64 at = user_stack_at(regs);
#if defined(__TARGET_ARCH_x86)
    const u32 size = sizeof(u64) + bpf_core_field_offset(struct pt_regs___x86, ss);
#elif defined(__TARGET_ARCH_arm64)
    const u32 size = sizeof(u64) + bpf_core_field_offset(struct pt_regs___aarch64, pstate);
#endif
    if (at == 0 || scratch->used > EVENT_SIZE_MAX - BLOB_ROOM)
        return 0;
    struct blob *blob = blob_start(scratch, BLOB_REGISTERS, 0, mm->start_stack);
    if (!blob)
        return 0;
    bpf_probe_read_kernel(blob + 1, BOUND(size, 511), regs);
    blob_end(scratch, blob, BOUND(size, 511));
    for (u32 i = 0; i < EVENT_PIECES; i++) {
        if (scratch->used > EVENT_SIZE_MAX - BLOB_ROOM || blob_piece(at) < 0)
            break;
        at = (at | (EVENT_PIECE_MAX - 1)) + 1;
    }
    return 0;
}

/* Command line, the root folder if it is another one than the mount namespace's, and the stack. */
__noinline int event_circumstances(void)
{
    const struct task_struct *task = plain(bpf_get_current_task_btf());
    struct scratch *scratch = scratch_get();
    const struct mm_struct *mm = task->mm;

    if (!scratch)
        return 0;
    if (mm) {
        u64 length = mm->arg_end - mm->arg_start;
        if (length > EVENT_COMMAND_MAX)
            length = EVENT_COMMAND_MAX;
        blob_memory(BLOB_COMMAND, 0, mm->arg_start, (u32)length);
    }
    if (task->fs) {
        place_clear(scratch);
        const u64 dentry = NUMBER(struct fs_struct, task->fs, root.dentry);
        const u64 vfsmount = NUMBER(struct fs_struct, task->fs, root.mnt);
        place_of_path(scratch, dentry, vfsmount);
        if (scratch->place.depth > 0) {
            ((struct event *)scratch->event)->flags |= EVENT_ROOT_CHANGED;
            blob_place(BLOB_ROOT, 0);
        }
    }
    /* That of an exec is the new program's. */
    if (settings.stacks && ((struct event *)scratch->event)->type != EVENT_EXEC)
        blob_stack();
    return 0;
}
