/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which threads of the workload are at work, as far as their calls tell. One whose last call waits
 * for something (wait4, poll, …) makes no other until that has come, and one that has made none for
 * a while is likely to wait, too.
 */
#pragma once

#include "tracer/observer.h"

enum { ACTIVITY_THREADS = 16 };

typedef struct Activity {
    struct {
        pid_t tid;   /* 0: the place is free */
        bool waits;  /* in its last call */
        uint32_t at; /* that call's number */
    } threads[ACTIVITY_THREADS];
    uint32_t calls;
    bool *waits;                  /* by Syscall.index; owned */
    const Syscall *futex, *clone; /* which wait by their arguments */
} Activity;

/* 0 or -ENOMEM. */
int activity_init(Activity *activity);
void activity_deinit(Activity *activity);

/* A thread has made the call STOP. */
void activity_note(Activity *activity, const SyscallStop *stop);

/* Are others than the thread of the last call at work? */
bool activity_of_others(const Activity *activity);
