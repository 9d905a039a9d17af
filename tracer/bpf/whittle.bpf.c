/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel side of the eBPF backend. What it does in general stands in events.h; here are the
 * programs, by what they are attached to:
 *
 *     tasks      task_newtask, sched_process_exec, sched_process_exit: who is recorded, what it
 * runs calls      sys_enter, sys_exit: the system calls signals    signal_generate: whom a signal
 * reached checks     cap_capable: capabilities (one of three programs, by kernel) io_uring
 * io_uring_submit_*: operations
 *
 * A task is recorded if it has an entry in `tasks`; all others leave after one look-up.
 */
#include "emit.h"
#include "io_uring.h"
#include "scope.h"
#include "take.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline struct task_state *state_of(struct task_struct *task)
{
    return bpf_task_storage_get(&tasks, task, NULL, 0);
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

/* ---- programs -------------------------------------------------------------------------------- */

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
    struct task_struct *task = bpf_get_current_task_btf();

    if (!task->mm)
        return;
    place_of_file(SCALAR(scratch, task->mm->exe_file));
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

/* ---- calls ----------------------------------------------------------------------------------- */

/* So many that any index of 3 bits is inside. */
enum { ARGS_ROOM = 8 };
enum { X32_BIT = 0x40000000, TS_COMPAT = 2, TIF_32BIT_ARM64 = 22 };

/* The call that REGS are of; negative if none, and after sigreturn, which puts back those of
 * another moment. The tracepoint at the entry would know it without a doubt, but costs as much
 * again as all of this. */
static __always_inline s64 call_number(const struct task_struct *task,
                                       const struct pt_regs *context, u32 *abi)
{
#if defined(__TARGET_ARCH_x86)
    const s64 nr = (s64)((const struct pt_regs___x86 *)(const void *)context)->orig_ax;
    if (task->thread_info.status & TS_COMPAT) {
        *abi = ABI_I386;
        return (s32)nr;
    }
    *abi = nr >= 0 && nr & X32_BIT ? ABI_X32 : ABI_NATIVE;
    return nr;
#elif defined(__TARGET_ARCH_arm64)
    *abi = task->thread_info.flags & 1ul << TIF_32BIT_ARM64 ? ABI_I386 : ABI_NATIVE;
    return ((const struct pt_regs___aarch64 *)(const void *)context)->syscallno;
#else
#error "whittle.bpf.c does not know where this architecture keeps the arguments of a system call"
#endif
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
        for (u32 i = 0; i < EVENT_ARGS; i++)
            key = mix(key, args[i] & rule->mask[i]);
    }
    return key;
}

/* ---- the quick way: calls that nothing new can be said of are only counted in the task's state */

static __always_inline void quick_add(struct task_state *state, u32 abi, s64 nr, s64 result)
{
    if (abi == ABI_NATIVE && (u64)nr < TASK_QUICK && errno_of(result) == 0 &&
        state->quick_label == current_label && state->quick[BOUND(nr, TASK_QUICK - 1)] == 0)
        state->quick[BOUND(nr, TASK_QUICK - 1)] =
            1; /* this one is in `seen` already: one less below */
}

struct flushing {
    u64 task_key; /* key_begin() under the label that the counts are of */
    struct task_state *state;
};

static long flush_step(u32 nr, struct flushing *flushing)
{
    struct task_state *state = flushing->state;

    if (nr >= TASK_QUICK)
        return 1;
    const u32 times = state->quick[nr];
    if (times == 0)
        return 0;
    u64 key = mix(mix(flushing->task_key, (u64)nr << 8 | ABI_NATIVE << 1), 0);
    u64 *total = bpf_map_lookup_elem(&seen, &key);
    if (total)
        __sync_fetch_and_add(total, times - 1);
    state->quick[nr] = 0;
    return 0;
}

static __always_inline void quick_flush(struct task_state *state)
{
    struct flushing flushing = {.task_key = key_of_task(state, state->quick_label, EVENT_CALL),
                                .state = state};

    bpf_loop(TASK_QUICK, flush_step, &flushing, 0);
    count_calls(state->quick_calls);
    state->quick_calls = 0;
    state->quick_label = current_label;
}

enum { QUICK_FLUSH = 1024 };

/* Data may go out by a datagram socket of which it was not known yet whether it sends. */
static __always_inline bool may_settle(const struct call_rule *rule)
{
    return connected_count && rule && rule->flags & RULE_MAY_SEND;
}

static __always_inline bool quick_seen(struct task_state *state, u32 abi, s64 nr, s64 result)
{
    if (abi != ABI_NATIVE || (u64)nr >= TASK_QUICK || result < 0)
        return false;
    if (state->quick_label != current_label)
        quick_flush(state);
    u32 *times = &state->quick[BOUND(nr, TASK_QUICK - 1)];
    if (*times == 0 || *times == (u32)-1 || (connected_count && may_settle(rule_of(abi, nr))))
        return false;
    ++*times;
    if (++state->quick_calls == QUICK_FLUSH) {
        count_calls(QUICK_FLUSH);
        state->quick_calls = 0;
    }
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
    count_calls(1);
    const bool new_descriptor = rule && rule->flags & RULE_NEW_FD && result >= 0 && !ended;
    if (new_descriptor)
        count_descriptor((u64)result);
    if (rule && !(rule->flags & (RULE_TAKES | RULE_SELECTS)) && state->program &&
        !may_settle(rule)) {
        /* The usual call: no argument is part of what it is. */
        const u64 key = call_key(state, NULL, abi, nr, result, ended, args);
        if (seen_before(key)) {
            if (!new_descriptor)
                quick_add(state, abi, nr, result);
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
    if (!takes && state->program && seen_before(key))
        return;

    struct scratch *scratch = scratch_take();
    if (!scratch)
        return;
    if (!state->program) {
        identify(scratch, state);
        key = call_key(state, rule, abi, nr, result, ended, args);
    }
    if (takes) {
        struct taking *taking = &scratch->taking;
        taking->rule_index = abi * RULES_PER_ABI + (u32)(nr & (RULES_PER_ABI - 1));
        taking->result = result;
        taking->abi = abi;
        __builtin_memcpy(taking->args, args, sizeof taking->args);
        taking->hash = key;
        taking->relation = state->relation;
        state->relation = RELATION_UNKNOWN;
        take_keys();
        key = taking->hash;
        takes = !taking->nothing;
    }
    if (!seen_before(key))
        tell_call(scratch, state, rule, abi, nr, result, ended, args, key, takes);
    scratch_release(scratch);
}

enum { ENOSYS = 38 };

SEC("tp_btf/sys_exit")
int BPF_PROG(on_return, struct pt_regs *regs, long result)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct task_state *state = state_of(task);
    u32 abi;

    if (!state)
        return 0;
    s64 nr = call_number(task, regs, &abi);
    if (state->flags) {
        if (state->flags & TASK_LAUNCHING)
            return 0;
        if (state->flags & TASK_EXEC) {
            state->flags &= ~(u32)TASK_EXEC;
            return 0;
        }
        const struct call_rule *rule = rule_of(abi, nr);
        if (!rule || !(rule->flags & RULE_MARK))
            return 0;
    }
    /* Either sigreturn, or the program asked for call -1. */
    if (nr == -1 && result != -ENOSYS && state->sigreturn) {
        nr = state->sigreturn;
        abi = state->sigreturn_abi;
        result = 0;
    }
    state->returned = nr;
    if (quick_seen(state, abi, nr, result))
        return 0;
    observe(regs, state, nr, abi, abi == ABI_I386 ? (s32)result : result, false);
    return 0;
}

/* Signal handlers end by a call that leaves no trace of its number: it is worked out from the frame
 * that the handler gets. */
enum { SA_SIGINFO = 4, SA_IA32_ABI = 0x02000000, SA_X32_ABI = 0x01000000 };

SEC("tp_btf/signal_deliver")
int BPF_PROG(on_handler, int number, struct kernel_siginfo *info, struct k_sigaction *action)
{
    struct task_state *state = state_of(bpf_get_current_task_btf());

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

/* ---- tasks ----------------------------------------------------------------------------------- */

enum { CLONE_THREAD = 0x10000 };

static __always_inline void ancestry_push(struct task_state *state, u32 program)
{
#pragma unroll
    for (u32 i = EVENT_ANCESTRY - 1; i > 0; i--)
        state->ancestry[i] = state->ancestry[i - 1];
    state->ancestry[0] = program;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(on_new_task, struct task_struct *child, u64 clone_flags)
{
    const struct task_state *parent = state_of(bpf_get_current_task_btf());

    if (!parent)
        return 0;
    struct task_state *state =
        bpf_task_storage_get(&tasks, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
    if (!state) {
        count(COUNTER_LOST_TASK, 1);
        return 0;
    }
    state->program = parent->program;
    state->flags = parent->flags & ~TASK_LAUNCHING;
    state->phase = parent->phase;
    state->returned = NR_NONE;
    if (!count_task(state))
        return 0; /* it was found first */
    __builtin_memcpy(state->ancestry, parent->ancestry, sizeof state->ancestry);
    if (!(clone_flags & CLONE_THREAD) && parent->program && parent->ancestry[0] != parent->program)
        ancestry_push(state, parent->program);
    if (!(clone_flags & CLONE_THREAD))
        count_process();
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
    struct task_state *state = state_of(task);
    u32 abi;

    if (!state)
        return;
    state->exec_nr = (u32)call_number(task, (const struct pt_regs *)bpf_task_pt_regs(task), &abi);
    state->exec_abi = abi;
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
    struct task_state *state = state_of(task);

    if (!state)
        return 0;
    struct scratch *scratch = scratch_take();
    if (!scratch)
        return 0;
    const u32 caller = state->program;
    const bool launching = state->flags & TASK_LAUNCHING;
    if (launching)
        set_own_root(scratch, task);
    quick_flush(state);
    state->flags = TASK_EXEC;
    /* The new program may be of another architecture than the caller, whose call this is: the
     * numbers of execve() and execveat() tell the caller's. */
    u32 abi;
    const s64 nr = exec_number(task, state, &abi);
    place_of_file(SCALAR(scratch, bprm->file));
    if (is_mark_program(task, &scratch->place)) {
        state->flags = TASK_MARK;
        scratch_release(scratch);
        return 0;
    }
    state->program = (u32)program_number();
    if (!launching && caller && caller != state->ancestry[0])
        ancestry_push(state, caller);

    /* The exec is the deed of the program that called it, but the first one nobody's but its own.
     */
    u64 key =
        mix(mix((u64)(launching ? state->program : caller) << 32 | current_label, state->phase),
            EVENT_EXEC);
    key = mix(key, (u64)nr << 8 | abi);
    key = mix(key, state->program);
    const u64 name = SCALAR(scratch, bprm->filename);
    const long length = bpf_probe_read_kernel_str(scratch->strings[0], PATH_BYTES, (void *)name);
    scratch->string_length[0] = length > 0 ? (u32)length : 0;
    string_hash(0);
    key = mix(key, scratch->string_hash[0]);
    place_of_folder(AT_FDCWD);
    key = mix(key, scratch->place.identity);
    if (!seen_before(key)) {
        event_begin(EVENT_EXEC);
        struct event *event = (struct event *)scratch->event;
        event_subject(scratch, state);
        event->program = launching ? state->program : caller;
        event->value = state->program;
        event->nr = nr;
        event->abi = (u8)abi;
        blob_place(BLOB_FOLDER, 0);
        place_of_file(SCALAR(scratch, bprm->file));
        blob_place(BLOB_PROGRAM, 0);
        blob_kernel_string(BLOB_NAME, 0, name);
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

    if (!state)
        return 0;
    struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
    u32 abi;
    const s64 nr = call_number(task, regs, &abi);
    /* exit(), exit_group(), or a call in which the thread was killed. If the last that returned is
     * the same, it was killed on its way back. */
    if (nr >= 0 && nr != state->returned && !(state->flags & (TASK_LAUNCHING | TASK_MARK)))
        observe(regs, state, nr, abi, 0, true);
    quick_flush(state);
    if (task->pid == task->tgid) {
        u32 program = state->program;
        u64 pages = task->signal->maxrss;
        const u64 *peak = bpf_map_lookup_elem(&peaks, &program);
        if (!peak || *peak < pages)
            bpf_map_update_elem(&peaks, &program, &pages, BPF_ANY);
        count(COUNTER_PROCESSES, -1);
    }
    const bool counted = uncount_task(state);
    bpf_task_storage_delete(&tasks, task);
    if (!counted)
        return 0;
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
    return 0;
}

/* ---- signals --------------------------------------------------------------------------------- */

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int number, struct kernel_siginfo *info, struct task_struct *target)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct task_state *state = state_of(task);

    if (!state)
        return 0;
    u32 abi;
    const s64 nr = call_number(task, (const struct pt_regs *)bpf_task_pt_regs(task), &abi);
    const struct call_rule *rule = rule_of(abi, nr);
    if (!rule || !(rule->flags & RULE_SIGNALS))
        return 0;
    if (target->tgid == task->tgid)
        state->relation = RELATION_SELF;
    else if (target->real_parent->tgid == task->tgid)
        state->relation = RELATION_CHILD;
    else if (task->real_parent->tgid == target->tgid)
        state->relation = RELATION_PARENT;
    else
        state->relation = state_of(target) ? RELATION_RECORDED : RELATION_OUTSIDE;
    return 0;
}

/* ---- capability checks ----------------------------------------------------------------------- */

#include "check.h"

SEC("tp_btf/cap_capable")
int BPF_PROG(on_check, const struct cred *cred, struct user_namespace *target,
             const struct user_namespace *holder, int capability, int verdict)
{
    check(ctx, cred, target, capability, verdict);
    return 0;
}

/* Before the tracepoint (6.15). */
SEC("fexit/cap_capable")
int BPF_PROG(on_check_fexit, const struct cred *cred, struct user_namespace *target, int capability,
             unsigned int options, int verdict)
{
    check(ctx, cred, target, capability, verdict);
    return 0;
}

/* ---- io_uring -------------------------------------------------------------------------------- */

/* The task that submits, or the ring's own thread of the kernel (SQPOLL), which is a task of the
 * workload like any other. */
__noinline int submit(u64 request)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct task_state *state = state_of(task);

    if (!state || state->flags & (TASK_LAUNCHING | TASK_MARK))
        return 0;
    struct scratch *scratch = scratch_take();
    if (!scratch)
        return 0;
    if (!state->program)
        identify(scratch, state);
    const u8 opcode = FIELD(struct io_kiocb, request, opcode);
    u64 key = mix(key_begin(state, EVENT_IO_URING), opcode);
    key = io_names(scratch, request, opcode, key, false);
    if (!seen_before(key)) {
        event_begin(EVENT_IO_URING);
        event_subject(scratch, state);
        struct event *event = (struct event *)scratch->event;
        event->value = opcode;
        event->flags |= EVENT_NO_RESULT;
        (void)io_names(scratch, request, opcode, key, true);
        event_circumstances();
        event_deliver(key);
    }
    scratch_release(scratch);
    return 0;
}

static __always_inline int submit_pointer(const void *request)
{
    struct scratch *scratch = scratch_get();

    return scratch ? submit(SCALAR(scratch, request)) : 0;
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(on_submit, struct io_kiocb *request)
{
    return submit_pointer(request);
}

/* Its name until 6.3. */
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(on_submit_sqe, struct io_kiocb *request)
{
    return submit_pointer(request);
}
