/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the numbers that events have for programs and labels stand for: events of their own tell,
 * and what comes from several CPUs has no order.
 */
#pragma once

#include "tracer/captured.h"
#include "tracer/observer.h"

typedef struct CaptureNames CaptureNames;

/* LABEL, borrowed, is that from the start: number 0; may be NULL. NULL without memory. */
CaptureNames *capture_names_new(const char *label);
CaptureNames *capture_names_free(CaptureNames *names);

/* CAPTURED is an EVENT_PROGRAM or EVENT_LABEL. 0, -ENOMEM, or -EBADMSG for what is none. */
int capture_names_take(CaptureNames *names, Observer *observer, const Captured *captured);

/* NULL: not told yet. Interned by the observer. */
const char *capture_names_program(const CaptureNames *names, uint32_t number);
const char *capture_names_label(const CaptureNames *names, uint32_t number);

/* True if all that EVENT names has been told. */
bool capture_names_known(const CaptureNames *names, const struct event *event);
