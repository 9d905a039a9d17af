/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of capture.c share. */
#pragma once

#include "tracer/capture.h"
#include "tracer/captured.h"
#include "tracer/observer_private.h"

/* The call of CAPTURED as a stop of it would tell it. */
SyscallStop captured_stop(const Captured *captured);

/* Text of whose strings PATH borrows from the recording: what runs in the process behind FILE. */
const char *capture_program_text(Observer *observer, const struct file_blob *file);

/* EVENT_EXEC: the call, the program, and what the kernel loaded for it. capture_exec.c */
void capture_exec(Observer *observer, Tracee *tracee);

/* EVENT_IO_URING: the operation, and what it touched. capture_io_uring.c */
void capture_io_uring(Observer *observer, Tracee *tracee);
