/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/job_control.h"

#include "base/memory.h"
#include "base/procfs.h"

#include <ctype.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

/* Of a process, proc(5). */
typedef struct Status {
    char state;      /* 0: not to be had */
    bool stop_pends; /* a signal that stops was sent to it, and it has not taken it yet */
} Status;

typedef enum MainState {
    MAIN_RUNS,
    MAIN_STOPPED,
    MAIN_IS_ABOUT_TO_STOP, /* or went on before the tracer heard of its stop */
} MainState;

static const int stop_signals[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};

bool job_control_is_stop(int signal_number)
{
    for (size_t i = 0; i < ARRAY_LENGTH(stop_signals); i++)
        if (signal_number == stop_signals[i])
            return true;
    return false;
}

static bool mask_stops(const char *text, const char *field)
{
    const char *value = procfs_field(text, field);
    const unsigned long long mask = value ? strtoull(value, NULL, 16) : 0;

    for (size_t i = 0; i < ARRAY_LENGTH(stop_signals); i++)
        if (mask >> (stop_signals[i] - 1) & 1)
            return true;
    return false;
}

static Status status_of(pid_t pid)
{
    char text[4096];
    Status status = {0};

    if (pid <= 0 || procfs_read_task(pid, "status", text, sizeof text) <= 0)
        return status;
    const char *state = procfs_field(text, "State");
    while (state && isblank((unsigned char)*state))
        state++;
    status.state = state ? *state : '\0';
    status.stop_pends = mask_stops(text, "SigPnd") || mask_stops(text, "ShdPnd");
    return status;
}

/*
 * Whoever traces it (state 't') sees a stop by a signal first, then the group's stop, in which it
 * is left; SIGCONT makes that an event again. So it is stopped if there is nothing to wait for.
 */
static MainState traced_state(const JobControl *job)
{
    siginfo_t event = {0};

    if (waitid(P_PID, (id_t)job->main, &event, WNOHANG | WNOWAIT | WSTOPPED | WEXITED | __WALL) < 0)
        return MAIN_RUNS;
    if (event.si_pid != 0)
        return job_control_is_stop(event.si_status & 0xff) ? MAIN_IS_ABOUT_TO_STOP : MAIN_RUNS;
    return job->stopped ? MAIN_STOPPED : MAIN_RUNS;
}

static MainState main_state(const JobControl *job)
{
    if (job->ended)
        return MAIN_RUNS;
    const Status status = status_of(job->main);

    if (status.state == 'T')
        return MAIN_STOPPED;
    if (status.state == 't')
        return traced_state(job);
    return status.stop_pends ? MAIN_IS_ABOUT_TO_STOP : MAIN_RUNS;
}

/* Or about to be. */
static bool front_is_stopped(const JobControl *job)
{
    struct pollfd control = {.fd = job->run->control_fd};

    /* Its id is its own as long as it has the other end. */
    if (job->run->front <= 1 || poll(&control, 1, 0) < 0 ||
        (control.revents & (POLLHUP | POLLERR | POLLNVAL)))
        return false;
    const Status status = status_of(job->run->front);
    return status.state == 'T' || status.stop_pends;
}

/* The front was told to go on and the main process is stopped: unless the front was stopped again.
 */
static void continue_main(const JobControl *job)
{
    if (!front_is_stopped(job))
        (void)kill(job->main, SIGCONT);
}

void job_control_stopped(JobControl *job)
{
    const bool owed = job->owes_continue;

    job->stopped = true;
    job->stopped_since = true;
    job->owes_continue = false;
    job->unsettled = false;
    if (main_state(job) != MAIN_STOPPED)
        return;
    if (owed)
        continue_main(job);
    else
        (void)report_send(job->run->report_fd, REPORT_STOPPED, job->continues);
}

void job_control_went_on(JobControl *job)
{
    job->stopped = false;
    job->stopped_since = true;
    job->unsettled = true;
    job->ticks_apart = 0;
    job->ticks_together = 0;
}

void job_control_ended(JobControl *job)
{
    job->ended = true;
    if (front_is_stopped(job))
        (void)kill(job->run->front, SIGCONT);
    job_control_went_on(job);
}

/* A shell continues both at once, and a handler of the workload's must not be called twice. */
static void on_continue(JobControl *job)
{
    const bool was_stopped = job->stopped_since;
    const MainState state = main_state(job);

    job->continues++;
    job->stopped_since = false;
    job->owes_continue = state == MAIN_IS_ABOUT_TO_STOP;
    if (state == MAIN_STOPPED || (state == MAIN_RUNS && !was_stopped))
        continue_main(job);
}

void job_control_signal(JobControl *job, int signal_number)
{
    if (signal_number == SIGCONT)
        on_continue(job);
    else
        (void)kill(job->main, signal_number);
}

void job_control_tick(JobControl *job)
{
    enum { TICKS = 2 };

    if (!job->unsettled)
        return;
    /* In this order: ^Z reaches both at once, and the front takes it without delay. */
    const bool front_stopped = front_is_stopped(job);
    if (main_state(job) != MAIN_RUNS) {
        job->ticks_apart = 0;
        return;
    }
    job->ticks_apart = front_stopped ? job->ticks_apart + 1 : 0;
    job->ticks_together += !front_stopped;
    if (job->ticks_apart == TICKS)
        (void)kill(job->run->front, SIGCONT);
    if (job->ticks_apart == TICKS || job->ticks_together == TICKS)
        job->unsettled = false;
}
