/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a Fact, which has everything in place, and what a recording keeps of it. A shape is, in
 * words of 32 bits: kind, phase, which arguments and which values there are; subject; rule; the
 * values that are there, texts as one word and numbers as two; the arguments as two words each.
 */
#include "base/memory.h"
#include "model/recording_internal.h"

#include <errno.h>

enum { SHAPE_HEAD = 3, SHAPE_MAX = SHAPE_HEAD + 2 * FACT_FIELDS_MAX + 2 * SYSCALL_ARGS };

/* Before the ancestry: command, call, stack. */
enum { FIRST_HEAD = 3 };

typedef struct Shape {
    uint32_t words[SHAPE_MAX];
    size_t count;
} Shape;

int pack_text(const Recording *recording, const char *text, uint32_t *ret_ref)
{
    if (!text) {
        *ret_ref = 0;
        return 0;
    }
    const size_t length = strnlen(text, RECORDING_STRING_MAX + 1);
    if (length > RECORDING_STRING_MAX)
        return -EMSGSIZE;
    const uint32_t ref = strset_add_ref(recording->strings, text, length);
    if (ref == 0)
        return -ENOMEM;
    *ret_ref = ref;
    return 0;
}

/* ---- shape ---------------------------------------------------------------------------------- */

static void put_number(Shape *shape, uint64_t number)
{
    shape->words[shape->count++] = (uint32_t)number;
    shape->words[shape->count++] = (uint32_t)(number >> 32);
}

static uint64_t take_number(const uint32_t **words)
{
    const uint64_t number = (*words)[0] | (uint64_t)(*words)[1] << 32;

    *words += 2;
    return number;
}

/* ADD false: only if it is among the strings already. */
static int put_text(const Recording *recording, Shape *shape, const char *text, bool add)
{
    uint32_t *word = &shape->words[shape->count++];

    if (add || !text)
        return pack_text(recording, text, word);
    *word = strset_find_ref(recording->strings, text);
    return *word != 0 ? 0 : -ENOENT;
}

static int make_shape(const Recording *recording, const Fact *draft, bool add, Shape *shape)
{
    const FactField *list = fact_kind_fields(draft->kind);
    const uint32_t args =
        draft->kind == FACT_SYSCALL ? draft->args_present & ((1u << SYSCALL_ARGS) - 1) : 0;
    uint32_t present = 0;

    shape->count = 1;
    int r = put_text(recording, shape, draft->subject, add);
    if (r == 0)
        r = put_text(recording, shape, draft->rule, add);
    for (int i = 0; r == 0 && list[i] != FIELD_COUNT; i++) {
        const FieldInfo *info = field_info(list[i]);
        const FactValue *value = &draft->values[i];
        if (!info->identity || !value->present)
            continue;
        present |= 1u << i;
        if (info->type == FIELD_TYPE_TEXT)
            r = put_text(recording, shape, value->text, add);
        else
            put_number(shape, (uint64_t)value->number);
    }
    if (r < 0)
        return r;
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if (args >> i & 1)
            put_number(shape, draft->args[i]);
    }
    shape->words[0] =
        (uint32_t)draft->kind | (uint32_t)draft->phase << 8 | args << 16 | present << 24;
    return 0;
}

int pack_shape(Recording *recording, const Fact *draft, uint32_t *ret_shape)
{
    Shape shape;
    const int r = make_shape(recording, draft, true, &shape);

    if (r < 0)
        return r;
    *ret_shape = blobset_add(recording->blobs, shape.words, shape.count * sizeof *shape.words);
    return *ret_shape != 0 ? 0 : -ENOMEM;
}

uint32_t find_shape(const Recording *recording, const Fact *draft)
{
    Shape shape;

    if (make_shape(recording, draft, false, &shape) < 0)
        return 0;
    return blobset_find(recording->blobs, shape.words, shape.count * sizeof *shape.words);
}

static void unpack_shape(const Recording *recording, uint32_t ref, Fact *fact)
{
    size_t size;
    const uint32_t *words = blobset_at(recording->blobs, ref, &size);
    const uint32_t present = words[0] >> 24;

    fact->kind = (FactKind)(words[0] & 0xff);
    fact->phase = (Phase)(words[0] >> 8 & 0xff);
    fact->args_present = (uint8_t)(words[0] >> 16 & 0xff);
    fact->subject = strset_text(recording->strings, words[1]);
    fact->rule = strset_text(recording->strings, words[2]);
    words += SHAPE_HEAD;
    const FactField *list = fact_kind_fields(fact->kind);
    for (int i = 0; list[i] != FIELD_COUNT; i++) {
        FactValue *value = &fact->values[i];
        value->present = present >> i & 1;
        if (!value->present)
            continue;
        if (field_info(list[i])->type == FIELD_TYPE_TEXT)
            value->text = strset_text(recording->strings, *words++);
        else
            value->number = (int64_t)take_number(&words);
    }
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if (fact->args_present >> i & 1)
            fact->args[i] = take_number(&words);
    }
}

/* ---- evidence ------------------------------------------------------------------------------- */

int pack_results(Recording *recording, const Results *results, uint32_t *ret_results)
{
    if (results_empty(results)) {
        *ret_results = 0;
        return 0;
    }
    const uint32_t ref = blobset_add(recording->blobs, results, sizeof *results);
    if (ref == 0)
        return -ENOMEM;
    *ret_results = ref;
    return 0;
}

int pack_first(Recording *recording, const FirstSeen *first, uint32_t *ret_first)
{
    const size_t depth = first->depth < ANCESTRY_MAX ? first->depth : ANCESTRY_MAX;
    uint32_t words[FIRST_HEAD + ANCESTRY_MAX];
    int r = pack_text(recording, first->command, &words[0]);

    if (r == 0)
        r = pack_text(recording, first->syscall, &words[1]);
    if (r == 0)
        r = pack_text(recording, first->stack, &words[2]);
    for (size_t i = 0; r == 0 && i < depth; i++)
        r = pack_text(recording, first->ancestry[i], &words[FIRST_HEAD + i]);
    if (r < 0)
        return r;
    if (words[0] == 0 && words[1] == 0 && words[2] == 0 && depth == 0) {
        *ret_first = 0;
        return 0;
    }
    const uint32_t ref = blobset_add(recording->blobs, words, (FIRST_HEAD + depth) * sizeof *words);
    if (ref == 0)
        return -ENOMEM;
    *ret_first = ref;
    return 0;
}

void unpack_first(const Recording *recording, uint32_t ref, FirstSeen *first)
{
    size_t size;

    *first = (FirstSeen){0};
    if (ref == 0)
        return;
    const uint32_t *words = blobset_at(recording->blobs, ref, &size);
    first->command = strset_text(recording->strings, words[0]);
    first->syscall = strset_text(recording->strings, words[1]);
    first->stack = strset_text(recording->strings, words[2]);
    first->depth = size / sizeof *words - FIRST_HEAD;
    for (size_t i = 0; i < first->depth; i++)
        first->ancestry[i] = strset_text(recording->strings, words[FIRST_HEAD + i]);
}

StoredMore *stored_more(const Recording *recording, const StoredFact *fact)
{
    return fact->more != 0 ? &recording->more[fact->more - 1] : NULL;
}

StoredMore *stored_make_more(Recording *recording, StoredFact *fact)
{
    if (fact->more != 0)
        return stored_more(recording, fact);
    if (recording->more_count >= INT32_MAX ||
        array_reserve(&recording->more, &recording->more_capacity, recording->more_count,
                      sizeof *recording->more) < 0)
        return NULL;
    recording->more[recording->more_count++] = (StoredMore){0};
    fact->more = (uint32_t)recording->more_count & INT32_MAX;
    return stored_more(recording, fact);
}

/* ---- views ---------------------------------------------------------------------------------- */

const Results *recording_fact_results(const Recording *recording, const StoredFact *fact)
{
    static const Results none;
    size_t size;

    return fact->results != 0 ? blobset_at(recording->blobs, fact->results, &size) : &none;
}

const Fact *recording_view(const Recording *recording, const StoredFact *fact, Fact *view)
{
    if (!fact)
        return NULL;
    const StoredMore *more = stored_more(recording, fact);
    *view = (Fact){.name = strset_text(recording->strings, fact->name),
                   .results = *recording_fact_results(recording, fact),
                   .predicted = fact->predicted,
                   .own_label = strset_text(recording->strings, fact->label),
                   .own_run = {fact->run, fact->count}};
    unpack_shape(recording, fact->shape, view);
    unpack_first(recording, fact->first, &view->first);
    view->labels = &view->own_label;
    view->labels_count = fact->label != 0;
    if (more && more->labels_count > 0) {
        view->labels = more->labels;
        view->labels_count = more->labels_count;
    }
    view->runs = &view->own_run;
    view->runs_count = fact->run != STORED_NO_RUN;
    if (more && fact->run == STORED_MANY_RUNS) {
        view->runs = more->runs;
        view->runs_count = more->runs_count;
    }
    if (more && more->has_value) /* only a resource has one, as its first field */
        view->values[0] = (FactValue){.present = true, .number = more->value};
    return view;
}

const Fact *recording_fact(const Recording *recording, size_t index, Fact *view)
{
    return recording_view(recording, recording_stored(recording, index), view);
}

int stored_compare(const Recording *recording, const StoredFact *a, const StoredFact *b)
{
    size_t size;

    if (a->shape == b->shape && a->name == b->name)
        return 0;
    const uint32_t *x = blobset_at(recording->blobs, a->shape, &size);
    const uint32_t *y = blobset_at(recording->blobs, b->shape, &size);
    if ((x[0] & 0xff) != (y[0] & 0xff))
        return (x[0] & 0xff) < (y[0] & 0xff) ? -1 : 1;
    if (a->name != b->name)
        return strcmp(strset_text(recording->strings, a->name),
                      strset_text(recording->strings, b->name));
    Fact one;
    Fact other;
    return fact_compare(recording_view(recording, a, &one), recording_view(recording, b, &other));
}
