/* SPDX-License-Identifier: Apache-2.0 */
/* src/model/fact: names, fields, results, order. */
#include "base/memory.h"
#include "model/fact.h"
#include "suite.h"

START_TEST(test_names)
{
    for (int i = 0; i < FACT_KIND_COUNT; i++)
        ck_assert_int_eq(fact_kind_from_name(fact_kind_name((FactKind)i)), i);
    for (int i = 0; i < PHASE_COUNT; i++)
        ck_assert_int_eq(phase_from_name(phase_name((Phase)i)), i);
    for (unsigned i = 0; i < ACCESS_BITS; i++)
        ck_assert_int_eq(access_bit_from_name(access_bit_name(i)), (int)i);
    ck_assert_ptr_null(access_bit_name(ACCESS_BITS));
    ck_assert_int_eq(fact_kind_from_name("Syscall"), -1);
    ck_assert_int_eq(fact_kind_from_name(""), -1);
    ck_assert_int_eq(phase_from_name("init"), -1);
    ck_assert_int_eq(access_bit_from_name("ioctl"), -1);
}
END_TEST

static const struct {
    unsigned bit;
    const char *name;
} access_names[] = {
    {ACCESS_READ, "read"},           {ACCESS_WRITE, "write"},     {ACCESS_APPEND, "append"},
    {ACCESS_CREATE, "create"},       {ACCESS_DELETE, "delete"},   {ACCESS_RENAME, "rename"},
    {ACCESS_LINK, "link"},           {ACCESS_LOCK, "lock"},       {ACCESS_EXEC, "exec"},
    {ACCESS_MMAP_EXEC, "mmap-exec"}, {ACCESS_CHMOD, "chmod"},     {ACCESS_CHOWN, "chown"},
    {ACCESS_TRUNCATE, "truncate"},   {ACCESS_CONNECT, "connect"}, {ACCESS_STAT, "stat"},
};

START_TEST(test_access_names)
{
    ck_assert_uint_eq(1u << access_bit_from_name(access_names[_i].name), access_names[_i].bit);
}
END_TEST

/* Each kind's fields are different ones, end in FIELD_COUNT, and have names that differ from those
 * that every fact has. */
START_TEST(test_fields_of_kind)
{
    static const char *const common[] = {"kind",  "name",    "args",      "subject", "phase",
                                         "count", "results", "predicted", "origin",  "rule",
                                         "first", "labels",  "runs",      "footer"};
    const FactField *list = fact_kind_fields((FactKind)_i);
    unsigned seen = 0;

    for (int i = 0; list[i] != FIELD_COUNT; i++) {
        ck_assert_int_lt(i, FACT_FIELDS_MAX);
        ck_assert_uint_eq(seen >> list[i] & 1, 0);
        seen |= 1u << list[i];
        for (size_t c = 0; c < ARRAY_LENGTH(common); c++)
            ck_assert_str_ne(field_info(list[i])->name, common[c]);
    }
}
END_TEST

START_TEST(test_values)
{
    Fact fact = {.kind = FACT_NETWORK};

    ck_assert(!fact_has(&fact, FIELD_PORT));
    ck_assert_int_eq(fact_number(&fact, FIELD_PORT, -7), -7);
    ck_assert_ptr_null(fact_text(&fact, FIELD_FAMILY));
    ck_assert(!fact_has(&fact, FIELD_ACCESS)); /* no field of this kind */
    ck_assert_ptr_null(fact_text(&fact, FIELD_MOUNT));
    fact_set_number(&fact, FIELD_PORT, 0);
    fact_set_text(&fact, FIELD_FAMILY, "inet");
    ck_assert_int_eq(fact_number(&fact, FIELD_PORT, -7), 0);
    ck_assert_str_eq(fact_text(&fact, FIELD_FAMILY), "inet");
    ck_assert_ptr_null(fact_text(&fact, FIELD_PORT)); /* not that type */
    ck_assert_int_eq(fact_number(&fact, FIELD_FAMILY, -7), -7);
    fact_set_text(&fact, FIELD_FAMILY, NULL);
    ck_assert(!fact_has(&fact, FIELD_FAMILY));
}
END_TEST

START_TEST(test_flag_value)
{
    Fact fact = {.kind = FACT_FILE};

    fact_set_number(&fact, FIELD_OWNER, 42);
    ck_assert_int_eq(fact_number(&fact, FIELD_OWNER, 0), 1);
}
END_TEST

START_TEST(test_results)
{
    Results results = {0};

    ck_assert(results_empty(&results));
    ck_assert(!results_may_succeed(&results));
    results_add(&results, 2);
    results_add(&results, 64);
    results_add(&results, 133);
    ck_assert(!results_empty(&results));
    ck_assert(!results_may_succeed(&results));
    ck_assert(results_has(&results, 2) && results_has(&results, 64) && results_has(&results, 133));
    ck_assert(!results_has(&results, 3) && !results_has(&results, 0));
    ck_assert(!results_has(&results, -1) && !results_has(&results, 192));
    results_add(&results, 4095); /* no errno of ours: not seen what */
    ck_assert(results_has(&results, RESULT_UNKNOWN));
    ck_assert(results_may_succeed(&results));

    Results ok = {0};
    results_add(&ok, RESULT_OK);
    ck_assert(results_may_succeed(&ok));
    results_add(&ok, -5);
    ck_assert(results_has(&ok, RESULT_UNKNOWN));
}
END_TEST

START_TEST(test_count_saturates)
{
    RunCount runs[] = {{0, INT64_MAX}, {1, 5}, {2, UINT64_MAX}};
    Fact fact = {.runs = runs, .runs_count = 3};

    ck_assert_uint_eq(fact_count(&fact), INT64_MAX);
    fact.runs_count = 0;
    ck_assert_uint_eq(fact_count(&fact), 0);
}
END_TEST

/* Each row's fact comes before the next row's. */
static const struct {
    FactKind kind;
    Phase phase;
    const char *name;
    const char *subject;
    const char *rule;
    int64_t access; /* -1: absent */
    const char *mount;
} ordered[] = {
    {FACT_SYSCALL, PHASE_RUN, "read", NULL, NULL, -1, NULL},
    {FACT_FILE, PHASE_RUN, "/a", NULL, NULL, -1, NULL},
    {FACT_FILE, PHASE_RUNTIME_INIT, "/a", "/bin/a", NULL, -1, NULL},
    {FACT_FILE, PHASE_RUN, "/a", "/bin/a", NULL, -1, NULL},
    {FACT_FILE, PHASE_RUN, "/a", "/bin/a", NULL, -1, ""},
    {FACT_FILE, PHASE_RUN, "/a", "/bin/a", NULL, -1, "ext4"},
    {FACT_FILE, PHASE_RUN, "/a", "/bin/a", NULL, 0, NULL},
    {FACT_FILE, PHASE_RUN, "/a", "/bin/a", NULL, 1, NULL},
    {FACT_FILE, PHASE_RUN, "/a", "/bin/a", NULL, 1, "ext4"},
    {FACT_FILE, PHASE_RUN, "/a", "/bin/a", "", 1, "ext4"},
    {FACT_FILE, PHASE_RUN, "/a", "/bin/a", "rule", 1, "ext4"},
    {FACT_FILE, PHASE_RUNTIME_INIT, "/a", "/bin/b", NULL, -1, NULL},
    {FACT_FILE, PHASE_RUN, "/a\xff", NULL, NULL, -1, NULL},
    {FACT_EXEC, PHASE_RUN, "/a", NULL, NULL, -1, NULL},
};

static Fact fact_of_row(size_t i)
{
    Fact fact = {.kind = ordered[i].kind,
                 .name = ordered[i].name,
                 .subject = ordered[i].subject,
                 .phase = ordered[i].phase,
                 .rule = ordered[i].rule};

    if (ordered[i].access >= 0)
        fact_set_number(&fact, FIELD_ACCESS, ordered[i].access);
    if (ordered[i].mount)
        fact_set_text(&fact, FIELD_MOUNT, ordered[i].mount);
    return fact;
}

START_TEST(test_order)
{
    const Fact fact = fact_of_row((size_t)_i);

    for (size_t i = 0; i < ARRAY_LENGTH(ordered); i++) {
        const Fact other = fact_of_row(i);
        const int r = fact_compare(&fact, &other);
        ck_assert_int_eq((r > 0) - (r < 0), (_i > (int)i) - (_i < (int)i));
    }
}
END_TEST

START_TEST(test_order_of_arguments)
{
    Fact none = {.kind = FACT_SYSCALL, .name = "socket"};
    Fact one = none;
    Fact large = none;

    one.args_present = large.args_present = 1;
    one.args[0] = 1;
    large.args[0] = UINT64_MAX;
    ck_assert_int_lt(fact_compare(&none, &one), 0);
    ck_assert_int_lt(fact_compare(&one, &large), 0);
    large.args[0] = 1;
    large.args[1] = 99; /* not present: does not count */
    ck_assert_int_eq(fact_compare(&one, &large), 0);
}
END_TEST

/* Evidence is no part of the identity. */
START_TEST(test_evidence_does_not_compare)
{
    Fact a = {.kind = FACT_RESOURCE, .name = "memory"};
    Fact b = a;

    fact_set_number(&b, FIELD_VALUE, 4096);
    results_add(&b.results, RESULT_OK);
    b.predicted = true;
    b.first.command = "x";
    ck_assert_int_eq(fact_compare(&a, &b), 0);
}
END_TEST

START_TEST(test_arg_text)
{
    char text[64];
    Fact fact = {.kind = FACT_SYSCALL, .name = "no-such-call", .args = {0, 0x2a}};

    ck_assert_str_eq(fact_arg_text(&fact, 1, text, sizeof text), "0x2a");
    ck_assert_str_eq(fact_arg_text(&fact, 6, text, sizeof text), "");
    ck_assert_str_eq(fact_arg_text(&fact, 1, text, 3), "0x");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fact");

    suite_add(suite, "names", test_names, 1);
    suite_add(suite, "access names", test_access_names, ARRAY_LENGTH(access_names));
    suite_add(suite, "fields", test_fields_of_kind, FACT_KIND_COUNT);
    suite_add(suite, "values", test_values, 1);
    suite_add(suite, "flag", test_flag_value, 1);
    suite_add(suite, "results", test_results, 1);
    suite_add(suite, "count", test_count_saturates, 1);
    suite_add(suite, "order", test_order, ARRAY_LENGTH(ordered));
    suite_add(suite, "arguments", test_order_of_arguments, 1);
    suite_add(suite, "evidence", test_evidence_does_not_compare, 1);
    suite_add(suite, "argument text", test_arg_text, 1);
    return suite_run(suite);
}
