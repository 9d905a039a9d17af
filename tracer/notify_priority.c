/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/notify_priority.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The least that the kernel takes, in nanoseconds. */
enum { SHORT_SLICE = 100 * 1000 };

/* sched_setattr(2); <linux/sched/types.h> does not go with <sched.h> before glibc 2.41. */
typedef struct SchedulingAttributes {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime; /* nanoseconds; an ordinary thread's slice */
    uint64_t deadline;
    uint64_t period;
} SchedulingAttributes;

static const char highest[] = "-20";

Priority priority_raise(void)
{
    const struct sched_param lowest_real_time = {.sched_priority = 1};
    Priority before = {.policy = sched_getscheduler(0), .nice = getpriority(PRIO_PROCESS, 0)};

    (void)sched_getparam(0, &before.parameters);
    if (before.policy != SCHED_OTHER || sched_setscheduler(0, SCHED_FIFO, &lowest_real_time) == 0)
        return before;
    /* Where sessions share the processors evenly (autogroups, sched(7)), nice values count only
     * within each. */
    const int group = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
    if (group >= 0) {
        (void)!write(group, highest, sizeof highest - 1);
        (void)close(group);
    }
    (void)setpriority(PRIO_PROCESS, 0, -20);
    return before;
}

bool priority_is_urgent(void)
{
    return sched_getscheduler(0) == SCHED_FIFO;
}

void priority_set_urgent(bool urgent)
{
    const struct sched_param parameters = {.sched_priority = urgent ? 1 : 0};

    (void)sched_setscheduler(0, urgent ? SCHED_FIFO : SCHED_OTHER, &parameters);
    if (!urgent)
        priority_short_slice();
}

void priority_restore(const Priority *before)
{
    if (before->policy >= 0)
        (void)sched_setscheduler(0, before->policy, &before->parameters);
    (void)setpriority(PRIO_PROCESS, 0, before->nice);
}

void priority_short_slice(void)
{
    const SchedulingAttributes attributes = {.size = sizeof attributes,
                                             .policy = SCHED_OTHER,
                                             .nice = getpriority(PRIO_PROCESS, 0),
                                             .runtime = SHORT_SLICE};

    if (sched_getscheduler(0) == SCHED_OTHER)
        (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}
