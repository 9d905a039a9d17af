/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front and the workload's main process stop and go on together, as a shell expects of a job.
 *
 * ^Z, fg and bg reach both at once, by their process group; what is left to do here is for stops
 * and continues of one alone. Everything is heard of late, the workload's own stops too, and what
 * was true may have changed since: a SIGCONT that comes after the next ^Z would undo that. So
 * before either is signalled, the kernel is asked how it is now.
 */
#pragma once

#include "tracer/backend.h"

typedef struct JobControl {
    const BackendRun *run;   /* borrowed */
    pid_t main;              /* the process that was launched */
    bool stopped;            /* what was heard of it last */
    bool stopped_since;      /* it was stopped after the last SIGCONT of the front's */
    bool owes_continue;      /* the front had SIGCONT as it was about to stop */
    unsigned char continues; /* how many SIGCONTs the front has told of, modulo 256 */
    bool unsettled;          /* it went on, and the front may not have */
    bool ended;              /* and was reaped: its id may be another's */
    unsigned ticks_apart;    /* so many ticks in a row the front was stopped and it was not */
    unsigned ticks_together; /* so many ticks neither was */
} JobControl;

/* SIGSTOP and what a terminal stops jobs by. */
bool job_control_is_stop(int signal_number);

/* The main process has stopped: tells the front, unless it goes on already. A tracer calls this
 * once the process is left in its stop (PTRACE_LISTEN). */
void job_control_stopped(JobControl *job);

/* The main process went on. */
void job_control_went_on(JobControl *job);

/* The front passes on SIGNAL_NUMBER, to a main process that nobody has reaped. */
void job_control_signal(JobControl *job, int signal_number);

/* The main process was reaped: the front has no reason to be stopped. */
void job_control_ended(JobControl *job);

/* About once a second: lets a front go on that was stopped with a main process which somebody
 * continued alone, or which has ended. */
void job_control_tick(JobControl *job);
