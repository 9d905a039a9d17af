/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which mount namespaces recorded tasks are in. A namespace ends with its last task; the recorder
 * holds those that it is told of until it has taken all events from there.
 */
#pragma once

#include "state.h"

/* Recorded tasks by the inode number of their mount namespace. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64 * 1024);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, u32);
    __type(value, u64);
} namespaces SEC(".maps");

static __always_inline void tell_namespace(const struct task_struct *task, u32 type, u32 inode)
{
    struct scratch *scratch = scratch_take();

    if (!scratch)
        return;
    event_begin(type);
    struct event *event = (struct event *)scratch->event;
    event->tid = recorder_number(task);
    event->tgid = recorder_number(plain(task)->group_leader);
    event->mount_namespace = inode;
    event->value = inode;
    event_send(0);
    scratch_release(scratch);
}

static __always_inline void namespace_leave(struct task_struct *task, struct task_state *state)
{
    u32 inode = state->mount_namespace;
    u64 *tasks_there = inode ? bpf_map_lookup_elem(&namespaces, &inode) : NULL;

    state->mount_namespace = 0;
    if (!tasks_there || __sync_fetch_and_add(tasks_there, (u64)-1) != 1)
        return;
    bpf_map_delete_elem(&namespaces, &inode);
    tell_namespace(task, EVENT_NAMESPACE_LEFT, inode);
}

/* TASK is where it is now. A runtime that is not confined yet does not count: it may still give its
 * namespace another root, untold. */
static __always_inline void namespace_follow(struct task_struct *task, struct task_state *state)
{
    u32 inode = own_mount_namespace(task);
    u64 one = 1;

    if (inode == settings.mount_namespace || state->flags & TASK_UNCONFINED)
        inode = 0;
    if (inode == state->mount_namespace)
        return;
    namespace_leave(task, state);
    if (inode == 0)
        return;
    state->mount_namespace = inode;
    u64 *tasks_there = bpf_map_lookup_elem(&namespaces, &inode);
    if (tasks_there) {
        __sync_fetch_and_add(tasks_there, 1);
        return;
    }
    bpf_map_update_elem(&namespaces, &inode, &one, BPF_ANY);
    tell_namespace(task, EVENT_NAMESPACE_ENTERED, inode);
}
