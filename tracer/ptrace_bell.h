/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a loop that blocks in waitpid() learns of anything else. The bell is a small child process
 * that stops itself when one of the given descriptors is readable and once a second; waitpid(…,
 * WUNTRACED) then gives its pid. No signal can be missed or interrupt a call, and a stop of the
 * workload costs not one system call more.
 */
#pragma once

#include <sys/types.h>

typedef struct Bell {
    pid_t pid; /* 0: none */
} Bell;

enum { BELL_FDS_MAX = 2 };

/* Starts it for descriptors FDS, of which negative ones count as none. */
int bell_start(Bell *bell, const int fds[BELL_FDS_MAX]);

/* It rang (is stopped), and what it rang for has been seen to: lets it go on. */
void bell_continue(const Bell *bell);

/* Ends and reaps it. */
void bell_stop(Bell *bell);

/* close_range(2), on old kernels one by one. */
void ptrace_close_range(unsigned first, unsigned last);
