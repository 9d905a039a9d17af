/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who is recorded: tasks that are created, start a program and end. */
#pragma once

#include "exec_stack.h"
#include "interpreter.h"
#include "runtime.h"

enum { CLONE_THREAD = 0x10000 };

static __always_inline void ancestry_push(struct task_state *state, u32 program)
{
#pragma unroll
    for (u32 i = EVENT_ANCESTRY - 1; i > 0; i--)
        state->ancestry[i] = state->ancestry[i - 1];
    state->ancestry[0] = program;
}

/* The phase of CHILD of PARENT (NULL: that is not recorded), with ROOT_RUNTIME as in `cgroups`,
 * plus one; 0: not to be recorded. */
static __always_inline int phase_of_new(const struct task_struct *child,
                                        const struct task_state *parent)
{
    if (settings.hierarchies)
        return phase_by_cgroup(child);
    return parent ? (int)(parent->phase + 1) : 0;
}

static __always_inline void inherit(struct task_state *state, const struct task_state *parent,
                                    u64 clone_flags)
{
    state->program = parent->program;
    state->flags = parent->flags & ~TASK_LAUNCHING;
    state->phase_after = parent->phase_after;
    __builtin_memcpy(state->ancestry, parent->ancestry, sizeof state->ancestry);
    if (!(clone_flags & CLONE_THREAD) && parent->program && parent->ancestry[0] != parent->program)
        ancestry_push(state, parent->program);
}

SEC("tp_btf/task_newtask")
int BPF_PROG(on_new_task, struct task_struct *child, u64 clone_flags)
{
    const struct task_state *parent = own_scope(bpf_get_current_task_btf());
    const int phase = phase_of_new(child, parent);

    if (!phase)
        return 0;
    struct task_state *state = state_make(child);
    if (!state) {
        count(COUNTER_LOST_TASK, 1);
        return 0;
    }
    outside_forget(child);
    const u32 root = (u32)phase - 1;
    state->phase = parent ? parent->phase : root & ROOT_PHASE;
    state->phase_after = state->phase;
    state->flags = root & ROOT_RUNTIME ? TASK_UNCONFINED : 0;
    state->own.returned = NR_NONE;
    if (!count_task(state))
        return 0; /* it was found first */
    if (parent)
        inherit(state, parent, clone_flags);
    if (!(clone_flags & CLONE_THREAD) && !(state->flags & TASK_UNCONFINED))
        count_process();
    namespace_follow(child, state);
    populated = 1;
    return 0;
}

/* The call that starts a program; where its registers can no longer be read, what the kernel left
 * in them: x86 makes each look like the new program's own execve(). */
static __always_inline s64 exec_number(struct task_struct *task, struct task_state *state, u32 *abi)
{
    if (state->exec_nr) {
        const u32 noted = state->exec_nr;
        *abi = state->exec_abi;
        state->exec_nr = 0;
        return noted;
    }
    const s64 nr = call_number(task, (const struct pt_regs *)bpf_task_pt_regs(task), abi);
    const u32 abis[] = {*abi, ABI_NATIVE, ABI_I386, ABI_X32};

    for (u32 i = 0; i < 4; i++) {
        const struct call_rule *rule = rule_of(abis[i], nr);
        if (rule && rule->flags & RULE_EXEC) {
            *abi = abis[i];
            break;
        }
    }
    return nr;
}

static __always_inline void note_exec(struct task_struct *task)
{
    struct task_state *state = own_scope(task);
    u32 abi;

    if (!state)
        return;
    state->exec_nr = (u32)call_number(task, (const struct pt_regs *)bpf_task_pt_regs(task), &abi);
    state->exec_abi = abi;
    if (settings.stacks && !(state->flags & (TASK_LAUNCHING | TASK_UNCONFINED | TASK_MARK)))
        tell_exec_stack(task, state);
}

SEC("tp_btf/sched_prepare_exec")
int BPF_PROG(on_prepare_exec, struct task_struct *task, struct linux_binprm *bprm)
{
    note_exec(bpf_get_current_task_btf());
    return 0;
}

/* Before that tracepoint (6.11). */
SEC("fentry/begin_new_exec")
int BPF_PROG(on_begin_exec, struct linux_binprm *bprm)
{
    note_exec(bpf_get_current_task_btf());
    return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, s32 old_pid, struct linux_binprm *bprm)
{
    struct task_state *state = own_scope(task);

    if (!state)
        return 0;
    const bool starting = state->flags & (TASK_UNCONFINED | TASK_STARTING);
    if (starting && !runtime_execs())
        return 0;
    struct scratch *scratch = scratch_take();
    if (!scratch)
        return 0;
    const u32 caller = state->program;
    const bool first = starting || state->flags & TASK_LAUNCHING;
    if (state->flags & TASK_LAUNCHING)
        set_own_root(task);
    quick_flush(state);
    state->flags = TASK_EXEC;
    /* The new program may be of another architecture than the caller, whose call this is: the
     * numbers of execve() and execveat() tell the caller's. */
    u32 abi;
    const s64 nr = exec_number(task, state, &abi);
    place_of_file(scratch, NUMBER(struct linux_binprm, bprm, file));
    if (is_mark_program(task, &scratch->place)) {
        state->flags = TASK_MARK;
        scratch_release(scratch);
        return 0;
    }
    state->program = (u32)program_number();
    if (!first && caller && caller != state->ancestry[0])
        ancestry_push(state, caller);

    /* The exec is the deed of the program that called it, but the first one nobody's but its own.
     */
    u64 key = mix(mix((u64)(first ? state->program : caller) << 32 | current_label, state->phase),
                  EVENT_EXEC);
    key = mix(key, (u64)nr << 8 | abi);
    key = mix(key, state->program);
    const u64 name = NUMBER(struct linux_binprm, bprm, filename);
    const u64 last = NUMBER(struct linux_binprm, bprm, interp);
    const long length = bpf_probe_read_kernel_str(scratch->strings[0], PATH_BYTES, (void *)name);
    scratch->string_length[0] = length > 0 ? (u32)length : 0;
    string_hash(scratch, 0);
    key = mix(key, scratch->string_hash[0]);
    /* "/dev/fd/3" is what the kernel says of execveat(3, ""): another file each time. A script can
     * only be run where its interpreter finds the descriptor, and so does this. */
    const s32 magic = magic_descriptor(scratch, 0);
    if (magic >= 0) {
        place_of_descriptor(scratch, magic);
        key = mix(key, scratch->place.identity);
    }
    place_of_folder(scratch, AT_FDCWD);
    key = mix(key, scratch->place.identity);
    if (!seen_before(key)) {
        event_begin(EVENT_EXEC);
        struct event *event = (struct event *)scratch->event;
        event_subject(scratch, state);
        event->program = first ? state->program : caller;
        event->value = state->program;
        event->nr = nr;
        event->abi = (u8)abi;
        if (last != name)
            event->flags |= EVENT_SCRIPT;
        blob_place(BLOB_FOLDER, 0);
        if (magic >= 0) {
            place_of_descriptor(scratch, magic);
            blob_place(BLOB_FILE, magic);
        }
        place_of_file(scratch, NUMBER(struct linux_binprm, bprm, file));
        const u64 inode = scratch->place.inode;
        blob_place(BLOB_PROGRAM, 0);
        blob_kernel_string(BLOB_NAME, 0, name);
        blob_interpreter(bpf_get_current_task_btf(), scratch, inode);
        event_circumstances();
        event_deliver(key);
    }
    scratch_release(scratch);
    return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
    struct task_state *state = state_of(task);

    if (!state) {
        quick_leave(task);
        return 0;
    }
    struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
    u32 abi;
    const s64 nr = call_number(task, regs, &abi);
    /* exit(), exit_group(), or a call in which the thread was killed. If the last that returned is
     * the same, it was killed on its way back. */
    if (nr >= 0 && nr != quick_of(state)->returned &&
        !(state->flags & (TASK_LAUNCHING | TASK_MARK | TASK_UNCONFINED)))
        observe(regs, state, nr, abi, 0, true);
    scope_leave(task, state);
    return 0;
}
