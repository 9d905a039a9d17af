/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the arguments of a call name, as a part of its key. */
#pragma once

#include "take.h"

/* A connected datagram socket counts as used only once something is sent. */
static __always_inline void note_connect(const struct place *place)
{
    u64 sock = place->sock;
    u32 one = 1;

    if ((place->family == AF_INET || place->family == AF_INET6) && place->type == SOCK_DGRAM &&
        bpf_map_update_elem(&connected, &sock, &one, BPF_NOEXIST) == 0)
        __sync_fetch_and_add(&connected_count, 1);
}

static __always_inline bool note_send(const struct place *place)
{
    u64 sock = place->sock;

    if (!sock || bpf_map_delete_elem(&connected, &sock) < 0)
        return false;
    __sync_fetch_and_add(&connected_count, (u32)-1);
    return true;
}

/* Adds what argument I, which is more than a number, is to the key. */
__noinline int take_key(struct scratch *scratch, const struct call_rule *rule, u32 i)
{
    if (!scratch || !rule || i >= EVENT_ARGS)
        return 0;
    struct taking *taking = &scratch->taking;
    const u64 value = taking->args[i];
    const u32 companion = rule->companion[i];
    u64 hash = taking->hash;

    switch (rule->take[i]) {
    case TAKE_PATH:
    case TAKE_LOOK:
    case TAKE_TEXT: {
        const u32 slot = taking->strings++ & 1;
        string_read(scratch, slot, value);
        hash = mix(hash, scratch->string_hash[slot]);
        const s32 led = take_led(taking, rule->take[i], scratch, slot, value);
        if (led >= 0) {
            hash = mix(hash, led_identity(led));
            break;
        }
        const s32 magic = rule->take[i] == TAKE_TEXT ? -1 : magic_descriptor(scratch, slot);
        if (magic >= 0) {
            place_of_descriptor(scratch, magic);
            hash = mix(hash, scratch->place.identity);
        } else if (needs_folder(rule->take[i], scratch, slot, value)) {
            u64 identity;
            if (!before_identity(taking, taking->paths - 1, &identity)) {
                place_of_folder(scratch, folder_argument(taking, companion));
                identity = scratch->place.identity;
            }
            hash = mix(hash, identity);
        }
        break;
    }
    case TAKE_FD:
        place_of_descriptor(scratch, (s32)value);
        hash = mix(hash, scratch->place.identity);
        if (rule->flags & RULE_SETTLES && taking->result == 0)
            note_connect(&scratch->place);
        break;
    case TAKE_SOCKADDR:
        if (companion < EVENT_ARGS && address_read(scratch, value, (u32)taking->args[companion]))
            hash = mix(hash, address_hash(scratch));
        if (address_is_relative(scratch)) {
            place_of_folder(scratch, AT_FDCWD);
            hash = mix(hash, scratch->place.identity);
        }
        break;
    case TAKE_MSGHDR:
    case TAKE_MMSGHDR: {
        const struct message_name name = message_name(taking->abi, value);
        if (address_read(scratch, name.address, name.length))
            hash = mix(hash, address_hash(scratch));
        if (address_is_relative(scratch)) {
            place_of_folder(scratch, AT_FDCWD);
            hash = mix(hash, scratch->place.identity);
        }
        break;
    }
    case TAKE_SOCKETCALL: {
        struct socketcall inner;
        socketcall_read(&inner, (u32)taking->args[0], value);
        if (inner.has_fd) {
            place_of_descriptor(scratch, (s32)inner.words[0]);
            hash = mix(hash, scratch->place.identity);
        }
        if (address_read(scratch, inner.name.address, inner.name.length))
            hash = mix(hash, address_hash(scratch));
        break;
    }
    case TAKE_MEMORY:
        if (address_read(scratch, value, companion)) {
#pragma unroll
            for (u32 word = 0; word < 8; word++)
                hash = mix(hash, scratch->address_words[word]);
        }
        break;
    case TAKE_PID:
        if ((s32)value > 0 && taking->relation == RELATION_UNKNOWN)
            taking->relation =
                relation(scratch, pid_of_number(bpf_get_current_task_btf(), (u32)value));
        hash = mix(hash, taking->relation);
        if ((s32)value > 0 && taking->relation == RELATION_UNKNOWN)
            hash = mix(hash, (u32)value); /* the recorder finds out who that is */
        else
            hash = mix(hash, (s32)value > 0 ? 1 : (s32)value == 0 ? 2 : (s32)value == -1 ? 3 : 4);
        break;
    case TAKE_PIDFD:
        if (taking->relation == RELATION_UNKNOWN)
            taking->relation = relation(scratch, pid_of_descriptor(scratch, (s32)value));
        hash = mix(hash, taking->relation);
        if (taking->relation == RELATION_UNKNOWN)
            hash = mix(hash, (u32)value);
        break;
    case TAKE_VMA:
        place_of_mapping(scratch, value);
        hash = mix(hash, scratch->place.identity);
        break;
    default:
        return 0;
    }
    taking->hash = hash;
    return 0;
}

/* The hash of the string at ADDRESS, as string_read() makes it, if that is empty, or short,
 * absolute and no name for a descriptor; else 0. A function of its own for its stack: those of
 * functions that call each other have little room together. */
__noinline u64 plain_name(u64 address)
{
    u64 words[SHORT_WORDS] = {};
    u32 length = 0;
    const u64 hash = string_short(words, address, &length);

    if (length == 1 || (length > 1 && (u8)words[0] == '/' && magic_prefix(words) == 0))
        return hash;
    return 0;
}

/*
 * Most calls that only look a path up (RULE_LOOKS) give a short absolute one, or none: fstat() is
 * newfstatat() of an empty name. What such a call names does not depend on where its task is. Adds
 * it to KEY as take_keys() would do, which goes a longer way. False if it is another one, or what
 * it led to is known better (LED).
 */
static __always_inline bool take_plain_name(const struct call_rule *rule, const u64 *args, u32 led,
                                            u64 *key)
{
    const u64 address = args[rule->looked_at & (ARGS_ROOM - 1)];
    const u64 nothing = mix(1, 0); /* plain_name() of "" */
    u64 hash = *key;
    u64 numbers = 0;
    u8 first = 1;

    if (led)
        return false;
#pragma unroll
    for (u32 i = 0; i < EVENT_ARGS; i++) {
        if (rule->take[i] == TAKE_VALUE)
            numbers |= args[i];
    }
    if (numbers & AT_EMPTY_PATH)
        bpf_probe_read_user(&first, sizeof first, (const void *)address);
    const u64 name = first == 0 ? nothing : plain_name(address);
    if (name == 0)
        return false;
#pragma unroll
    for (u32 i = 0; i < EVENT_ARGS; i++) {
        if (rule->take[i] == TAKE_VALUE)
            hash = mix(hash, (u32)args[i]);
        else if (rule->take[i] == TAKE_LOOK)
            hash = mix(hash, name);
    }
    *key = hash;
    return true;
}

/*
 * Of a call that opened something (RULE_OPENS) only numbers and what descriptor OPENED refers to
 * matter: adds them to KEY as take_keys() would do. False if the scratch is not free.
 */
static __always_inline bool take_opened(const struct call_rule *rule, const u64 *args, s64 opened,
                                        u64 *key)
{
    struct scratch *scratch = scratch_get();
    u64 hash = *key;

    if (!scratch || scratch->busy)
        return false;
#pragma unroll
    for (u32 i = 0; i < EVENT_ARGS; i++) {
        if (rule->take[i] == TAKE_VALUE)
            hash = mix(hash, (u32)args[i]);
    }
    scratch->busy = 1;
    place_of_descriptor(scratch, (s32)opened);
    *key = mix(hash, scratch->place.identity);
    scratch->busy = 0;
    return true;
}

/* Makes the call in scratch->taking, of which RULE is, to its key. */
__noinline int take_keys(struct scratch *scratch, const struct call_rule *rule)
{
    if (!scratch || !rule)
        return 0;
    struct taking *taking = &scratch->taking;
    taking->strings = 0;
    taking->paths = 0;
    taking->nothing = 0;
    if (rule->flags & RULE_MAY_SEND && connected_count) {
        place_of_descriptor(scratch, (s32)taking->args[0]);
        if (note_send(&scratch->place))
            taking->hash = mix(mix(taking->hash, scratch->place.identity), scratch->place.sock);
        else if (!(rule->flags & RULE_TAKES))
            taking->nothing = 1;
    }
    if (!(rule->flags & RULE_TAKES))
        return 0;
    const bool opened = rule->flags & RULE_RETURNS_FD && taking->result >= 0;
    for (u32 i = 0; i < EVENT_ARGS; i++) {
        const u32 take = rule->take[i];
        /* What is most frequent is done here. */
        if (take == TAKE_VALUE)
            taking->hash = mix(taking->hash, (u32)taking->args[i]);
        else if (opened && (take == TAKE_PATH || take == TAKE_LOOK))
            taking->strings++; /* what it led to stands in the result */
        else if (take != TAKE_NONE)
            take_key(scratch, rule, i);
    }
    if (opened) {
        place_of_descriptor(scratch, (s32)taking->result);
        taking->hash = mix(taking->hash, scratch->place.identity);
    }
    return 0;
}
