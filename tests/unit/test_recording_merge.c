/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging: the laws of a union, on random recordings. Recordings are compared by their canonical
 * form. The random numbers are the same in every run; a failure names its round.
 */
#include "base/memory.h"
#include "recording_maker.h"
#include "suite.h"

#include <errno.h>

/* Each test of Check is a process, so that one does a batch of rounds. */
enum { BATCHES = 10, BATCH = 30 };

/* xorshift64*: good enough, and the same everywhere. */
typedef struct Random {
    uint64_t state;
} Random;

static unsigned below(Random *random, unsigned limit)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return (unsigned)((random->state * 0x2545f4914f6cdd1du) >> 33) % limit;
}

static const char *pick(Random *random)
{
    static const char *const texts[] = {"/a", "/b", "/bin/sh", "x\xff", "", "\"", NULL};

    return texts[below(random, ARRAY_LENGTH(texts))];
}

static Fact random_fact(Random *random)
{
    static const char *const names[] = {"a", "b", "c\n"};
    Fact fact = {.kind =
                     below(random, 4) ? (FactKind)below(random, FACT_KIND_COUNT) : FACT_RESOURCE,
                 .phase = (Phase)below(random, PHASE_COUNT),
                 .name = names[below(random, ARRAY_LENGTH(names))],
                 .subject = below(random, 2) ? "/bin/sh" : NULL,
                 .rule = below(random, 4) ? NULL : "rule",
                 .predicted = below(random, 2)};
    const FactField *list = fact_kind_fields(fact.kind);

    for (int i = 0; list[i] != FIELD_COUNT; i++) {
        if (below(random, 2))
            continue;
        if (!field_info(list[i])->identity)
            fact_set_number(&fact, list[i], (int64_t)below(random, 1000) - 500);
        else if (field_info(list[i])->type == FIELD_TYPE_TEXT)
            fact_set_text(&fact, list[i], below(random, 2) ? "t" : "\xe9");
        else
            fact_set_number(&fact, list[i], below(random, 2));
    }
    if (fact.kind == FACT_SYSCALL && below(random, 2)) {
        fact.args_present = (uint8_t)below(random, 4);
        fact.args[0] = below(random, 2);
        fact.args[1] = UINT64_MAX - below(random, 2);
    }
    for (unsigned n = below(random, 3); n > 0; n--)
        results_add(&fact.results, (int)below(random, RESULT_UNKNOWN + 1));
    fact.first.command = pick(random);
    fact.first.syscall = below(random, 2) ? "openat" : NULL;
    fact.first.stack = below(random, 2) ? "/lib/c+0x1 open\n/a+0x2" : NULL;
    fact.first.depth = below(random, 3);
    for (size_t i = 0; i < fact.first.depth; i++)
        fact.first.ancestry[i] = below(random, 2) ? "/bin/sh" : "/a";
    return fact;
}

/* Few run ids and names, so that much is common to two of them. */
static Recording *random_recording(Random *random)
{
    static const char *const ids[] = {"run-d", "run-a", "run-c", "run-b"};
    Recording *recording = recording_new();
    const unsigned runs = below(random, 4);

    ck_assert_ptr_nonnull(recording);
    for (unsigned i = 0; i < runs; i++) {
        const char *words[] = {"a", "b"};
        const char *maybe = pick(random);
        const Run run = {.id = ids[below(random, ARRAY_LENGTH(ids))],
                         .kernel = maybe,
                         .end = pick(random),
                         .command = words,
                         .command_count = below(random, 3),
                         .exit_status = (int)below(random, 3) - 1,
                         .no_new_privs = below(random, 2),
                         .complete = below(random, 2),
                         .calls = below(random, 100)};
        uint32_t index;
        const int r = recording_add_run(recording, &run, &index);
        ck_assert(r == 0 || r == -EEXIST);
        if (r == 0 && below(random, 3) == 0)
            ck_assert_int_eq(recording_add_loss(recording,
                                                below(random, 2) ? "memory" : "task-lost",
                                                pick(random), 1 + below(random, 3)),
                             0);
    }
    const unsigned count = (unsigned)recording_runs_count(recording);
    for (unsigned n = count > 0 ? below(random, 40) : 0; n > 0; n--) {
        const Fact fact = random_fact(random);
        const char *label = below(random, 3) ? NULL : below(random, 2) ? "x" : "y";
        ck_assert_int_ge(
            recording_add(recording, &fact, below(random, count), below(random, 9), label, NULL),
            0);
    }
    return recording;
}

static char *canonical(Recording *recording)
{
    Buffer out = BUFFER_INIT;

    ck_assert_int_eq(recording_print(recording, &out), 0);
    char *text = buffer_steal(&out);
    ck_assert_ptr_nonnull(text);
    return text;
}

static Recording *copy_of(Recording *recording)
{
    CLEANUP(free_pointer) char *text = canonical(recording);
    Recording *copy = NULL;
    Error err = {0};

    ck_assert_msg(recording_parse("copy", text, strlen(text), &copy, &err) == 0, "%s", err.text);
    return copy;
}

static void merge(Recording *into, const Recording *from)
{
    ck_assert_int_eq(recording_merge(into, from), 0);
}

static void same_text(const char *x, const char *y)
{
    size_t at = 0;

    /* whole recordings would be too much for a message */
    while (x[at] && x[at] == y[at])
        at++;
    ck_assert_msg(strcmp(x, y) == 0, "differ from byte %zu on: %.80s / %.80s", at, x + at, y + at);
}

static void same(Recording *a, Recording *b)
{
    CLEANUP(free_pointer) char *x = canonical(a);
    CLEANUP(free_pointer) char *y = canonical(b);

    same_text(x, y);
}

static void round_trip(uint64_t seed)
{
    Random random = {seed};
    CLEANUP(recording_cleanup) Recording *a = random_recording(&random);
    CLEANUP(recording_cleanup) Recording *copy = copy_of(a);

    same(a, copy);
    ck_assert_int_eq(recording_is_complete(a), recording_is_complete(copy));
}

START_TEST(test_round_trip)
{
    for (int i = 0; i < BATCH; i++)
        round_trip((uint64_t)_i * BATCH + (uint64_t)i + 1);
}
END_TEST

static void idempotent(uint64_t seed)
{
    Random random = {seed};
    CLEANUP(recording_cleanup) Recording *a = random_recording(&random);
    CLEANUP(recording_cleanup) Recording *twice = copy_of(a);
    CLEANUP(recording_cleanup) Recording *nothing = recording_new();

    merge(twice, a);
    same(twice, a);
    merge(twice, nothing);
    same(twice, a);
    merge(nothing, a);
    same(nothing, a);
    merge(a, a);
    same(nothing, a);
}

START_TEST(test_idempotent)
{
    for (int i = 0; i < BATCH; i++)
        idempotent((uint64_t)_i * BATCH + (uint64_t)i + 1);
}
END_TEST

static void commutative(uint64_t seed)
{
    Random random = {seed};
    CLEANUP(recording_cleanup) Recording *a = random_recording(&random);
    CLEANUP(recording_cleanup) Recording *b = random_recording(&random);
    CLEANUP(recording_cleanup) Recording *ab = copy_of(a);
    CLEANUP(recording_cleanup) Recording *ba = copy_of(b);

    merge(ab, b);
    merge(ba, a);
    same(ab, ba);
    merge(ab, b);
    merge(ab, a);
    same(ab, ba);
}

START_TEST(test_commutative)
{
    for (int i = 0; i < BATCH; i++)
        commutative((uint64_t)_i * BATCH + (uint64_t)i + 1);
}
END_TEST

static void associative(uint64_t seed)
{
    Random random = {seed};
    CLEANUP(recording_cleanup) Recording *a = random_recording(&random);
    CLEANUP(recording_cleanup) Recording *b = random_recording(&random);
    CLEANUP(recording_cleanup) Recording *c = random_recording(&random);
    CLEANUP(recording_cleanup) Recording *left = copy_of(a);
    CLEANUP(recording_cleanup) Recording *bc = copy_of(b);
    CLEANUP(recording_cleanup) Recording *right = copy_of(a);

    merge(left, b);
    merge(left, c);
    merge(bc, c);
    merge(right, bc);
    same(left, right);
}

START_TEST(test_associative)
{
    for (int i = 0; i < BATCH; i++)
        associative((uint64_t)_i * BATCH + (uint64_t)i + 1);
}
END_TEST

/* What the laws alone would let pass: nothing is left out, and runs are told apart. */
/* Facts that share all but the name and the count: in a whole recording each has the line that it
 * has by itself. */
static void same_lines(uint64_t seed)
{
    Random random = {seed};
    CLEANUP(recording_cleanup) Recording *a = random_recording(&random);
    CLEANUP(buffer_deinit) Buffer lines = BUFFER_INIT;
    const unsigned runs = (unsigned)recording_runs_count(a);

    for (unsigned n = runs > 0 ? 20 : 0; n > 0; n--) {
        Fact fact = random_fact(&random);
        const char *label = below(&random, 2) ? "x" : NULL;
        for (unsigned i = 0; i < 3; i++) {
            const char *names[] = {"like", "\"unlike\xff", "like that"};
            fact.name = names[i];
            fact.predicted ^= below(&random, 4) == 0;
            ck_assert_int_ge(
                recording_add(a, &fact, below(&random, runs), below(&random, 2000), label, NULL),
                0);
        }
    }
    ck_assert_int_eq(recording_sort(a), 0);
    ck_assert_int_eq(recording_print_header(a, &lines), 0);
    for (size_t i = 0; i < recording_facts_count(a); i++)
        ck_assert_int_eq(recording_print_fact(a, recording_stored(a, i), &lines), 0);
    ck_assert_int_eq(recording_print_footer(a, &lines), 0);
    CLEANUP(free_pointer) char *whole = canonical(a);
    same_text(whole, buffer_text(&lines));
}

START_TEST(test_same_lines)
{
    for (uint64_t i = 0; i < BATCH; i++)
        same_lines(5000 + (uint64_t)_i * BATCH + i);
}
END_TEST

START_TEST(test_union)
{
    CLEANUP(recording_cleanup) Recording *a = recording_new();
    CLEANUP(recording_cleanup) Recording *b = recording_new();
    Fact common = {.kind = FACT_RESOURCE, .phase = PHASE_RUN, .name = "memory", .predicted = true};
    const Fact other = {.kind = FACT_EXEC, .phase = PHASE_RUN, .name = "/bin/true"};
    uint32_t index;

    ck_assert_int_eq(recording_add_run(a, &(Run){.id = "z", .complete = true}, &index), 0);
    ck_assert_int_eq(recording_add_run(b, &(Run){.id = "y", .complete = true}, &index), 0);
    fact_set_number(&common, FIELD_VALUE, 50);
    results_add(&common.results, RESULT_OK);
    common.first.command = "zsh";
    ck_assert_int_eq(recording_add(a, &common, 0, 3, "one", NULL), 1);
    common = (Fact){.kind = FACT_RESOURCE, .phase = PHASE_RUN, .name = "memory"};
    fact_set_number(&common, FIELD_VALUE, 70);
    results_add(&common.results, ENOMEM);
    common.first.command = "bash";
    ck_assert_int_eq(recording_add(b, &common, 0, 4, "two", NULL), 1);
    ck_assert_int_eq(recording_add(b, &other, 0, 1, NULL, NULL), 1);
    ck_assert_int_eq(recording_add_loss(b, "memory", "e", 2), 0);
    merge(a, b);

    ck_assert_uint_eq(recording_facts_count(a), 2);
    ck_assert_uint_eq(recording_runs_count(a), 2);
    const StoredFact *stored = recording_find(a, &common);
    ck_assert_ptr_nonnull(stored);
    Fact view;
    const Fact *fact = recording_view(a, stored, &view);
    ck_assert_uint_eq(fact_count(fact), 7);
    ck_assert_uint_eq(fact->runs_count, 2);
    ck_assert_uint_eq(fact->labels_count, 2);
    ck_assert_int_eq(fact_number(fact, FIELD_VALUE, 0), 70);
    ck_assert(results_has(&fact->results, RESULT_OK) && results_has(&fact->results, ENOMEM));
    ck_assert(!fact->predicted);
    ck_assert_str_eq(fact->first.command, "bash");
    ck_assert_uint_eq(recording_loss(a, 0)->count, 2);
    ck_assert(!recording_is_complete(a));
    ck_assert_int_eq(recording_sort(a), 0);
    fact = recording_view(a, stored, &view);
    ck_assert_str_eq(recording_run(a, 0)->id, "y");
    ck_assert_uint_eq(fact->runs[0].run, 0);
    ck_assert_uint_eq(fact->runs[0].count, 4);
    ck_assert_uint_eq(fact->runs[1].count, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recording_merge");

    suite_add(suite, "round trip", test_round_trip, BATCHES);
    suite_add(suite, "idempotent", test_idempotent, BATCHES);
    suite_add(suite, "commutative", test_commutative, BATCHES);
    suite_add(suite, "associative", test_associative, BATCHES);
    suite_add(suite, "lines", test_same_lines, BATCHES);
    suite_add(suite, "union", test_union, 1);
    return suite_run(suite);
}
