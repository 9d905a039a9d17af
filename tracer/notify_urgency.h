/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the thread that receives notifications runs before all ordinary ones: only while signals are
 * near. Then a call's notification is received the sooner, but each costs a quarter more, for such
 * a thread does not run where its caller did.
 */
#pragma once

#include "tracer/observer.h"

#include <stdatomic.h>

typedef struct Urgency {
    bool *makes_signals;    /* by Syscall.index; owned */
    atomic_uint calls_left; /* for so many calls on, signals are near */
    bool may_change;        /* the receiving thread's own, as what follows */
    bool is_urgent;
} Urgency;

/* 0 or -ENOMEM. */
int urgency_init(Urgency *urgency);
void urgency_deinit(Urgency *urgency);

/* The calling thread is the one that receives. */
void urgency_begin(Urgency *urgency);

/* STOP is about to run: takes note if it makes signals. Any thread. */
void urgency_note(Urgency *urgency, const SyscallStop *stop);

/* After each notification, by the thread that receives. */
void urgency_adapt(Urgency *urgency);
