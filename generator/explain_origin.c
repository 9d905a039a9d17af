/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules for calls that nobody made while recording: what a workload makes sooner or later
 * (profiles/baselines/syscalls.csv), what stands for another (profiles/tables/equivalents.csv), and
 * what container runtimes need (profiles/runtimes), which is in no policy but in seccomp.json.
 */
#include "base/memory.h"
#include "generator/explain_private.h"
#include "generator/fact_words.h"
#include "generator/knowledge.h"

#include <errno.h>

/* Why a rule is there: the calls and programs ("/sh") of which one was seen. */
typedef struct Because {
    const char *origin;
    const char *because;
} Because;

/* One of RULES, with ";" between, is about CALL. */
static bool speaks_of(const char *rules, const char *call)
{
    for (const char *at = rules; *at; at += strcspn(at, ";"), at += *at == ';') {
        const size_t length = strcspn(at, " ;");
        if (strlen(call) == length && strncmp(at, call, length) == 0)
            return true;
    }
    return false;
}

/* The next row from *ROW on that RULE, by its name and reason, was made by. */
static bool next_row(const PolicyRule *rule, size_t *row, Because *ret)
{
    for (; *row < baseline_calls_count + equivalent_calls_count; (*row)++) {
        const bool base = *row < baseline_calls_count;
        const BaselineCall *call = &baseline_calls[base ? *row : 0];
        const EquivalentCalls *equivalent =
            &equivalent_calls[base ? 0 : *row - baseline_calls_count];
        const char *reason = base ? call->reason : equivalent->reason;
        if (strcmp(reason, rule->reason) != 0 || !(base ? strcmp(call->syscall, rule->name) == 0
                                                        : speaks_of(equivalent->rules, rule->name)))
            continue;
        *ret =
            (Because){base ? "baseline" : "equivalent", base ? call->because : equivalent->because};
        (*row)++;
        return true;
    }
    return false;
}

/* The name of the call, or of the program, that FACT is of, if it is among WORDS; else NULL. */
static const char *name_among(const Fact *fact, const char *words)
{
    const char *program = fact->subject ? strrchr(fact->subject, '/') : NULL;

    if (fact->kind != FACT_SYSCALL)
        return NULL;
    if (has_word(words, fact->name))
        return fact->name;
    return program && has_word(words, program) ? program + 1 : NULL;
}

static bool has_fact(const Explanation *explanation, const StoredFact *fact)
{
    size_t i = explanation->facts_count;

    while (i > 0 && explanation->facts[i - 1] != fact)
        i--;
    return i > 0;
}

static int add_stand_ins(const Recording *recording, const char *because, Explanation *explanation,
                         Buffer *names)
{
    const size_t before = explanation->facts_count;
    const char *last = NULL;
    Fact view;

    for (size_t i = 0; recording && i < recording_facts_count(recording); i++) {
        const Fact *fact = recording_fact(recording, i, &view);
        const char *name = name_among(fact, because);
        if (!name)
            continue;
        if ((!before || !has_fact(explanation, recording_stored(recording, i))) &&
            explanation_add_fact(explanation, recording_stored(recording, i)) < 0)
            return -ENOMEM;
        if (last != name && !has_word(buffer_text(names), name)) {
            (void)buffer_puts(names, names->length ? " " : "");
            fact_words_text(names, name);
        }
        last = name;
    }
    return names->error;
}

int explain_added_rule(const Recording *recording, const PolicyRule *rule, Explanation *explanation,
                       const char **ret_origin)
{
    CLEANUP(buffer_deinit) Buffer names = BUFFER_INIT;
    const char *origin = NULL;
    const char *because = "";
    const size_t before = explanation->facts_count;
    Because found;
    size_t row = 0;

    if (rule->section != POLICY_SYSCALLS || !rule->reason)
        return 0;
    while (next_row(rule, &row, &found)) {
        origin = found.origin;
        because = found.because;
        if (add_stand_ins(recording, found.because, explanation, &names) < 0)
            return -ENOMEM;
    }
    if (!origin)
        return 0;
    *ret_origin = origin;
    explanation->stand_in |= before == 0 && explanation->facts_count > 0;
    if (names.length)
        return buffer_printf(&explanation->notes,
                             "%s itself was not seen. It is allowed because this was: %s\n",
                             rule->name, buffer_text(&names));
    return buffer_printf(&explanation->notes,
                         "%s itself was not seen. It is of a start-up set, allowed once one of "
                         "these is: %s\n",
                         rule->name, because);
}

/* ---- container runtimes -----------------------------------------------------------------------
 */

static bool is_chosen(const Policy *policy, const char *runtime)
{
    for (size_t i = 0; policy && i < policy_runtimes_count(policy); i++) {
        if (strcmp(policy_runtime(policy, i), runtime) == 0)
            return true;
    }
    return !policy;
}

int explain_start_up(const Policy *policy, const char *call, Explanation *explanation)
{
    CLEANUP(buffer_deinit) Buffer who = BUFFER_INIT;
    const char *last = "";

    /* Rows of one runtime are neighbours. */
    for (size_t i = 0; i < runtime_calls_count; i++) {
        const RuntimeCall *row = &runtime_calls[i];
        if (strcmp(row->syscall, call) != 0 || !is_chosen(policy, row->runtime) ||
            strcmp(row->runtime, last) == 0)
            continue;
        (void)buffer_printf(&who, "%s%s", who.length ? ", " : "", row->runtime);
        last = row->runtime;
    }
    if (!who.length)
        return who.error;
    return buffer_printf(&explanation->notes,
                         "container runtimes call %s under the filter, to start a container or for "
                         "exec: %s (start-up set, profiles/runtimes); seccomp.json allows them "
                         "that, whatever the rules say\n",
                         call, buffer_text(&who));
}

/* ---- what a call led to ------------------------------------------------------------------------
 */

int explain_seen_in(const Recording *recording, const char *call, Explanation *explanation)
{
    size_t counts[FACT_KIND_COUNT] = {0};
    const char *separator = "first seen in it: ";
    Buffer *out = &explanation->notes;
    Fact view;

    for (size_t i = 0; recording && i < recording_facts_count(recording); i++) {
        const Fact *fact = recording_fact(recording, i, &view);
        const char *in =
            fact->kind == FACT_CAPABILITY ? fact_text(fact, FIELD_SYSCALL) : fact->first.syscall;
        if (fact->kind != FACT_SYSCALL && in && strcmp(in, call) == 0)
            counts[fact->kind]++;
    }
    for (int kind = 0; kind < FACT_KIND_COUNT; kind++) {
        if (!counts[kind])
            continue;
        (void)buffer_printf(out, "%s%zu of kind %s", separator, counts[kind],
                            fact_kind_name((FactKind)kind));
        separator = ", ";
    }
    return *separator == ',' ? buffer_putc(out, '\n') : out->error;
}
