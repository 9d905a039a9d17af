/* SPDX-License-Identifier: Apache-2.0 */
/* Policies and rules: from text, and random ones, the same in every run. Failures abort(): also for
 * programs without Check. */
#pragma once

#include "model/policy_text.h"

typedef struct Random {
    uint64_t state; /* not 0 */
} Random;

/* From 0 to LIMIT - 1. */
unsigned random_below(Random *random, unsigned limit);

/* The policy that TEXT is, sorted. */
Policy *policy_from(const char *text);

/* The policy for x86_64 of which SECTIONS, in YAML, are all but the head. */
Policy *policy_of(const char *sections);

/* The same as policy_from(), with where in TEXT each rule is. */
PolicyText *policy_text_from(const char *text);

/* A rule of any section, with strings of STRINGS; few names, so that much is common to two. */
PolicyRule random_rule(Random *random, StringSet *strings);

/* A policy with everything that one may have, of at most RULES rules; sorted. */
Policy *random_policy(Random *random, unsigned rules);
