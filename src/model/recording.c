/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set of facts. Facts live in chunks, so that their addresses stay; a table of pointers finds
 * them by identity. All strings are in one StringSet, so a fact's identity is compared and hashed
 * by pointers; the order in which facts are written never depends on them.
 */
#include "model/recording.h"

#include "base/hash.h"
#include "base/memory.h"
#include "model/recording_internal.h"

#include <errno.h>

enum { CHUNK_FACTS = 128 };

struct FactChunk {
    FactChunk *next;
    size_t used;
    Fact facts[CHUNK_FACTS];
};

Recording *recording_new(void)
{
    Recording *recording = calloc(1, sizeof *recording);

    if (!recording)
        return NULL;
    recording->slots_capacity = 64;
    recording->slots = calloc(recording->slots_capacity, sizeof(Fact *));
    recording->strings = strset_new();
    if (!recording->slots || !recording->strings)
        return recording_free(recording);
    return recording;
}

Recording *recording_free(Recording *recording)
{
    if (!recording)
        return NULL;
    while (recording->chunks) {
        FactChunk *next = recording->chunks->next;
        for (size_t i = 0; i < recording->chunks->used; i++) {
            Fact *fact = &recording->chunks->facts[i];
            if (fact->runs != &fact->own_run)
                free(fact->runs);
            free(fact->labels);
        }
        free(recording->chunks);
        recording->chunks = next;
    }
    for (size_t i = 0; i < recording->runs_count; i++)
        free(recording->runs[i].command);
    free(recording->runs);
    free(recording->facts);
    free(recording->slots);
    free(recording->run_losses);
    free(recording->losses);
    strset_free(recording->strings);
    free(recording);
    return NULL;
}

StringSet *recording_strings(Recording *recording)
{
    return recording->strings;
}

/* Makes *TEXT the recording's own copy. */
static int intern(Recording *recording, const char **text)
{
    if (!*text)
        return 0;
    const size_t length = strnlen(*text, RECORDING_STRING_MAX + 1);
    if (length > RECORDING_STRING_MAX)
        return -EMSGSIZE;
    const char *copy = strset_add_bytes(recording->strings, *text, length);
    if (!copy)
        return -ENOMEM;
    *text = copy;
    return 0;
}

/* ---- identity ------------------------------------------------------------------------------- */

static bool is_text(FactKind kind, int value)
{
    return field_info(fact_kind_fields(kind)[value])->type == FIELD_TYPE_TEXT;
}

static bool is_identity(FactKind kind, int value)
{
    return field_info(fact_kind_fields(kind)[value])->identity;
}

static uint64_t hash_pointer(uint64_t h, const void *p)
{
    return hash_u64(h, (uint64_t)(uintptr_t)p);
}

/* Of a fact whose strings are all in the set. */
static uint64_t hash_identity(const Fact *fact)
{
    const FactField *list = fact_kind_fields(fact->kind);
    uint64_t h = hash_u64((uint64_t)fact->kind << 8 | (uint64_t)fact->phase, fact->args_present);

    h = hash_pointer(h, fact->name);
    h = hash_pointer(h, fact->subject);
    h = hash_pointer(h, fact->rule);
    for (int i = 0; list[i] != FIELD_COUNT; i++) {
        const FactValue *value = &fact->values[i];
        if (!value->present || !is_identity(fact->kind, i))
            continue;
        h = is_text(fact->kind, i) ? hash_pointer(h, value->text)
                                   : hash_u64(h, (uint64_t)value->number);
    }
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if (fact->args_present >> i & 1)
            h = hash_u64(h, fact->args[i]);
    }
    return hash_mix(h);
}

static size_t slot_of(const Recording *recording, const Fact *fact)
{
    size_t i = hash_identity(fact) & (recording->slots_capacity - 1);

    /* equal strings are equal pointers here, so that fact_compare() is quick */
    while (recording->slots[i] && fact_compare(recording->slots[i], fact) != 0)
        i = (i + 1) & (recording->slots_capacity - 1);
    return i;
}

static int grow_slots(Recording *recording)
{
    Fact **slots = calloc(recording->slots_capacity * 2, sizeof(Fact *));

    if (!slots)
        return -ENOMEM;
    free(recording->slots);
    recording->slots = slots;
    recording->slots_capacity *= 2;
    for (size_t i = 0; i < recording->facts_count; i++)
        recording->slots[slot_of(recording, recording->facts[i])] = recording->facts[i];
    return 0;
}

static Fact *chunk_take(Recording *recording)
{
    if (!recording->chunks || recording->chunks->used == CHUNK_FACTS) {
        FactChunk *chunk = malloc(sizeof *chunk);
        if (!chunk)
            return NULL;
        chunk->next = recording->chunks;
        chunk->used = 0;
        recording->chunks = chunk;
    }
    return &recording->chunks->facts[recording->chunks->used++];
}

/* What identifies DRAFT and nothing else, in a form that hashes and compares like a stored fact. */
static Fact identity_of(const Fact *draft)
{
    Fact fact = {
        .kind = draft->kind,
        .phase = draft->phase,
        .name = draft->name,
        .subject = draft->subject,
        .rule = draft->rule,
    };

    memcpy(fact.values, draft->values, sizeof fact.values);
    if (draft->kind == FACT_SYSCALL) {
        fact.args_present = draft->args_present & ((1u << SYSCALL_ARGS) - 1);
        for (unsigned i = 0; i < SYSCALL_ARGS; i++)
            fact.args[i] = fact.args_present >> i & 1 ? draft->args[i] : 0;
    }
    return fact;
}

static int intern_identity(Recording *recording, Fact *fact)
{
    const FactField *list = fact_kind_fields(fact->kind);
    int r = intern(recording, &fact->name);

    if (r == 0)
        r = intern(recording, &fact->subject);
    if (r == 0)
        r = intern(recording, &fact->rule);
    for (int i = 0; r == 0 && list[i] != FIELD_COUNT; i++) {
        if (is_text(fact->kind, i) && fact->values[i].present)
            r = intern(recording, &fact->values[i].text);
    }
    return r;
}

static int intern_first(Recording *recording, FirstSeen *first)
{
    int r = intern(recording, &first->command);

    if (first->depth > ANCESTRY_MAX)
        first->depth = ANCESTRY_MAX;
    if (r == 0)
        r = intern(recording, &first->syscall);
    for (size_t i = 0; r == 0 && i < first->depth; i++)
        r = intern(recording, &first->ancestry[i]);
    return r;
}

int recording_put(Recording *recording, const Fact *draft, Fact **ret_fact)
{
    Fact fact = identity_of(draft);
    int r = intern_identity(recording, &fact);

    if (r < 0)
        return r;
    size_t slot = slot_of(recording, &fact);
    if (recording->slots[slot]) {
        *ret_fact = recording->slots[slot];
        return 0;
    }
    fact.results = draft->results;
    fact.predicted = draft->predicted;
    fact.first = draft->first;
    r = intern_first(recording, &fact.first);
    if (r == 0)
        r = array_reserve(&recording->facts, &recording->facts_capacity, recording->facts_count,
                          sizeof(Fact *));
    if (r == 0 && recording->facts_count * 2 >= recording->slots_capacity) {
        r = grow_slots(recording);
        slot = slot_of(recording, &fact);
    }
    if (r < 0)
        return r;
    Fact *place = chunk_take(recording);
    if (!place)
        return -ENOMEM;
    *place = fact;
    place->index = (uint32_t)recording->facts_count;
    place->runs = &place->own_run;
    recording->slots[slot] = place;
    recording->facts[recording->facts_count++] = place;
    *ret_fact = place;
    return 1;
}

Fact *recording_find(const Recording *recording, const Fact *draft)
{
    const FactField *list = fact_kind_fields(draft->kind);
    Fact fact = identity_of(draft);
    const char **texts[3 + FACT_FIELDS_MAX] = {&fact.name, &fact.subject, &fact.rule};
    size_t count = 3;

    for (int i = 0; list[i] != FIELD_COUNT; i++) {
        if (is_text(fact.kind, i) && fact.values[i].present)
            texts[count++] = &fact.values[i].text;
    }
    for (size_t i = 0; i < count; i++) {
        if (!*texts[i])
            continue;
        *texts[i] = strset_find(recording->strings, *texts[i]);
        if (!*texts[i])
            return NULL;
    }
    return recording->slots[slot_of(recording, &fact)];
}

/* ---- evidence ------------------------------------------------------------------------------- */

uint64_t *fact_run_count(Fact *fact, uint32_t run)
{
    size_t at = fact->runs_count;

    while (at > 0 && fact->runs[at - 1].run > run)
        at--;
    if (at > 0 && fact->runs[at - 1].run == run)
        return &fact->runs[at - 1].count;
    /* an array of n has room for the next power of two of them, the own one for one */
    const size_t n = fact->runs_count;
    if (n > 0 && (n & (n - 1)) == 0) {
        RunCount *old = fact->runs == &fact->own_run ? NULL : fact->runs;
        RunCount *grown = reallocarray(old, n * 2, sizeof *grown);
        if (!grown)
            return NULL;
        if (!old)
            grown[0] = fact->own_run;
        fact->runs = grown;
    }
    memmove(fact->runs + at + 1, fact->runs + at, (n - at) * sizeof *fact->runs);
    fact->runs[at] = (RunCount){.run = run};
    fact->runs_count++;
    return &fact->runs[at].count;
}

int recording_add(Recording *recording, const Fact *draft, uint32_t run, uint64_t count,
                  const char *label, Fact **ret_fact)
{
    Fact *fact = NULL;

    if (run >= recording->runs_count)
        return -EINVAL;
    const int is_new = recording_put(recording, draft, &fact);
    if (is_new < 0)
        return is_new;
    uint64_t *counter = fact_run_count(fact, run);
    if (!counter)
        return -ENOMEM;
    if (__builtin_add_overflow(*counter, count, counter) || *counter > INT64_MAX)
        *counter = INT64_MAX;
    if (!is_new) {
        /* what was seen first is already there */
        Fact later = *draft;
        later.first = fact->first;
        const int r = recording_unite(recording, fact, &later);
        if (r < 0)
            return r;
    }
    if (label) {
        const int r = recording_add_label(recording, fact, label);
        if (r < 0)
            return r;
    }
    if (ret_fact)
        *ret_fact = fact;
    return is_new;
}

int recording_add_label(Recording *recording, Fact *fact, const char *label)
{
    size_t at = fact->labels_count;
    int order = 1;

    const int r = intern(recording, &label);
    if (r < 0)
        return r;
    while (at > 0 && (order = strcmp(fact->labels[at - 1], label)) > 0)
        at--;
    if (at > 0 && order == 0)
        return 0;
    const size_t n = fact->labels_count;
    if ((n & (n - 1)) == 0) {
        const char **grown = reallocarray(fact->labels, n > 0 ? n * 2 : 1, sizeof *grown);
        if (!grown)
            return -ENOMEM;
        fact->labels = grown;
    }
    memmove(fact->labels + at + 1, fact->labels + at, (n - at) * sizeof *fact->labels);
    fact->labels[at] = label;
    fact->labels_count++;
    return 1;
}

size_t recording_facts_count(const Recording *recording)
{
    return recording->facts_count;
}

Fact *recording_fact(const Recording *recording, size_t index)
{
    return index < recording->facts_count ? recording->facts[index] : NULL;
}
