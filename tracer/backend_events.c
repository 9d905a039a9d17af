/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/backend_events.h"

#include "base/io.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

static void child_status(BackendEvents *events, int status)
{
    if (WIFSTOPPED(status)) {
        job_control_stopped(&events->job);
    } else if (WIFCONTINUED(status)) {
        job_control_went_on(&events->job);
    } else {
        events->child_ended = true;
        job_control_ended(&events->job);
        backend_child_ended(events->run, status);
    }
}

/* Children are not only the one that was launched: helpers, and orphans of a subreaper. */
static void on_children(BackendEvents *events)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;

    (void)!read(events->signals, &info, sizeof info);
    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
        if (pid == events->child)
            child_status(events, status);
    }
}

static void on_control(BackendEvents *events)
{
    unsigned char message[2];
    const ssize_t n = read(events->run->control_fd, message, sizeof message);

    if (n < 0 && errno == EINTR)
        return;
    if (n != sizeof message || message[0] == CONTROL_DETACH)
        events->run->detached = true;
    else if (message[0] == CONTROL_SIGNAL && events->child > 0 && !events->child_ended)
        job_control_signal(&events->job, message[1]);
}

BackendEvents backend_events_of(BackendRun *run)
{
    return (BackendEvents){.run = run, .signals = -1, .timer = -1};
}

int backend_events_start(BackendEvents *events, pid_t child)
{
    const struct itimerspec second = {.it_interval.tv_sec = 1, .it_value.tv_sec = 1};
    sigset_t child_signal;

    (void)sigemptyset(&child_signal);
    (void)sigaddset(&child_signal, SIGCHLD);
    events->child = child;
    events->job = (JobControl){.run = events->run, .main = child};
    events->signals = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
    if (events->signals < 0)
        return -errno;
    events->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (events->timer < 0 || timerfd_settime(events->timer, 0, &second, NULL) < 0)
        return -errno;
    return 0;
}

void backend_events_poll(const BackendEvents *events, struct pollfd *fds)
{
    fds[BACKEND_EVENTS_CHILD] = (struct pollfd){.fd = events->signals, .events = POLLIN};
    fds[BACKEND_EVENTS_TIMER] = (struct pollfd){.fd = events->timer, .events = POLLIN};
    fds[BACKEND_EVENTS_CONTROL] = (struct pollfd){.fd = events->run->control_fd, .events = POLLIN};
}

bool backend_events_handle(BackendEvents *events, const struct pollfd *fds)
{
    uint64_t ticks;

    if (fds[BACKEND_EVENTS_CHILD].revents)
        on_children(events);
    if (fds[BACKEND_EVENTS_CONTROL].revents)
        on_control(events);
    if (!fds[BACKEND_EVENTS_TIMER].revents ||
        read(events->timer, &ticks, sizeof ticks) != sizeof ticks)
        return false;
    if (events->child > 0)
        job_control_tick(&events->job);
    return true;
}

void backend_events_await_child(BackendEvents *events)
{
    int status;

    while (events->child > 0 && !events->child_ended) {
        const pid_t pid = waitpid(events->child, &status, 0);
        if (pid == events->child)
            child_status(events, status);
        else if (pid < 0 && errno != EINTR)
            return;
    }
}

void backend_events_deinit(BackendEvents *events)
{
    fd_close(&events->timer);
    fd_close(&events->signals);
}
