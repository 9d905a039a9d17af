/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a backend hears of besides system calls: what becomes of the process that was launched, what
 * the front says, and a tick each second. For backends that poll(2); ptrace waits instead.
 */
#pragma once

#include "tracer/backend.h"
#include "tracer/job_control.h"

#include <poll.h>

typedef struct BackendEvents {
    BackendRun *run; /* borrowed */
    pid_t child;     /* the process that was launched; 0: processes were joined */
    JobControl job;  /* of CHILD */
    bool child_ended;
    int signals; /* of SIGCHLD; -1: none */
    int timer;   /* each second; -1: none */
} BackendEvents;

/* The first entries of what such a backend polls; its own follow. */
enum {
    BACKEND_EVENTS_CHILD,
    BACKEND_EVENTS_TIMER,
    BACKEND_EVENTS_CONTROL,
    BACKEND_EVENTS_FDS,
};

/* Of RUN, for nothing yet but backend_events_deinit(). */
BackendEvents backend_events_of(BackendRun *run);

/* Starts to listen, to CHILD among others (0: none was launched). SIGCHLD must have been blocked
 * since before CHILD was forked. 0 or a negative errno. */
int backend_events_start(BackendEvents *events, pid_t child);

/* Fills in the first BACKEND_EVENTS_FDS entries of FDS. */
void backend_events_poll(const BackendEvents *events, struct pollfd *fds);

/*
 * Handles what poll(2) found in them: tells the front of the child's stops and end, passes on the
 * front's signals, and sets run->detached when the front says so or is gone. True if a second has
 * passed.
 */
bool backend_events_handle(BackendEvents *events, const struct pollfd *fds);

/* Waits for the child's end: nothing may be left to record a moment before its parent can wait for
 * it. At once if there is no child. */
void backend_events_await_child(BackendEvents *events);

void backend_events_deinit(BackendEvents *events);
