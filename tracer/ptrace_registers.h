/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a thread in a system call stop is calling and what it got, by PTRACE_GET_SYSCALL_INFO
 * (Linux 5.3) or from its registers. The thread must be in a ptrace-stop of the caller.
 */
#pragma once

#include "tracer/observer.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum PtraceCallKind {
    PTRACE_CALL_NONE, /* not a system call stop */
    PTRACE_CALL_ENTRY,
    PTRACE_CALL_EXIT,
    PTRACE_CALL_SECCOMP,
} PtraceCallKind;

typedef struct PtraceCall {
    PtraceCallKind kind;
    SyscallStop stop; /* at ENTRY and SECCOMP */
    int64_t result;   /* at EXIT: negative errno for failure */
} PtraceCall;

/* By PTRACE_GET_SYSCALL_INFO. 0; -ESRCH: the thread was killed; -EIO where the kernel is too old.
 */
int ptrace_call_info(pid_t tid, PtraceCall *ret_call);

/* From the registers. They do not tell the kind: the caller gives it, and only what belongs to it
 * is filled in. -ENOSYS where this program was not taught the architecture. */
int ptrace_call_registers(pid_t tid, PtraceCallKind kind, PtraceCall *ret_call);

/* At an entry or seccomp stop: the call is not run and returns 0. -ENOSYS as above. */
int ptrace_call_answer(pid_t tid);

/* At an entry or seccomp stop: changes the first argument. -ENOSYS as above. */
int ptrace_call_set_first(pid_t tid, uint64_t value);
