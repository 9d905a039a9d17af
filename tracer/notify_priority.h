/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running at once. From a notification's arrival until it is received, a signal interrupts the call
 * (tracer/notify.c): the thread that receives is to run as soon as the caller sleeps, before
 * whatever else wants the processor; the child that is about to send its parent SIGCHLD, for one.
 * An ordinary thread is not sure of that, whatever its nice value: the scheduler first lets others
 * of the caller's session use up their turn.
 *
 * Nothing here fails: what is not permitted stays as it was.
 */
#pragma once

#include <sched.h>
#include <stdbool.h>

typedef struct Priority {
    int policy;
    struct sched_param parameters;
    int nice;
} Priority;

/* Raises the calling thread as far as its privileges go (CAP_SYS_NICE, RLIMIT_RTPRIO): before all
 * ordinary threads, else high among them. Threads and processes that it starts then are like it.
 * Returns what was before. */
Priority priority_raise(void);

/* The calling thread runs before all ordinary ones. */
bool priority_is_urgent(void);

/* Makes the calling thread run so, or like any other. Needs CAP_SYS_NICE. */
void priority_set_urgent(bool urgent);

void priority_restore(const Priority *before);

/* The calling thread, if it is an ordinary one, runs for short moments only, so it may run early
 * (Linux 6.12; needs no privilege). */
void priority_short_slice(void);
