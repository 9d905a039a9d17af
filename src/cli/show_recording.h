/* SPDX-License-Identifier: Apache-2.0 */
/* A recording as text for a person. */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "model/recording.h"

typedef struct ShowOptions {
    const char *path; /* how to call the recording */
    bool coloured;
} ShowOptions;

/* Sorts RECORDING. 0 or a negative errno. */
int show_recording(Recording *recording, const ShowOptions *options, Buffer *out);

/* What is left of FROM when only facts of KIND (-1: all) whose subject is SUBJECT (NULL: all) stay.
 */
int recording_select(Recording *from, int kind, const char *subject, Recording **ret_recording);
