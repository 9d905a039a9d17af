/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Calls that move what relative paths start from: pivot_root(".", "."), umount2(".", MNT_DETACH),
 * mount --move from the working folder. At the return of such a call the working folder is still
 * the same, but is elsewhere, or nowhere. Each of them asks for a capability before it does
 * anything, and that is when the folders are put into words (check.h).
 */
#pragma once

#include "state.h"

enum {
    BEFORE_PATHS = 2, /* of a call; none has more */
    BEFORE_SHIFT = 8, /* of task_state.led: that bit and the next tell which are noted */
    BEFORE_ANY = ((1u << BEFORE_PATHS) - 1) << BEFORE_SHIFT,
    BEFORE_BYTES = PATH_BYTES + 256, /* a struct file_blob and its path fit */
};

struct before {
    u64 identity;
    u32 size; /* of the blob behind its header */
    u32 padding;
    u8 bytes[BEFORE_BYTES];
};

struct befores {
    struct before paths[BEFORE_PATHS];
};

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct befores);
} befores SEC(".maps");

/* The start of path number ORDER of the call in the scratch, which is argument NUMBER with the
 * folder in COMPANION. True if it was noted. */
static __always_inline bool before_folder(struct scratch *scratch, struct befores *befores,
                                          u32 order, s32 number, u32 companion)
{
    struct before *before = &befores->paths[BOUND(order, BEFORE_PATHS - 1)];
    const u32 begin = sizeof(struct event) + sizeof(struct blob);

    /* Made where the next event will be, and kept from there. */
    scratch->used = sizeof(struct event);
    place_of_folder(scratch,
                    companion < EVENT_ARGS ? (s32)scratch->taking.args[companion] : AT_FDCWD);
    before->identity = scratch->place.identity;
    blob_place(BLOB_FOLDER, number);
    const struct blob *blob = (struct blob *)&scratch->event[sizeof(struct event)];
    u32 size = blob->size - sizeof *blob;
    barrier_var(size); /* the verifier is to see the same bound as the compiler */
    if (size > BEFORE_BYTES)
        return false;
    before->size = size;
    return bpf_probe_read_kernel(before->bytes, size, &scratch->event[begin]) == 0;
}

/* Notes where the paths of the call in scratch->taking start. Gives bits for task_state.led. */
__noinline int before_note(void)
{
    struct scratch *scratch = scratch_get();
    struct befores *noted = bpf_task_storage_get(&befores, bpf_get_current_task_btf(), NULL,
                                                 BPF_LOCAL_STORAGE_GET_F_CREATE);
    u32 order = 0;
    u32 bits = 0;

    if (!scratch || !noted)
        return 0;
    u32 index = scratch->taking.rule_index;
    const struct call_rule *rule = bpf_map_lookup_elem(&rules, &index);
    if (!rule)
        return 0;
    for (u32 i = 0; i < EVENT_ARGS; i++) {
        if (rule->take[i] != TAKE_PATH && rule->take[i] != TAKE_LOOK)
            continue;
        if (before_folder(scratch, noted, order, (s32)i, rule->companion[i]))
            bits |= 1u << (BEFORE_SHIFT + (order & (BEFORE_PATHS - 1)));
        order++;
    }
    return (int)bits;
}

static __always_inline const struct before *before_of(const struct taking *taking, u32 order)
{
    if (order >= BEFORE_PATHS || !(taking->led & 1u << (BEFORE_SHIFT + order)))
        return NULL;
    struct befores *noted = bpf_task_storage_get(&befores, bpf_get_current_task_btf(), NULL, 0);
    return noted ? &noted->paths[BOUND(order, BEFORE_PATHS - 1)] : NULL;
}

/* The identity of the folder that path number ORDER started from, if that was noted. */
static __always_inline bool before_identity(const struct taking *taking, u32 order, u64 *identity)
{
    const struct before *before = before_of(taking, order);

    if (before)
        *identity = before->identity;
    return before != NULL;
}

/* Tells it, as argument NUMBER's. 0: that was not noted. */
__noinline int blob_before(u32 order, s32 number)
{
    struct scratch *scratch = scratch_get();

    if (!scratch)
        return 0;
    const struct before *before = before_of(&scratch->taking, order);
    if (!before)
        return 0;
    struct blob *blob = blob_start(scratch, BLOB_FOLDER, number, 0);
    if (!blob)
        return 1;
    u32 size = before->size;
    if (size > BEFORE_BYTES)
        size = BEFORE_BYTES;
    bpf_probe_read_kernel(blob + 1, size, before->bytes);
    blob_end(scratch, blob, size);
    return 1;
}
