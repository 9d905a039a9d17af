/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's checks of capabilities. */
#pragma once

#include "before.h"
#include "cgroups.h"

/*
 * All bits if VALUE is not 0, else none. Without branches, as what is chosen with it: the verifier
 * would follow every combination of those.
 */
static __always_inline u64 ones_if(u64 value)
{
    barrier_var(value);
    value |= -value;
    barrier_var(value);
    return -(value >> 63);
}

/*
 * What the kernel asks for before it looks whether that matters is decided by the recorder, from
 * the arguments: for such calls (RULE_ASKS) they are part of the key.
 */
static __always_inline u64 check_arguments(const struct call_rule *rule, u32 abi, const u64 *args,
                                           u64 key)
{
    u64 width = abi == ABI_NATIVE ? -1ull : (u32)-1;

    barrier_var(width);
#pragma unroll
    for (u32 i = 0; i < EVENT_ARGS; i++) {
        u64 asked = ones_if(rule->flags & RULE_ASKS(i));
        key = (mix(key, args[i] & width) & asked) | (key & ~asked);
    }
    if (rule->flags & RULE_ASKS_MEMORY) {
        u64 words[ASKS_MEMORY / sizeof(u64)] = {};
        bpf_probe_read_user(words, sizeof words, (const void *)args[1]);
#pragma unroll
        for (u32 i = 0; i < ASKS_MEMORY / sizeof(u64); i++)
            key = mix(key, words[i]);
    }
    return key;
}

/*
 * The kernel tries a smaller capability first and then, from the next line of the same function, a
 * larger one: all of the stack but one address is the same. The larger one then is another fact
 * than where it is asked for alone. Gives the smaller one plus one, 0 if there is none.
 */
static __always_inline u32 denied_before(struct task_state *state, const struct scratch *scratch,
                                         int capability, int verdict)
{
    const u32 denied = state->denied;
    u64 others = 0;

    if (verdict != 0) {
#pragma unroll
        for (u32 i = 0; i < EVENT_STACK_MAX; i++)
            state->denied_frames[i] = (u32)scratch->frames[i];
        state->denied = (u32)capability + 1;
        return 0;
    }
    if (denied == 0)
        return 0;
    state->denied = 0;
#pragma unroll
    for (u32 i = 0; i < EVENT_STACK_MAX; i++) {
        others -= ones_if((u32)scratch->frames[i] ^ state->denied_frames[i]);
    }
    return others <= 1 && denied != (u32)capability + 1 ? denied : 0;
}

/*
 * Every mapping of memory asks for CAP_SYS_ADMIN, to no effect, and to look up the stack each time
 * would cost more than all else of the call. The recorder, which knows the kernel's functions,
 * tells the address that cap_capable() returns to in that one, and at which depth of the stack that
 * stands. Where in the kernel's stack it lies, as words from this program's context, is the same
 * for whoever asks, and so found out from some checks: it is what always holds the address that the
 * stack has at that depth. Thereafter one word tells.
 */
u64 memory_check;
u32 memory_check_depth;
u32 memory_check_words = -1;
u32 memory_check_met; /* bit 0: a check of memory, bit 1: another one */

enum { CAPABILITY_SYS_ADMIN = 21, PEEK_WORDS = 32 };

static __always_inline bool has_learned(void)
{
    const u32 words = memory_check_words;

    return memory_check == 0 || (memory_check_met == 3 && (words & (words - 1)) == 0);
}

static __always_inline bool is_memory_check(u64 context)
{
    const u32 words = memory_check_words;

    if (memory_check == 0 || words == 0 || !has_learned())
        return false;
    /* The number of the only bit. */
    const u64 at = (ones_if(words & 0xaaaaaaaa) & 1) | (ones_if(words & 0xcccccccc) & 2) |
                   (ones_if(words & 0xf0f0f0f0) & 4) | (ones_if(words & 0xff00ff00) & 8) |
                   (ones_if(words & 0xffff0000) & 16);
    return WORD(context + (u64)BOUND(at, PEEK_WORDS - 1) * sizeof(u64)) == memory_check;
}

/* Learns from a check whose stack is in the scratch. */
static __always_inline void peek(struct scratch *scratch, u64 context)
{
    u64 *stack = (u64 *)scratch->strings[0];
    const u32 depth = memory_check_depth;
    u32 words = 0;

    if (memory_check == 0 || depth >= EVENT_STACK_MAX)
        return;
    const u64 caller = scratch->frames[depth];
    bpf_probe_read_kernel(stack, PEEK_WORDS * sizeof *stack, (const void *)context);
#pragma unroll
    for (u32 i = 0; i < PEEK_WORDS; i++) {
        words |= (u32)~ones_if(stack[i] ^ caller) & 1u << i;
    }
    memory_check_words &= words;
    memory_check_met |= caller == memory_check ? 1 : 2;
}

/* A check of the recorder, which makes one to be learned from. */
static __always_inline void check_of_recorder(void *context, const struct task_struct *task)
{
    if (has_learned() || recorder_number(plain(task)->group_leader) != session.recorder_tgid)
        return;
    struct scratch *scratch = scratch_take();
    if (!scratch)
        return;
    if (bpf_get_stack(context, scratch->frames, sizeof scratch->frames, 0) > 0)
        peek(scratch, (u64)context);
    scratch_release(scratch);
}

/* CRED and TARGET are addresses: of whose capability it is, and of the user namespace. */
static __always_inline void check(void *context, u64 cred, u64 target, int capability, int verdict)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct task_state *state = own_state(task);
    u64 args[ARGS_ROOM] = {};

    if (!state)
        check_of_recorder(context, task);
    if (!state || state->flags & (TASK_LAUNCHING | TASK_MARK))
        return;
    if (capability == CAPABILITY_SYS_ADMIN && is_memory_check((u64)context))
        return;
    struct scratch *scratch = scratch_take();
    if (!scratch)
        return;
    u32 flags = 0;
    if (FIELD(struct user_namespace, target, ns.inum) != session.user_namespace)
        flags |= CAPABILITY_OTHER_NAMESPACE;
    const struct cred *own_cred = plain(task)->cred;
    if (cred != (u64)own_cred || own_cred != plain(task)->real_cred)
        flags |= CAPABILITY_OVERRIDDEN;
    /* Clears what it does not fill. */
    long size = bpf_get_stack(context, scratch->frames, sizeof scratch->frames, 0);
    if (size < 0)
        size = 0;
    if (!has_learned())
        peek(scratch, (u64)context);
    if (capability >= 0 && capability < 63)
        flags |= denied_before(state, scratch, capability, verdict) << CAPABILITY_DENIED_SHIFT;
    u32 abi;
    struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
    const s64 nr = call_number(task, regs, &abi);
    const struct call_rule *rule = rule_of(abi, nr);
    const bool asks = rule && rule->flags & RULE_ASKS_ANY;
    if (rule && rule->flags & RULE_REMOUNTS && !(state->led & BEFORE_ANY)) {
        scratch->taking.rule_index = rule_index(abi, nr);
        read_arguments(regs, abi, scratch->taking.args);
        state->led |= (u32)before_note() & BEFORE_ANY;
    }
    u64 key = key_begin(state, EVENT_CAPABILITY);
    key = mix(key, (u64)capability << 32 | (u64)(verdict != 0) << 16 | flags);
    key = mix(key, (u64)nr << 8 | abi);
    /* To some sites it matters whether they were root. */
    key = mix(key, (u64)own_cred->euid.val << 32 | own_cred->fsuid.val);
    if (asks) {
        read_arguments(regs, abi, args);
        key = check_arguments(rule, abi, args, key);
    }
#pragma unroll
    for (u32 i = 0; i < EVENT_STACK_MAX; i++)
        key = mix(key, scratch->frames[i]);
    if (!seen_by_task(state, key)) {
        if (!state->program)
            identify(scratch, state);
        event_begin(EVENT_CAPABILITY);
        struct event *event = (struct event *)scratch->event;
        event_subject(scratch, state);
        event->flags |= (u16)flags;
        event->nr = nr;
        event->abi = (u8)abi;
        event->value = (u64)capability;
        event->result = verdict;
        if (asks) {
            __builtin_memcpy(event->args, args, sizeof event->args);
            if (rule->flags & RULE_ASKS_MEMORY) {
                blob_memory(BLOB_MEMORY, 0, args[0], sizeof(u64));
                blob_memory(BLOB_MEMORY, 1, args[1], ASKS_MEMORY);
            }
        }
        blob_frames((u32)size);
        event_circumstances();
        event_deliver(key);
    }
    scratch_release(scratch);
}
