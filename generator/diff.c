/* SPDX-License-Identifier: Apache-2.0 */
/* The list of changes, and what is compared with what. */
#include "generator/diff_private.h"

#include "base/memory.h"

#include <errno.h>

static const char *const kinds[DIFF_KIND_COUNT] = {"allowed", "forbidden", "changed"};

const char *diff_kind_name(DiffKind kind)
{
    return kinds[kind];
}

int diff_init(Diff *diff)
{
    *diff = (Diff){.strings = strset_new()};
    return diff->strings ? 0 : -ENOMEM;
}

void diff_deinit(Diff *diff)
{
    diff->strings = strset_free(diff->strings);
    free(diff->changes);
    buffer_deinit(&diff->compared);
    buffer_deinit(&diff->notes);
    *diff = (Diff){0};
}

const char *diff_text(Diff *diff, const char *text)
{
    return text ? strset_add(diff->strings, text) : NULL;
}

int diff_add(Diff *diff, const Change *draft)
{
    Change change = *draft;
    const char **const texts[] = {
        &change.section, &change.name,    &change.what, &change.before, &change.after,
        &change.when,    &change.example, &change.why,  &change.source, &change.reason,
    };

    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        if (!*texts[i])
            continue;
        *texts[i] = diff_text(diff, *texts[i]);
        if (!*texts[i])
            return -ENOMEM;
    }
    if (array_reserve(&diff->changes, &diff->capacity, diff->count, sizeof change) < 0)
        return -ENOMEM;
    diff->changes[diff->count++] = change;
    return 0;
}

void diff_compared(Diff *diff, const char *section)
{
    (void)buffer_printf(&diff->compared, "%s\n", section);
}

size_t diff_count(const Diff *diff, DiffKind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < diff->count; i++)
        count += diff->changes[i].kind == kind;
    return count;
}

/* ---- order ---------------------------------------------------------------------------------- */

static int compare_texts(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_changes(const void *left, const void *right)
{
    const Change *a = left;
    const Change *b = right;
    int c = (a->kind > b->kind) - (a->kind < b->kind);

    if (c == 0)
        c = a->undecided - b->undecided;
    if (c == 0)
        c = (a->risk < b->risk) - (a->risk > b->risk);
    if (c == 0)
        c = compare_texts(a->section, b->section);
    if (c == 0)
        c = compare_texts(a->what, b->what);
    if (c == 0)
        c = compare_texts(a->when, b->when);
    if (c == 0)
        c = compare_texts(a->before, b->before);
    return c ? c : compare_texts(a->after, b->after);
}

Risk diff_finish(Diff *diff)
{
    Risk worst = RISK_NONE;
    size_t kept = 0;

    if (diff->count)
        qsort(diff->changes, diff->count, sizeof *diff->changes, compare_changes);
    /* A rule that is written twice is one. */
    for (size_t i = 0; i < diff->count; i++) {
        if (kept == 0 || compare_changes(&diff->changes[kept - 1], &diff->changes[i]) != 0)
            diff->changes[kept++] = diff->changes[i];
    }
    diff->count = kept;
    for (size_t i = 0; i < diff->count; i++) {
        if (diff->changes[i].kind == DIFF_ALLOWED && diff->changes[i].risk > worst)
            worst = diff->changes[i].risk;
    }
    return worst;
}

void risk_set(Change *change, const RiskRow *row)
{
    change->risk = risk_of_row(row);
    change->why = row ? row->why : NULL;
    change->source = row ? row->source : NULL;
}

/* ---- capabilities --------------------------------------------------------------------------- */

int diff_capabilities(uint64_t old, uint64_t fresh, Diff *diff, Error *err)
{
    diff_compared(diff, "capabilities");
    for (size_t i = 0; i < capability_count(); i++) {
        const Capability *capability = capability_at(i);
        const bool had = old >> capability->number & 1;
        const bool has = fresh >> capability->number & 1;
        Change change = {
            .kind = has ? DIFF_ALLOWED : DIFF_FORBIDDEN,
            .section = "capabilities",
            .name = capability->name,
            .what = capability->name,
            .before = had ? "held" : "not held",
            .after = has ? "held" : "not held",
        };
        if (had == has)
            continue;
        if (has)
            risk_set(&change, risk_of_name("capability", capability->name));
        if (diff_add(diff, &change) < 0)
            return error_errno(err, -ENOMEM, "comparing capabilities");
    }
    return 0;
}
