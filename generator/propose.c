/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is proposed for what was found. A finding is about one path, and the rule for that alone
 * would be found wrong again in the next run, where a name is made up anew, or by the next file of
 * a set. So a proposal is the rule that `whittle generate` makes of the same path, by the same
 * code.
 */
#include "base/memory.h"
#include "generator/infer_private.h"
#include "generator/judge.h"
#include "generator/path_shapes.h"

#include <errno.h>

typedef struct Proposer {
    Recording *recording;
    const Policy *policy;
    PathUses uses;
    PathShapes *shapes;
} Proposer;

static void proposer_deinit(Proposer *proposer)
{
    path_shapes_free(proposer->shapes);
    path_uses_deinit(&proposer->uses);
}

/* Who wrote POLICY allows or denies single files of SET: then each of them is a decision. */
static bool speaks_of_members(const Policy *policy, const PathSet *set)
{
    size_t first;
    size_t end;

    policy_range(policy, POLICY_FILES, &first, &end);
    for (size_t i = first; i < end; i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        if (strcmp(rule->name, set->pattern) != 0 && path_set_has(set, rule->name) &&
            (rule->deny != POLICY_ALLOW || rule->access == FILE_READ))
            return true;
    }
    return false;
}

/* RULE, of a file, as generate would have it; its strings are the policy's STRINGS. */
static int propose_file(const Proposer *proposer, const Fact *fact, StringSet *strings,
                        PolicyRule *rule)
{
    CLEANUP(buffer_deinit) Buffer pattern = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer reason = BUFFER_INIT;
    const PathUse *use = path_uses_find(&proposer->uses, fact->name, strlen(fact->name));
    const size_t length = strlen(rule->name);

    /* Of homes one run tells nothing. */
    if (!use || path_shapes_is_homes(proposer->shapes, use))
        return 0;
    const PathSet *set = infer_path_set(use, GENERALISE_CAREFUL);
    int r = set && !speaks_of_members(proposer->policy, set)
                ? infer_set_pattern(set, &pattern, &reason)
                : path_shapes_pattern(proposer->shapes, use->path, rule->name[length - 1] == '/',
                                      &pattern, &reason);
    if (r < 0 || !(rule->name = strset_add(strings, buffer_text(&pattern))))
        return -ENOMEM;
    rule->reason = reason.length ? strset_add(strings, buffer_text(&reason)) : NULL;
    return reason.length && !rule->reason ? -ENOMEM : 0;
}

/* The same of a unix socket: its rule is the only one that is made of FACT. */
static int propose_unix(const Proposer *proposer, const Fact *fact, Policy *made, PolicyRule *rule)
{
    const size_t before = policy_rules_count(made);
    const int r = infer_unix_fact(fact, proposer->shapes, made);

    if (r == 0 && policy_rules_count(made) > before)
        *rule = *policy_rule(made, before);
    return r;
}

static int propose(const Proposer *proposer, Finding *finding, Error *err)
{
    CLEANUP(policy_cleanup) Policy *made = policy_new();
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    PolicyRule rule;
    Fact view;

    if (!made)
        return error_errno(err, ENOMEM, "making rules");
    int r = policy_rule_parse(finding->section, finding->rule, policy_strings(made), &rule, err);
    if (r < 0)
        return r;
    const Fact *fact = recording_fact(proposer->recording, finding->facts[0], &view);
    if (finding->section == POLICY_UNIX)
        r = propose_unix(proposer, fact, made, &rule);
    else
        r = propose_file(proposer, fact, policy_strings(made), &rule);
    if (r == 0)
        r = policy_rule_print(&rule, &text);
    if (r == 0 && strcmp(buffer_text(&text), finding->rule) != 0) {
        finding->proposal = strdup(buffer_text(&text));
        finding->grant = rule.reason ? strdup(rule.reason) : NULL;
        r = finding->proposal && (finding->grant || !rule.reason) ? 0 : -ENOMEM;
    }
    return r < 0 ? error_errno(err, r, "making rules") : 0;
}

int findings_propose(Findings *findings, Recording *recording, const Policy *policy, Error *err)
{
    CLEANUP(proposer_deinit) Proposer proposer = {.recording = recording, .policy = policy};
    int r = 0;

    for (size_t i = 0; i < findings->count && r == 0; i++) {
        Finding *finding = &findings->items[i];
        if ((finding->section != POLICY_FILES && finding->section != POLICY_UNIX) ||
            finding->facts_count == 0)
            continue;
        if (!proposer.shapes) {
            r = path_uses_collect(recording, &proposer.uses);
            if (r == 0 &&
                !(proposer.shapes = path_shapes_new(recording, &proposer.uses, GENERALISE_CAREFUL)))
                r = -ENOMEM;
            if (r < 0)
                return error_errno(err, r, "making rules");
        }
        r = propose(&proposer, finding, err);
    }
    return r;
}
