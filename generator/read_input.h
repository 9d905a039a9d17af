/* SPDX-License-Identifier: Apache-2.0 */
/* A file that may be a recording or a policy. */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "model/recording.h"

/* A policy, which is TEXT and may be taken away. 0 or a negative errno. */
typedef int (*PolicyTaker)(void *context, const char *path, Buffer *text, Error *err);

/* Reads the file at PATH ("-": standard input): a recording is merged into *ALL as by
 * recording_gather_read(), a policy given to TAKE. -EINVAL if it is neither. */
int read_recording_or_policy(const char *path, Recording **all, PolicyTaker take, void *context,
                             Error *err);
