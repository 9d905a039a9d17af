/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of each recorded task, the program that it runs, and the beginnings of keys. */
#pragma once

#include "deliver.h"

enum { PF_EXITING = 4 }; /* linux/sched.h */

static __always_inline struct task_state *state_of(struct task_struct *task)
{
    return bpf_task_storage_get(&tasks, task, NULL, 0);
}

/* The state of TASK; made if there is none. NULL: no memory. Whoever comes at the same moment as
 * another one that makes a task's first entry is refused: then it is there. */
static __always_inline struct task_state *state_make(struct task_struct *task)
{
    struct task_state *state =
        bpf_task_storage_get(&tasks, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

    return state ? state : bpf_task_storage_get(&tasks, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* The scratch for one event at a time; NULL while another one is in the making on this CPU. */
static __always_inline struct scratch *scratch_take(void)
{
    struct scratch *scratch = scratch_get();

    if (!scratch)
        return NULL;
    if (scratch->busy) {
        count(COUNTER_LOST_NESTED, 1);
        return NULL;
    }
    scratch->busy = 1;
    return scratch;
}

static __always_inline void scratch_release(struct scratch *scratch)
{
    scratch->busy = 0;
}

/* The number of the program in the scratch's place; a new one is told to the recorder. 0: it could
 * not be told, try again later. */
__noinline int program_number(void)
{
    struct scratch *scratch = scratch_get();

    if (!scratch || !scratch->place.dentry)
        return 0;
    u64 identity = scratch->place.identity;
    const u32 *known = bpf_map_lookup_elem(&programs, &identity);
    if (known)
        return (int)*known;
    const u32 number = __sync_fetch_and_add(&last_program, 1) + 1;
    event_begin(EVENT_PROGRAM);
    ((struct event *)scratch->event)->value = number;
    blob_place(BLOB_PROGRAM, 0);
    if (event_send(0) < 0)
        return 0;
    if (bpf_map_update_elem(&programs, &identity, &number, BPF_ANY) < 0)
        count(COUNTER_LOST_PROGRAM, 1);
    return (int)number;
}

/* For tasks that were joined, or whose program could not be told when it was started. */
static __always_inline void identify(struct scratch *scratch, struct task_state *state)
{
    const struct task_struct *task = plain(bpf_get_current_task_btf());

    if (!task->mm)
        return;
    place_of_file(scratch, NUMBER(struct mm_struct, task->mm, exe_file));
    state->program = (u32)program_number();
}

static __always_inline u64 key_of_task(const struct task_state *state, u32 label, u32 type)
{
    return mix(mix((u64)state->program << 32 | label, state->phase), type);
}

static __always_inline u64 key_begin(const struct task_state *state, u32 type)
{
    return key_of_task(state, current_label, type);
}
