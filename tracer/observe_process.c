/* SPDX-License-Identifier: Apache-2.0 */
/* What processes do to one another: signals and looking into each other. */
#include "tracer/captured.h"
#include "tracer/observer_private.h"

#include "base/io.h"
#include "base/memory.h"
#include "base/procfs.h"

#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <unistd.h>

const Process *observe_process_meant(const Observer *observer, const Tracee *tracee, pid_t pid)
{
    Process *process = process_table_find_process(&observer->table, pid);

    if (process_own_pid(tracee->process) == tracee->process->pid)
        return process;
    for (process = observer->table.processes; process; process = process->hh.next) {
        if (process_own_pid(process) == pid)
            return process;
    }
    return NULL;
}

static pid_t parent_of(pid_t pid)
{
    char state;
    pid_t parent;

    return procfs_stat(pid, &state, &parent) == 0 ? parent : 0;
}

/* Who PID is that has not made a call yet, and so is not known: by its ancestors. */
static const char *unseen_relation(const Observer *observer, const Tracee *tracee, pid_t pid)
{
    pid_t parent = parent_of(pid);

    if (parent == tracee->process->pid)
        return "child";
    for (int depth = 0; parent > 1 && depth < ANCESTRY_MAX; depth++) {
        if (process_table_find_process(&observer->table, parent))
            return "recorded";
        parent = parent_of(parent);
    }
    return "outside";
}

/* In words, who PID is to TRACEE. */
static const char *relation(const Observer *observer, Tracee *tracee, pid_t pid)
{
    if (pid == 0 || pid < -1)
        return "group";
    if (pid == -1)
        return "all";
    const char *told = tracee->captured ? captured_relation(tracee->captured) : NULL;
    if (told)
        return told;
    if (pid == process_own_pid(tracee->process) || pid == tracee->tid)
        return "self";
    const Process *other = observe_process_meant(observer, tracee, pid);
    if (!other) {
        const Tracee *thread = process_table_find(&observer->table, pid);
        if (thread && thread->process == tracee->process)
            return "self";
        if (process_own_pid(tracee->process) != tracee->process->pid)
            return "outside";
        return unseen_relation(observer, tracee, pid);
    }
    if (other->parent == tracee->process->pid)
        return "child";
    if (tracee->process->parent == other->pid)
        return "parent";
    return "recorded";
}

static void draft_signal(Observer *observer, Tracee *tracee, Pending *pending, int number,
                         const char *target)
{
    char text[16];
    const char *name = number == 0 ? "exists" : signal_text(number, text, sizeof text);

    if (number < 0 || number > 64)
        return;
    Fact *fact = pending_draft(observer, tracee, pending, FACT_SIGNAL,
                               observer_intern(observer, name), DRAFT_ALWAYS);
    if (fact)
        fact_set_text(fact, FIELD_TARGET, target);
}

/* kill(pid, signal), tkill(tid, signal), rt_sigqueueinfo(pid, signal, …) */
static void enter_kill(Observer *observer, Tracee *tracee, Pending *pending)
{
    draft_signal(observer, tracee, pending, arg_int(&pending->call, 1),
                 relation(observer, tracee, arg_int(&pending->call, 0)));
}

/* tgkill(pid, tid, signal), rt_tgsigqueueinfo(pid, tid, signal, …) */
static void enter_tgkill(Observer *observer, Tracee *tracee, Pending *pending)
{
    draft_signal(observer, tracee, pending, arg_int(&pending->call, 2),
                 relation(observer, tracee, arg_int(&pending->call, 0)));
}

/* The process behind a pidfd of the tracee, in whittle's namespace; -1. */
static pid_t pidfd_target(const Tracee *tracee, int fd)
{
    char path[64];
    char text[1024];

    (void)snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", tracee->tid, fd);
    const char *pid = procfs_read(path, text, sizeof text) < 0 ? NULL : procfs_field(text, "Pid");
    return pid ? (pid_t)strtol(pid, NULL, 10) : -1;
}

static const char *pidfd_relation(const Observer *observer, const Tracee *tracee, int fd)
{
    const char *told = tracee->captured ? captured_relation(tracee->captured) : NULL;
    if (told)
        return told;
    const pid_t pid = pidfd_target(tracee, fd);
    const Process *other = pid > 0 ? process_table_find_process(&observer->table, pid) : NULL;

    if (pid == tracee->process->pid)
        return "self";
    if (!other)
        return pid > 0 ? unseen_relation(observer, tracee, pid) : "outside";
    if (other->parent == tracee->process->pid)
        return "child";
    return tracee->process->parent == pid ? "parent" : "recorded";
}

static void enter_pidfd_send_signal(Observer *observer, Tracee *tracee, Pending *pending)
{
    draft_signal(observer, tracee, pending, arg_int(&pending->call, 1),
                 pidfd_relation(observer, tracee, arg_int(&pending->call, 0)));
}

static void draft_ptrace(Observer *observer, Tracee *tracee, Pending *pending,
                         const char *operation, const char *target)
{
    Fact *fact = pending_draft(observer, tracee, pending, FACT_PTRACE, operation, DRAFT_ALWAYS);

    if (fact)
        fact_set_text(fact, FIELD_TARGET, target);
}

/* Only the requests that ask for permission; the others work on what one has attached to. */
static void enter_ptrace(Observer *observer, Tracee *tracee, Pending *pending)
{
    const int request = arg_int(&pending->call, 0);
    const pid_t pid = arg_int(&pending->call, 1);

    if (request == PTRACE_TRACEME)
        draft_ptrace(observer, tracee, pending, "tracedby", "parent");
    else if (request == PTRACE_ATTACH || (unsigned)request == PTRACE_SEIZE)
        draft_ptrace(observer, tracee, pending, "trace", relation(observer, tracee, pid));
}

static void enter_process_vm(Observer *observer, Tracee *tracee, Pending *pending)
{
    const bool writes = strcmp(pending->call.syscall->name, "process_vm_writev") == 0;

    draft_ptrace(observer, tracee, pending, writes ? "trace" : "read",
                 relation(observer, tracee, arg_int(&pending->call, 0)));
}

static void enter_kcmp(Observer *observer, Tracee *tracee, Pending *pending)
{
    draft_ptrace(observer, tracee, pending, "read",
                 relation(observer, tracee, arg_int(&pending->call, 0)));
}

static void enter_pidfd_getfd(Observer *observer, Tracee *tracee, Pending *pending)
{
    draft_ptrace(observer, tracee, pending, "trace",
                 pidfd_relation(observer, tracee, arg_int(&pending->call, 0)));
}

/* The most memory the process ever had resident; this is the last moment to ask. */
static void enter_exit(Observer *observer, Tracee *tracee, Pending *pending)
{
    const uint64_t peak = tracee_peak_memory(tracee);

    if (peak == 0)
        return;
    Fact *fact = pending_draft(observer, tracee, pending, FACT_RESOURCE, "memory", DRAFT_SETTLED);
    if (fact)
        fact_set_number(fact, FIELD_VALUE, (int64_t)peak);
}

/* A task can have one filter with a listener, and the recorder's came first. */
static void enter_seccomp(Observer *observer, Tracee *tracee, Pending *pending)
{
    if (observer->options.sees_results || pending->call.args[0] != SECCOMP_SET_MODE_FILTER ||
        !(pending->call.args[1] & SECCOMP_FILTER_FLAG_NEW_LISTENER) ||
        pending->call.args[2] == 0 /* libseccomp asks whether there is such a flag */)
        return;
    tracee_loss(observer, tracee, "nested-listener",
                "wanted a seccomp listener of its own, which it cannot have under this backend; "
                "record it with --backend ptrace");
}

int seccomp_filters(pid_t tid)
{
    char status[8192];

    if (procfs_read_task(tid, "status", status, sizeof status) < 0)
        return -1;
    const char *filters = procfs_field(status, "Seccomp_filters");
    return filters ? (int)strtol(filters, NULL, 10) : -1;
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

const CallHandler process_handlers[] = {
    {NAMES("kill", "tkill", "rt_sigqueueinfo"), enter_kill, true},
    {NAMES("tgkill", "rt_tgsigqueueinfo"), enter_tgkill, true},
    {NAMES("pidfd_send_signal"), enter_pidfd_send_signal, true},
    {NAMES("ptrace"), enter_ptrace, true},
    {NAMES("process_vm_readv", "process_vm_writev"), enter_process_vm, true},
    {NAMES("kcmp"), enter_kcmp, true},
    {NAMES("pidfd_getfd"), enter_pidfd_getfd, true},
    {NAMES("exit_group"), enter_exit, false},
    {NAMES("seccomp"), enter_seccomp, false},
    {NULL, NULL, false},
};
