/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations that were submitted through io_uring, which no system call tells of. One that names
 * something comes with the arguments of the system call that does the same, and goes the way of
 * that; what it returned is not known when it is submitted.
 */
#include "tracer/capture_private.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>

/* openat2's flags stand where openat() has them. */
static const struct {
    const char *operation;
    const char *syscall;
} equivalents[] = {
    {"IORING_OP_CONNECT", "connect"},     {"IORING_OP_LINKAT", "linkat"},
    {"IORING_OP_MKDIRAT", "mkdirat"},     {"IORING_OP_OPENAT", "openat"},
    {"IORING_OP_OPENAT2", "openat"},      {"IORING_OP_RENAMEAT", "renameat2"},
    {"IORING_OP_SOCKET", "socket"},       {"IORING_OP_STATX", "statx"},
    {"IORING_OP_SYMLINKAT", "symlinkat"}, {"IORING_OP_UNLINKAT", "unlinkat"},
};

static const Syscall *equivalent_of(const char *operation)
{
    for (size_t i = 0; i < ARRAY_LENGTH(equivalents); i++) {
        if (strcmp(equivalents[i].operation, operation) == 0)
            return syscall_by_name(equivalents[i].syscall);
    }
    return NULL;
}

void capture_io_uring(Observer *observer, Tracee *tracee)
{
    Captured *captured = tracee->captured;
    const FlagFamily *family = flag_family("io_uring_operation");
    SyscallStop stop = captured_stop(captured);
    char number[32];

    const char *name = family ? flag_name(family, captured->event->value) : NULL;
    if (!name) {
        (void)snprintf(number, sizeof number, "op_%" PRIu64, (uint64_t)captured->event->value);
        name = observer_intern(observer, number);
    }
    Fact draft = {.kind = FACT_IO_URING, .name = name};
    results_add(&draft.results, captured_result(captured));
    (void)observer_add(observer, tracee, &draft, 1);
    captured->syscall = equivalent_of(name);
    if (!captured->syscall)
        return;
    stop.nr = syscall_number(captured->syscall, arch_native());
    observe_captured_operation(observer, tracee, &stop, captured->syscall, arch_native(),
                               "io_uring_enter");
}
