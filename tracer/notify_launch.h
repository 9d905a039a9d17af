/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a workload whose every call notifies the recorder, from its first execve() on. */
#pragma once

#include "tracer/backend.h"
#include "tracer/notify_priority.h"

typedef struct NotifyChild {
    pid_t pid;
    int listener;      /* the seccomp notification descriptor; the caller's */
    int socket;        /* tells how execve() failed; the caller's */
    Priority priority; /* the calling thread's before it was raised */
} NotifyChild;

/* Forks the child, which notifies of all that OBSERVER has to be told of, in the caller's session
 * and process group; after that the caller has stepped aside (tracer/launch.h). The child waits in
 * its first call for an answer. 0 or a negative errno.
 */
int notify_child_start(const Launch *launch, const Observer *observer, NotifyChild *ret_child,
                       Error *err);

/* The errno of the child's failed execve(), 0 if it did not fail. */
int notify_child_exec_error(const NotifyChild *child);

/* A call that was received waits killably (Linux 5.19). */
bool notify_waits_killably(void);
