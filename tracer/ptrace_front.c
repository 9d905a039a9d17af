/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop's other side: the front, which sends messages and may be killed, as may the recorder;
 * and the bell that tells of it.
 */
#include "tracer/ptrace_private.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

void ptrace_interrupt_task(void *data, PtraceTask *task)
{
    if (task->held)
        ptrace_release(data, task);
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
    ptrace_tasks_each(&loop->tasks, ptrace_adopt_held, loop);
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
        ptrace_tasks_each(&loop->tasks, ptrace_interrupt_task, loop);
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
        job_control_signal(&loop->job, message[1]);
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

void ptrace_front_watch(PtraceLoop *loop)
{
    const int fds[BELL_FDS_MAX] = {
        loop->fds_closed || loop->control_closed ? -1 : loop->run->control_fd,
        loop->fds_closed ? -1 : loop->run->recorder_fd,
    };

    /* Should it fail, the next event tries again. */
    (void)bell_start(&loop->bell, fds);
}

/* The bell rang or, killed by someone, must be replaced. */
void ptrace_bell_rang(PtraceLoop *loop, int status)
{
    if (!WIFSTOPPED(status))
        loop->bell.pid = 0;
    loop_control(loop);
    if (loop->finishing)
        return;
    ptrace_tasks_each(&loop->tasks, ptrace_tick_task, loop);
    if (loop->killed_ticks > 0)
        loop->killed_ticks--;
    if (loop->child.pid && !loop->keeping)
        job_control_tick(&loop->job);
    if (!loop->keeping && loop->run->tick)
        loop->run->tick(loop->run->tick_data);
    if (loop->bell.pid > 0)
        bell_continue(&loop->bell);
    else
        ptrace_front_watch(loop);
}
