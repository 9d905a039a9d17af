/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that go on in the background, where this one becomes another program. */
#pragma once

#include "base/error.h"

/* Who waits for a process in the background to be ready. */
typedef struct Background {
    int report; /* pipe or socket; -1 once it was told */
} Background;

/* In the background; only the first of all that is said counts. */
void background_ready(Background *background);
void background_failed(Background *background, const Error *err);

/* Waits for what is said at the other end of REPORT. 0: ready; a negative errno with ERR: failed,
 * or ended without a word: -ECHILD. */
int background_await(int report, Error *err);

/* What such a process does; it ends when this returns. */
typedef void BackgroundBody(Background *background, void *data);

/*
 * Runs BODY in a new process, which has nothing of this one's but its memory: a session of its own,
 * no descriptors but /dev/null as 0, 1 and 2, the root folder, and a parent that is not this
 * process. Returns as background_await() does.
 */
int background_start(BackgroundBody *body, void *data, Error *err);

/* Runs this very program, with ARGUMENT and ENVIRONMENT, in such a process. 0 or a negative errno.
 */
int background_exec(const char *argument, char *const *environment);
