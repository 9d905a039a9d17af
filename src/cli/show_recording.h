/* SPDX-License-Identifier: Apache-2.0 */
/* A recording as text for a person. */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "model/recording.h"

typedef struct ShowOptions {
    const char *path; /* how to call the recording */
    bool coloured;
    int kind;            /* only facts of this kind; -1: all */
    const char *subject; /* only what this executable did; NULL: all */
    /* Called now and then when there is much in OUT, to empty it; NULL: it is to hold all. */
    int (*empty)(Buffer *out);
} ShowOptions;

/* Both sort RECORDING. 0 or a negative errno. */
int show_recording(Recording *recording, const ShowOptions *options, Buffer *out);

/* As recording_print_document(), with only the facts that OPTIONS choose. */
int show_recording_json(Recording *recording, const ShowOptions *options, Buffer *out);
