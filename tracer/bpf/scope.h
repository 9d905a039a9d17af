/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is recorded beside what whittle starts itself: processes that run already, with their
 * descendants. The recorder attaches all other programs first and then runs this iterator: a task
 * that is created meanwhile is either seen here or inherits from a parent that was.
 */
#pragma once

#include "cgroups.h"

/* Processes to start from, by thread group, and their phase (enum Phase of model/fact.h), with
 * ROOT_RUNTIME if they are about to become a container runtime. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64 * 1024);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, u32);
    __type(value, u32);
} roots SEC(".maps");

/* All other programs are detached: the iterator is to take the counts of tasks that live on. */
u32 ending;

enum { GENERATIONS_MAX = 64 };

/* The value of the root that the task's process is or descends from; NULL if none. */
static __always_inline const u32 *root_of(struct task_struct *task)
{
    const struct task_struct *above = plain(task);

    for (u32 i = 0; i < GENERATIONS_MAX; i++) {
        u32 tgid = recorder_number(above->group_leader);
        if (tgid <= 1 || tgid == session.recorder_tgid)
            return NULL;
        const u32 *root = bpf_map_lookup_elem(&roots, &tgid);
        if (root)
            return root;
        above = above->real_parent;
        if (!above)
            return NULL;
    }
    return NULL;
}

struct bpf_iter__task {
    void *meta;
    struct task_struct *task;
};

SEC("iter/task")
int seed(struct bpf_iter__task *context)
{
    struct task_struct *task = context->task;
    struct scratch *scratch = scratch_get();

    if (scratch && own_root_dentry == 0)
        set_own_root(bpf_get_current_task_btf()); /* the recorder runs this */
    if (!task)
        return 0;
    if (ending) {
        struct task_state *state = state_of(task);
        if (state)
            settle_counts(state);
        return 0;
    }
    if (settings.hierarchies) {
        settle(task);
        return 0;
    }
    if (state_of(task))
        return 0;
    const u32 *root = root_of(task);
    if (root)
        scope_enter(task, *root & ROOT_PHASE, *root & ROOT_RUNTIME ? TASK_UNCONFINED : 0);
    return 0;
}
