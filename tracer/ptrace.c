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
 * recording.
 */
#include "base/io.h"
#include "tracer/launch.h"
#include "tracer/ptrace_private.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BATCH_INTERVAL = 16, /* events between two looks at what else waits */
    BATCH_MAX = 64,
    KILLED_TICKS = 2, /* seconds in which a new thread's creator may have been killed */
    WAIT_TICKS = 2,   /* seconds that a creator's event is waited for at most */
};

static void loop_let_go(PtraceLoop *loop, PtraceTask *task, int signal_number)
{
    if (ptrace(PTRACE_DETACH, task->tid, 0, (long)signal_number) < 0 && errno == ESRCH)
        return; /* killed: its end is still to come */
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

static bool is_stop_signal(int number)
{
    return number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

/* PTRACE_EVENT_STOP: a group-stop, or nothing to stay for. */
static void loop_resume_stop(PtraceLoop *loop, PtraceTask *task, int signal_number)
{
    if (!is_stop_signal(signal_number) || loop->leaving)
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

static void loop_release(PtraceLoop *loop, PtraceTask *task)
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
            loop_release(loop, task);
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
static void tick_task(void *data, PtraceTask *task)
{
    PtraceLoop *loop = data;

    if ((!task->held && !task->gone) || ++task->ticks <= WAIT_TICKS)
        return;
    if (task->gone) {
        ptrace_tasks_remove(&loop->tasks, task);
        return;
    }
    loop_adopt(loop, task);
    loop_release(loop, task);
}

static void adopt_held(void *data, PtraceTask *task)
{
    if (task->held) {
        loop_adopt(data, task);
        loop_release(data, task);
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
        ptrace_tasks_each(&loop->tasks, adopt_held, loop);
}

/* Who continued the workload may not have thought of the front, which stopped itself and cannot
 * read a report. */
static void loop_continue_front(const PtraceLoop *loop)
{
    struct pollfd control = {.fd = loop->run->control_fd};

    /* Its id is its own as long as it has the other end. */
    if (loop->run->front > 1 && poll(&control, 1, 0) == 0)
        (void)kill(loop->run->front, SIGCONT);
}

/* The launched process was stopped by SIGNAL_NUMBER, or goes on (0). */
static void loop_child_stop(PtraceLoop *loop, int signal_number)
{
    if (signal_number) {
        loop->front_stopped = true;
        (void)report_send(loop->run->report_fd, REPORT_STOPPED, signal_number);
    } else if (loop->child_stopped) {
        loop_continue_front(loop);
    }
    loop->child_stopped = signal_number != 0;
}

static void loop_event_stop(PtraceLoop *loop, PtraceTask *task, int signal_number)
{
    if (!task->known && !loop->keeping && !loop->killed_ticks) {
        loop_hold(loop, task, signal_number);
        return;
    }
    if (!task->known)
        loop_adopt(loop, task);
    if (task->tid == loop->child.pid && !loop->keeping)
        loop_child_stop(loop, is_stop_signal(signal_number) ? signal_number : 0);
    loop_resume_stop(loop, task, signal_number);
}

/* ---- the front ------------------------------------------------------------------------------ */

static void interrupt_task(void *data, PtraceTask *task)
{
    if (task->held)
        loop_release(data, task);
    else if (!task->gone)
        (void)ptrace(PTRACE_INTERRUPT, task->tid, 0, 0);
}

/* Nothing is left to do but to let every stop of the launched processes go on. */
static void loop_keep(PtraceLoop *loop)
{
    loop->keeping = true;
    bell_stop(&loop->bell);
    /* Whoever waits for the end of a pipe must not wait for the keeper. */
    ptrace_close_range(0, ~0u);
    loop->fds_closed = true;
    loop->child.fd = -1;
    ptrace_tasks_each(&loop->tasks, adopt_held, loop);
}

/*
 * Records no more. In launched runs the caller is two processes afterwards: the copy, which traces
 * nothing and returns, and the tracer.
 */
static void loop_detach(PtraceLoop *loop)
{
    if (loop->keeping)
        return;
    loop->run->detached = true;
    if (!loop->child.pid) {
        loop->keeping = true;
        loop->leaving = true;
        ptrace_tasks_each(&loop->tasks, interrupt_task, loop);
        return;
    }
    loop->finishing = fork() == 0;
    if (!loop->finishing)
        loop_keep(loop);
}

static void loop_message(PtraceLoop *loop, const unsigned char message[2])
{
    if (message[0] == CONTROL_DETACH)
        loop_detach(loop);
    else if (message[0] == CONTROL_SIGNAL && loop->child.pid && loop->child_alive)
        (void)kill(loop->child.pid, message[1]);
}

static bool loop_readable(const PtraceLoop *loop, int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    return !loop->fds_closed && fd >= 0 && poll(&poll_fd, 1, 0) > 0;
}

/* Reads what the front sent; sees who was killed. */
static void loop_control(PtraceLoop *loop)
{
    if (loop_readable(loop, loop->run->recorder_fd)) {
        loop_keep(loop);
        return;
    }
    while (!loop->finishing && !loop->control_closed &&
           loop_readable(loop, loop->run->control_fd)) {
        const ssize_t n = read(loop->run->control_fd, loop->control + loop->control_length,
                               sizeof loop->control - loop->control_length);

        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0) {
            loop->control_closed = true;
            bell_stop(&loop->bell); /* it would ring all the time */
            loop_detach(loop);
            return;
        }
        loop->control_length += (size_t)n;
        if (loop->control_length == sizeof loop->control) {
            loop->control_length = 0;
            loop_message(loop, loop->control);
        }
    }
}

static void loop_start_bell(PtraceLoop *loop)
{
    const int fds[BELL_FDS_MAX] = {
        loop->fds_closed || loop->control_closed ? -1 : loop->run->control_fd,
        loop->fds_closed ? -1 : loop->run->recorder_fd,
    };

    /* Should it fail, the next event tries again. */
    (void)bell_start(&loop->bell, fds);
}

/* The bell rang or, killed by someone, must be replaced. */
static void loop_bell(PtraceLoop *loop, int status)
{
    if (!WIFSTOPPED(status))
        loop->bell.pid = 0;
    loop_control(loop);
    if (loop->finishing)
        return;
    ptrace_tasks_each(&loop->tasks, tick_task, loop);
    if (loop->killed_ticks > 0)
        loop->killed_ticks--;
    if (loop->front_stopped && !loop->child_stopped) {
        /* It may have read of the stop only after the workload went on. */
        loop->front_stopped = false;
        loop_continue_front(loop);
    }
    if (!loop->keeping && loop->run->tick)
        loop->run->tick(loop->run->tick_data);
    if (loop->bell.pid > 0)
        bell_continue(&loop->bell);
    else
        loop_start_bell(loop);
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void loop_dispatch(PtraceLoop *loop, pid_t tid, int status)
{
    PtraceTask *task;
    int signal_number;

    if (tid == loop->bell.pid) {
        loop_bell(loop, status);
        return;
    }
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
            loop_start_bell(loop);
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
    PtraceTask *task;
    int r;

    loop->filtered = ptrace_filter_available();
    r = ptrace_child_start(loop->run->launch, loop->filtered, &loop->child, err);
    if (r < 0)
        return r;
    loop->child_alive = true;
    /* The child is in the front's session; from here on ^C there is not for the recorder. */
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
    r = run->launch ? loop_launch(&loop, err) : ptrace_join_all(&loop, err);
    /* If it were ignored, the ends of children could not be waited for. Not before the workload was
     * started, which must find it as it was. */
    (void)sigaction(SIGCHLD, &by_default, &previous);
    if (r < 0) {
        loop.keeping = loop.leaving = true;
        if (loop.child.pid > 0)
            (void)kill(loop.child.pid, SIGKILL);
        ptrace_tasks_each(&loop.tasks, interrupt_task, &loop);
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
    .keeps_workload = true,
    .probe = ptrace_probe,
    .features = ptrace_features,
    .run = ptrace_run,
};
