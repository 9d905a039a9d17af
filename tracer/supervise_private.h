/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tracer/supervise.h"

/* What the recorder leaves behind for the front, in memory that both share. */
typedef struct Outcome {
    bool finished; /* all below is set */
    bool complete;
    bool detached;
    int code; /* negative errno with ERROR if the recording failed to start */
    Error error;
    Error unwritten; /* with a code: the finished recording could not be written */
    uint64_t facts, calls, losses, interrupted;
} Outcome;

typedef struct Channels {
    int control[2]; /* front writes [1], recorder reads [0] */
    int report[2];  /* recorder writes [1], front reads [0] */
    int canonical;  /* a file without a name: the finished recording, which the front puts in place
                     */
    int journal;    /* the recording's own file, appended to while running; -1 for "-" */
    Outcome *outcome; /* shared */
} Channels;

/* The recorder process's whole life; does not return. */
__attribute__((noreturn)) void recorder_main(const Supervision *supervision, Channels *channels);
