/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a signal handler interrupted: the registers that rt_sigreturn(2) is about to restore, which
 * the kernel left on the stack of the thread (arch/x86/include/asm/sigframe.h). For programs of
 * x86-64; others have other frames, and most other architectures overwrite an argument by the
 * result, so that the call could not be made again.
 */
#pragma once

#include "model/tables.h"

#include <stdint.h>
#include <sys/types.h>

/* What is looked at before the next instruction, in bytes. */
enum { FRAME_CODE = 28, FRAME_REGISTERS = 16 };

typedef struct SignalFrame {
    int memory;       /* of the thread's process; owned; -1 */
    uint64_t address; /* of the registers */
    uint64_t result;  /* what the interrupted code will find as a call's result */
    uint64_t next;    /* its next instruction */
    uint64_t args[SYSCALL_ARGS];
    uint64_t registers[FRAME_REGISTERS]; /* as instructions number them */
    uint8_t code[FRAME_CODE];            /* before NEXT */
} SignalFrame;

/* TID is stopped in its rt_sigreturn(2). 0 or a negative errno: -ENOSYS on other architectures. */
int frame_read(pid_t tid, SignalFrame *ret_frame);
void frame_deinit(SignalFrame *frame);

/* The number of the call whose `syscall` instruction is the last before NEXT, if the instructions
 * before that load it; -1 if that is something else, or not certain. */
int64_t frame_call(const SignalFrame *frame);

/* When the handler is over the thread makes call NR again, with the arguments it had. 0 or a
 * negative errno. */
int frame_restart(const SignalFrame *frame, int64_t nr);
