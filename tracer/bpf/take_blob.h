/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the arguments of a call that is new name, as blobs behind its event. */
#pragma once

#include "take.h"

/* Where chdir() or chroot() led. */
static __always_inline void place_moved_to(struct scratch *scratch, u32 flags)
{
    const struct task_struct *task = plain(bpf_get_current_task_btf());

    if (flags & RULE_MOVES) {
        place_of_folder(scratch, AT_FDCWD);
        return;
    }
    place_clear(scratch);
    if (!task->fs)
        return;
    const u64 dentry = NUMBER(struct fs_struct, task->fs, root.dentry);
    const u64 vfsmount = NUMBER(struct fs_struct, task->fs, root.mnt);
    place_of_path(scratch, dentry, vfsmount);
}

__noinline int take_blob(u32 i)
{
    struct scratch *scratch = scratch_get();

    if (!scratch || i >= EVENT_ARGS)
        return 0;
    struct taking *taking = &scratch->taking;
    u32 index = taking->rule_index;
    const struct call_rule *rule = bpf_map_lookup_elem(&rules, &index);
    if (!rule)
        return 0;
    const u64 value = taking->args[i];
    const u32 companion = rule->companion[i];

    switch (rule->take[i]) {
    case TAKE_PATH:
    case TAKE_LOOK:
    case TAKE_TEXT: {
        const u32 slot = taking->strings++ & 1;
        if (!value) {
            /* utimensat(fd, NULL, …): the descriptor itself */
            if (rule->take[i] == TAKE_PATH && companion < EVENT_ARGS) {
                place_of_folder(scratch, folder_argument(taking, companion));
                blob_place(BLOB_FOLDER, (s32)i);
            }
            break;
        }
        string_read(scratch, slot, value);
        blob_string(BLOB_MEMORY, (s32)i, value, slot);
        const s32 led = take_led(taking, rule->take[i], scratch, slot, value);
        if (led >= 0 && blob_led((u32)led, (s32)i) == 0 &&
            scratch->used > EVENT_SIZE_MAX - 2 * BLOB_ROOM)
            break; /* the folder may be left out */
        if (rule->take[i] == TAKE_TEXT ||
            (rule->take[i] == TAKE_LOOK && scratch->string_length[slot] == 1))
            break;
        const s32 magic = magic_descriptor(scratch, slot);
        if (magic >= 0) {
            place_of_descriptor(scratch, magic);
            blob_place(BLOB_FILE, magic);
        }
        if (!blob_before(taking->paths - 1, (s32)i)) {
            place_of_folder(scratch, folder_argument(taking, companion));
            blob_place(BLOB_FOLDER, (s32)i);
        }
        if (rule->flags & (RULE_MOVES | RULE_ROOTS) && taking->result == 0) {
            place_moved_to(scratch, rule->flags);
            blob_place(BLOB_PATH, (s32)i);
        }
        break;
    }
    case TAKE_FD:
        place_of_descriptor(scratch, (s32)value);
        blob_place(BLOB_FILE, (s32)value);
        break;
    case TAKE_SOCKADDR:
        if (companion < EVENT_ARGS && value) {
            blob_memory(BLOB_MEMORY, (s32)i, value, (u32)taking->args[companion]);
            blob_address_folder(scratch, (s32)i, value, (u32)taking->args[companion]);
        }
        break;
    case TAKE_MSGHDR:
    case TAKE_MMSGHDR: {
        const struct message_name name = message_name(taking->abi, value);
        blob_memory(BLOB_MEMORY, (s32)i, value, taking->abi == ABI_NATIVE ? 56 : 28);
        if (name.address) {
            blob_memory(BLOB_MEMORY, (s32)i, name.address, name.length);
            blob_address_folder(scratch, (s32)i, name.address, name.length);
        }
        break;
    }
    case TAKE_SOCKETCALL: {
        struct socketcall inner;
        socketcall_read(&inner, (u32)taking->args[0], value);
        blob_memory(BLOB_MEMORY, (s32)i, value, SOCKETCALL_BYTES);
        if ((u32)taking->args[0] == SYS_SENDMSG)
            blob_memory(BLOB_MEMORY, (s32)i, inner.words[1], 28);
        if (inner.has_fd) {
            place_of_descriptor(scratch, (s32)inner.words[0]);
            blob_place(BLOB_FILE, (s32)inner.words[0]);
        }
        if (inner.name.address) {
            blob_memory(BLOB_MEMORY, (s32)i, inner.name.address, inner.name.length);
            blob_address_folder(scratch, (s32)i, inner.name.address, inner.name.length);
        }
        break;
    }
    case TAKE_MEMORY:
        if (value)
            blob_memory(BLOB_MEMORY, (s32)i, value, companion);
        break;
    case TAKE_VMA:
        place_of_mapping(scratch, value);
        blob_place(BLOB_VMA, (s32)i);
        break;
    default:
        break;
    }
    return 0;
}

/* What the call in scratch->taking names, behind the event in the making. */
__noinline int take_blobs(void)
{
    struct scratch *scratch = scratch_get();

    if (!scratch)
        return 0;
    struct taking *taking = &scratch->taking;
    u32 index = taking->rule_index;
    const struct call_rule *rule = bpf_map_lookup_elem(&rules, &index);
    if (!rule)
        return 0;
    taking->strings = 0;
    taking->paths = 0;
    if (!(rule->flags & RULE_TAKES)) { /* RULE_MAY_SEND */
        place_of_descriptor(scratch, (s32)taking->args[0]);
        blob_place(BLOB_FILE, (s32)taking->args[0]);
        return 0;
    }
    for (u32 i = 0; i < EVENT_ARGS; i++) {
        if (rule->take[i] != TAKE_NONE)
            take_blob(i);
    }
    if (rule->flags & RULE_RETURNS_FD && taking->result >= 0) {
        place_of_descriptor(scratch, (s32)taking->result);
        blob_place(BLOB_RESULT, (s32)taking->result);
    }
    return 0;
}
