/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set of facts. All strings are in one StringSet and everything else that facts share in one
 * BlobSet, so that two numbers identify a fact; a table finds it by them. The order in which facts
 * are written never depends on those numbers.
 */
#include "model/recording.h"

#include "base/memory.h"
#include "model/recording_internal.h"

#include <errno.h>

Recording *recording_new(void)
{
    Recording *recording = calloc(1, sizeof *recording);

    if (!recording)
        return NULL;
    hash_key_init(&recording->key);
    recording->arena = ARENA_INIT(3);
    recording->strings = strset_new();
    recording->blobs = blobset_new();
    if (!recording->blobs || !recording->strings)
        return recording_free(recording);
    return recording;
}

Recording *recording_free(Recording *recording)
{
    if (!recording)
        return NULL;
    for (size_t i = 0; i < recording->more_count; i++) {
        free(recording->more[i].labels);
        free(recording->more[i].runs);
    }
    for (size_t i = 0; i < recording->runs_count; i++)
        free(recording->runs[i].command);
    free(recording->more);
    free(recording->runs);
    free(recording->facts);
    free(recording->run_losses);
    free(recording->losses);
    reftable_deinit(&recording->index);
    arena_deinit(&recording->arena);
    blobset_free(recording->blobs);
    strset_free(recording->strings);
    free(recording);
    return NULL;
}

void recording_cleanup(Recording **recording)
{
    *recording = recording_free(*recording);
}

StringSet *recording_strings(Recording *recording)
{
    return recording->strings;
}

size_t recording_memory(const Recording *recording)
{
    size_t sum = sizeof *recording + strset_memory(recording->strings) +
                 blobset_memory(recording->blobs) + arena_memory(&recording->arena) +
                 recording->index.capacity * sizeof *recording->index.slots +
                 recording->facts_capacity * sizeof *recording->facts +
                 recording->more_capacity * sizeof *recording->more +
                 recording->runs_capacity * sizeof *recording->runs +
                 recording->run_losses_capacity * sizeof *recording->run_losses +
                 recording->losses_capacity * sizeof *recording->losses;

    /* Arrays that double have at most twice what is in them. */
    for (size_t i = 0; i < recording->more_count; i++)
        sum += 2 * (recording->more[i].labels_count * sizeof(char *) +
                    recording->more[i].runs_count * sizeof(RunCount));
    return sum;
}

/* ---- identity ------------------------------------------------------------------------------- */

static uint64_t hash_identity(const Recording *recording, uint32_t name, uint32_t shape)
{
    const uint64_t both = (uint64_t)name << 32 | shape;

    return hash_bytes(&recording->key, &both, sizeof both);
}

static StoredFact *find_stored(const Recording *recording, uint64_t hash, uint32_t name,
                               uint32_t shape)
{
    size_t at = REFTABLE_BEGIN;
    uint32_t ref;

    while ((ref = reftable_next(&recording->index, hash, &at)) != 0) {
        StoredFact *fact = stored_at(recording, ref);
        if (fact->name == name && fact->shape == shape)
            return fact;
    }
    return NULL;
}

/* The peak of a resource: the one field that is not of the identity. */
static const FactValue *peak_of(const Fact *draft)
{
    return draft->kind == FACT_RESOURCE && draft->values[0].present ? &draft->values[0] : NULL;
}

int unite_peak(Recording *recording, StoredFact *fact, const Fact *draft)
{
    const FactValue *peak = peak_of(draft);

    if (!peak)
        return 0;
    StoredMore *more = stored_make_more(recording, fact);
    if (!more)
        return -ENOMEM;
    if (!more->has_value || more->value < peak->number)
        more->value = peak->number;
    more->has_value = true;
    return 0;
}

/* Adds FACT, which is not there yet. */
static int insert_stored(Recording *recording, const StoredFact *fact, uint64_t hash,
                         StoredFact **ret_fact)
{
    uint32_t ref;
    int r = array_reserve(&recording->facts, &recording->facts_capacity, recording->facts_count,
                          sizeof *recording->facts);

    if (r == 0)
        r = reftable_reserve(&recording->index);
    if (r < 0)
        return r;
    StoredFact *place = arena_take(&recording->arena, sizeof *place, &ref);
    if (!place)
        return -ENOMEM;
    *place = *fact;
    place->number = ref;
    reftable_insert(&recording->index, hash, ref);
    recording->facts[recording->facts_count++] = ref;
    *ret_fact = place;
    return 1;
}

int recording_put(Recording *recording, const Fact *draft, StoredFact **ret_fact)
{
    StoredFact fact = {.run = STORED_NO_RUN, .predicted = draft->predicted};
    int r = pack_text(recording, draft->name ? draft->name : "", &fact.name);

    if (r == 0)
        r = pack_shape(recording, draft, &fact.shape);
    if (r < 0)
        return r;
    const uint64_t hash = hash_identity(recording, fact.name, fact.shape);
    StoredFact *place = find_stored(recording, hash, fact.name, fact.shape);
    if (place) {
        *ret_fact = place;
        return 0;
    }
    r = pack_results(recording, &draft->results, &fact.results);
    if (r == 0)
        r = pack_first(recording, &draft->first, &fact.first);
    if (r == 0)
        r = unite_peak(recording, &fact, draft);
    return r < 0 ? r : insert_stored(recording, &fact, hash, ret_fact);
}

int recording_put_stored(Recording *recording, const StoredFact *fact, StoredFact **ret_fact)
{
    const uint64_t hash = hash_identity(recording, fact->name, fact->shape);
    StoredFact *place = find_stored(recording, hash, fact->name, fact->shape);

    if (!place)
        return insert_stored(recording, fact, hash, ret_fact);
    *ret_fact = place;
    return 0;
}

int recording_put_like(Recording *recording, const StoredFact *like, const char *name,
                       size_t length)
{
    StoredFact fact = *like;
    StoredFact *place;

    fact.name = strset_add_ref(recording->strings, name, length);
    return fact.name != 0 ? recording_put_stored(recording, &fact, &place) : -ENOMEM;
}

StoredFact *recording_find(const Recording *recording, const Fact *draft)
{
    const uint32_t shape = find_shape(recording, draft);
    const uint32_t name =
        shape ? strset_find_ref(recording->strings, draft->name ? draft->name : "") : 0;

    return name ? find_stored(recording, hash_identity(recording, name, shape), name, shape) : NULL;
}

/* ---- evidence ------------------------------------------------------------------------------- */

/* An array of N has room for the next power of two of them. */
static int grow_doubling(void *array, size_t n, size_t size)
{
    void *old;

    if ((n & (n - 1)) != 0)
        return 0;
    memcpy(&old, array, sizeof old);
    void *grown = reallocarray(old, n > 0 ? n * 2 : 1, size);
    if (!grown)
        return -ENOMEM;
    memcpy(array, &grown, sizeof grown);
    return 0;
}

static uint64_t *insert_run(StoredMore *more, uint32_t run)
{
    size_t at = more->runs_count;

    while (at > 0 && more->runs[at - 1].run > run)
        at--;
    if (at > 0 && more->runs[at - 1].run == run)
        return &more->runs[at - 1].count;
    if (grow_doubling(&more->runs, more->runs_count, sizeof *more->runs) < 0)
        return NULL;
    memmove(more->runs + at + 1, more->runs + at, (more->runs_count - at) * sizeof *more->runs);
    more->runs[at] = (RunCount){.run = run};
    more->runs_count++;
    return &more->runs[at].count;
}

uint64_t *stored_run_count(Recording *recording, StoredFact *fact, uint32_t run)
{
    if (fact->run == STORED_NO_RUN)
        fact->run = run;
    if (fact->run == run)
        return &fact->count;
    StoredMore *more = stored_make_more(recording, fact);
    if (!more)
        return NULL;
    if (fact->run != STORED_MANY_RUNS) {
        uint64_t *first = insert_run(more, fact->run);
        if (!first)
            return NULL;
        *first = fact->count;
        fact->run = STORED_MANY_RUNS;
    }
    return insert_run(more, run);
}

int recording_add_count(Recording *recording, StoredFact *fact, uint32_t run, uint64_t n)
{
    uint64_t *counter = stored_run_count(recording, fact, run);

    if (!counter)
        return -ENOMEM;
    if (__builtin_add_overflow(*counter, n, counter) || *counter > INT64_MAX)
        *counter = INT64_MAX;
    return 0;
}

uint64_t recording_fact_count(const Recording *recording, const StoredFact *fact)
{
    const RunCount own = {fact->run, fact->count};
    const bool many = fact->run == STORED_MANY_RUNS;
    const StoredMore *more = stored_more(recording, fact);

    return fact_count(&(Fact){.runs = many ? more->runs : &own,
                              .runs_count = many ? more->runs_count : fact->run != STORED_NO_RUN});
}

int recording_add_result(Recording *recording, StoredFact *fact, int result, bool predicted)
{
    Results results = *recording_fact_results(recording, fact);
    const bool none = results_empty(&results);

    results_add(&results, result);
    if (none || memcmp(&results, recording_fact_results(recording, fact), sizeof results) != 0) {
        uint32_t ref;
        const int r = pack_results(recording, &results, &ref);
        if (r < 0)
            return r;
        fact->results = ref;
    }
    fact->predicted = predicted && (none || fact->predicted);
    return 0;
}

int recording_set_first(Recording *recording, StoredFact *fact, const FirstSeen *first)
{
    uint32_t ref;
    const int r = pack_first(recording, first, &ref);

    if (r == 0)
        fact->first = ref;
    return r;
}

int recording_add(Recording *recording, const Fact *draft, uint32_t run, uint64_t count,
                  const char *label, StoredFact **ret_fact)
{
    StoredFact *fact = NULL;

    if (run >= recording->runs_count)
        return -EINVAL;
    const int is_new = recording_put(recording, draft, &fact);
    int r = is_new;
    if (r == 0) /* where it was seen first is already there */
        r = recording_unite(recording, fact, draft, false);
    if (r >= 0)
        r = recording_add_count(recording, fact, run, count);
    if (r >= 0 && label)
        r = recording_add_label(recording, fact, label);
    if (r < 0)
        return r;
    if (ret_fact)
        *ret_fact = fact;
    return is_new;
}

/* 1 new, 0 there. LABEL is of the set. */
static int insert_label(StoredMore *more, const char *label)
{
    size_t at = 0;
    size_t end = more->labels_count;

    while (at < end) {
        const size_t middle = at + (end - at) / 2;
        const int order = strcmp(more->labels[middle], label);
        if (order == 0)
            return 0;
        if (order < 0)
            at = middle + 1;
        else
            end = middle;
    }
    if (grow_doubling(&more->labels, more->labels_count, sizeof *more->labels) < 0)
        return -ENOMEM;
    memmove(more->labels + at + 1, more->labels + at,
            (more->labels_count - at) * sizeof *more->labels);
    more->labels[at] = label;
    more->labels_count++;
    return 1;
}

int recording_add_label(Recording *recording, StoredFact *fact, const char *label)
{
    uint32_t ref;
    const int r = pack_text(recording, label, &ref);

    return r < 0 ? r : stored_add_label(recording, fact, ref);
}

int stored_add_label(Recording *recording, StoredFact *fact, uint32_t ref)
{
    int r;

    if (fact->label == ref)
        return 0;
    StoredMore *more = stored_more(recording, fact);
    if (fact->label == 0 && (!more || more->labels_count == 0)) {
        fact->label = ref;
        return 1;
    }
    more = stored_make_more(recording, fact);
    if (!more)
        return -ENOMEM;
    if (fact->label != 0) {
        r = insert_label(more, strset_text(recording->strings, fact->label));
        if (r < 0)
            return r;
        fact->label = 0;
    }
    return insert_label(more, strset_text(recording->strings, ref));
}

size_t recording_facts_count(const Recording *recording)
{
    return recording->facts_count;
}

uint32_t recording_fact_number(const StoredFact *fact)
{
    return fact->number;
}

StoredFact *recording_by_number(const Recording *recording, uint32_t number)
{
    return stored_at(recording, number);
}

StoredFact *recording_stored(const Recording *recording, size_t index)
{
    return index < recording->facts_count ? stored_at(recording, recording->facts[index]) : NULL;
}
