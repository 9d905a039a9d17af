/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that were submitted through io_uring, which no system call tells of. */
#include "tracer/capture_private.h"

#include <inttypes.h>
#include <stdio.h>

void capture_io_uring(Observer *observer, Tracee *tracee)
{
    const Captured *captured = tracee->captured;
    const FlagFamily *family = flag_family("io_uring_operation");
    const SyscallStop stop = captured_stop(captured);
    char number[32];

    const char *name = family ? flag_name(family, captured->event->value) : NULL;
    if (!name) {
        (void)snprintf(number, sizeof number, "op_%" PRIu64, (uint64_t)captured->event->value);
        name = observer_intern(observer, number);
    }
    Fact draft = {.kind = FACT_IO_URING, .name = name};
    results_add(&draft.results, captured_result(captured));
    (void)observer_add(observer, tracee, &draft, 1);
    if (captured->syscall)
        observe_captured_operation(observer, tracee, &stop, captured->syscall,
                                   (Arch)arch_from_call(stop.audit_arch, stop.nr),
                                   "io_uring_enter");
}
