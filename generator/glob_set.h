/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What path patterns admit, decided and not guessed: patterns become automata, and questions about
 * them ("is everything that A matches matched by B?") are answered by walking the automata
 * together, whatever the spelling.
 *
 * A path here is bytes without NUL. As in the kernel, no path has two slashes in a row: what only
 * such a path would tell apart is equal.
 *
 * Patterns are AppArmor's (apparmor.d(5), "Globbing"): "*" bytes but "/", "**" any bytes, "?" one
 * byte but "/", "[abc]", "[^abc]", "{a,b}". A star that is all there is between slashes (or the
 * last slash and the end) stands for one byte at least. The pattern of a policy (model/policy.h) is
 * read the same way, for it is AppArmor that will enforce it; it differs in its escapes.
 *
 * All work is bounded: a pattern too large or a question too hard gives -E2BIG, "cannot decide".
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum GlobSyntax {
    GLOB_POLICY,   /* model/policy.h; "@{pid}" and "@{tid}" are numbers */
    GLOB_APPARMOR, /* escapes as apparmor_parser's globbing takes them; variables expanded before */
} GlobSyntax;

typedef struct GlobSet GlobSet;

/* NULL without memory. */
GlobSet *glob_set_new(void);
GlobSet *glob_set_free(GlobSet *set);
void glob_set_cleanup(GlobSet **set); /* for CLEANUP() */

/* Compiles PATTERN; *RET_ID is its number in SET, from 0. -EINVAL if it is no pattern, -E2BIG if it
 * is too large, -ENOMEM. */
int glob_set_add(GlobSet *set, GlobSyntax syntax, const char *pattern, size_t *ret_id, Error *err);

/* Does pattern ID match the LENGTH bytes at PATH? 1, 0 or -ENOMEM. */
int glob_set_matches(const GlobSet *set, size_t id, const char *path, size_t length);

/*
 * Is everything that pattern PART matches matched by one of the COUNT patterns WHOLE? 1 yes, 0 no,
 * with the shortest example of what is not appended to WITNESS (NULL allowed); -E2BIG, -ENOMEM.
 */
int glob_set_contains(const GlobSet *set, const size_t *whole, size_t count, size_t part,
                      Buffer *witness);

/* Does a path match both? 1 yes, with the shortest such path appended to WITNESS (NULL allowed), or
 * 0; -E2BIG, -ENOMEM. */
int glob_set_intersects(const GlobSet *set, size_t a, size_t b, Buffer *witness);

/* Do both match the same? 1, 0, -E2BIG, -ENOMEM. */
int glob_set_equal(const GlobSet *set, size_t a, size_t b);

/* ---- sets of rules ----------------------------------------------------------------------------
 */

/* A union of patterns: what a variable with several values makes of one. None: anything. */
typedef struct GlobField {
    const char *const *patterns;
    size_t count;
} GlobField;

/*
 * Grants what its bits say for all that matches. Most rules are about one thing, a path; where they
 * are about several ("link /a -> /b", "signal … peer=x"), each is a field, and all must match.
 */
typedef struct GlobRule {
    GlobSyntax syntax;
    const GlobField *fields;
    size_t fields_count; /* equal in all rules that are compared */
    uint32_t access;     /* bits of the caller's choice; a bit that includes another has both */
    bool deny;           /* takes away instead: beats every allow of the same priority */
    bool owner;          /* only what the process owns */
    int priority;        /* for each bit only the matching rules of highest priority count */
} GlobRule;

typedef enum GlobWho {
    GLOB_EVERYONE,  /* newly granted whoever owns it */
    GLOB_OWNED,     /* newly granted for what the process owns; the rest is as it was */
    GLOB_NOT_OWNED, /* was granted for what the process owns, and now is for the rest */
} GlobWho;

typedef struct GlobChange {
    size_t rule;     /* index of the rule in NEW that grants it */
    uint32_t access; /* what is newly granted */
    GlobWho who;
    bool whole;     /* nothing of what the rule matches was granted this before */
    bool undecided; /* too hard: may be newly granted; there is no witness */
    char *witness;  /* something that NEW grants and OLD does not; fields are separated by NUL */
    size_t witness_length;
} GlobChange;

typedef struct GlobChanges {
    GlobChange *items;
    size_t count;
    size_t capacity;
} GlobChanges;

void glob_changes_deinit(GlobChanges *changes);

typedef struct GlobOptions {
    /* Bits of which, for one thing, a rule without wildcards overrides those with (AppArmor's x).
     */
    uint32_t literal_overrides;
    bool paths; /* the first field is a path: never two slashes in a row */
} GlobOptions;

/*
 * What the rules NEW grant beyond OLD, by rule of NEW and in its order; what they take away is the
 * same with the two exchanged. Rules that grant nothing new do not appear. Changes are appended to
 * CHANGES, which is unchanged on failure: -EINVAL with ERR naming a pattern that is none, -ENOMEM.
 */
int glob_rules_added(const GlobRule *old, size_t old_count, const GlobRule *fresh,
                     size_t fresh_count, const GlobOptions *options, GlobChanges *changes,
                     Error *err);
