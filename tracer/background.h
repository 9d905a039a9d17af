/* SPDX-License-Identifier: Apache-2.0 */
/* A process that goes on in the background, where this one becomes another program. */
#pragma once

#include "base/error.h"

typedef struct Background Background;

/* What the process does; it ends when this returns. */
typedef void BackgroundBody(Background *background, void *data);

/*
 * Runs BODY in a new process, which has nothing of this one's but its memory: a session of its own,
 * no descriptors but /dev/null as 0, 1 and 2, the root folder, and a parent that is not this
 * process. Returns once BODY has said that it is ready: 0; or that it failed, or ended: a negative
 * errno with ERR.
 */
int background_start(BackgroundBody *body, void *data, Error *err);

void background_ready(Background *background);
void background_failed(Background *background, const Error *err);
