/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that a signal interrupted before they were received. The kernel took back their
 * notification, ran no part of the call, and has it return EINTR if the signal's handler was set
 * without SA_RESTART: as if the call had waited for something, be it close(2). When the handler is
 * over its rt_sigreturn(2) is notified, and restores registers that lie on the stack: there the
 * EINTR can be seen, and changed so that the call is made again. Then all is as if the signal had
 * come just before the call.
 *
 * An EINTR that the call itself returned must stay. Which it is, is known
 *  - by the call: getppid(2) never returns EINTR; or, if the notifications' numbers have a gap,
 *    which count up by one, stat(2) hardly does;
 *  - by what was received: a call that returned something was, and was the last one of its thread
 *    before the handler's; one that was interrupted before was not, and left a gap.
 * Calls that wait for something are left alone: there EINTR is what the program has to expect.
 *
 * Numbers of threads are trusted as far as the notification is valid. Not for several threads.
 */
#pragma once

#include "tracer/notify_frame.h"
#include "tracer/observer.h"

#include <stdbool.h>
#include <stdint.h>

/* Of so many calls of a thread it is known that they were received; and of so many threads. */
enum { RESTART_CALLS = 16, RESTART_TASKS = 4096 };

typedef struct RestartTask {
    pid_t tid;
    uint32_t gaps;   /* Restart.gaps at its last call */
    unsigned newest; /* in the two rings */
    uint32_t calls[RESTART_CALLS];
    bool after_gap[RESTART_CALLS]; /* since the call before, some notification was taken back */
} RestartTask;

typedef struct Restart {
    RestartTask *tasks; /* by the lowest bits of the thread's number; owned */
    uint8_t *rules;     /* by Syscall.index; owned */
} Restart;

/* What becomes of an interrupted call. */
typedef enum RestartVerdict {
    RESTART_NOTHING,     /* no such call, or one that may return EINTR */
    RESTART_AGAIN,       /* it is to be made again */
    RESTART_INTERRUPTED, /* the program may see an EINTR that it would not see without whittle */
} RestartVerdict;

/* 0 or -ENOMEM. */
int restart_init(Restart *restart);
/* Takes one that is zeroed. */
void restart_deinit(Restart *restart);

/* STOP was received, after GAPS notifications in all had been taken back. In the order of a
 * thread's calls. */
void restart_note(Restart *restart, const SyscallStop *stop, uint32_t gaps);

/* The thread's call that was noted last was interrupted before it ran. */
void restart_forget(Restart *restart, pid_t tid);

/* What to do about FRAME, which the thread of STOP is to restore by rt_sigreturn(2), and which was
 * noted; NULL if the frame cannot be read. RET_NR gets the number of the call to be made again. */
RestartVerdict restart_judge(const Restart *restart, const SyscallStop *stop,
                             const SignalFrame *frame, int64_t *ret_nr);

/* True if STOP ends a signal handler. */
bool restart_applies(const Restart *restart, const SyscallStop *stop);

/* restart_judge() of the thread's own frame, and has the call made again if that is the verdict.
 * STILL_VALID(DATA) tells, after the frame was opened, if the thread still is in that call. */
RestartVerdict restart_mend(const Restart *restart, const SyscallStop *stop,
                            bool (*still_valid)(void *data), void *data);
