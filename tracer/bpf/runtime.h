/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Container runtimes: what a runtime does before it confines itself needs no profile, and is not
 * recorded. So it is in scope as TASK_UNCONFINED, which all of its children inherit, until the
 * kernel has a seccomp filter for the task (which may come from another thread: TSYNC). From there
 * on to the exec of the workload it is the runtime's start-up, TASK_STARTING.
 */
#pragma once

#include "cgroups.h"

/* TASK has become confined, and is PHASE from here on. */
static __always_inline void runtime_confined(struct task_struct *task, struct task_state *state,
                                             u32 phase)
{
    state->flags &= ~(u32)TASK_UNCONFINED;
    state->phase = phase;
    if (task->pid == task->tgid)
        count_process();
    namespace_follow(task, state);
    /* All of the container's, unless the workload makes more of them. */
    session.user_namespace = plain(task)->cred->user_ns->ns.inum;
}

/* The two below are functions of their own for the verifier: it then looks at what follows them
 * only once. They are about the current task. */

/* A call of a task of a runtime returned, to be recorded if true: that which confines it (CONFINES)
 * is none of those that need to be allowed. */
__noinline int runtime_returned(u32 confines)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct task_state *state = state_of(task);

    if (!state)
        return 0;
    state->led = 0;
    if ((u32)task->seccomp.filter_count.counter <= session.seccomp_filters)
        return 0;
    runtime_confined(task, state, settings.starting_phase);
    state->flags |= TASK_STARTING;
    return !confines;
}

/* A task of a runtime executes a program: true if that is the workload. */
__noinline int runtime_execs(void)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct task_state *state = state_of(task);

    if (!state)
        return 0;
    if (state->flags & TASK_STARTING) {
        state->phase = state->phase_after;
        return 1;
    }
    if (!session.confined_by_exec || own_mount_namespace(task) == settings.mount_namespace)
        return 0;
    runtime_confined(task, state, state->phase_after);
    return 1;
}
