/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a recording to a policy: what was seen becomes rules, nothing else, but for the few
 * generalisations that infer_*.c and path_shapes.c name, each of which gives its rules a reason.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "generator/generalise.h"
#include "model/policy.h"
#include "model/recording.h"

typedef struct InferOptions {
    bool conditions; /* restrict system calls by their arguments where that can be done */
    Generalise generalise;
} InferOptions;

/*
 * Adds to POLICY what RECORDING shows (which is sorted by it). What a person should know and no
 * rule can say is appended to NOTES, a line each. 0, or a negative errno with ERR.
 */
int infer_policy(Recording *recording, const InferOptions *options, Policy *policy, Buffer *notes,
                 Error *err);
