/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/notify_urgency.h"

#include "base/memory.h"
#include "tracer/notify_priority.h"

#include <errno.h>

/* After a call that makes signals the receiver is urgent for so many calls. */
enum { URGENT_CALLS = 2000 };

/* Calls after which signals are near: of children's ends, of timers, of kill(2), and those of a
 * signal handler that is over. */
static const char *const signal_calls[] = {
    "fork",
    "vfork",
    "clone",
    "clone3",
    "exit_group",
    "kill",
    "tkill",
    "tgkill",
    "rt_sigreturn",
    "sigreturn",
    "alarm",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "timer_settime",
    "timer_settime64",
    "setitimer",
    "pidfd_send_signal",
};

int urgency_init(Urgency *urgency)
{
    bool *makes = calloc(syscall_count(), sizeof *makes);

    if (!makes)
        return -ENOMEM;
    for (size_t i = 0; i < ARRAY_LENGTH(signal_calls); i++) {
        const Syscall *syscall = syscall_by_name(signal_calls[i]);
        if (syscall)
            makes[syscall->index] = true;
    }
    *urgency = (Urgency){.makes_signals = makes};
    return 0;
}

void urgency_deinit(Urgency *urgency)
{
    free(urgency->makes_signals);
    urgency->makes_signals = NULL;
}

void urgency_begin(Urgency *urgency)
{
    urgency->may_change = priority_is_urgent();
    urgency->is_urgent = urgency->may_change;
}

void urgency_note(Urgency *urgency, const SyscallStop *stop)
{
    const int arch = arch_from_call(stop->audit_arch, stop->nr);
    const Syscall *syscall = arch < 0 ? NULL : syscall_by_number((Arch)arch, stop->nr);

    if (syscall && urgency->makes_signals[syscall->index])
        atomic_store(&urgency->calls_left, URGENT_CALLS);
}

void urgency_adapt(Urgency *urgency)
{
    const unsigned left = atomic_load(&urgency->calls_left);

    if (left > 0)
        atomic_store(&urgency->calls_left, left - 1);
    if (urgency->may_change && urgency->is_urgent != (left > 0)) {
        urgency->is_urgent = left > 0;
        priority_set_urgent(urgency->is_urgent);
    }
}
