/* SPDX-License-Identifier: Apache-2.0 */
/* What a call that was stopped before it runs will return, as far as its path decides that. */
#pragma once

#include "tracer/paths.h"
#include "tracer/tracee.h"

typedef struct Prediction {
    const PathResult *path;
    const PathResult *first; /* of a call's second path: its first; else NULL */
    const PathOperation *operation;
    const char *raw; /* as the program gave it */
    PathFinal final;
    uint32_t access; /* ACCESS_*, what the call does to it */
    bool opens;
    uint64_t flags; /* of open(), if OPENS, else AT_* */
} Prediction;

/* RESULT_OK, an errno, or RESULT_UNKNOWN where something decides that whittle does not see. What
 * the file's mode allows is not looked at: capability_foresees_denial(). */
int path_predict(Tracee *tracee, const Prediction *prediction);
