/* SPDX-License-Identifier: Apache-2.0 */
/* All rules of the three in the order of their identity; each is decided by itself. */
#include "generator/policy_merge.h"

#include "base/memory.h"
#include "generator/rule_cover.h"

#include <errno.h>

void policy_merge_deinit(PolicyMerge *merge)
{
    policy_cleanup(&merge->merged);
    buffer_deinit(&merge->conflicts);
    *merge = (PolicyMerge){0};
}

/* ---- rules ---------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Two rules of the same identity, or none: are they the same altogether? */
static bool same(const PolicyRule *a, const PolicyRule *b)
{
    if (!a || !b)
        return a == b;
    return a->access == b->access && a->keep == b->keep && a->deny == b->deny &&
           same_text(a->reason, b->reason);
}

/* Walks three sorted policies at once. */
typedef struct Walk {
    const Policy *policies[3];
    size_t at[3];
    const PolicyRule *rules[3]; /* of the same identity; NULL: not there */
} Walk;

static bool walk_next(Walk *walk)
{
    const PolicyRule *first = NULL;

    for (size_t i = 0; i < 3; i++) {
        const size_t count = policy_rules_count(walk->policies[i]);
        walk->rules[i] = walk->at[i] < count ? policy_rule(walk->policies[i], walk->at[i]) : NULL;
        if (walk->rules[i] && (!first || policy_rule_compare(walk->rules[i], first) < 0))
            first = walk->rules[i];
    }
    for (size_t i = 0; i < 3 && first; i++) {
        if (walk->rules[i] && policy_rule_compare(walk->rules[i], first) == 0)
            walk->at[i]++;
        else
            walk->rules[i] = NULL;
    }
    return first != NULL;
}

static void tell_conflict(const PolicyRule *ours, const PolicyRule *theirs, Buffer *out)
{
    const PolicyRule *rules[] = {ours, theirs};

    (void)buffer_printf(out, "%s: ", policy_section_name((ours ? ours : theirs)->section));
    for (size_t i = 0; i < 2; i++) {
        (void)buffer_puts(out, i ? ", theirs " : "ours ");
        if (!rules[i])
            (void)buffer_puts(out, "is gone");
        else
            (void)policy_rule_print(rules[i], out);
    }
    (void)buffer_puts(out, "\n");
}

/* ---- settings ------------------------------------------------------------------------------- */

/* All of POLICY but its rules, as text; or its rules, and no more. */
static int print_part(const Policy *policy, bool rules, Buffer *out)
{
    CLEANUP(policy_cleanup) Policy *part = policy_new();
    int r = part ? 0 : -ENOMEM;

    if (r == 0 && !rules) {
        r = policy_name(policy) ? policy_set_name(part, policy_name(policy)) : 0;
        if (r == 0 && policy_user(policy))
            r = policy_set_user(part, policy_user(policy));
        policy_set_archs(part, policy_archs(policy));
        policy_set_deny_action(part, policy_deny_action(policy));
        policy_set_read_only_root(part, policy_read_only_root(policy));
        policy_set_no_new_privs(part, policy_no_new_privs(policy));
        for (PolicyLimit limit = 0; limit < POLICY_LIMIT_COUNT; limit++)
            policy_set_limit(part, limit, policy_limit(policy, limit));
        for (size_t i = 0; i < policy_runtimes_count(policy) && r == 0; i++)
            r = policy_add_runtime(part, policy_runtime(policy, i));
    }
    for (size_t i = 0; rules && i < policy_rules_count(policy) && r == 0; i++)
        r = policy_add(part, policy_rule(policy, i));
    if (r < 0)
        return r;
    policy_sort(part);
    return policy_print(part, out);
}

/* 1, 0 or -ENOMEM. */
static int part_is_same(const Policy *a, const Policy *b, bool rules)
{
    CLEANUP(buffer_deinit) Buffer left = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer right = BUFFER_INIT;
    int r = print_part(a, rules, &left);

    if (r == 0)
        r = print_part(b, rules, &right);
    return r < 0 ? r : strcmp(buffer_text(&left), buffer_text(&right)) == 0;
}

static int merge_settings(const Policy *base, const Policy *ours, const Policy *theirs,
                          PolicyMerge *merge)
{
    int r = part_is_same(base, theirs, false);

    if (r == 0)
        r = part_is_same(ours, theirs, false);
    if (r > 0) {
        merge->settings_of = ours;
        return 0;
    }
    if (r == 0)
        r = part_is_same(base, ours, false);
    if (r > 0)
        merge->settings_of = theirs;
    return r < 0 ? r : 0;
}

/* ---- all of it ------------------------------------------------------------------------------ */

int policy_merge_three(const Policy *base, const Policy *ours, const Policy *theirs,
                       PolicyMerge *ret_merge)
{
    CLEANUP(policy_merge_deinit) PolicyMerge made = {.merged = policy_new()};
    Walk walk = {.policies = {base, ours, theirs}};
    int r = made.merged ? merge_settings(base, ours, theirs, &made) : -ENOMEM;

    while (r == 0 && walk_next(&walk)) {
        const PolicyRule *was = walk.rules[0];
        const PolicyRule *a = walk.rules[1];
        const PolicyRule *b = walk.rules[2];
        const PolicyRule *chosen = same(a, b) || same(b, was) ? a : b;
        if (!same(a, b) && !same(a, was) && !same(b, was))
            tell_conflict(a, b, &made.conflicts);
        else if (chosen)
            r = policy_add(made.merged, chosen);
    }
    if (r == 0)
        r = made.conflicts.error;
    if (r < 0)
        return r;
    policy_sort(made.merged);
    *ret_merge = made;
    made = (PolicyMerge){0};
    return 0;
}

int policy_merge_is(const PolicyMerge *merge, const Policy *policy)
{
    const int r = part_is_same(merge->merged, policy, true);

    if (r <= 0 || !merge->settings_of)
        return r;
    return part_is_same(merge->settings_of, policy, false);
}

int policy_merge_apply(const PolicyMerge *merge, PolicyText *ours)
{
    const Policy *before = policy_text_policy(ours);
    Walk walk = {.policies = {before, merge->merged, merge->merged}};
    int r = 0;

    for (size_t i = 0; i < policy_text_places_count(ours); i++) {
        if (!rule_find(merge->merged, &policy_text_place(ours, i)->rule))
            policy_text_remove(ours, i);
    }
    while (r == 0 && walk_next(&walk)) {
        if (!walk.rules[0] && walk.rules[1])
            r = policy_text_add(ours, walk.rules[1]);
        else if (walk.rules[0] && walk.rules[1] && !same(walk.rules[0], walk.rules[1]))
            return -EEXIST;
    }
    return r;
}
