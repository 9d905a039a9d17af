/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a signal handler interrupted: the registers that rt_sigreturn(2) or sigreturn(2) is about to
 * restore, which the kernel left on the stack of the thread (arch/x86/include/asm/sigframe.h). For
 * programs of x86-64, x32 and i386; most other architectures overwrite an argument by the result,
 * so that the call could not be made again.
 */
#pragma once

#include "tracer/call_site.h"
#include "tracer/observer.h"

#include <stdint.h>

typedef struct SignalFrame {
    int memory;         /* of the thread's process; owned; -1 */
    int64_t result;     /* what the interrupted code will find as a call's result */
    CallSite site;      /* the interrupted code; its registers are those that are restored */
    size_t size;        /* of a register on the stack, in bytes */
    uint64_t result_at; /* where it is: the address of AX, … */
    uint64_t next_at;   /* … and of the instruction pointer */
} SignalFrame;

/* The thread of STOP is stopped in the call that ends a handler. 0 or a negative errno: -ENOSYS for
 * other architectures. */
int frame_read(const SyscallStop *stop, SignalFrame *ret_frame);
void frame_deinit(SignalFrame *frame);

/* When the handler is over the thread makes call NR again, with the arguments it had. 0 or a
 * negative errno. */
int frame_restart(const SignalFrame *frame, int64_t nr);
