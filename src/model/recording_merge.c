/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorting into the canonical order, and the union of two recordings. Every part of the union is a
 * minimum, a maximum, an "or" or an "and", which is what makes merging associative, commutative and
 * idempotent; docs/FORMATS.md has the list.
 */
#include "base/memory.h"
#include "model/recording_internal.h"

#include <errno.h>

/* ---- canonical order ------------------------------------------------------------------------ */

typedef struct RunOrder {
    const char *id;
    uint32_t old;
} RunOrder;

static int compare_run_order(const void *a, const void *b)
{
    return strcmp(((const RunOrder *)a)->id, ((const RunOrder *)b)->id);
}

static int compare_run_count(const void *a, const void *b)
{
    const RunCount *x = a;
    const RunCount *y = b;

    return (x->run > y->run) - (x->run < y->run);
}

static int compare_run_loss(const void *a, const void *b)
{
    const RunLoss *x = a;
    const RunLoss *y = b;
    const int r = strcmp(x->cause, y->cause);

    return r != 0 ? r : (x->run > y->run) - (x->run < y->run);
}

static int compare_stored(const void *a, const void *b, void *recording)
{
    uint32_t x;
    uint32_t y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return stored_compare(recording, stored_at(recording, x), stored_at(recording, y));
}

static bool runs_are_sorted(const Recording *recording)
{
    for (size_t i = 1; i < recording->runs_count; i++) {
        if (strcmp(recording->runs[i - 1].id, recording->runs[i].id) > 0)
            return false;
    }
    return true;
}

/* Puts the runs in the order of their ids, and gives them their new numbers everywhere. */
static int sort_runs(Recording *recording)
{
    const size_t count = recording->runs_count;
    CLEANUP(free_pointer) RunOrder *order = NULL;
    CLEANUP(free_pointer) uint32_t *renumber = NULL;
    CLEANUP(free_pointer) Run *sorted = NULL;

    if (runs_are_sorted(recording))
        return 0;
    order = calloc(count, sizeof *order);
    renumber = calloc(count, sizeof *renumber);
    sorted = calloc(count, sizeof *sorted);
    if (!order || !renumber || !sorted)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        order[i] = (RunOrder){recording->runs[i].id, (uint32_t)i};
    qsort(order, count, sizeof *order, compare_run_order);
    for (size_t i = 0; i < count; i++) {
        renumber[order[i].old] = (uint32_t)i;
        sorted[i] = recording->runs[order[i].old];
    }
    memcpy(recording->runs, sorted, count * sizeof *sorted);
    for (size_t i = 0; i < recording->facts_count; i++) {
        StoredFact *fact = recording_stored(recording, i);
        const StoredMore *more = stored_more(recording, fact);
        if (fact->run < count)
            fact->run = renumber[fact->run];
        if (fact->run != STORED_MANY_RUNS)
            continue;
        for (size_t j = 0; j < more->runs_count; j++)
            more->runs[j].run = renumber[more->runs[j].run];
        qsort(more->runs, more->runs_count, sizeof *more->runs, compare_run_count);
    }
    for (size_t i = 0; i < recording->run_losses_count; i++)
        recording->run_losses[i].run = renumber[recording->run_losses[i].run];
    if (recording->run_losses_count > 0)
        qsort(recording->run_losses, recording->run_losses_count, sizeof *recording->run_losses,
              compare_run_loss);
    return 0;
}

int recording_sort(Recording *recording)
{
    const int r = sort_runs(recording);

    if (r < 0)
        return r;
    for (size_t i = 1; i < recording->facts_count; i++) {
        if (stored_compare(recording, recording_stored(recording, i - 1),
                           recording_stored(recording, i)) > 0) {
            qsort_r(recording->facts, recording->facts_count, sizeof *recording->facts,
                    compare_stored, recording);
            break;
        }
    }
    return 0;
}

/* ---- union of one fact ---------------------------------------------------------------------- */

/* Known comes before not known, so that the minimum of the two is the one that says more. */
static int compare_known(const char *a, const char *b)
{
    if (!a || !b)
        return !a - !b;
    return strcmp(a, b);
}

static int compare_first(const FirstSeen *a, const FirstSeen *b)
{
    int r = compare_known(a->command, b->command);

    if (r == 0)
        r = compare_known(a->syscall, b->syscall);
    for (size_t i = 0; r == 0 && (i < a->depth || i < b->depth); i++)
        r = compare_known(i < a->depth ? a->ancestry[i] : NULL,
                          i < b->depth ? b->ancestry[i] : NULL);
    return r;
}

static int unite_first(Recording *recording, StoredFact *fact, const FirstSeen *first)
{
    FirstSeen known;

    unpack_first(recording, fact->first, &known);
    return compare_first(first, &known) < 0 ? recording_set_first(recording, fact, first) : 0;
}

int recording_unite(Recording *recording, StoredFact *fact, const Fact *draft, bool first)
{
    Results results = *recording_fact_results(recording, fact);

    for (int i = 0; i < RESULT_WORDS; i++)
        results.words[i] |= draft->results.words[i];
    int r = pack_results(recording, &results, &fact->results);
    fact->predicted = fact->predicted && draft->predicted;
    if (r == 0)
        r = unite_peak(recording, fact, draft);
    return r == 0 && first ? unite_first(recording, fact, &draft->first) : r;
}

/* ---- union of runs -------------------------------------------------------------------------- */

static int compare_command(const Run *a, const Run *b)
{
    for (size_t i = 0; i < a->command_count && i < b->command_count; i++) {
        const int r = strcmp(a->command[i], b->command[i]);
        if (r != 0)
            return r;
    }
    return (a->command_count > b->command_count) - (a->command_count < b->command_count);
}

static int unite_command(Recording *recording, Run *run, const Run *from)
{
    const char **command = NULL;
    size_t count = 0;

    if (from->command_count == 0 || (run->command_count > 0 && compare_command(from, run) >= 0))
        return 0;
    const int r = run_copy_command(recording, from, &command, &count);
    if (r < 0)
        return r;
    free(run->command);
    run->command = command;
    run->command_count = count;
    return 0;
}

/* The same run twice: they differ only if one of them was cut off or tampered with. */
static int unite_run(Recording *recording, Run *run, const Run *from)
{
    for (size_t i = 0; i < run_fields_count; i++) {
        const char *text = run_text(from, &run_fields[i]);
        if (compare_known(text, run_text(run, &run_fields[i])) >= 0)
            continue;
        text = strset_add(recording->strings, text);
        if (!text)
            return -ENOMEM;
        run_set_text(run, &run_fields[i], text);
    }
    run->exit_status = from->exit_status > run->exit_status ? from->exit_status : run->exit_status;
    run->calls = from->calls > run->calls ? from->calls : run->calls;
    run->interrupted = from->interrupted > run->interrupted ? from->interrupted : run->interrupted;
    run->no_new_privs = run->no_new_privs || from->no_new_privs;
    run->complete = run->complete && from->complete;
    return unite_command(recording, run, from);
}

static int merge_runs(Recording *into, const Recording *from, uint32_t *map)
{
    for (size_t i = 0; i < from->runs_count; i++) {
        const long known = recording_find_run(into, from->runs[i].id);
        const int r = known >= 0 ? unite_run(into, &into->runs[known], &from->runs[i])
                                 : recording_add_run(into, &from->runs[i], &map[i]);
        if (r < 0)
            return r;
        if (known >= 0)
            map[i] = (uint32_t)known;
    }
    return 0;
}

static int merge_fact(Recording *into, const Fact *draft, const uint32_t *map)
{
    StoredFact *fact = NULL;
    int r = recording_put(into, draft, &fact);

    if (r == 0)
        r = recording_unite(into, fact, draft, true);
    for (size_t i = 0; r >= 0 && i < draft->runs_count; i++) {
        uint64_t *count = stored_run_count(into, fact, map[draft->runs[i].run]);
        if (!count)
            return -ENOMEM;
        *count = draft->runs[i].count > *count ? draft->runs[i].count : *count;
    }
    for (size_t i = 0; r >= 0 && i < draft->labels_count; i++)
        r = recording_add_label(into, fact, draft->labels[i]);
    return r < 0 ? r : 0;
}

int recording_merge(Recording *into, const Recording *from)
{
    CLEANUP(free_pointer) uint32_t *map = NULL;

    if (into == from || from->runs_count == 0)
        return 0;
    map = calloc(from->runs_count, sizeof *map);
    if (!map)
        return -ENOMEM;
    int r = merge_runs(into, from, map);
    for (size_t i = 0; r == 0 && i < from->facts_count; i++) {
        Fact view;
        r = merge_fact(into, recording_fact(from, i, &view), map);
    }
    for (size_t i = 0; r == 0 && i < from->run_losses_count; i++) {
        const RunLoss *loss = &from->run_losses[i];
        r = recording_add_run_loss(into, loss->cause, loss->example, loss->count, map[loss->run],
                                   true);
    }
    return r;
}
