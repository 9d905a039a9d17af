/* SPDX-License-Identifier: Apache-2.0 */
/* A run that is recorded, as `record`, `check` and `verify` begin it. */
#pragma once

#include "cli/joining.h"
#include "tracer/supervise.h"

/*
 * supervise(), with what is the same for all filled in: of RUN, which describes the run, the label,
 * command, backend and its features; of SUPERVISION, whose recording is new (NULL: there was no
 * memory for one), the run, the label and what JOINING (NULL: SUPERVISION has a launch) names.
 */
int record_run(const Parsed *parsed, const Joining *joining, const Run *run,
               const Supervision *supervision, SuperviseResult *ret_result, Error *err);

/* Is there a whole recording of it? 0 or a negative errno with ERR. */
int record_run_outcome(const SuperviseResult *result, Error *err);
