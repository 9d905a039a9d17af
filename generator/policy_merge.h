/* SPDX-License-Identifier: Apache-2.0 */
/* Two people's changes to one policy, united rule by rule: for git. */
#pragma once

#include "model/policy.h"
#include "model/policy_text.h"

/* What the three of a merge come to. */
typedef struct PolicyMerge {
    Policy *merged;            /* sorted, rules alone; without those in conflict */
    Buffer conflicts;          /* a line each: what both changed, each otherwise */
    const Policy *settings_of; /* OURS or THEIRS; NULL if both changed them, each otherwise */
} PolicyMerge;

void policy_merge_deinit(PolicyMerge *merge);

/* BASE is what OURS and THEIRS were made from. A rule that one of them added, changed or took away
 * is added, changed or taken away. All are sorted. 0 or -ENOMEM. */
int policy_merge_three(const Policy *base, const Policy *ours, const Policy *theirs,
                       PolicyMerge *ret_merge);

/* POLICY says what MERGE came to. 1, 0 or -ENOMEM. */
int policy_merge_is(const PolicyMerge *merge, const Policy *policy);

/* Changes OURS to what MERGE came to, keeping what is written there otherwise. 0, -ENOMEM, or
 * -EEXIST, with OURS half changed, where a rule of it would have to be another. */
int policy_merge_apply(const PolicyMerge *merge, PolicyText *ours);
