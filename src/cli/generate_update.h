/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle generate --update POLICY`. */
#pragma once

#include "cli/command.h"
#include "generator/pipeline.h"
#include "generator/update.h"

/* A policy that people keep, brought up to date. */
typedef struct UpdatedPolicy {
    Policy *policy; /* sorted, with a name */
    Buffer text;    /* what it is written as */
    UpdateReport report;
    Buffer stale; /* what --prune lists */
} UpdatedPolicy;

void updated_policy_deinit(UpdatedPolicy *updated);

/* Says what of PARSED does not go together, and gives EXIT_USAGE; or 0. */
int update_check_options(const Parsed *parsed);

/* Is there anything to keep? */
static inline bool update_wanted(const Parsed *parsed)
{
    return parsed_value(parsed, "update", NULL) != NULL;
}

/* SEEN is what INPUT, which holds a recording and no policy, gives by itself. 0, or a negative
 * errno with ERR. */
int update_policy(const Parsed *parsed, const GenerateInput *input, const Policy *seen,
                  UpdatedPolicy *updated, Error *err);

/* What was added and is stale, for people; FOLDER is where the policy went. Warnings are messages.
 */
int update_print(const Parsed *parsed, const UpdatedPolicy *updated, const char *folder,
                 Buffer *out);
