/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy as people wrote it, and changes that leave everything else as it is: comments, blank
 * lines, order, quotes and the end of each line stay byte for byte. A change is kept and takes
 * effect when the text is printed; the places and the policy are those of the text as it was read.
 */
#pragma once

#include "model/policy.h"

typedef struct PolicyText PolicyText;

/* One rule as it stands in the text. Rules that the policy unites (policy_add()) have each theirs.
 */
typedef struct PolicyPlace {
    PolicyRule rule; /* strings are the policy's */
    size_t line;     /* where it begins, from 1 */
    size_t column;   /* there, in characters from 1 */
    size_t last_line;
} PolicyPlace;

/* Parses LENGTH bytes of TEXT, which are copied; NAME is for messages. As policy_parse(). */
int policy_text_parse(const char *name, const char *text, size_t length, PolicyText **ret_text,
                      Error *err);
int policy_text_read(const char *path, PolicyText **ret_text, Error *err);
PolicyText *policy_text_free(PolicyText *text);
void policy_text_cleanup(PolicyText **text); /* for CLEANUP() */

const char *policy_text_name(const PolicyText *text);
const Policy *policy_text_policy(const PolicyText *text); /* sorted */

/* By section, then in the order of the text. */
size_t policy_text_places_count(const PolicyText *text);
const PolicyPlace *policy_text_place(const PolicyText *text, size_t index);

/*
 * Adds a line for RULE, whose strings are copied: behind the rule of its section that comes next
 * before it in the order of policy_rule_compare(), else before the next one and what is said of
 * that above it. A section that is not there is made, between its neighbours in the order of
 * PolicySection. Several rules at one place stand in the order in which they were added. 0 or
 * -ENOMEM.
 */
int policy_text_add(PolicyText *text, const PolicyRule *rule);

/* Takes the lines of the place INDEX away, with what stands behind the rule on its last line. */
void policy_text_remove(PolicyText *text, size_t index);

/* Makes the file rule of the place INDEX grant ACCESS instead; what stands around it stays. */
void policy_text_set_access(PolicyText *text, size_t index, uint32_t access);

/* Adds to the list of architectures. */
void policy_text_add_arch(PolicyText *text, Arch arch);

/* Makes `read-only-root: true` false. */
void policy_text_open_root(PolicyText *text);

/* Appends the text with all changes to OUT. 0 or -ENOMEM. */
int policy_text_print(const PolicyText *text, Buffer *out);
