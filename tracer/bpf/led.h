/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the paths of a call led. The kernel's own functions tell, where they may be looked into
 * (hooks.h), while they are at it: a folder, by dentry and mount, the name of the last component in
 * it, and what was there before the call did anything. At the return of the call the name may be
 * gone or be another file's, but the folder is most often where it was: its path is put into words
 * then, for what is new, if it still has the same identity. Else the recorder looks the path up.
 *
 * The identity, which is part of the call's key, is that of the path: a file that is removed and
 * made again under the same name leads to the same place.
 */
#pragma once

#include "state.h"

enum {
    LED_BY_ORDER = 2, /* the first places are of the call's paths in their order, */
    LED_PLACES = 4,   /* the others of strings */
};

struct led {
    u64 address;       /* of the string that led here, in the workload's memory */
    u64 dentry, mount; /* the folder; the thing itself if name_length is 0 */
    u64 folder;        /* identity of the folder */
    u64 identity;      /* of folder and name */
    u64 inode, device, magic;
    u32 mode, uid, gid, links; /* mode 0: nothing was there */
    u32 name_length;
    u32 padding;
    u8 name[NAME_BYTES];
};

struct leads {
    u64 scalar; /* of SCALAR() */
    u32 strings;
    u32 padding;
    struct led places[LED_PLACES];
};

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct leads);
} leads SEC(".maps");

/* Which place tells where path number ORDER of the call led, a string at ADDRESS; -1: none. */
static __always_inline s32 led_which(const struct taking *taking, u32 order, u64 address)
{
    if (!taking->led)
        return -1;
    struct leads *places = bpf_task_storage_get(&leads, bpf_get_current_task_btf(), NULL, 0);
    if (!places)
        return -1;
    if (order < LED_BY_ORDER && taking->led & 1u << order)
        return (s32)order;
#pragma unroll
    for (u32 i = LED_BY_ORDER; i < LED_PLACES; i++) {
        if (taking->led & 1u << i && places->places[i].address == address)
            return (s32)i;
    }
    return -1;
}

static __always_inline u64 led_identity(s32 which)
{
    const struct leads *places = bpf_task_storage_get(&leads, bpf_get_current_task_btf(), NULL, 0);

    return places ? places->places[BOUND(which, LED_PLACES - 1)].identity : 0;
}

/* The path of the place's folder, and the NAME in it, as place_text() does. */
static __always_inline void led_text(struct scratch *scratch, const struct led *led)
{
    const u32 length = BOUND(led->name_length, NAME_BYTES - 1);

    text_begin(scratch);
    if (length > 0) {
        const u32 at = PATH_BYTES - 2 - length;
        scratch->path[at] = '/';
        bpf_probe_read_kernel(&scratch->path[at + 1], length, led->name);
        scratch->path_at = at;
    }
    text_finish(scratch);
}

/* Tells where path argument NUMBER led, by place WHICH; negative if the folder is no longer what it
 * was. */
__noinline int blob_led(u32 which, s32 number)
{
    struct scratch *scratch = scratch_get();
    const struct leads *places = bpf_task_storage_get(&leads, bpf_get_current_task_btf(), NULL, 0);

    if (!scratch || !places)
        return -1;
    const struct led *led = &places->places[BOUND(which, LED_PLACES - 1)];
    place_clear(scratch);
    scratch->place.dentry = led->dentry;
    scratch->place.mount = led->mount;
    place_hash(scratch);
    if (scratch->place.identity != led->folder)
        return -1;
    led_text(scratch, led);
    if (scratch->place.flags & FILE_CUT)
        return -1;
    struct blob *blob = blob_start(scratch, BLOB_PATH, number, 0);
    if (!blob)
        return 0;
    struct file_blob *file = (struct file_blob *)(blob + 1);
    __builtin_memset(file, 0, sizeof *file);
    file->identity = led->identity;
    file->flags = FILE_BEFORE;
    file->inode = led->inode;
    file->device = led->device;
    file->magic = led->magic;
    file->mode = led->mode;
    file->uid = led->uid;
    file->gid = led->gid;
    file->links = led->links;
    blob_end_text(scratch, blob, PATH_BYTES - 1 - scratch->path_at);
    return 0;
}
