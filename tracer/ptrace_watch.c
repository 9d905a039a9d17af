/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that change how their thread must be traced, whatever the observer makes of them. */
#include "tracer/ptrace_private.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

static void begin_exec(const SyscallStop *stop, PtraceTask *task)
{
    (void)stop;
    (void)task;
}

static void begin_seccomp(const SyscallStop *stop, PtraceTask *task)
{
    const uint64_t operation = stop->args[0];

    if (operation != SECCOMP_SET_MODE_FILTER && operation != SECCOMP_SET_MODE_STRICT)
        return;
    /* libseccomp asks for strict mode with a flag only to see the call fail. */
    task->watch_strict = operation == SECCOMP_SET_MODE_STRICT && !stop->args[1] && !stop->args[2];
    if (operation == SECCOMP_SET_MODE_STRICT && !task->watch_strict)
        return;
    task->watch = WATCH_FILTER;
    task->watch_all = !task->watch_strict && (stop->args[1] & SECCOMP_FILTER_FLAG_TSYNC);
}

static void begin_prctl(const SyscallStop *stop, PtraceTask *task)
{
    if ((uint32_t)stop->args[0] != PR_SET_SECCOMP)
        return;
    task->watch = WATCH_FILTER;
    task->watch_strict = stop->args[1] == SECCOMP_MODE_STRICT;
    task->watch_all = false;
}

static void begin_ptrace(const SyscallStop *stop, PtraceTask *task)
{
    switch ((int64_t)stop->args[0]) {
    case PTRACE_TRACEME:
        task->watch_target = task->tid;
        break;
    case PTRACE_ATTACH:
    case PTRACE_SEIZE:
        task->watch_target = (pid_t)stop->args[1];
        break;
    default:
        return;
    }
    task->watch = WATCH_TRACER;
}

/*
 * A task made with CLONE_UNTRACED would inherit the filter and have no tracer for it: each of its
 * calls would fail. The flag has no other meaning, so it is taken away.
 */
static void begin_clone(const SyscallStop *stop, PtraceTask *task)
{
    const uint64_t flags = stop->args[0];

    (void)task;
    /* On s390 the first argument is the stack. */
    if (stop->audit_arch != AUDIT_ARCH_S390X && (flags & CLONE_UNTRACED))
        (void)ptrace_call_set_first(stop->tid, flags & ~(uint64_t)CLONE_UNTRACED);
}

static void begin_clone3(const SyscallStop *stop, PtraceTask *task)
{
    /* struct clone_args begins with the flags. */
    const uint64_t address = stop->args[0];
    long word;

    (void)task;
    errno = 0;
    word = ptrace(PTRACE_PEEKDATA, stop->tid, address, NULL);
    if (!errno && (word & CLONE_UNTRACED))
        (void)ptrace(PTRACE_POKEDATA, stop->tid, address, word & ~(long)CLONE_UNTRACED);
}

static const struct {
    const char *name;
    bool starts;
    void (*begin)(const SyscallStop *stop, PtraceTask *task);
} WATCHED[PTRACE_WATCHED_CALLS] = {
    {"execve", true, begin_exec},      {"execveat", true, begin_exec},
    {"seccomp", false, begin_seccomp}, {"prctl", false, begin_prctl},
    {"ptrace", false, begin_ptrace},   {"clone", false, begin_clone},
    {"clone3", false, begin_clone3},
};

void ptrace_watch_init(PtraceLoop *loop)
{
    loop->watched_count = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(WATCHED); i++) {
        const Syscall *syscall = syscall_by_name(WATCHED[i].name);

        for (Arch arch = 0; syscall && arch < ARCH_COUNT; arch++) {
            const int64_t nr = syscall_number(syscall, arch);

            if (nr >= 0)
                loop->watched[loop->watched_count++] = (PtraceWatched){
                    .audit_arch = arch_audit(arch),
                    .nr = nr,
                    .starts = WATCHED[i].starts,
                    .begin = WATCHED[i].begin,
                };
        }
    }
}

const PtraceWatched *ptrace_watch_find(const PtraceLoop *loop, const SyscallStop *stop)
{
    for (size_t i = 0; i < loop->watched_count; i++)
        if (loop->watched[i].nr == stop->nr && loop->watched[i].audit_arch == stop->audit_arch)
            return &loop->watched[i];
    return NULL;
}

/* Every thread of the process has the new filter. Those that run must be stopped once, to
 * go on with PTRACE_SYSCALL. */
static void follow_all_threads(PtraceLoop *loop, pid_t tid)
{
    char path[64];
    DIR *folder;
    struct dirent *entry;

    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)tid);
    folder = opendir(path);
    if (!folder) {
        observer_loss(loop->run->observer, "unfollowed-filter", strerror(errno), 1);
        return;
    }
    while ((entry = readdir(folder))) {
        const pid_t other = (pid_t)strtol(entry->d_name, NULL, 10);
        PtraceTask *task = other > 0 ? ptrace_tasks_find(&loop->tasks, other) : NULL;

        if (!task || task->full || other == tid)
            continue;
        task->full = true;
        task->in_call = false;
        (void)ptrace(PTRACE_INTERRUPT, other, 0, 0);
    }
    (void)closedir(folder);
}

void ptrace_watch_result(PtraceLoop *loop, PtraceTask *task, PtraceWatch watch, int64_t result)
{
    if (watch == WATCH_FILTER && task->watch_strict && result == -EINVAL && loop->filtered) {
        observer_loss(
            loop->run->observer, "strict-seccomp",
            "a program asked for seccomp's strict mode, which the kernel does not give to a "
            "recorded process",
            1);
    } else if (watch == WATCH_FILTER && result == 0) {
        task->full = true;
        loop->any_full = true;
        if (task->watch_all)
            follow_all_threads(loop, task->tid);
    } else if (watch == WATCH_TRACER && result == -EPERM &&
               ptrace_tasks_find(&loop->tasks, task->watch_target)) {
        observer_loss(loop->run->observer, "nested-tracer",
                      "a program (a debugger, strace) tried to trace a process that whittle traces "
                      "already, and was refused: record it with --backend notify",
                      1);
    }
}
