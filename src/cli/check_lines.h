/* SPDX-License-Identifier: Apache-2.0 */
/* Findings told as they appear, one JSON object a line, while the recorder goes on. */
#pragma once

#include "generator/judge.h"
#include "tracer/observer.h"

#include <stdio.h>

typedef struct CheckLines {
    FILE *out; /* borrowed */
    const Policy *policy;
    uint32_t sections;
    Recording *recording; /* that the recorder adds to */
    StringSet *told;      /* owned */
    uint64_t facts;       /* when it was last looked at */
} CheckLines;

void check_lines_deinit(CheckLines *lines);

/* Supervision.progress; DATA is a CheckLines. */
void check_lines_progress(void *data, const ObserverProgress *progress, bool last);
