/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding calls back while a child of the caller ends. The end sends SIGCHLD to the parent, some
 * 100 µs after the recorder let exit_group(2) run. A parent that makes one call after the other
 * spends much of that time where a signal interrupts it: between a call's notification and its
 * receipt (tracer/notify.c). So its first call that was received waits for the answer until the
 * child has ended; there the signal does no harm. It waits for HOLD_MOST at most, for an end may
 * take long (memory to be freed, a core to be written).
 */
#pragma once

#include "tracer/observer.h"

enum { HOLD_ENDING = 32, HOLD_MOST = 50 * 1000 * 1000 /* nanoseconds */ };

typedef struct Ending {
    pid_t process;
    pid_t parent;
    int64_t until; /* CLOCK_MONOTONIC, nanoseconds */
} Ending;

typedef struct Hold {
    Ending endings[HOLD_ENDING];
    unsigned count;
} Hold;

/* STOP was observed and will be run now: takes note if it ends a process. Beyond HOLD_ENDING
 * nothing is noted. */
void hold_note(Hold *hold, const Observer *observer, const SyscallStop *stop);

/* True if the call of STOP is to wait; to be asked again when a process has ended (and was reaped
 * by the observer), and after a millisecond. */
bool hold_applies(Hold *hold, const Observer *observer, const SyscallStop *stop);
