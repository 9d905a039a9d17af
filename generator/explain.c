/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A word may be several things: `chown` a call and a capability. Each that it looks like is tried
 * in the order of ExplainKind; the first that finds something is the answer, the others are named.
 */
#include "generator/explain.h"

#include "base/memory.h"
#include "generator/explain_private.h"

#include <errno.h>

void explanation_deinit(Explanation *explanation)
{
    buffer_deinit(&explanation->what);
    buffer_deinit(&explanation->notes);
    buffer_deinit(&explanation->nearest);
    free(explanation->facts);
    free(explanation->rules);
    *explanation = (Explanation){0};
}

int explanation_add_fact(Explanation *explanation, StoredFact *fact)
{
    if (array_reserve(&explanation->facts, &explanation->facts_capacity, explanation->facts_count,
                      sizeof(StoredFact *)) < 0)
        return -ENOMEM;
    explanation->facts[explanation->facts_count++] = fact;
    return 0;
}

/* ---- rules ---------------------------------------------------------------------------------- */

typedef struct Asked {
    const Recording *recording;
    const PolicyText *policy;
    RulesToAsk rules;     /* all of the policy, in its order */
    ExplainedRule *found; /* one each */
    size_t *all;          /* how many facts of the recording need each; NULL: not counted yet */
    const char **names;   /* the name of the last fact of each */
} Asked;

static void asked_deinit(Asked *asked)
{
    rules_to_ask_deinit(&asked->rules);
    free(asked->found);
    free(asked->all);
    free(asked->names);
}

static int asked_init(Asked *asked, const ExplainInput *input)
{
    const size_t count = input->policy ? policy_text_places_count(input->policy) : 0;
    int r = rules_to_ask_init(&asked->rules);

    asked->recording = input->recording;
    asked->policy = input->policy;
    asked->found = calloc(count + 1, sizeof *asked->found);
    asked->names = calloc(count + 1, sizeof *asked->names);
    if (!asked->found || !asked->names)
        return -ENOMEM;
    for (size_t i = 0; i < count && r == 0; i++) {
        asked->found[i].place = policy_text_place(input->policy, i);
        r = rules_to_ask_add(&asked->rules, &asked->found[i].place->rule);
    }
    return r;
}

/* Counts for each rule the facts of EXPLANATION that need it. */
static int ask_rules(Asked *asked, const Explanation *explanation)
{
    CLEANUP(free_pointer) bool *hits = calloc(asked->rules.count + 1, sizeof *hits);
    int r = hits ? 0 : -ENOMEM;
    Fact view;

    for (size_t i = 0; i < explanation->facts_count && r == 0; i++) {
        const Fact *fact = recording_view(asked->recording, explanation->facts[i], &view);
        memset(hits, 0, asked->rules.count * sizeof *hits);
        r = rules_needed_by(&asked->rules, fact, hits);
        for (size_t k = 0; k < asked->rules.count; k++) {
            if (!hits[k])
                continue;
            asked->found[k].facts++;
            asked->found[k].names += !asked->names[k] || strcmp(asked->names[k], fact->name) != 0;
            asked->names[k] = fact->name;
        }
    }
    return r;
}

/* How many facts of the recording need the rule FOUND, whatever was asked for. */
static int count_all(Asked *asked, ExplainedRule *found)
{
    CLEANUP(free_pointer) bool *hits = calloc(asked->rules.count + 1, sizeof *hits);
    int r = hits ? 0 : -ENOMEM;
    Fact view;

    if (!asked->all) {
        asked->all = calloc(asked->rules.count + 1, sizeof *asked->all);
        r = asked->all ? r : -ENOMEM;
        for (size_t i = 0; r == 0 && i < recording_facts_count(asked->recording); i++) {
            memset(hits, 0, asked->rules.count * sizeof *hits);
            r = rules_needed_by(&asked->rules, recording_fact(asked->recording, i, &view), hits);
            for (size_t k = 0; k < asked->rules.count; k++)
                asked->all[k] += hits[k];
        }
    }
    if (r == 0)
        found->others = asked->all[found - asked->found];
    return r;
}

static const char *origin_of(const ExplainedRule *found, const Recording *recording)
{
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
    const PolicyRule *rule = &found->place->rule;

    if (!recording)
        return "unknown";
    if (found->facts == 0 && found->others == 0)
        return "not-seen";
    if (rule->section == POLICY_FILES && strpbrk(rule->name, "*?[{@") &&
        policy_pattern_to_literal(rule->name, &path) != 0)
        return "generalised";
    return "observed";
}

static int find_origin(Asked *asked, ExplainedRule *found, Explanation *explanation)
{
    if (found->facts == 0 && asked->recording && count_all(asked, found) < 0)
        return -ENOMEM;
    found->origin = origin_of(found, asked->recording);
    if (found->facts > 0 || found->others > 0 || !asked->recording)
        return 0;
    return explain_added_rule(asked->recording, &found->place->rule, explanation, &found->origin);
}

static int collect_rules(Asked *asked, const Query *query, Explanation *explanation)
{
    for (size_t i = 0; i < asked->rules.count; i++) {
        ExplainedRule *found = &asked->found[i];
        int r = query_has_rule(query, found->place);
        if (r < 0)
            return r;
        found->asked = r > 0;
        if (!found->asked && found->facts == 0)
            continue;
        r = find_origin(asked, found, explanation);
        if (r < 0 || array_reserve(&explanation->rules, &explanation->rules_capacity,
                                   explanation->rules_count, sizeof *explanation->rules) < 0)
            return -ENOMEM;
        explanation->rules[explanation->rules_count++] = *found;
    }
    return 0;
}

/* ---- all ------------------------------------------------------------------------------------ */

static int collect_facts(const Recording *recording, const Query *query, Explanation *explanation)
{
    Fact view;

    for (size_t i = 0; recording && i < recording_facts_count(recording); i++) {
        int r = query_has_fact(query, recording_fact(recording, i, &view));
        if (r > 0)
            r = explanation_add_fact(explanation, recording_stored(recording, i));
        if (r < 0)
            return r;
    }
    return 0;
}

static int answer(const ExplainInput *input, const Query *query, Explanation *explanation)
{
    CLEANUP(asked_deinit) Asked asked = {.recording = NULL};

    explanation->kind = query->kind;
    int r = buffer_puts(&explanation->what, buffer_text(&query->text));
    if (r == 0)
        r = collect_facts(input->recording, query, explanation);
    if (r == 0)
        r = asked_init(&asked, input);
    if (r == 0)
        r = ask_rules(&asked, explanation);
    if (r == 0)
        r = collect_rules(&asked, query, explanation);
    if (r == 0 && query->kind == EXPLAIN_LINE && query->own.count == 0)
        r = explain_plain_line(input, query->line, explanation);
    if (r == 0 && query->kind == EXPLAIN_CALL)
        r = explain_start_up(input->policy ? policy_text_policy(input->policy) : NULL,
                             buffer_text(&query->text), explanation);
    if (r == 0 && query->kind == EXPLAIN_CALL)
        r = explain_seen_in(input->recording, buffer_text(&query->text), explanation);
    return r < 0 ? r : explanation->notes.error;
}

static bool found_something(const Explanation *explanation)
{
    return explanation->facts_count > 0 || explanation->rules_count > 0 ||
           explanation->notes.length > 0;
}

/* Takes WHAT as KIND. 1: it found something; 0: it did not, or WHAT is none; *RET_FITS tells. */
static int try_kind(ExplainInput *input, const char *what, ExplainKind kind, bool forced,
                    Explanation *explanation, bool *ret_fits, Error *err)
{
    CLEANUP(query_deinit) Query query = {.kind = kind};
    int r = query_init(&query, kind, what, forced, input, err);

    *ret_fits = r > 0;
    if (r <= 0)
        return r;
    r = answer(input, &query, explanation);
    if (r < 0)
        return error_errno(err, r, "explaining %.200s", what);
    if (found_something(explanation))
        return 1;
    /* Names that nobody knows fit every kind of names. */
    *ret_fits = forced || kind < EXPLAIN_NETWORK;
    buffer_clear(&explanation->nearest);
    r = explain_nearest(input, what, &query, &explanation->nearest);
    return r < 0 ? error_errno(err, r, "explaining %.200s", what) : 0;
}

static int explain_forced(ExplainInput *input, const char *what, ExplainKind kind,
                          Explanation *explanation, Error *err)
{
    bool fits;
    const int r = try_kind(input, what, kind, true, explanation, &fits, err);

    return r < 0 ? r : r == 0;
}

static void keep(Explanation *into, Explanation *from)
{
    Explanation old = *into;

    *into = *from;
    *from = old;
}

/* As the first that it looks like and finds something. */
static int explain_any(ExplainInput *input, const char *what, Explanation *explanation, Error *err)
{
    bool found = false, likely = false;

    for (ExplainKind i = 0; i < EXPLAIN_KIND_COUNT; i++) {
        CLEANUP(explanation_deinit) Explanation tried = {.kind = i};
        bool fits = false;
        const int r = try_kind(input, what, i, false, &tried, &fits, err);

        if (r < 0)
            return r;
        if (r > 0 && found) {
            explanation->also |= 1u << i;
        } else if (r > 0 || (!found && !likely && (fits || tried.nearest.length > 0))) {
            found = r > 0;
            likely = fits;
            keep(explanation, &tried);
        }
        /* A line is nothing else. */
        if (i == EXPLAIN_LINE && fits)
            break;
    }
    return found ? 0 : 1;
}

/* Takes WHAT as KIND (-1: any). Puts the answer in the place of what EXPLANATION has, if something
 * was found, or if EXPLANATION has no name that is near. */
static int explain_instead(ExplainInput *input, const char *what, int kind,
                           Explanation *explanation, Error *err)
{
    CLEANUP(explanation_deinit) Explanation other = {.facts = NULL};
    const int r = kind >= 0 ? explain_forced(input, what, (ExplainKind)kind, &other, err)
                            : explain_any(input, what, &other, err);

    if (r == 0 || (r == 1 && explanation->nearest.length == 0 && explanation->what.length == 0))
        keep(explanation, &other);
    return r;
}

/* Takes WHAT for what PASTED makes of it. */
static int explain_meant(ExplainInput *input, const char *what,
                         int (*pasted)(const ExplainInput *, const char *, Buffer *, int *),
                         Explanation *explanation, Error *err)
{
    CLEANUP(buffer_deinit) Buffer meant = BUFFER_INIT;
    Error unlike = {0};
    int kind = -1;
    int r = pasted(input, what, &meant, &kind);

    if (r > 0)
        r = explain_instead(input, buffer_text(&meant), kind, explanation, &unlike);
    else if (r == 0)
        r = 1;
    if (r == -EINVAL) /* it only looked like that */
        return 1;
    return r < 0 ? error_errno(err, r, "explaining %.200s", what) : r;
}

int explain(ExplainInput *input, const char *what, int kind, Explanation *explanation, Error *err)
{
    const bool line = explain_is_line(what);

    if (kind >= 0)
        return explain_forced(input, what, (ExplainKind)kind, explanation, err);
    int r = line ? explain_meant(input, what, explain_pasted, explanation, err) : 1;
    if (r == 1)
        r = explain_instead(input, what, -1, explanation, err);
    if (r == 1 && !line)
        r = explain_meant(input, what, explain_pasted, explanation, err);
    return r == 1 ? explain_meant(input, what, explain_key, explanation, err) : r;
}
