/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Recording by control group: a task is recorded while it is in one of the listed cgroups or in one
 * below them, of whatever hierarchy (v2 or one of v1's).
 *
 * - A new task is looked at when it is created: the kernel has put it where it belongs by then,
 *   be that its parent's cgroup or another one (CLONE_INTO_CGROUP).
 * - A task that is moved is looked at in the tracepoint that tells of it. That names one thread of
 *   the process that was moved. If there are more, each looks at itself before it does anything
 *   that would be recorded, and the recorder, which is told, runs the iterator `seed` for those
 *   that do nothing. `moves` and `settled` tell when that is over: other tasks pay two loads a call
 *   for as long, and none if nothing is recorded by cgroup.
 */
#pragma once

#include "calls.h"

enum { HIERARCHIES_MAX = 32, CGROUP_DEPTH_MAX = 64 };
enum { PF_KTHREAD = 0x00200000 }; /* linux/sched.h */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
    struct list_head *next;
};
struct kernfs_node {
    u64 id;
};
struct cgroup_root {
    int hierarchy_id;
};
struct cgroup_subsys_state {
    struct cgroup *cgroup;
    struct cgroup_subsys_state *parent;
};
struct cgroup {
    struct cgroup_subsys_state self;
    struct kernfs_node *kn;
    struct cgroup_root *root;
};
/* A cgroup of a css_set: one in each hierarchy. */
struct cgrp_cset_link {
    struct cgroup *cgrp;
    struct list_head cgrp_link;
};
struct css_set {
    struct cgroup *dfl_cgrp; /* v2's */
    struct list_head cgrp_links;
};

#pragma clang attribute pop

/* The cgroups to record, and the phase of what is in them (enum Phase of model/fact.h), with
 * ROOT_RUNTIME if whoever comes there is about to become a container runtime. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, CGROUPS_MAX);
    __type(key, struct cgroup_key);
    __type(value, u32);
} cgroups SEC(".maps");

u64 moves;     /* of processes with more than one thread */
u64 settled;   /* as many of them are over; set by the recorder */
u32 populated; /* some task was in scope */
u64 seeded;    /* tasks that the iterator added */

/* The value in `cgroups` that holds for CGROUP, plus one; 0: neither it nor one above is to be
 * recorded. */
__noinline int phase_in_cgroup(u64 cgroup, u32 hierarchy)
{
    for (u32 i = 0; i < CGROUP_DEPTH_MAX && cgroup; i++) {
        const u64 node = NUMBER(struct cgroup, cgroup, kn);
        const struct cgroup_key key = {.id = NUMBER(struct kernfs_node, node, id),
                                       .hierarchy = hierarchy};
        const u32 *phase = bpf_map_lookup_elem(&cgroups, &key);
        if (phase)
            return (int)(*phase + 1);
        const u64 above = NUMBER(struct cgroup, cgroup, self.parent);
        cgroup = above ? NUMBER(struct cgroup_subsys_state, above, cgroup) : 0;
    }
    return 0;
}

static __always_inline bool hierarchy_is_listed(u32 hierarchy)
{
    return settings.hierarchies >> (hierarchy & 63) & 1;
}

/* The same for the tasks that SET, a struct css_set, belongs to. */
__noinline int phase_in_set(u64 set)
{
    if (settings.hierarchies == 1)
        return phase_in_cgroup(NUMBER(struct css_set, set, dfl_cgrp), 0);
    const u64 head = set + bpf_core_field_offset(struct css_set, cgrp_links);
    u64 at = NUMBER(struct css_set, set, cgrp_links.next);
    for (u32 i = 0; i < HIERARCHIES_MAX && at && at != head; i++) {
        const u64 link = at - bpf_core_field_offset(struct cgrp_cset_link, cgrp_link);
        const u64 cgroup = NUMBER(struct cgrp_cset_link, link, cgrp);
        const u64 root = NUMBER(struct cgroup, cgroup, root);
        const u32 hierarchy = (u32)FIELD(struct cgroup_root, root, hierarchy_id);
        if (hierarchy_is_listed(hierarchy)) {
            const int phase = phase_in_cgroup(cgroup, hierarchy);
            if (phase)
                return phase;
        }
        at = NUMBER(struct cgrp_cset_link, link, cgrp_link.next);
    }
    return 0;
}

/* The same for TASK, but whittle's own and those of the kernel are never recorded. */
static __always_inline int phase_by_cgroup(const struct task_struct *task)
{
    if (task->flags & PF_KTHREAD)
        return 0;
    const u32 tgid = recorder_number(plain(task)->group_leader);
    if (tgid == session.recorder_tgid || (tgid && tgid == session.front_tgid))
        return 0;
    return phase_in_set(NUMBER(struct task_struct, task, cgroups));
}

/* ---- coming and going ------------------------------------------------------------------------ */

/* TASK is out of scope from here on. */
static __always_inline void scope_leave(struct task_struct *task, struct task_state *state)
{
    settle_counts(state);
    namespace_leave(task, state);
    if (task->pid == task->tgid && !(state->flags & TASK_UNCONFINED)) {
        u32 program = state->program;
        u64 pages = plain(task)->signal->maxrss;
        const u64 *peak = bpf_map_lookup_elem(&peaks, &program);
        if (!peak || *peak < pages)
            bpf_map_update_elem(&peaks, &program, &pages, BPF_ANY);
        count(COUNTER_PROCESSES, -1);
    }
    const bool counted = uncount_task(state);
    bpf_task_storage_delete(&tasks, task);
    quick_leave(task);
    if (!counted)
        return;
    u32 which = COUNTER_TASKS;
    u64 *left = bpf_map_lookup_elem(&counters, &which);
    if (left && __sync_fetch_and_add(left, (u64)-1) == 1) {
        struct scratch *scratch = scratch_take();
        if (scratch) {
            event_begin(EVENT_ENDED);
            event_send(0);
            scratch_release(scratch);
        }
    }
}

/* TASK, which is alive already, comes into scope. */
static __always_inline void scope_enter(struct task_struct *task, u32 phase, u32 flags)
{
    if (task->flags & PF_EXITING)
        return;
    struct task_state *state = state_make(task);
    if (!state) {
        count(COUNTER_LOST_TASK, 1);
        return;
    }
    outside_ends();
    state->phase = state->phase_after = phase;
    state->flags = flags;
    state->own.returned = NR_NONE;
    state->own.label = current_label;
    if (!count_task(state))
        return;
    /* Its end may have been seen before it had an entry. */
    if (task->flags & PF_EXITING && uncount_task(state)) {
        count(COUNTER_TASKS, -1);
        bpf_task_storage_delete(&tasks, task);
        return;
    }
    if (task->pid == task->tgid && !(flags & TASK_UNCONFINED))
        count_process();
    namespace_follow(task, state);
    populated = 1;
    __sync_fetch_and_add(&seeded, 1);
}

/* Puts TASK in scope, or out of it, as its cgroup says. */
static __noinline void settle(struct task_struct *task)
{
    const int phase = phase_by_cgroup(task);
    struct task_state *state = state_of(task);

    const u32 root = (u32)phase - 1;
    if (phase && !state)
        scope_enter(task, root & ROOT_PHASE, root & ROOT_RUNTIME ? TASK_UNCONFINED : 0);
    else if (!phase && state)
        scope_leave(task, state);
}

/* Tasks were moved, and not all of them have been looked at since. */
static __always_inline bool is_unsettled(void)
{
    return settings.hierarchies && *(volatile u64 *)&moves != *(volatile u64 *)&settled;
}

/* state_of() the current task. */
static __always_inline struct task_state *own_scope(struct task_struct *task)
{
    if (is_unsettled())
        settle(task);
    return state_of(task);
}

/* The same if what it does is recorded. */
static __always_inline struct task_state *own_state(struct task_struct *task)
{
    struct task_state *state = own_scope(task);

    return state && state->flags & TASK_UNCONFINED ? NULL : state;
}

/* TASK was moved to another cgroup; if ALL, the other threads of its process as well. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_attach, struct cgroup *to, const char *path, struct task_struct *task, bool all)
{
    settle(task);
    if (!all || plain(task)->signal->nr_threads <= 1)
        return 0;
    __sync_fetch_and_add(&moves, 1);
    struct scratch *scratch = scratch_take();
    if (scratch) {
        event_begin(EVENT_MOVED);
        event_send(0);
        scratch_release(scratch);
    }
    return 0;
}
