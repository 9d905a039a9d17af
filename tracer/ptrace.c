/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ptrace backend: ptrace(2), in the order of its sections "Stopped states" and "Attaching".
 *
 * A launched workload has a seccomp filter that stops each call once, at its entry
 * (PTRACE_EVENT_SECCOMP); where the result is wanted the thread continues with PTRACE_SYSCALL and
 * stops at the exit too. Joined processes have no filter: PTRACE_SYSCALL throughout, two stops a
 * call. A thread that installs a filter of its own goes over to the second way, because a call
 * which that filter answers never stops for ours.
 *
 * A new thread and its creator's clone event come in any order. The thread is held at its first
 * stop until the event came, so that the observer knows of it first, and whose child it is.
 *
 * When the front is killed or asks to detach, joined processes are let go. Launched ones keep their
 * filter, which without a tracer fails every call: so the loop goes on in this process, without
 * looking, until they have ended, and a copy of the process returns from run() to finish the
 * recording. The same when the recorder is killed, but then nobody finishes (tracer/lifeline.h).
 */
#include "base/io.h"
#include "tracer/launch.h"
#include "tracer/ptrace_private.h"
#include "tracer/stack_registers.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BATCH_INTERVAL = 16, /* events between two looks at what else waits */
    BATCH_MAX = 64,
};

static void loop_dispatch(PtraceLoop *loop, pid_t tid, int status)
{
    if (tid == loop->bell.pid)
        ptrace_bell_rang(loop, status);
    else
        ptrace_event(loop, tid, status);
}

/*
 * Takes all that waits now before letting any of it run on: waitpid() gives the newest threads
 * first, so that a few busy ones could keep the rest waiting for ever.
 */
static void loop_batch(PtraceLoop *loop)
{
    struct {
        pid_t tid;
        int status;
    } events[BATCH_MAX];
    size_t count = 0;

    while (count < BATCH_MAX) {
        int status;
        const pid_t tid = waitpid(-1, &status, __WALL | WUNTRACED | WNOHANG);

        if (tid <= 0)
            break;
        /* A stop of the same id is history: the thread was killed, or another took its id. */
        for (size_t i = 0; i < count; i++)
            if (events[i].tid == tid && WIFSTOPPED(events[i].status))
                events[i].tid = 0;
        events[count].tid = tid;
        events[count].status = status;
        count++;
    }
    for (size_t i = 0; i < count && !loop->finishing; i++)
        if (events[i].tid)
            loop_dispatch(loop, events[i].tid, events[i].status);
}

/* Until nothing is left to wait for, or this process is left to finish the recording. */
static int loop_run(PtraceLoop *loop)
{
    unsigned events = 0;

    for (;;) {
        int status;
        pid_t tid;

        if (loop->tasks.count == 0)
            bell_stop(&loop->bell); /* else there would always be a child to wait for */
        else if (loop->bell.pid <= 0)
            ptrace_front_watch(loop);
        tid = waitpid(-1, &status, __WALL | WUNTRACED);
        if (tid < 0 && errno == EINTR)
            continue;
        if (tid < 0)
            return errno == ECHILD ? 0 : -errno;
        loop_dispatch(loop, tid, status);
        if (++events % BATCH_INTERVAL == 0)
            loop_batch(loop);
        if (loop->finishing)
            return 0;
    }
}

static int loop_launch(PtraceLoop *loop, Error *err)
{
    const bool has_recorder = loop->run->recorder_fd >= 0; /* a process that waits (lifeline.h) */
    PtraceTask *task;
    int r;

    loop->filtered = ptrace_filter_available();
    r = ptrace_child_start(loop->run->launch, loop->filtered, has_recorder, &loop->child, err);
    if (r < 0)
        return r;
    loop->child_alive = true;
    loop->job = (JobControl){.run = loop->run, .main = loop->child.pid};
    /* The child is in the front's process group; from here on ^C there is not for the recorder. */
    if (has_recorder)
        recorder_step_aside_in_session();
    else
        recorder_step_aside();
    task = ptrace_tasks_add(&loop->tasks, loop->child.pid);
    if (!task)
        return error_set(err, -ENOMEM, "out of memory");
    task->known = true;
    task->full = !loop->filtered;
    observer_task_launched(loop->run->observer, loop->child.pid, loop->run->launch->path);
    (void)report_send(loop->run->report_fd, REPORT_STARTED, loop->child.pid);
    r = ptrace_child_go(&loop->child);
    return r < 0 ? error_errno(err, r, "cannot start the workload") : 0;
}

static int ptrace_run(BackendRun *run, Error *err)
{
    struct sigaction by_default = {.sa_handler = SIG_DFL};
    struct sigaction previous;
    PtraceLoop loop = {.run = run, .child = {.fd = -1}};
    int r;

    run->detached = false;
    if (ptrace_tasks_init(&loop.tasks) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    loop.has_info = true;
    ptrace_watch_init(&loop);
    if (!run->launch)
        recorder_step_aside();
    r = run->launch ? loop_launch(&loop, err) : ptrace_join_all(&loop, err);
    /* If it were ignored, the ends of children could not be waited for. Not before the workload was
     * started, which must find it as it was. */
    (void)sigaction(SIGCHLD, &by_default, &previous);
    if (r < 0) {
        loop.keeping = loop.leaving = true;
        if (loop.child.pid > 0)
            (void)kill(loop.child.pid, SIGKILL);
        ptrace_tasks_each(&loop.tasks, ptrace_interrupt_task, &loop);
        (void)loop_run(&loop);
    } else {
        r = loop_run(&loop);
        if (r < 0)
            (void)error_errno(err, r, "cannot wait for the workload");
        else if (loop.keeping && !loop.leaving && !loop.finishing)
            _exit(0); /* the keeper: another process finishes the recording */
        else if (loop.setup_failed)
            r = error_set(err, -EACCES, "cannot load the seccomp filter that stops system calls");
    }
    if (!loop.finishing)
        bell_stop(&loop.bell);
    (void)sigaction(SIGCHLD, &previous, NULL);
    fd_close(&loop.child.fd);
    ptrace_tasks_deinit(&loop.tasks);
    return r;
}

const Backend backend_ptrace = {
    .name = "ptrace",
    .summary = "stops calls as a debugger does; joins running processes",
    .sees_results = true,
    .can_launch = true,
    .can_join = true,
    .filters = true,
    .keeps_workload = true,
    .probe = ptrace_probe,
    .features = ptrace_features,
    .features_joined = ptrace_features_joined,
    .registers = stack_registers_traced,
    .run = ptrace_run,
};
