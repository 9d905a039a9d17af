/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of a thread that is in a system call, for tracer/stacks.h. */
#pragma once

#include "tracer/stacks.h"

/* TID is in a ptrace-stop of the caller. 0; -ENOSYS for an architecture that this was not taught,
 * or another negative errno. */
int stack_registers_traced(pid_t tid, StackRegisters *ret_registers);

/*
 * TID sleeps in a call: by /proc/TID/syscall, which tells the stack pointer and the address only.
 * What is not known is restored on the way up wherever a function has saved it. 0 or a negative
 * errno.
 */
int stack_registers_waiting(pid_t tid, StackRegisters *ret_registers);

/* From LENGTH bytes of what the kernel keeps of the thread, struct pt_regs. -EBADMSG: too few. */
int stack_registers_kept(const void *bytes, size_t length, StackRegisters *ret_registers);
