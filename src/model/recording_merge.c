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

static bool stored_is_before(const Recording *recording, uint32_t a, uint32_t b)
{
    return stored_compare(recording, stored_at(recording, a), stored_at(recording, b)) < 0;
}

/* FROM, sorted up to MIDDLE and from there to END, into TO, sorted from BEGIN to END. */
static void merge_sorted(const Recording *recording, const uint32_t *from, uint32_t *to,
                         size_t begin, size_t middle, size_t end)
{
    size_t left = begin;
    size_t right = middle;

    for (size_t i = begin; i < end; i++) {
        const bool take_right =
            left == middle || (right < end && stored_is_before(recording, from[right], from[left]));
        to[i] = from[take_right ? right++ : left++];
    }
}

/* Where the sorted stretches of the facts begin, and their end; NULL without memory. */
static size_t *find_sorted(const Recording *recording, size_t *ret_count)
{
    const uint32_t *facts = recording->facts;
    size_t *begins = NULL;
    size_t capacity = 0;
    size_t count = 0;

    for (size_t i = 0; i <= recording->facts_count; i++) {
        if (i > 0 && i < recording->facts_count &&
            !stored_is_before(recording, facts[i], facts[i - 1]))
            continue;
        if (array_reserve(&begins, &capacity, count, sizeof *begins) < 0) {
            free(begins);
            return NULL;
        }
        begins[count++] = i;
    }
    *ret_count = count - 1;
    return begins;
}

/*
 * What several recordings were merged into is a row of sorted stretches: they are merged in pairs
 * until one is left. Neighbours were read one after the other, and so lie close in memory.
 */
static int sort_facts(Recording *recording)
{
    size_t count = 0;
    CLEANUP(free_pointer) size_t *begins = find_sorted(recording, &count);
    CLEANUP(free_pointer) uint32_t *spare = NULL;

    if (!begins)
        return -ENOMEM;
    if (count < 2)
        return 0;
    spare = malloc(recording->facts_capacity * sizeof *spare);
    if (!spare)
        return -ENOMEM;
    while (count > 1) {
        size_t merged = 0;
        for (size_t i = 0; i < count; i += 2) {
            const size_t middle = begins[i + 1];
            const size_t end = i + 2 <= count ? begins[i + 2] : middle;
            merge_sorted(recording, recording->facts, spare, begins[i], middle, end);
            begins[merged++] = begins[i];
        }
        begins[merged] = recording->facts_count;
        count = merged;
        uint32_t *sorted = spare;
        spare = recording->facts;
        recording->facts = sorted;
    }
    return 0;
}

int recording_sort(Recording *recording)
{
    const int r = sort_runs(recording);

    return r < 0 ? r : sort_facts(recording);
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
    return r != 0 ? r : compare_known(a->stack, b->stack);
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

/* ---- union of facts ------------------------------------------------------------------------- */

/*
 * What a fact refers to, most facts refer to: what it is called in the other recording is kept at
 * hand. One place for each reference, the later one wins.
 */
enum { REF_MAP_BITS = 8 };

typedef struct RefMap {
    struct {
        uint32_t from; /* 0: nothing here */
        uint32_t to;
    } pairs[1 << REF_MAP_BITS];
} RefMap;

typedef struct Merge {
    Recording *into;
    const Recording *from;
    uint32_t *runs; /* by index in FROM: index in INTO */
    RefMap shapes;
    RefMap firsts;
    RefMap results;
    RefMap labels;
} Merge;

static int translate_shape(Merge *merge, const StoredFact *fact, uint32_t *ret_to)
{
    Fact view;

    return pack_shape(merge->into, recording_view(merge->from, fact, &view), ret_to);
}

static int translate_first(Merge *merge, const StoredFact *fact, uint32_t *ret_to)
{
    FirstSeen first;

    unpack_first(merge->from, fact->first, &first);
    return pack_first(merge->into, &first, ret_to);
}

static int translate_results(Merge *merge, const StoredFact *fact, uint32_t *ret_to)
{
    return pack_results(merge->into, recording_fact_results(merge->from, fact), ret_to);
}

static int translate_label(Merge *merge, const StoredFact *fact, uint32_t *ret_to)
{
    return pack_text(merge->into, strset_text(merge->from->strings, fact->label), ret_to);
}

/* FROM, which is FACT's, in INTO: from MAP, or by TRANSLATE. */
static int translate(Merge *merge, RefMap *map, uint32_t from, const StoredFact *fact,
                     int (*make)(Merge *, const StoredFact *, uint32_t *), uint32_t *ret_to)
{
    const size_t at = (uint32_t)(from * 0x9e3779b1u) >> (32 - REF_MAP_BITS);

    if (from != 0 && map->pairs[at].from != from) {
        const int r = make(merge, fact, &map->pairs[at].to);
        if (r < 0)
            return r;
        map->pairs[at].from = from;
    }
    *ret_to = from != 0 ? map->pairs[at].to : 0;
    return 0;
}

/* FACT of FROM in terms of INTO, without counts and what is in StoredMore. */
static int translate_fact(Merge *merge, const StoredFact *fact, StoredFact *ret_fact)
{
    const char *name = strset_text(merge->from->strings, fact->name);
    StoredFact draft = {.run = STORED_NO_RUN,
                        .predicted = fact->predicted,
                        .name = strset_add_ref(merge->into->strings, name, strlen(name))};
    int r = draft.name != 0 ? 0 : -ENOMEM;

    if (r == 0)
        r = translate(merge, &merge->shapes, fact->shape, fact, translate_shape, &draft.shape);
    if (r == 0)
        r = translate(merge, &merge->firsts, fact->first, fact, translate_first, &draft.first);
    if (r == 0)
        r = translate(merge, &merge->results, fact->results, fact, translate_results,
                      &draft.results);
    if (r == 0)
        r = translate(merge, &merge->labels, fact->label, fact, translate_label, &draft.label);
    if (r == 0)
        *ret_fact = draft;
    return r;
}

/* Unites what DRAFT says, in INTO's terms, with FACT. */
static int unite_stored(Recording *into, StoredFact *fact, const StoredFact *draft)
{
    FirstSeen known;
    FirstSeen first;
    int r = 0;

    fact->predicted = fact->predicted && draft->predicted;
    if (draft->results != fact->results) {
        Results results = *recording_fact_results(into, fact);
        for (int i = 0; i < RESULT_WORDS; i++)
            results.words[i] |= recording_fact_results(into, draft)->words[i];
        r = pack_results(into, &results, &fact->results);
    }
    if (draft->first != fact->first) {
        unpack_first(into, fact->first, &known);
        unpack_first(into, draft->first, &first);
        if (compare_first(&first, &known) < 0)
            fact->first = draft->first;
    }
    return r == 0 && draft->label != 0 ? stored_add_label(into, fact, draft->label) : r;
}

static int unite_count(Merge *merge, StoredFact *fact, const RunCount *seen)
{
    uint64_t *count = stored_run_count(merge->into, fact, merge->runs[seen->run]);

    if (!count)
        return -ENOMEM;
    *count = seen->count > *count ? seen->count : *count;
    return 0;
}

/* What few facts have. */
static int unite_more(Merge *merge, StoredFact *fact, const StoredFact *source)
{
    const StoredMore *more = stored_more(merge->from, source);
    Fact view;
    int r = 0;

    if (more->has_value)
        r = unite_peak(merge->into, fact, recording_view(merge->from, source, &view));
    for (size_t i = 0; r >= 0 && i < more->labels_count; i++)
        r = recording_add_label(merge->into, fact, more->labels[i]);
    for (size_t i = 0; r >= 0 && i < more->runs_count; i++)
        r = unite_count(merge, fact, &more->runs[i]);
    return r;
}

static int merge_fact(Merge *merge, const StoredFact *source)
{
    StoredFact draft;
    StoredFact *fact = NULL;
    int r = translate_fact(merge, source, &draft);

    if (r == 0)
        r = recording_put_stored(merge->into, &draft, &fact);
    if (r == 0)
        r = unite_stored(merge->into, fact, &draft);
    if (r >= 0 && source->run < merge->from->runs_count)
        r = unite_count(merge, fact, &(RunCount){source->run, source->count});
    if (r >= 0 && source->more != 0)
        r = unite_more(merge, fact, source);
    return r < 0 ? r : 0;
}

int recording_merge(Recording *into, const Recording *from)
{
    CLEANUP(free_pointer) Merge *merge = NULL;
    CLEANUP(free_pointer) uint32_t *runs = NULL;

    if (into == from || from->runs_count == 0)
        return 0;
    merge = calloc(1, sizeof *merge);
    runs = calloc(from->runs_count, sizeof *runs);
    if (!merge || !runs)
        return -ENOMEM;
    merge->into = into;
    merge->from = from;
    merge->runs = runs;
    int r = merge_runs(into, from, runs);
    for (size_t i = 0; r == 0 && i < from->facts_count; i++)
        r = merge_fact(merge, recording_stored(from, i));
    for (size_t i = 0; r == 0 && i < from->run_losses_count; i++) {
        const RunLoss *loss = &from->run_losses[i];
        r = recording_add_run_loss(into, loss->cause, loss->example, loss->count, runs[loss->run],
                                   true);
    }
    return r;
}

int recording_gather(Recording **into, Recording **from, const char *name, Error *err)
{
    if (!*into) {
        *into = TAKE(*from);
        return 0;
    }
    const int r = recording_merge(*into, *from);
    return r < 0 ? error_errno(err, r, "cannot merge %s", name) : 0;
}
