/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A system call: what is part of its key, and how a new one is told. */
#pragma once

#include "namespaces.h"
#include "quick.h"
#include "take_blob.h"
#include "take_key.h"

enum { X32_BIT = 0x40000000, TS_COMPAT = 2, TIF_32BIT_ARM64 = 22 };

/* What of a thread's flags tells of which architecture its call is. */
#if defined(__TARGET_ARCH_x86)
#define THREAD_WORD status
#else
#define THREAD_WORD flags
#endif

/* The call that REGS are of; negative if none, and after sigreturn, which puts back those of
 * another moment. The tracepoint at the entry would know it without a doubt, but costs as much
 * again as all of this. */
static __always_inline s64 number_of_call(u64 thread_word, const struct pt_regs *context, u32 *abi)
{
#if defined(__TARGET_ARCH_x86)
    const s64 nr = (s64)((const struct pt_regs___x86 *)(const void *)context)->orig_ax;
    if (thread_word & TS_COMPAT) {
        *abi = ABI_I386;
        return (s32)nr;
    }
    *abi = nr >= 0 && nr & X32_BIT ? ABI_X32 : ABI_NATIVE;
    return nr;
#elif defined(__TARGET_ARCH_arm64)
    *abi = thread_word & 1ul << TIF_32BIT_ARM64 ? ABI_I386 : ABI_NATIVE;
    return ((const struct pt_regs___aarch64 *)(const void *)context)->syscallno;
#else
#error "whittle.bpf.c does not know where this architecture keeps the arguments of a system call"
#endif
}

static __always_inline s64 call_number(const struct task_struct *task,
                                       const struct pt_regs *context, u32 *abi)
{
    return number_of_call(task->thread_info.THREAD_WORD, context, abi);
}

static __always_inline void read_arguments(const struct pt_regs *context, u32 abi, u64 *args)
{
#if defined(__TARGET_ARCH_x86)
    const struct pt_regs___x86 *regs = (const void *)context;
    if (abi == ABI_I386) {
        args[0] = (u32)regs->bx;
        args[1] = (u32)regs->cx;
        args[2] = (u32)regs->dx;
        args[3] = (u32)regs->si;
        args[4] = (u32)regs->di;
        args[5] = (u32)regs->bp;
        return;
    }
    args[0] = regs->di;
    args[1] = regs->si;
    args[2] = regs->dx;
    args[3] = regs->r10;
    args[4] = regs->r8;
    args[5] = regs->r9;
#elif defined(__TARGET_ARCH_arm64)
    const struct pt_regs___aarch64 *regs = (const void *)context;
    args[0] = regs->orig_x0;
    args[1] = regs->regs[1];
    args[2] = regs->regs[2];
    args[3] = regs->regs[3];
    args[4] = regs->regs[4];
    args[5] = regs->regs[5];
#endif
}

/* Argument INDEX, up to 2, and the result of the kernel's function that a kprobe or kretprobe is
 * at.
 */
static __always_inline u64 probed_argument(const struct pt_regs *context, u32 index)
{
#if defined(__TARGET_ARCH_x86)
    const struct pt_regs___x86 *regs = (const void *)context;
    return index == 0   ? BPF_CORE_READ(regs, di)
           : index == 1 ? BPF_CORE_READ(regs, si)
                        : BPF_CORE_READ(regs, dx);
#elif defined(__TARGET_ARCH_arm64)
    return BPF_CORE_READ((const struct pt_regs___aarch64 *)(const void *)context, regs[index & 3]);
#endif
}

static __always_inline u64 probed_result(const struct pt_regs *context)
{
#if defined(__TARGET_ARCH_x86)
    return BPF_CORE_READ((const struct pt_regs___x86 *)(const void *)context, ax);
#elif defined(__TARGET_ARCH_arm64)
    return BPF_CORE_READ((const struct pt_regs___aarch64 *)(const void *)context, regs[0]);
#endif
}

/* In the map `rules`, of a call that has one. */
static __always_inline u32 rule_index(u32 abi, s64 nr)
{
    return abi * RULES_PER_ABI + (u32)(nr & (RULES_PER_ABI - 1));
}

static __always_inline struct call_rule *rule_of(u32 abi, s64 nr)
{
    const u64 number = (u64)nr & ~(abi == ABI_X32 ? (u64)X32_BIT : 0);
    u32 index = abi * RULES_PER_ABI + (u32)number;

    if (number >= RULES_PER_ABI || abi >= ABI_COUNT)
        return NULL;
    return bpf_map_lookup_elem(&rules, &index);
}

/* Restart codes stand for EINTR to whoever sees them; the kernel's own numbers mean no errno. */
static __always_inline u32 errno_of(s64 result)
{
    if (result >= 0 || result < -4095)
        return 0;
    const u32 number = (u32)-result;
    return number >= 512 && number <= 516 ? 4 /* EINTR */ : number;
}

/* The part of a call's key that needs no look at memory. */
static __always_inline u64 call_key(const struct task_state *state, const struct call_rule *rule,
                                    u32 abi, s64 nr, s64 result, bool ended, const u64 *args)
{
    u64 key = key_begin(state, EVENT_CALL);

    key = mix(key, (u64)nr << 8 | abi << 1 | ended);
    key = mix(key, errno_of(result));
    if (rule && rule->flags & RULE_SELECTS) {
#pragma unroll
        for (u32 i = 0; i < EVENT_ARGS; i++) {
            if (rule->mask[i])
                key = mix(key, args[i] & rule->mask[i]);
        }
    }
    return key;
}

/* ---- the quick way (quick.h) ----------------------------------------------------------------- */

static __always_inline void quick_add(struct quick *quick, u32 abi, s64 nr, s64 result)
{
    u32 place;

    if (!quick_may_be(abi, nr) || errno_of(result) != 0 || quick->label != current_label)
        return;
    struct quick_call *call = quick_place(quick, nr, &place);
    const u32 used = quick->used_count;
    if (call->times != 0 || used >= QUICK_PLACES)
        return;
    call->nr = (u16)nr;
    call->times = 1; /* this one is in `seen` already: one less below */
    quick->used[BOUND(used, QUICK_PLACES - 1)] = (u8)place;
    quick->used_count = used + 1;
}

/* Data may go out by a datagram socket of which it was not known yet whether it sends. */
static __always_inline bool may_settle(const struct call_rule *rule)
{
    return connected_count && rule && rule->flags & RULE_MAY_SEND;
}

static __always_inline bool quick_seen(struct task_state *state, struct quick *quick, u32 abi,
                                       s64 nr, s64 result)
{
    u32 place;

    if (!quick_may_be(abi, nr) || result < 0)
        return false;
    struct quick_call *call = quick_place(quick, nr, &place);
    if (quick->label != current_label || call->times == QUICK_FULL)
        quick_flush_task(state, quick);
    if (call->nr != nr || call->times == 0 || (connected_count && may_settle(rule_of(abi, nr))))
        return false;
    call->times++;
    count_call(quick);
    return true;
}

static __always_inline bool takes_apply(const struct call_rule *rule, const u64 *args)
{
    if (!(rule->flags & RULE_TAKES))
        return false;
    if (rule->condition_mask == 0 && rule->condition_value == 0)
        return true;
    const u64 value = (u32)args[rule->condition_arg & (ARGS_ROOM - 1)];
    if (rule->condition_value && value == rule->condition_value)
        return true;
    if (!rule->condition_is_bit)
        return (value & rule->condition_mask) != 0;
    return value < 64 && rule->condition_mask >> value & 1;
}

static __always_inline void tell_call(struct scratch *scratch, const struct task_state *state,
                                      const struct call_rule *rule, u32 abi, s64 nr, s64 result,
                                      bool ended, const u64 *args, u64 key, bool takes)
{
    event_begin(EVENT_CALL);
    event_subject(scratch, state);
    struct event *event = (struct event *)scratch->event;
    event->abi = (u8)abi;
    event->nr = nr;
    event->result = result;
    event->relation = (u8)(takes ? scratch->taking.relation : RELATION_UNKNOWN);
    if (ended)
        event->flags |= EVENT_NO_RESULT;
    __builtin_memcpy(event->args, args, sizeof event->args);
    if (takes)
        take_blobs();
    event_circumstances();
    event_deliver(key);
}

/* `whittle mark`: the label is in force, and whoever asked is told, once the recorder will know its
 * text. */
static __always_inline void mark(struct scratch *scratch, const struct task_state *state,
                                 const u64 *args)
{
    scratch->string_length[0] = 0;
    read_label(args[1], args[2]);
    u64 hash = scratch->string_hash[0];
    if (scratch->string_length[0] == 0)
        return;
    const u32 *known = bpf_map_lookup_elem(&labels, &hash);
    u32 number;
    if (known) {
        number = *known;
    } else {
        number = __sync_fetch_and_add(&last_label, 1) + 1;
        event_begin(EVENT_LABEL);
        event_subject(scratch, state);
        ((struct event *)scratch->event)->label = number;
        blob_label();
        if (event_send(0) < 0)
            return;
        bpf_map_update_elem(&labels, &hash, &number, BPF_ANY);
    }
    current_label = number;
    bpf_send_signal(settings.mark_signal);
}

static __always_inline void observe(struct pt_regs *regs, struct task_state *state, s64 nr, u32 abi,
                                    s64 result, bool ended)
{
    u64 args[ARGS_ROOM] = {};
    struct call_rule *rule = rule_of(abi, nr);

    if (rule && rule->flags & RULE_FORKS && result == 0 && !ended)
        return; /* the child's side of its parent's call */
    struct quick *quick = quick_of(state);
    count_call(quick);
    const bool new_descriptor = rule && rule->flags & RULE_NEW_FD && result >= 0 && !ended;
    if (new_descriptor && result >= state->descriptor_peak) {
        count_descriptor((u64)result);
        state->descriptor_peak = (u32)result + 1;
    }
    if (rule && rule->flags & RULE_UNSHARES && !ended)
        namespace_follow(bpf_get_current_task_btf(), state);
    if (rule && !(rule->flags & (RULE_TAKES | RULE_SELECTS | RULE_UNSHARES)) && state->program &&
        !may_settle(rule)) {
        /* The usual call: no argument is part of what it is. */
        const u64 key = call_key(state, NULL, abi, nr, result, ended, args);
        if (seen_by_task(state, key)) {
            if (!new_descriptor)
                quick_add(quick, abi, nr, result);
            return;
        }
    }
    read_arguments(regs, abi, args);
    bool takes = rule && takes_apply(rule, args) && !ended;
    takes = takes || may_settle(rule);
    if (rule && rule->flags & RULE_MARK && (u32)args[0] == settings.mark_option) {
        struct scratch *own = scratch_take();
        if (own) {
            mark(own, state, args);
            scratch_release(own);
        }
        return;
    }
    if (state->flags & TASK_MARK)
        return;
    u64 key = call_key(state, rule, abi, nr, result, ended, args);
    if (state->program) {
        u64 shorter = key;
        bool whole = !takes;
        if (takes && rule && rule->flags & RULE_LOOKS)
            whole = take_plain_name(rule, args, state->led, &shorter);
        else if (takes && rule && rule->flags & RULE_OPENS && result >= 0)
            whole = take_opened(rule, args, result, &shorter);
        if (whole && seen_by_task(state, shorter))
            return;
    }

    struct scratch *scratch = scratch_take();
    if (!scratch)
        return;
    if (!state->program) {
        identify(scratch, state);
        key = call_key(state, rule, abi, nr, result, ended, args);
    }
    if (takes) {
        struct taking *taking = &scratch->taking;
        taking->rule_index = rule_index(abi, nr);
        taking->result = result;
        taking->abi = abi;
        __builtin_memcpy(taking->args, args, sizeof taking->args);
        taking->hash = key;
        taking->relation = state->relation;
        state->relation = RELATION_UNKNOWN;
        taking->led = state->led;
        take_keys(scratch, rule);
        key = taking->hash;
        takes = !taking->nothing;
    }
    if (!seen_by_task(state, key))
        tell_call(scratch, state, rule, abi, nr, result, ended, args, key, takes);
    scratch_release(scratch);
}
