/* SPDX-License-Identifier: Apache-2.0 */
/* What one rule of a policy says about another one. */
#pragma once

#include "base/error.h"
#include "generator/glob_set.h"
#include "model/policy.h"

#include <stdbool.h>
#include <stdint.h>

/* The rule of POLICY (sorted) that is the same but for access, keep and reason, or NULL. */
const PolicyRule *rule_find(const Policy *policy, const PolicyRule *rule);

/* Does RULE speak of all that NEED, of the same section but POLICY_FILES, speaks of? What a rule
 * does not say may be anything. Neither's deny is looked at. */
bool rule_covers(const PolicyRule *rule, const PolicyRule *need);

/* What the access of a file rule comes to: the right to write includes that to append, and one way
 * to execute is as good as another, which is a choice that no recording tells. */
uint32_t rule_access(const PolicyRule *rule);

/* Two patterns that begin with different paths have nothing in common, which this says quickly. */
bool patterns_begin_alike(const char *a, const char *b);

/* Do the file rules A and B have a path in common, and access to it? Yes where that cannot be
 * decided. 1, 0, or a negative errno. */
int file_rules_meet(const PolicyRule *a, const PolicyRule *b);

/* File rules in the terms of glob_set.h. */
typedef struct FileRules {
    GlobRule *rules;
    GlobField *fields;       /* two a rule: the path, and what may be linked to */
    const PolicyRule **from; /* by the same index */
    size_t count;
} FileRules;

/* Those of POLICY (sorted) that deny, or those that allow. 0 or -ENOMEM. */
int file_rules_make(const Policy *policy, bool deny, FileRules *ret_rules);
void file_rules_deinit(FileRules *rules);

/* Which bits of NEED's access the rules DENIED, all of which deny, take away for every path that it
 * is about. */
int file_rules_denied(const FileRules *denied, const PolicyRule *need, uint32_t *ret_access,
                      const PolicyRule **ret_by);
