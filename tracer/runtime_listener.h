/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listeners of seccomp filters, from the runtimes that load those.
 *
 * A runtime sends its listener. Between loading the filter and that it may make a call that is
 * notified: Go's threads are preempted by signals, whose handlers end with rt_sigreturn(2). Nobody
 * would answer that call, and the runtime would wait for ever. So a listener that does not come is
 * taken from where the runtime's process has it.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* A listener that came to the socket AGENT, and in *RET_PROCESS for whom (0: not said); or a
 * negative errno: -EAGAIN if nobody has sent any. The state has no end but the connection's, for
 * which runtimes need not wait: what is whole is enough. */
int listener_receive(int agent, pid_t *ret_process);

/* A copy of the listener that a descendant of the process RUNTIME has open, and in *RET_PROCESS
 * whose it is. A negative errno: -ENOENT if there is none. */
int listener_find(pid_t runtime, pid_t *ret_process);

/* Is it the same listener? False too where the kernel does not tell (listener_can_compare()). */
bool listener_is_same(int one, int other);

bool listener_can_compare(void);
