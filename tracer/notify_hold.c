/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/notify_hold.h"

#include "model/tables.h"

#include <string.h>
#include <time.h>

static int64_t now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static bool ends_process(const SyscallStop *stop)
{
    const int arch = arch_from_call(stop->audit_arch, stop->nr);
    const Syscall *syscall = arch < 0 ? NULL : syscall_by_number((Arch)arch, stop->nr);

    return syscall && strcmp(syscall->name, "exit_group") == 0;
}

void hold_note(Hold *hold, const Observer *observer, const SyscallStop *stop)
{
    pid_t parent;

    if (hold->count == HOLD_ENDING || !ends_process(stop))
        return;
    const pid_t process = observer_process_of(observer, stop->tid, &parent);
    if (process > 0 && parent > 0)
        hold->endings[hold->count++] =
            (Ending){.process = process, .parent = parent, .until = now() + HOLD_MOST};
}

bool hold_applies(Hold *hold, const Observer *observer, const SyscallStop *stop)
{
    bool applies = false;
    unsigned kept = 0;
    pid_t ignored;

    if (hold->count == 0)
        return false;
    const pid_t caller = observer_process_of(observer, stop->tid, &ignored);
    const int64_t time = now();
    for (unsigned i = 0; i < hold->count; i++) {
        const Ending ending = hold->endings[i];
        if (time >= ending.until || !observer_knows_process(observer, ending.process))
            continue;
        hold->endings[kept++] = ending;
        applies = applies || ending.parent == caller;
    }
    hold->count = kept;
    return applies;
}
