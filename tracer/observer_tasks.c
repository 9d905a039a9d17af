/* SPDX-License-Identifier: Apache-2.0 */
/* The tasks that an observer knows: what it is told of them, and what it tells. */
#include "base/memory.h"
#include "tracer/observer_private.h"
#include "tracer/program_file.h"
#include "tracer/served.h"

void observer_task_launched(Observer *observer, pid_t pid, const char *path)
{
    Tracee *tracee = process_table_get(&observer->table, pid, 0);
    CLEANUP(free_pointer) char *canonical = program_file_executable(path);

    if (!tracee) {
        observer_loss(observer, "unreadable-process", "the launched process", 1);
        return;
    }
    tracee->process->launching = true;
    tracee->process->is_mark = false;
    tracee->process->subject = observer_intern(observer, canonical ? canonical : path);
    tracee->process->command = ""; /* whittle's own is no evidence */
    tracee->process->lineage = NULL;
}

bool observer_set_phase(Observer *observer, pid_t tid, Phase phase)
{
    const Tracee *tracee = process_table_get(&observer->table, tid, 0);

    if (tracee)
        tracee->process->phase = phase;
    return tracee != NULL;
}

void observer_infer_calls(Observer *observer, pid_t tid, const char *const *names, const char *rule)
{
    Tracee *tracee = process_table_find(&observer->table, tid);

    if (!tracee || tracee->process->is_mark || tracee->process->exec_pending)
        return;
    Process *process = tracee->process;
    if (process->inferred_for == process->subject && process->inferred_in == process->phase)
        return;
    process->inferred_for = process->subject;
    process->inferred_in = process->phase;
    for (; *names; names++) {
        const Syscall *syscall = syscall_by_name(*names);
        if (!syscall)
            continue;
        Fact draft = {.kind = FACT_SYSCALL, .name = *names, .rule = rule, .predicted = true};
        fact_set_text(&draft, FIELD_ARCH, arch_name(arch_native()));
        fact_set_number(&draft, FIELD_NUMBER, syscall_number(syscall, arch_native()));
        results_add(&draft.results, RESULT_UNKNOWN);
        (void)observer_add(observer, tracee, &draft, 1);
    }
}

void observer_task_new(Observer *observer, pid_t parent, pid_t tid)
{
    bool file_system = false;
    bool permissions = false;

    (void)process_table_get(&observer->table, tid, parent);
    /* One that was joined may have begun to serve before. */
    if (parent == 0 && !observer->options.own_filter)
        served_by(tid, &file_system, &permissions);
    if (file_system)
        resolver_expect_served(observer->resolver);
    if (permissions)
        resolver_open_nothing(observer->resolver);
}

void observer_task_exec(Observer *observer, pid_t tid, pid_t former_tid)
{
    Tracee *tracee = process_table_get(&observer->table, tid, 0);

    if (!tracee)
        return;
    if (former_tid != tid) {
        /* The thread that called execve() goes on under the leader's id, with its pending call. */
        Tracee *former = process_table_find(&observer->table, former_tid);
        if (former) {
            void *pending = tracee->pending;
            tracee->pending = former->pending;
            former->pending = pending;
            if (tracee->pending)
                ((Pending *)tracee->pending)->call.tracee = tracee;
        }
    }
    process_table_keep_leader(&observer->table, tracee->process);
    /* The facts of execve() itself belong to the program that called it: who this is now is looked
     * up when the call's result came. */
    tracee->process->exec_pending = true;
    tracee->credentials_valid = false;
}

void observer_task_exit(Observer *observer, pid_t tid)
{
    Tracee *tracee = process_table_find(&observer->table, tid);

    if (!tracee)
        return;
    /* A call from which nobody returned: exit_group(), or a signal to oneself that was the last. */
    Pending *pending = tracee->pending;
    if (pending && pending->active && !tracee->process->is_mark)
        pending_commit(observer, tracee, pending, RESULT_UNKNOWN, true);
    process_table_drop_thread(&observer->table, tracee);
}

int observer_exit_fd(const Observer *observer)
{
    return observer->table.exit_fd;
}

void observer_reap(Observer *observer)
{
    process_table_reap(&observer->table);
}

pid_t observer_process_of(const Observer *observer, pid_t tid, pid_t *ret_parent)
{
    const Tracee *tracee = process_table_find(&observer->table, tid);

    *ret_parent = tracee ? tracee->process->parent : 0;
    return tracee ? tracee->process->pid : 0;
}

bool observer_knows_process(const Observer *observer, pid_t pid)
{
    return process_table_find_process(&observer->table, pid) != NULL;
}
