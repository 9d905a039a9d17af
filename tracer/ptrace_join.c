/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining what runs already. Seizing does not stop a thread, so new ones appear meanwhile: each
 * list is read until a reading finds nothing new. From the first thread on, what a seized thread
 * makes is seized by the kernel; so this ends.
 */
#include "tracer/ptrace_private.h"

#include "base/io.h"
#include "base/memory.h"
#include "base/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

static pid_t entry_number(const struct dirent *entry)
{
    char *end;
    const long number = strtol(entry->d_name, &end, 10);

    return *end || number <= 0 || number > INT32_MAX ? 0 : (pid_t)number;
}

/* Seizes one thread: 1 it is new, 0 it is ours already or gone, negative errno with ERR. */
static int seize_thread(PtraceLoop *loop, pid_t tid, Error *err)
{
    PtraceTask *task = ptrace_tasks_find(&loop->tasks, tid);

    if (task)
        return 0;
    if (ptrace(PTRACE_SEIZE, tid, 0, ptrace_launch_options()) < 0) {
        const int code = -errno;

        if (code == -ESRCH)
            return 0;
        /* A thread that ends, or that a seized one made just now. */
        if (code == -EPERM) {
            const pid_t tracer = ptrace_tracer_of(tid);

            if (tracer < 0 || tracer == getpid())
                return 0;
        }
        return ptrace_seize_error(err, code, tid);
    }
    task = ptrace_tasks_add(&loop->tasks, tid);
    if (!task)
        return error_set(err, -ENOMEM, "out of memory");
    task->known = true;
    task->full = true;
    observer_task_new(loop->run->observer, 0, tid);
    /* ESRCH: it has ended meanwhile, and waitpid() will say so. */
    (void)ptrace(PTRACE_INTERRUPT, tid, 0, 0);
    return 1;
}

/* All threads of PID: 1 if any was new, 0, or a negative errno with ERR. */
static int seize_process(PtraceLoop *loop, pid_t pid, Error *err)
{
    char path[64];
    int any = 0;
    int fresh;

    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    do {
        CLEANUP(folder_close) DIR *folder = opendir(path);
        struct dirent *entry;

        fresh = 0;
        while (folder && (entry = readdir(folder))) {
            const pid_t tid = entry_number(entry);
            const int r = tid ? seize_thread(loop, tid, err) : 0;

            if (r < 0)
                return r;
            fresh |= r;
        }
        any |= fresh;
    } while (fresh);
    return any;
}

static pid_t parent_of(pid_t pid)
{
    char state;
    pid_t parent;

    return procfs_stat(pid, &state, &parent) == 0 ? parent : 0;
}

/* The children of what was seized already, but not ourselves and what belongs to us. */
static int seize_children(PtraceLoop *loop)
{
    CLEANUP(folder_close) DIR *folder = opendir("/proc");
    const pid_t self = getpid();
    const pid_t front = getppid();
    struct dirent *entry;
    int any = 0;

    while (folder && (entry = readdir(folder))) {
        const pid_t pid = entry_number(entry);
        pid_t parent;
        Error err = {0};
        int r;

        if (!pid || pid == self || pid == front || ptrace_tasks_find(&loop->tasks, pid))
            continue;
        parent = parent_of(pid);
        if (!parent || parent == self || parent == front ||
            !ptrace_tasks_find(&loop->tasks, parent))
            continue;
        r = seize_process(loop, pid, &err);
        if (r < 0)
            observer_loss(loop->run->observer, "unattachable-process", err.text, 1);
        else
            any |= r;
    }
    return any;
}

int ptrace_join_all(PtraceLoop *loop, Error *err)
{
    const BackendRun *run = loop->run;

    for (size_t i = 0; i < run->join_count; i++) {
        const pid_t pid = run->join[i];
        int r;

        if (pid <= 0)
            return error_set(err, -EINVAL, "%d is no process id", (int)pid);
        if (pid == getpid() || pid == getppid())
            return error_set(err, -EINVAL, "process %d is whittle itself", (int)pid);
        r = seize_process(loop, pid, err);
        if (r < 0)
            return r;
        if (r == 0 && !ptrace_tasks_find(&loop->tasks, pid))
            return ptrace_seize_error(err, -ESRCH, pid);
    }
    /* A child that cannot be seized would be found again and again: it never counts as new. */
    while (seize_children(loop) > 0)
        ;
    return 0;
}
