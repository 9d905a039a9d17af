/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a workload that is traced from its first execve() on. */
#pragma once

#include "base/error.h"
#include "tracer/backend.h"

#include <stdbool.h>
#include <sys/types.h>

/* Options that every tracee is seized with. */
long ptrace_launch_options(void);

/* The kernel stops calls for a tracer by SECCOMP_RET_TRACE, and does it before the call only once.
 */
bool ptrace_filter_available(void);

typedef struct PtraceChild {
    pid_t pid;
    int fd; /* tells how execve() failed; -1 none */
} PtraceChild;

/*
 * Forks a child in the caller's session and process group and seizes it. SIBLING: as a child of the
 * caller's parent, which must wait for it.
 * FILTERED: with a filter that stops every call of every architecture (PTRACE_EVENT_SECCOMP);
 * otherwise it is interrupted first, so that the caller can continue it with PTRACE_SYSCALL.
 * Calls that it makes before a successful execve() are not the workload's.
 */
int ptrace_child_start(const Launch *launch, bool filtered, bool sibling, PtraceChild *ret_child,
                       Error *err);

/* Lets it go on to execve(). */
int ptrace_child_go(const PtraceChild *child);

/* After it ended without having run a program: its errno, or 0 if it did not get that far;
 * *RET_SETUP: not execve() failed but the filter. */
int ptrace_child_failure(const PtraceChild *child, bool *ret_setup);

/* Fills ERR for PTRACE_SEIZE of PID having failed with CODE; says what forbids it. Returns CODE. */
int ptrace_seize_error(Error *err, int code, pid_t pid);

/* The tracer of PID, 0 none, negative errno. */
pid_t ptrace_tracer_of(pid_t pid);
