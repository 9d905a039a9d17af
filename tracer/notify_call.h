/* SPDX-License-Identifier: Apache-2.0 */
/* A call whose notification was received, on its way to the observer. */
#pragma once

#include "tracer/notify_restart.h"
#include "tracer/observer.h"

#include <seccomp.h>

static inline SyscallStop notify_stop(const struct seccomp_notif *request)
{
    SyscallStop stop = {.tid = (pid_t)request->pid,
                        .audit_arch = request->data.arch,
                        .nr = request->data.nr,
                        .instruction_pointer = request->data.instruction_pointer};

    for (size_t i = 0; i < SYSCALL_ARGS; i++)
        stop.args[i] = request->data.args[i];
    return stop;
}

/* What signals have interrupted before REQUEST, which is STOP, is made again. TAKEN_BACK
 * notifications were missing before it, counted from the start. */
void notify_mend(Restart *restart, Observer *observer, int listener,
                 const struct seccomp_notif *request, const SyscallStop *stop, uint32_t taken_back);

/* observer_enter() of REQUEST, which is STOP; confirmed where the verdict asks for it. */
int notify_enter(Observer *observer, int listener, const struct seccomp_notif *request,
                 const SyscallStop *stop);
