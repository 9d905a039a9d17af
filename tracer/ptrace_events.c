/* SPDX-License-Identifier: Apache-2.0 */
/* What one stop, or the end, of one thread means, and how the thread goes on. */
#include "tracer/ptrace_private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum {
    KILLED_TICKS = 2, /* seconds in which a new thread's creator may have been killed */
    WAIT_TICKS = 2,   /* seconds that a creator's event is waited for at most */
};

static void loop_let_go(PtraceLoop *loop, PtraceTask *task, int signal_number)
{
    if (ptrace(PTRACE_DETACH, task->tid, 0, (long)signal_number) < 0 && errno == ESRCH)
        return; /* killed: its end is still to come */
    if (task->adopted)
        ptrace_tasks_mark_gone(&loop->tasks, task); /* for its creator's event */
    else
        ptrace_tasks_remove(&loop->tasks, task);
}

/* Lets a stopped thread run, with SIGNAL_NUMBER delivered. */
static void loop_resume(PtraceLoop *loop, PtraceTask *task, int signal_number)
{
    const bool to_exit = task->in_call && (task->observer_waits || task->watch != WATCH_NONE);

    if (loop->leaving)
        loop_let_go(loop, task, signal_number);
    else
        /* ESRCH: it was killed while it was stopped, and its end is still to come. */
        (void)ptrace(!loop->keeping && (task->full || to_exit) ? PTRACE_SYSCALL : PTRACE_CONT,
                     task->tid, 0, (long)signal_number);
}

/* PTRACE_EVENT_STOP: a group-stop, or nothing to stay for. */
static void loop_resume_stop(PtraceLoop *loop, PtraceTask *task, int signal_number)
{
    if (!job_control_is_stop(signal_number) || loop->leaving)
        loop_resume(loop, task, 0);
    else
        (void)ptrace(PTRACE_LISTEN, task->tid, 0, 0);
}

static void loop_hold(PtraceLoop *loop, PtraceTask *task, int signal_number)
{
    task->held = true;
    task->ticks = 0;
    task->held_signal = signal_number;
    loop->held++;
}

void ptrace_release(PtraceLoop *loop, PtraceTask *task)
{
    task->known = true;
    task->held = false;
    loop->held--;
    loop_resume_stop(loop, task, task->held_signal);
}

/* ---- system calls --------------------------------------------------------------------------- */

static int loop_read(PtraceLoop *loop, const PtraceTask *task, PtraceCallKind kind,
                     PtraceCall *call)
{
    if (loop->has_info) {
        const int r = ptrace_call_info(task->tid, call);

        if (r != -EIO)
            return r;
        loop->has_info = false;
    }
    return ptrace_call_registers(task->tid, kind, call);
}

/* The thread is about to run a call. */
static void loop_enter(PtraceLoop *loop, PtraceTask *task, const SyscallStop *stop)
{
    const PtraceWatched *watched = ptrace_watch_find(loop, stop);
    int verdict;

    task->observer_waits = false;
    task->watch = WATCH_NONE;
    task->in_call = true;
    /* Until the workload's program runs, only what starts it is the workload's. */
    if (loop->child.pid && !loop->child_execed && !(watched && watched->starts))
        return;
    if (watched)
        watched->begin(stop, task);
    verdict = observer_enter(loop->run->observer, stop);
    if (verdict == OBSERVER_WANT_RESULT)
        task->observer_waits = true;
    else if (verdict == OBSERVER_ANSWER && ptrace_call_answer(task->tid) == -ENOSYS)
        observer_loss(loop->run->observer, "unanswered-mark",
                      "this architecture's registers are not known: labels cannot be set", 1);
}

static void loop_exit(PtraceLoop *loop, PtraceTask *task, int64_t result)
{
    const PtraceWatch watch = task->watch;

    task->in_call = false;
    task->watch = WATCH_NONE;
    if (task->observer_waits) {
        task->observer_waits = false;
        observer_result(loop->run->observer, task->tid, result);
    }
    if (watch != WATCH_NONE)
        ptrace_watch_result(loop, task, watch, result);
}

static void loop_seccomp_stop(PtraceLoop *loop, PtraceTask *task)
{
    PtraceCall call = {0};
    int r;

    if (loop->keeping || (task->full && task->in_call)) {
        loop_resume(loop, task, 0);
        return;
    }
    r = loop_read(loop, task, PTRACE_CALL_SECCOMP, &call);
    if (r == -ESRCH)
        return;
    if (r == 0 && call.kind == PTRACE_CALL_SECCOMP)
        loop_enter(loop, task, &call.stop);
    else
        observer_loss(loop->run->observer, "unreadable-call", strerror(-r), 1);
    loop_resume(loop, task, 0);
}

static void loop_syscall_stop(PtraceLoop *loop, PtraceTask *task)
{
    const PtraceCallKind expected = task->in_call ? PTRACE_CALL_EXIT : PTRACE_CALL_ENTRY;
    PtraceCall call = {0};
    int r;

    if (loop->keeping || loop->leaving) {
        loop_resume(loop, task, 0);
        return;
    }
    if (task->in_call && !task->observer_waits && task->watch == WATCH_NONE) {
        task->in_call = false;
        loop_resume(loop, task, 0);
        return;
    }
    r = loop_read(loop, task, expected, &call);
    if (r == -ESRCH)
        return;
    if (r < 0)
        observer_loss(loop->run->observer, "unreadable-call", strerror(-r), 1);
    else if (call.kind == PTRACE_CALL_ENTRY)
        loop_enter(loop, task, &call.stop);
    else if (call.kind == PTRACE_CALL_EXIT && task->in_call)
        loop_exit(loop, task, call.result);
    /* Else the exit of a call that was in progress when the process was joined. */
    loop_resume(loop, task, 0);
}

/* ---- tasks ---------------------------------------------------------------------------------- */

static void loop_clone_event(PtraceLoop *loop, PtraceTask *parent)
{
    unsigned long message = 0;
    PtraceTask *task;

    if (ptrace(PTRACE_GETEVENTMSG, parent->tid, 0, &message) < 0)
        return; /* killed; the new thread is released by loop_tick() */
    task = ptrace_tasks_add(&loop->tasks, (pid_t)message);
    if (!task) {
        observer_loss(loop->run->observer, "memory", NULL, 1);
    } else if (task->gone) {
        ptrace_tasks_remove(&loop->tasks, task);
    } else if (task->adopted) {
        task->adopted = false;
    } else if (!task->known) {
        task->full = task->full || parent->full;
        if (!loop->keeping)
            observer_task_new(loop->run->observer, parent->tid, task->tid);
        task->known = true;
        if (task->held)
            ptrace_release(loop, task);
    }
    loop_resume(loop, parent, 0);
}

static void loop_exec_event(PtraceLoop *loop, PtraceTask *task)
{
    unsigned long message = 0;
    pid_t former_tid = task->tid;

    if (ptrace(PTRACE_GETEVENTMSG, task->tid, 0, &message) == 0)
        former_tid = (pid_t)message;
    if (former_tid != task->tid) {
        PtraceTask *former = ptrace_tasks_find(&loop->tasks, former_tid);

        /* The thread took the leader's id; the leader is gone without an event of its own. */
        if (former) {
            task->full = former->full;
            task->in_call = former->in_call;
            task->observer_waits = former->observer_waits;
            task->watch = former->watch;
            ptrace_tasks_remove(&loop->tasks, former);
        }
    }
    if (task->tid == loop->child.pid)
        loop->child_execed = true;
    if (!loop->keeping)
        observer_task_exec(loop->run->observer, task->tid, former_tid);
    loop_resume(loop, task, 0);
}

/* The launched process has ended. */
static void loop_child_ended(PtraceLoop *loop, int status)
{
    bool setup = false;
    int code = 0;

    loop->child_alive = false;
    if (loop->keeping)
        return;
    job_control_ended(&loop->job);
    if (!loop->child_execed)
        code = ptrace_child_failure(&loop->child, &setup);
    if (setup)
        loop->setup_failed = true;
    if (code)
        (void)report_send(loop->run->report_fd, REPORT_EXEC_FAILED, code);
    else
        backend_child_ended(loop->run, status);
}

static void loop_ended(PtraceLoop *loop, PtraceTask *task, pid_t tid, int status)
{
    if (tid == loop->child.pid && loop->child_alive)
        loop_child_ended(loop, status);
    if (task && task->held) {
        task->held = false;
        loop->held--;
    }
    if (task && task->known && !loop->keeping)
        observer_task_exit(loop->run->observer, tid);
    if (task && task->known && !task->adopted) {
        ptrace_tasks_remove(&loop->tasks, task);
        return;
    }
    /* Its creator's event is still to come and must not bring it back to life. */
    if (!task)
        task = ptrace_tasks_add(&loop->tasks, tid);
    if (task) {
        ptrace_tasks_mark_gone(&loop->tasks, task);
        task->ticks = 0;
    }
}

/* A new thread goes on without its creator's event. */
static void loop_adopt(PtraceLoop *loop, PtraceTask *task)
{
    task->known = true;
    task->adopted = true;
    task->full = loop->any_full;
    if (!loop->keeping)
        observer_task_new(loop->run->observer, 0, task->tid);
}

/* Creators tell at once: who waited so long waits in vain. */
void ptrace_tick_task(void *data, PtraceTask *task)
{
    PtraceLoop *loop = data;

    if ((!task->held && !task->gone) || ++task->ticks <= WAIT_TICKS)
        return;
    if (task->gone) {
        ptrace_tasks_remove(&loop->tasks, task);
        return;
    }
    loop_adopt(loop, task);
    ptrace_release(loop, task);
}

void ptrace_adopt_held(void *data, PtraceTask *task)
{
    if (task->held) {
        loop_adopt(data, task);
        ptrace_release(data, task);
    }
}

/*
 * A thread was killed, perhaps just after it made another one and before it could say so. What is
 * held or appears now need not wait: should its creator's event come after all, little is lost.
 */
static void loop_killed(PtraceLoop *loop)
{
    loop->killed_ticks = KILLED_TICKS;
    if (loop->held > 0)
        ptrace_tasks_each(&loop->tasks, ptrace_adopt_held, loop);
}

static void loop_event_stop(PtraceLoop *loop, PtraceTask *task, int signal_number)
{
    if (!task->known && !loop->keeping && !loop->killed_ticks) {
        loop_hold(loop, task, signal_number);
        return;
    }
    if (!task->known)
        loop_adopt(loop, task);
    const bool launched = task->tid == loop->child.pid;
    loop_resume_stop(loop, task, signal_number); /* may forget it */
    if (!launched || loop->keeping)
        return;
    if (job_control_is_stop(signal_number))
        job_control_stopped(&loop->job);
    else if (loop->job.stopped)
        job_control_went_on(&loop->job);
}

void ptrace_event(PtraceLoop *loop, pid_t tid, int status)
{
    PtraceTask *task;
    int signal_number;

    task = ptrace_tasks_find(&loop->tasks, tid);
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
        loop_ended(loop, task, tid, status);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
            loop_killed(loop);
        return;
    }
    if (!WIFSTOPPED(status))
        return;
    if (task && task->gone) { /* its id was given out again */
        ptrace_tasks_remove(&loop->tasks, task);
        task = NULL;
    }
    if (!task)
        task = ptrace_tasks_add(&loop->tasks, tid);
    if (!task) {
        /* Better one unseen than one stopped for ever. */
        observer_loss(loop->run->observer, "memory", NULL, 1);
        (void)ptrace(PTRACE_CONT, tid, 0, 0);
        return;
    }
    signal_number = WSTOPSIG(status);
    switch (status >> 16) {
    case 0:
        if (signal_number == (SIGTRAP | 0x80))
            loop_syscall_stop(loop, task);
        else
            loop_resume(loop, task, signal_number);
        break;
    case PTRACE_EVENT_SECCOMP:
        loop_seccomp_stop(loop, task);
        break;
    case PTRACE_EVENT_CLONE:
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
        loop_clone_event(loop, task);
        break;
    case PTRACE_EVENT_EXEC:
        loop_exec_event(loop, task);
        break;
    case PTRACE_EVENT_STOP:
        loop_event_stop(loop, task, signal_number);
        break;
    default:
        loop_resume(loop, task, 0);
        break;
    }
}
