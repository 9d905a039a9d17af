/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What most calls get by with: calls that nothing new can be said of are only counted, and tasks
 * that are not recorded leave at once.
 *
 * Finding the entry of a task in `tasks` costs more than all that is to be done then. So a task
 * that makes many calls counts them in a slot of the map `quicks`, and a task that is not recorded
 * is noted in `outside`; both are found by the address of the registers, at the end of the task's
 * kernel stack, which the tracepoint is given. That is the task's alone as long as it lives. Where
 * two tasks have the same place, the one that came second does without.
 *
 * A slot is taken by its owner in a call of its own, and given back when it ends. Whoever else puts
 * the task out of scope only marks the slot (QUICK_LEFT), for the owner may be counting in it right
 * then: nobody but the owner takes it until then.
 */
#pragma once

#include "state.h"

enum {
    QUICK_SLOTS_BITS = 10,
    OUTSIDE_BITS = 12,
    QUICK_LEFT = 1,   /* no address has this bit */
    STACK_SHIFT = 14, /* stacks are that large or larger, and begin at a multiple of it */
    OUTSIDE_GENERATION_BITS = 24,
    QUICK_MANY = 64, /* so many calls make a slot worth the while */
    QUICK_FLUSH = 1024,
    QUICK_FULL = 0xffff,
    QUICK_NUMBERS = 1024, /* of calls; larger ones are not counted so */
};

/* Slot 0 is nobody's: task_state.slot of a task without. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1 << QUICK_SLOTS_BITS);
    __type(key, u32);
    __type(value, struct quick);
} quicks SEC(".maps");

/* Stacks of tasks that are not recorded, each with the number of `comers` from before it was asked.
 */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1 << OUTSIDE_BITS);
    __type(key, u32);
    __type(value, u64);
} outside SEC(".maps");

/* How often a task that ran already came into scope: what `outside` says of the time before does
 * not hold. The recorder counts as well. */
u64 comers;

/* ---- where a task's stack is ----------------------------------------------------------------- */

/* The address of registers as a number, in relation to that of something which stays where it is:
 * only so does the verifier let it be reckoned with. */
static __always_inline u64 stack_of(const struct pt_regs *regs)
{
    u64 stack = (u64)regs;

    stack -= (u64)&comers;
    barrier_var(stack);
    return stack;
}

static __always_inline u64 stack_of_task(struct task_struct *task)
{
    return stack_of((const struct pt_regs *)bpf_task_pt_regs(task));
}

static __always_inline u32 stack_hash(u64 stack, u32 bits)
{
    return (u32)(stack >> STACK_SHIFT) * 0x9e3779b1u >> (32 - bits);
}

/* ---- tasks that are not recorded ------------------------------------------------------------- */

static __always_inline u64 *outside_slot(u64 stack)
{
    u32 index = stack_hash(stack, OUTSIDE_BITS);

    return bpf_map_lookup_elem(&outside, &index);
}

static __always_inline u64 outside_entry(u64 stack, u64 generation)
{
    return stack >> STACK_SHIFT << OUTSIDE_GENERATION_BITS |
           (generation & ((1u << OUTSIDE_GENERATION_BITS) - 1));
}

/* The current task is known not to be recorded. */
static __always_inline bool is_outside(u64 stack)
{
    const u64 *noted = outside_slot(stack);

    return noted && *noted == outside_entry(stack, *(volatile u64 *)&comers);
}

/* Notes that the current task is not recorded. Before 6.2, which brought that cast, a task's entry
 * may not be found while another program is at some entry. */
__noinline int outside_note(u64 stack)
{
    struct task_struct *task = bpf_get_current_task_btf();
    u64 *noted = outside_slot(stack);

    if (!bpf_rdonly_cast || !noted || stack_of_task(task) != stack)
        return 0;
    /* In this order, also for the processor: whoever puts it in scope counts after that. */
    const u64 generation = __sync_fetch_and_add(&comers, 0);
    if (!state_of(task))
        *(volatile u64 *)noted = outside_entry(stack, generation);
    return 0;
}

/* CHILD, which has not run yet, is recorded; of the last one that had its stack that may not hold.
 */
static __always_inline void outside_forget(struct task_struct *child)
{
    const u64 stack = stack_of_task(child);
    u64 *noted = outside_slot(stack);

    if (noted &&
        *noted >> OUTSIDE_GENERATION_BITS == outside_entry(stack, 0) >> OUTSIDE_GENERATION_BITS)
        *noted = 0;
}

/* A task that runs already has come into scope. */
static __always_inline void outside_ends(void)
{
    __sync_fetch_and_add(&comers, 1);
}

/* ---- counts ---------------------------------------------------------------------------------- */

static __always_inline struct quick *quick_slot(u64 stack)
{
    u32 index = stack_hash(stack, QUICK_SLOTS_BITS);

    return bpf_map_lookup_elem(&quicks, &index);
}

/* Where calls of the task are counted. */
static __always_inline struct quick *quick_of(struct task_state *state)
{
    u32 index = state->slot;
    struct quick *slot = index ? bpf_map_lookup_elem(&quicks, &index) : NULL;

    return slot ? slot : &state->own;
}

static __always_inline void count_call(struct quick *quick)
{
    if (++quick->calls == QUICK_FLUSH) {
        count_calls(QUICK_FLUSH);
        quick->calls = 0;
    }
}

struct flushing {
    u64 task_key; /* key_begin() under the label that the counts are of */
    struct quick *quick;
};

static long flush_step(u32 index, struct flushing *flushing)
{
    struct quick *quick = flushing->quick;
    const u32 place = quick->used[BOUND(index, QUICK_PLACES - 1)];
    struct quick_call *call = &quick->places[BOUND(place, QUICK_PLACES - 1)];

    if (call->times > 1)
        count_key(mix(mix(flushing->task_key, (u64)call->nr << 8 | ABI_NATIVE << 1), 0),
                  call->times - 1);
    call->times = 0;
    return 0;
}

/* What is counted in QUICK of native calls of the task with STATE goes where it belongs. */
__noinline int quick_flush_task(struct task_state *state, struct quick *quick)
{
    if (!state || !quick)
        return 0;
    struct flushing flushing = {.task_key = key_of_task(state, quick->label, EVENT_CALL),
                                .quick = quick};

    bpf_loop(BOUND(quick->used_count, 2 * QUICK_PLACES - 1), flush_step, &flushing, 0);
    quick->used_count = 0;
    count_calls(quick->calls);
    quick->calls = 0;
    quick->label = current_label;
    return 0;
}

static __always_inline void quick_flush(struct task_state *state)
{
    quick_flush_task(state, quick_of(state));
}

/* All that is counted in the task's state goes where it belongs. */
static __always_inline void settle_counts(struct task_state *state)
{
    quick_flush(state);
    keys_flush(state);
}

static __always_inline bool quick_may_be(u32 abi, s64 nr)
{
    return abi == ABI_NATIVE && (u64)nr < QUICK_NUMBERS;
}

/* Where call NR is counted, or may be if neither of its two places is another one's. */
static __always_inline struct quick_call *quick_place(struct quick *quick, s64 nr, u32 *place)
{
    u32 at = BOUND(nr ^ nr >> 5, QUICK_PLACES - 1);

    if (quick->places[at].times != 0 && quick->places[at].nr != nr)
        at ^= 1;
    *place = at;
    return &quick->places[at];
}

/* Counts a call if nothing new can be said of it. Not if that takes a closer look. */
static __always_inline bool quick_count(struct quick *quick, u32 abi, s64 nr, s64 result)
{
    u32 place;

    if (!quick_may_be(abi, nr) || result < 0 || quick->label != current_label)
        return false;
    struct quick_call *call = quick_place(quick, nr, &place);
    if (call->nr != nr || call->times == 0 || call->times == QUICK_FULL || connected_count)
        return false;
    call->times++;
    count_call(quick);
    return true;
}

/* ---- slots ----------------------------------------------------------------------------------- */

/* The current task, which has STATE, counts in a slot from now on, if it may have one. */
__noinline int quick_take(struct task_state *state, u64 stack)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct quick *slot = quick_slot(stack);
    const u32 index = stack_hash(stack, QUICK_SLOTS_BITS);

    if (!state || !slot || index == 0 || stack_of_task(task) != stack)
        return 0;
    const u64 taken = stack | QUICK_LEFT;
    if (slot->stack != taken && __sync_val_compare_and_swap(&slot->stack, 0, taken) != 0)
        return 0;
    quick_flush_task(state, &state->own);
    /* Whoever left scope may have been counting still. */
    __builtin_memset(slot->places, 0, sizeof slot->places);
    slot->task = (u64)task;
    slot->returned = state->own.returned;
    slot->label = current_label;
    slot->calls = 0;
    slot->used_count = 0;
    state->slot = index;
    __sync_val_compare_and_swap(&slot->stack, taken, stack);
    /* Whoever put it out of scope meanwhile found no slot to mark. */
    if (state_of(task) != state) {
        state->slot = 0;
        *(volatile u64 *)&slot->stack = 0;
    }
    return 0;
}

/* TASK is out of scope, and has no entry in `tasks` any more. */
static __always_inline void quick_leave(struct task_struct *task)
{
    const u64 stack = stack_of_task(task);
    struct quick *slot = quick_slot(stack);

    if (!slot)
        return;
    if (plain(task)->pid != plain(bpf_get_current_task_btf())->pid)
        __sync_val_compare_and_swap(&slot->stack, stack, stack | QUICK_LEFT);
    else if ((slot->stack | QUICK_LEFT) == (stack | QUICK_LEFT))
        *(volatile u64 *)&slot->stack = 0;
}

/* The current task, which is not in scope, gives back the slot that it may have had before. */
static __always_inline void quick_release(u64 stack)
{
    struct quick *slot = quick_slot(stack);

    if (slot && slot->stack == (stack | QUICK_LEFT))
        *(volatile u64 *)&slot->stack = 0;
}
