/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kinds of arguments that name something (enum call_take): how each is read. What they are in a
 * call's key stands in take_key.h, what is told of a new call's in take_blob.h. Which argument is
 * what stands in the map `rules`.
 */
#pragma once

#include "before.h"
#include "led.h"
#include "relations.h"

/* ---- strings --------------------------------------------------------------------------------- */

enum { AT_EMPTY_PATH = 0x1000 };

/* Most strings are short. A destination in a map costs the kernel a look at what lies there. */
enum { SHORT_WORDS = 8 };

struct string_hashing {
    u64 hash;
    u32 slot, length;
};

/* SHORT_WORDS more of the string. */
static long string_step(u32 index, struct string_hashing *hashing)
{
    const struct scratch *scratch = scratch_get();

    if (!scratch)
        return 1;
    const u64 *words = (const u64 *)scratch->strings[hashing->slot & 1];
    u64 hash = hashing->hash;
    for (u32 i = 0; i < SHORT_WORDS; i++) {
        const u32 at = BOUND(index * SHORT_WORDS + i, PATH_BYTES / 8 - 1);
        if (at * 8 >= hashing->length)
            break;
        hash = mix(hash, words[at]);
    }
    hashing->hash = hash;
    return 0;
}

/* The hash of scratch->strings[SLOT & 1], which has string_length[SLOT & 1] bytes with its NUL. */
__noinline int string_hash(struct scratch *scratch, u32 slot)
{
    if (!scratch)
        return 0;
    slot &= 1;
    u32 length = scratch->string_length[slot];
    if (length > PATH_BYTES)
        length = PATH_BYTES;
    __builtin_memset(&scratch->strings[slot][length], 0, sizeof(u64));
    struct string_hashing hashing = {.hash = length, .slot = slot, .length = length};
    bpf_loop((length + SHORT_WORDS * 8 - 1) / (SHORT_WORDS * 8), string_step, &hashing, 0);
    scratch->string_hash[slot] = hashing.hash;
    return 0;
}

/* The string at ADDRESS into WORDS, SHORT_WORDS of them, if it is a short one, with its hash as
 * string_hash() makes it; else 0. */
static __always_inline u64 string_short(u64 *words, u64 address, u32 *length)
{
    const u32 size = SHORT_WORDS * sizeof *words;
    const long n = bpf_probe_read_user_str(words, size, (const void *)address);

    if (n <= 0 || n >= (long)size)
        return 0;
    u64 hash = (u32)n;
#pragma unroll
    for (u32 i = 0; i < SHORT_WORDS; i++) {
        if (i * 8 >= (u32)n)
            break;
        hash = mix(hash, words[i]);
    }
    *length = (u32)n;
    return hash;
}

/* The string at ADDRESS into slot SLOT, if it is a short one. */
static __always_inline bool string_read_short(struct scratch *scratch, u32 slot, u64 address)
{
    u64 words[SHORT_WORDS] = {};
    u32 length = 0;
    const u64 hash = string_short(words, address, &length);

    if (length == 0)
        return false;
    __builtin_memcpy(scratch->strings[slot], words, sizeof words);
    scratch->string_length[slot] = length;
    scratch->string_hash[slot] = hash;
    return true;
}

__noinline int string_read(struct scratch *scratch, u32 slot, u64 address)
{
    if (!scratch)
        return 0;
    slot &= 1;
    if (address && string_read_short(scratch, slot, address))
        return 0;
    const long n =
        address ? bpf_probe_read_user_str(scratch->strings[slot], PATH_BYTES, (const void *)address)
                : -1;
    scratch->string_length[slot] = n > 0 ? (u32)n : 0;
    return string_hash(scratch, slot);
}

/* LENGTH bytes at ADDRESS without NUL, as a string into slot 0. */
__noinline int read_label(u64 address, u64 length)
{
    struct scratch *scratch = scratch_get();

    if (!scratch || length == 0 || length >= EVENT_LABEL_MAX)
        return 0;
    const u32 size = BOUND(length, EVENT_LABEL_MAX - 1);
    if (bpf_probe_read_user(scratch->strings[0], size, (const void *)address) < 0)
        return 0;
    scratch->strings[0][size] = 0;
    scratch->string_length[0] = size + 1;
    return string_hash(scratch, 0);
}

__noinline int blob_label(void)
{
    return blob_string(BLOB_LABEL, 0, 0, 0);
}

/* ---- socket addresses ------------------------------------------------------------------------ */

enum { AF_UNIX = 1, ADDRESS_BYTES = 128 };

/* LENGTH bytes at ADDRESS into scratch->address_words, the rest zero. */
static __always_inline bool address_read(struct scratch *scratch, u64 address, u64 length)
{
    __builtin_memset(scratch->address_words, 0, ADDRESS_BYTES);
    scratch->address_length = 0;
    if (!address || length < 2)
        return false;
    const u32 size = BOUND(length > ADDRESS_BYTES ? ADDRESS_BYTES : length, 2 * ADDRESS_BYTES - 1);
    if (bpf_probe_read_user(scratch->address_words, size, (const void *)address) < 0)
        return false;
    scratch->address_length = size;
    return true;
}

/*
 * Of an internet address only port and class make a fact; its key must not be finer by much, or a
 * client of many servers would fill the map. The first 8 bits of an IPv4 address, the first 16 of
 * an IPv6 one, and whether it is one of the special ones, decide the class; 172.16/12 and
 * 192.168/16 and 169.254/16 need 16 bits, which is what is taken.
 */
static __always_inline u64 address_hash(const struct scratch *scratch)
{
    const u8 *bytes = (const u8 *)scratch->address_words;
    const u16 family = *(const u16 *)bytes;
    u64 hash = mix(family, scratch->address_length);

    if (family == AF_INET) {
        hash = mix(hash, *(const u16 *)(bytes + 2));
        hash = mix(hash, *(const u16 *)(bytes + 4));
        return mix(hash, *(const u32 *)(bytes + 4) == 0xffffffff);
    }
    if (family == AF_INET6) {
        hash = mix(hash, *(const u16 *)(bytes + 2));
        hash = mix(hash, *(const u16 *)(bytes + 8));
        const u64 high = scratch->address_words[1];
        const u64 low = *(const u64 *)(bytes + 16);
        /* ::, ::1 and the mapped IPv4 addresses */
        return high == 0 ? mix(hash, low & 0x0000ffffffffffffull) : hash;
    }
    if (family == AF_UNIX) {
#pragma unroll
        for (u32 i = 0; i < 16; i++)
            hash = mix(hash, scratch->address_words[i]);
    }
    return hash;
}

/* The address in the scratch is a path that starts from the working folder. */
static __always_inline bool address_is_relative(const struct scratch *scratch)
{
    const u8 *bytes = (const u8 *)scratch->address_words;

    return *(const u16 *)bytes == AF_UNIX && scratch->address_length > 2 && bytes[2] != 0 &&
           bytes[2] != '/';
}

static __always_inline void blob_address_folder(struct scratch *scratch, s32 number, u64 address,
                                                u64 length)
{
    if (address_read(scratch, address, length) && address_is_relative(scratch)) {
        place_of_folder(scratch, AT_FDCWD);
        blob_place(BLOB_FOLDER, number);
    }
}

struct message_name {
    u64 address;
    u32 length;
};

/* msg_name and msg_namelen of a struct msghdr. */
static __always_inline struct message_name message_name(u32 abi, u64 at)
{
    struct message_name name = {};

    if (abi == ABI_NATIVE) {
        bpf_probe_read_user(&name, sizeof name, (const void *)at);
    } else {
        u32 words[2] = {};
        bpf_probe_read_user(words, sizeof words, (const void *)at);
        name.address = words[0];
        name.length = words[1];
    }
    return name;
}

/* ---- socketcall ------------------------------------------------------------------------------ */

/* linux/net.h */
enum {
    SYS_SOCKET = 1,
    SYS_BIND = 2,
    SYS_CONNECT = 3,
    SYS_SOCKETPAIR = 8,
    SYS_SENDTO = 11,
    SYS_SENDMSG = 16,
};
enum { SOCKETCALL_BYTES = 24 };

/* What the words of a socketcall() mean to the recorder. */
struct socketcall {
    u32 words[SOCKETCALL_BYTES / 4];
    bool has_fd; /* words[0] */
    struct message_name name;
};

static __always_inline void socketcall_read(struct socketcall *inner, u32 call, u64 at)
{
    __builtin_memset(inner, 0, sizeof *inner);
    if (bpf_probe_read_user(inner->words, sizeof inner->words, (const void *)at) < 0)
        return;
    inner->has_fd = call != SYS_SOCKET && call != SYS_SOCKETPAIR;
    if (call == SYS_BIND || call == SYS_CONNECT) {
        inner->name.address = inner->words[1];
        inner->name.length = inner->words[2];
    } else if (call == SYS_SENDTO) {
        inner->name.address = inner->words[4];
        inner->name.length = inner->words[5];
    } else if (call == SYS_SENDMSG) {
        inner->name = message_name(ABI_I386, inner->words[1]);
    }
}

/* ---- mappings -------------------------------------------------------------------------------- */

static long vma_file(struct task_struct *task, struct vm_area_struct *vma, void *unused)
{
    struct scratch *scratch = scratch_get();

    if (scratch)
        scratch->scalar = (u64)vma->vm_file;
    return 0;
}

/* What is mapped at ADDRESS. */
static __always_inline void place_of_mapping(struct scratch *scratch, u64 address)
{
    scratch->scalar = 0;
    bpf_find_vma(bpf_get_current_task_btf(), address, vma_file, NULL, 0);
    place_of_file(scratch, scratch->scalar);
}

/* ---- paths ---------------------------------------------------------------------------------- */

static __always_inline s32 folder_argument(const struct taking *taking, u32 companion)
{
    return companion < EVENT_ARGS ? (s32)taking->args[companion] : AT_FDCWD;
}

/* What a path argument names depends on where it starts from. */
static __always_inline bool needs_folder(u32 take, const struct scratch *scratch, u32 slot,
                                         u64 address)
{
    const bool empty = !address || scratch->strings[slot & 1][0] == 0;

    if (take == TAKE_TEXT || (take == TAKE_LOOK && empty))
        return false;
    return empty || scratch->strings[slot & 1][0] != '/';
}

/* How long the beginning of a string is, as WORDS, if it is that of "/proc/self/fd/3" and its like;
 * else 0. */
static __always_inline u32 magic_prefix(const u64 *words)
{
    if (words[0] == 0x2f64662f7665642full /* /dev/fd/ */)
        return 8;
    if (words[0] == 0x65732f636f72702full /* /proc/se */ &&
        (words[1] & 0xffffffffffffull) == 0x2f64662f666cull /* lf/fd/ */)
        return 14;
    if (words[0] == 0x68742f636f72702full /* /proc/th */ &&
        words[1] == 0x6c65732d64616572ull /* read-sel */ &&
        (words[2] & 0xffffffffffull) == 0x2f64662f66ull /* f/fd/ */)
        return 21;
    return 0;
}

/* The descriptor behind such a name, with or without a path that goes on from there; negative where
 * the string is none of them. It means another thing each time. */
static __always_inline s32 magic_descriptor(const struct scratch *scratch, u32 slot)
{
    const u8 *text = scratch->strings[slot & 1];
    const u32 at = magic_prefix((const u64 *)text);
    s32 number = 0;

    if (at == 0)
        return -1;
    for (u32 i = 0; i < 7; i++) {
        const u8 digit = text[at + i] - '0';
        if (digit > 9)
            return i > 0 ? number : -1;
        number = number * 10 + digit;
    }
    return -1;
}

/* Where the path argument, a string at ADDRESS that stands in SLOT, led; -1 where that is not known
 * or does not matter. */
static __always_inline s32 take_led(struct taking *taking, u32 take, const struct scratch *scratch,
                                    u32 slot, u64 address)
{
    if (take == TAKE_TEXT)
        return -1;
    const s32 which = led_which(taking, taking->paths++, address);
    return take == TAKE_LOOK && scratch->string_length[slot] == 1 ? -1 : which;
}

/* ---- `whittle mark` -------------------------------------------------------------------------- */

/* The program in PLACE is whittle's own, and its first argument "mark". */
static __always_inline bool is_mark_program(const struct task_struct *task,
                                            const struct place *place)
{
    const struct mm_struct *mm = plain(task)->mm;
    u8 words[64 + 8] = {};

    if (!place->inode || !place->mount || !mm)
        return false;
    const u64 super = (u64)FIELD(struct mount, place->mount, mnt.mnt_sb);
    if (FIELD(struct inode, place->inode, i_ino) != settings.own_program_inode ||
        FIELD(struct super_block, super, s_dev) != settings.own_program_device)
        return false;
    /* argv[0] may be any path of at most the map's room; the word behind it is what counts. */
    u64 length = mm->arg_end - mm->arg_start;
    struct scratch *scratch = scratch_get();
    if (!scratch)
        return false;
    const long first =
        bpf_probe_read_user_str(scratch->strings[0], PATH_BYTES, (const void *)mm->arg_start);
    if (first <= 0 || (u64)first >= length)
        return false;
    if (bpf_probe_read_user_str(words, 8, (const void *)(mm->arg_start + (u64)first)) != 5)
        return false;
    return words[0] == 'm' && words[1] == 'a' && words[2] == 'r' && words[3] == 'k';
}
