/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stacks of captured events need beside the event. The memory maps of processes that may
 * have ended, or run another program, since they did what is being told: read at the first moment,
 * and kept by the memory that they are of, which a forked child has a copy of.
 */
#pragma once

#include "tracer/captured.h"

CaptureStacks *capture_stacks_new(void);
CaptureStacks *capture_stacks_free(CaptureStacks *stacks); /* takes NULL */

/* /proc/TID/maps, if TID still has the memory of which START is where its first stack began; else
 * what was read of such memory last, *RET_NOW false. NULL: nothing was. Good until the next call.
 */
const char *capture_stacks_maps(CaptureStacks *stacks, pid_t tid, uint64_t start, bool *ret_now);

/* CAPTURED is an EVENT_STACK: keeps a copy for the EVENT_EXEC that follows. 0 or a negative errno.
 */
int capture_stacks_note(CaptureStacks *stacks, const Captured *captured);

/* What was kept for EXEC, once; NULL: nothing was. Good until the next event. */
const Captured *capture_stacks_asked(CaptureStacks *stacks, const struct event *exec);
