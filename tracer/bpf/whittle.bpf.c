/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel side of the eBPF backend. What it does in general stands in events.h. The programs, by
 * what they are attached to:
 *
 * - tasks.h: task_newtask, sched_process_exec, sched_process_exit: who is recorded; runtime.h: from
 *   when on, if it is a container runtime
 * - cgroups.h: cgroup_attach_task: the same, of what is recorded by cgroup
 * - scope.h: an iterator over the tasks that run already
 * - hooks.h: filename_lookup, security_path_*: where paths led, where the kernel lets functions be
 *   traced
 * - here: sys_exit: the system calls; signal_*: handlers, and whom a signal reached; cap_capable:
 *   capabilities, by one of several programs, as the kernel has it
 * - io_uring.h: io_uring_submit_*, io_uring_complete: operations and what came of them
 *
 * A task is recorded if it has an entry in `tasks`; all others leave after one look-up.
 */
#include "calls.h"
#include "check.h"
#include "hooks.h"
#include "io_uring.h"
#include "scope.h"
#include "tasks.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* ---- calls ----------------------------------------------------------------------------------- */

enum { ENOSYS = 38 };

/* Counts the call if its task has a slot and nothing new can be said of it. */
static __always_inline bool counted_in_slot(const struct pt_regs *regs, u64 stack, long result)
{
    struct quick *slot = quick_slot(stack);
    u32 abi;

    if (!slot || slot->stack != stack)
        return false;
    const u64 word = FIELD(struct task_struct, slot->task, thread_info.THREAD_WORD);
    const s64 nr = number_of_call(word, regs, &abi);
    if (!quick_count(slot, abi, nr, result))
        return false;
    slot->returned = nr;
    return true;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_return, struct pt_regs *regs, long result)
{
    const u64 stack = stack_of(regs);

    if (!is_unsettled() && (counted_in_slot(regs, stack, result) || is_outside(stack)))
        return 0;
    struct task_struct *task = bpf_get_current_task_btf();
    struct task_state *state = own_scope(task);
    u32 abi;
    if (!state) {
        if (settings.hierarchies)
            quick_release(stack);
        outside_note(stack);
        return 0;
    }
    s64 nr = call_number(task, regs, &abi);
    if (state->flags) {
        if (state->flags & TASK_LAUNCHING)
            return 0;
        if (state->flags & TASK_EXEC) {
            state->flags &= ~(u32)TASK_EXEC;
            return 0;
        }
        const struct call_rule *rule = rule_of(abi, nr);
        if (state->flags & TASK_UNCONFINED &&
            !runtime_returned(rule && rule->flags & RULE_CONFINES))
            return 0;
        if (state->flags & TASK_MARK && (!rule || !(rule->flags & RULE_MARK)))
            return 0;
    }
    /* Either sigreturn, or the program asked for call -1. */
    if (nr == -1 && result != -ENOSYS && state->sigreturn) {
        nr = state->sigreturn;
        abi = state->sigreturn_abi;
        result = 0;
    }
    struct quick *quick = quick_of(state);
    quick->returned = nr;
    if (quick_seen(state, quick, abi, nr, result))
        return 0;
    if (!state->slot && quick->calls >= QUICK_MANY)
        quick_take(state, stack);
    observe(regs, state, nr, abi, abi == ABI_I386 ? (s32)result : result, false);
    state->led = 0;
    return 0;
}

/* Signal handlers end by a call that leaves no trace of its number: it is worked out from the frame
 * that the handler gets. */
enum { SA_SIGINFO = 4, SA_IA32_ABI = 0x02000000, SA_X32_ABI = 0x01000000 };

SEC("tp_btf/signal_deliver")
int BPF_PROG(on_handler, int number, struct kernel_siginfo *info, struct k_sigaction *action)
{
    struct task_state *state = own_state(bpf_get_current_task_btf());

    if (!state)
        return 0;
    const unsigned long flags = action->sa.sa_flags;
    u32 abi = ABI_NATIVE;
#if defined(__TARGET_ARCH_x86)
    if (flags & SA_IA32_ABI)
        abi = ABI_I386;
    else if (flags & SA_X32_ABI)
        abi = ABI_X32;
#endif
    state->sigreturn_abi = abi;
    state->sigreturn = abi == ABI_I386 && !(flags & SA_SIGINFO) ? settings.sigreturn[abi]
                                                                : settings.rt_sigreturn[abi];
    return 0;
}

/* ---- signals --------------------------------------------------------------------------------- */

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int number, struct kernel_siginfo *info, struct task_struct *target)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct task_state *state = own_state(task);

    if (!state)
        return 0;
    u32 abi;
    const s64 nr = call_number(task, (const struct pt_regs *)bpf_task_pt_regs(task), &abi);
    const struct call_rule *rule = rule_of(abi, nr);
    if (!rule || !(rule->flags & RULE_SIGNALS))
        return 0;
    if (target->tgid == task->tgid)
        state->relation = RELATION_SELF;
    else if (plain(target)->real_parent->tgid == task->tgid)
        state->relation = RELATION_CHILD;
    else if (plain(task)->real_parent->tgid == target->tgid)
        state->relation = RELATION_PARENT;
    else
        state->relation = state_of(target) ? RELATION_RECORDED : RELATION_OUTSIDE;
    return 0;
}

/* ---- capability checks ----------------------------------------------------------------------- */

SEC("tp_btf/cap_capable")
int BPF_PROG(on_check, const struct cred *cred, struct user_namespace *target,
             const struct user_namespace *holder, int capability, int verdict)
{
    check(ctx, (u64)cred, (u64)target, capability, verdict);
    return 0;
}

/* Before the tracepoint (6.15). */
SEC("fexit/cap_capable")
int BPF_PROG(on_check_fexit, const struct cred *cred, struct user_namespace *target, int capability,
             unsigned int options, int verdict)
{
    check(ctx, (u64)cred, (u64)target, capability, verdict);
    return 0;
}

/* Where functions cannot be traced so: what it was asked, and what it answered. */
SEC("kprobe/cap_capable")
int on_check_asked(struct pt_regs *context)
{
    struct task_state *state = own_state(bpf_get_current_task_btf());

    if (!state)
        return 0;
    state->asked_cred = probed_argument(context, 0);
    state->asked_target = probed_argument(context, 1);
    state->asked = (u32)probed_argument(context, 2) + 1;
    return 0;
}

SEC("kretprobe/cap_capable")
int on_check_answered(struct pt_regs *context)
{
    struct task_state *state = own_state(bpf_get_current_task_btf());

    /* A check of a task without a state is learned from. */
    const u32 asked = state ? state->asked : 1;
    if (asked == 0)
        return 0;
    if (state)
        state->asked = 0;
    check(context, state ? state->asked_cred : 0, state ? state->asked_target : 0, (int)asked - 1,
          (int)probed_result(context));
    return 0;
}
