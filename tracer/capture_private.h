/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of capture.c share. */
#pragma once

#include "tracer/capture.h"
#include "tracer/captured.h"
#include "tracer/observer_private.h"

/* The call of CAPTURED as a stop of it would tell it. */
SyscallStop captured_stop(const Captured *captured);

/* EVENT_EXEC: the call, the program, and what the kernel loaded for it. capture_exec.c */
void capture_exec(Observer *observer, Tracee *tracee);

/* Operations of io_uring that were submitted and of which more may be told. capture_io_uring.c */
typedef struct Submissions Submissions;

Submissions *submissions_new(void);
Submissions *submissions_free(Submissions *submissions);

/*
 * CAPTURED, with its roots, is an EVENT_IO_URING or EVENT_IO_RESULT. False: it is to be taken as it
 * is. True: it is not, but if *RET_EVENT is set, which the caller frees, that is in its place: the
 * operation with its result.
 */
bool submissions_take(Submissions *submissions, Observer *observer, const Captured *captured,
                      struct event **ret_event);

/* One that no result came for, the caller's to free; NULL when there is none left. All others are
 * forgotten on the way. */
struct event *submissions_untold(Submissions *submissions);

/* EVENT_IO_URING: the operation, and what it touched. capture_io_uring.c */
void capture_io_uring(Observer *observer, Tracee *tracee);
