/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who another process is to the current one. */
#pragma once

#include "state.h"

/* ---- a process by its number ----------------------------------------------------------------- */

/* linux/xarray.h, include/linux/pid_types.h */
enum {
    XA_SHIFT = 6,
    XA_LEVELS = 6,
    XA_TAG_MASK = 3,
    XA_TAG_NODE = 2,
    XA_NODE_LEAST = 4096,
    PIDTYPE_PID = 0
};

static __always_inline bool xa_is_node(u64 entry)
{
    return (entry & XA_TAG_MASK) == XA_TAG_NODE && entry > XA_NODE_LEAST;
}

/* The struct pid that has NUMBER in the current task's own pid namespace; 0 if there is none. */
static __always_inline u64 pid_of_number(const struct task_struct *task, u32 number)
{
    const struct pid *own = plain(task)->thread_pid;

    if (!own)
        return 0;
    const u64 namespace = NUMBER(struct upid, number_slot((u64)own, own->level), ns);
    u64 entry = (u64)FIELD(struct pid_namespace, namespace, idr.idr_rt.xa_head);
    for (u32 i = 0; i < XA_LEVELS && xa_is_node(entry); i++) {
        const u64 node = entry - XA_TAG_NODE;
        const u32 index = number >> (FIELD(struct xa_node, node, shift) & 31);
        if (i == 0 && index >> XA_SHIFT != 0)
            return 0;
        const u64 slot = node + bpf_core_field_offset(struct xa_node, slots) +
                         (index & ((1u << XA_SHIFT) - 1)) * sizeof(u64);
        entry = 0;
        bpf_probe_read_kernel(&entry, sizeof entry, (const void *)slot);
    }
    return entry & XA_TAG_MASK ? 0 : entry;
}

/* The struct pid of a pidfd. */
static __always_inline u64 pid_of_descriptor(struct scratch *scratch, s32 fd)
{
    place_of_descriptor(scratch, fd);
    const u64 file = scratch->place.file;
    return file ? (u64)FIELD(struct file, file, private_data) : 0;
}

/* ---- its relation ---------------------------------------------------------------------------- */

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym __weak;
extern void bpf_task_release(struct task_struct *task) __ksym __weak;

/* Whether the process of that number, of the whole machine, is recorded; unknown where the kernel
 * cannot find it (before 6.2), or it is about to end. */
static __always_inline u32 relation_by_scope(s32 number)
{
    u32 relation = RELATION_UNKNOWN;

    if (!bpf_task_from_pid || !bpf_task_release)
        return relation;
    struct task_struct *target = bpf_task_from_pid(number);
    if (!target)
        return relation;
    if (state_of(target))
        relation = RELATION_RECORDED;
    else if (!(target->flags & PF_EXITING))
        relation = RELATION_OUTSIDE;
    bpf_task_release(target);
    return relation;
}

/* Who the process or thread of a struct pid is to the current task (enum event_relation). */
__noinline int relation_of_pid(u64 pid)
{
    const struct task_struct *task = bpf_get_current_task_btf();

    if (!pid)
        return RELATION_UNKNOWN;
    const u64 link = (u64)FIELD(struct pid, pid, tasks[PIDTYPE_PID].first);
    if (!link)
        return RELATION_UNKNOWN;
    const u64 target = link - bpf_core_field_offset(struct task_struct, pid_links);
    const s32 tgid = FIELD(struct task_struct, target, tgid);
    if (tgid == task->tgid)
        return RELATION_SELF;
    const u64 parent = (u64)FIELD(struct task_struct, target, real_parent);
    if (parent && FIELD(struct task_struct, parent, tgid) == task->tgid)
        return RELATION_CHILD;
    if (tgid == plain(task)->real_parent->tgid)
        return RELATION_PARENT;
    return (int)relation_by_scope(tgid);
}

static __always_inline u32 relation(struct scratch *scratch, u64 pid)
{
    return (u32)relation_of_pid(SCALAR(scratch, pid));
}
