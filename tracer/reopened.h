/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that a program opens again and again, as servers do. Opening the same file by the same name
 * a second time is the same facts: whether it is the same takes a look-up without links and an
 * fstat(), and none of what working out a name, an outcome and facts takes.
 *
 * Only where results are predicted, nothing is refused, and what is asked is what a policy lacks of
 * a workload without capabilities (what those are needed for hangs on more than the file).
 */
#pragma once

#include "tracer/observer_private.h"

/* NULL without memory, and where such files are looked at each time. */
Reopened *reopened_new(const ObserverOptions *options);
Reopened *reopened_free(Reopened *reopened);

/* Labels have changed: nothing is known any more. */
void reopened_forget(Reopened *reopened);

/* The call that STOP is about, whose fact is CALL, opens what an earlier one opened: its facts were
 * counted, and nothing else is left to do. REOPENED may be NULL. */
bool reopened_is_known(Observer *observer, Reopened *reopened, Tracee *tracee,
                       const Syscall *syscall, const SyscallStop *stop, const StoredFact *call);

/* The facts of the call in PENDING were added. REOPENED may be NULL. */
void reopened_note(Observer *observer, Reopened *reopened, Tracee *tracee, const Pending *pending);
