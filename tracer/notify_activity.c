/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/notify_activity.h"

#include "base/memory.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/sched.h>

/* A thread that has made none of so many calls is not at work. */
enum { WORKS_FOR = 16 };

static const char *const waiting_calls[] = {
    "wait4",         "waitid",
    "waitpid",       "poll",
    "ppoll",         "ppoll_time64",
    "select",        "_newselect",
    "pselect6",      "pselect6_time64",
    "epoll_wait",    "epoll_pwait",
    "epoll_pwait2",  "pause",
    "nanosleep",     "clock_nanosleep",
    "rt_sigsuspend", "clock_nanosleep_time64",
    "sigsuspend",    "rt_sigtimedwait",
    "accept",        "rt_sigtimedwait_time64",
    "accept4",       "vfork",
    "exit",          "exit_group", /* for good */
};

int activity_init(Activity *activity)
{
    *activity = (Activity){.waits = calloc(syscall_count(), sizeof *activity->waits)};
    if (!activity->waits)
        return -ENOMEM;
    for (size_t i = 0; i < ARRAY_LENGTH(waiting_calls); i++) {
        const Syscall *syscall = syscall_by_name(waiting_calls[i]);
        if (syscall)
            activity->waits[syscall->index] = true;
    }
    activity->futex = syscall_by_name("futex");
    activity->clone = syscall_by_name("clone");
    return 0;
}

void activity_deinit(Activity *activity)
{
    free(activity->waits);
    activity->waits = NULL;
}

static bool waits(const Activity *activity, const SyscallStop *stop)
{
    const int arch = arch_from_call(stop->audit_arch, stop->nr);
    const Syscall *syscall = arch < 0 ? NULL : syscall_by_number((Arch)arch, stop->nr);

    if (!syscall)
        return false;
    if (syscall == activity->futex) {
        const int operation = (int)stop->args[1] & FUTEX_CMD_MASK;
        return operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET;
    }
    if (syscall == activity->clone)
        return (stop->args[0] & CLONE_VFORK) != 0;
    return activity->waits[syscall->index];
}

void activity_note(Activity *activity, const SyscallStop *stop)
{
    unsigned place = 0;

    /* That of the thread, else the one that is longest ago. */
    for (unsigned i = 0; i < ACTIVITY_THREADS; i++) {
        if (activity->threads[i].tid == stop->tid) {
            place = i;
            break;
        }
        if (activity->calls - activity->threads[i].at >
            activity->calls - activity->threads[place].at)
            place = i;
    }
    activity->calls++;
    activity->threads[place].tid = stop->tid;
    activity->threads[place].at = activity->calls;
    activity->threads[place].waits = waits(activity, stop);
}

bool activity_of_others(const Activity *activity)
{
    for (unsigned i = 0; i < ACTIVITY_THREADS; i++) {
        const uint32_t ago = activity->calls - activity->threads[i].at;
        if (activity->threads[i].tid != 0 && !activity->threads[i].waits && ago > 0 &&
            ago < WORKS_FOR)
            return true;
    }
    return false;
}
