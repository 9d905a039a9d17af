/* SPDX-License-Identifier: Apache-2.0 */
/* src/model/recording: the set of facts in memory. */
#include "base/io.h"
#include "base/memory.h"
#include "recording_maker.h"
#include "suite.h"

#include <errno.h>
#include <fcntl.h>

START_TEST(test_add)
{
    CLEANUP(recording_cleanup) Recording *recording = with_run("a");
    char path[] = "/etc/passwd"; /* the draft's memory is not kept */
    Fact draft = file_fact(path, ACCESS_READ);
    StoredFact *stored = NULL;
    StoredFact *again = NULL;
    Fact view;

    draft.predicted = true;
    draft.first.command = "first";
    results_add(&draft.results, RESULT_OK);
    ck_assert_int_eq(recording_add(recording, &draft, 0, 2, "b", &stored), 1);
    memset(path, 'x', sizeof path - 1);
    ck_assert_str_eq(recording_view(recording, stored, &view)->name, "/etc/passwd");

    Fact second = file_fact("/etc/passwd", ACCESS_READ);
    second.first.command = "a second";
    results_add(&second.results, ENOENT);
    ck_assert_int_eq(recording_add(recording, &second, 0, 3, "a", &again), 0);
    ck_assert_ptr_eq(again, stored);
    const Fact *fact = recording_view(recording, stored, &view);
    ck_assert_str_eq(fact->subject, "/bin/cat");
    ck_assert_int_eq(fact_number(fact, FIELD_ACCESS, 0), ACCESS_READ);
    ck_assert_uint_eq(fact_count(fact), 5);
    ck_assert(results_has(&fact->results, RESULT_OK) && results_has(&fact->results, ENOENT));
    ck_assert(!fact->predicted);
    ck_assert_str_eq(fact->first.command, "first");
    ck_assert_uint_eq(fact->labels_count, 2);
    ck_assert_str_eq(fact->labels[0], "a");
    ck_assert_str_eq(fact->labels[1], "b");
    ck_assert_int_eq(recording_add_label(recording, stored, "a"), 0);
    ck_assert_ptr_eq(recording_find(recording, &second), stored);
    second.name = "/etc/group";
    ck_assert_ptr_null(recording_find(recording, &second));
    ck_assert_uint_eq(recording_facts_count(recording), 1);
    ck_assert_ptr_null(recording_fact(recording, 1, &view));
    ck_assert_ptr_null(recording_stored(recording, 1));
}
END_TEST

START_TEST(test_add_refused)
{
    CLEANUP(recording_cleanup) Recording *recording = with_run("a");
    CLEANUP(free_pointer) char *large = malloc(70000);
    Fact draft = file_fact("/x", 0);
    uint32_t index;

    ck_assert_int_eq(recording_add(recording, &draft, 1, 1, NULL, NULL), -EINVAL);
    memset(large, 'x', 69999);
    large[69999] = '\0';
    draft.name = large;
    ck_assert_int_eq(recording_add(recording, &draft, 0, 1, NULL, NULL), -EMSGSIZE);
    ck_assert_int_eq(recording_add_run(recording, &(Run){.id = "a"}, &index), -EEXIST);
    ck_assert_int_eq(recording_add_run(recording, &(Run){.id = NULL}, &index), -EINVAL);
    ck_assert_int_eq(recording_add_run(recording, &(Run){.id = ""}, &index), -EINVAL);
    ck_assert_int_eq(recording_add_run(recording, &(Run){.id = "a b"}, &index), -EINVAL);
    ck_assert_uint_eq(recording_facts_count(recording), 0);
}
END_TEST

/* Addresses stay while the set grows, and the sorted order is that of fact_compare(). */
START_TEST(test_many)
{
    enum { MANY = 5000 };
    CLEANUP(recording_cleanup) Recording *recording = with_run("a");
    CLEANUP(free_pointer) StoredFact **facts = calloc(MANY, sizeof(StoredFact *));
    char path[64];

    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(path, sizeof path, "/srv/%u", i * 7919u % MANY);
        const Fact draft = file_fact(path, ACCESS_READ);
        ck_assert_int_eq(recording_add(recording, &draft, 0, 1, NULL, &facts[i]), 1);
    }
    ck_assert_ptr_eq(recording_stored(recording, 5), facts[5]);
    ck_assert_int_eq(recording_sort(recording), 0);
    for (size_t i = 1; i < MANY; i++) {
        Fact a;
        Fact b;
        ck_assert_int_lt(
            fact_compare(recording_fact(recording, i - 1, &a), recording_fact(recording, i, &b)),
            0);
    }
    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(path, sizeof path, "/srv/%u", i * 7919u % MANY);
        const Fact draft = file_fact(path, ACCESS_READ);
        ck_assert_ptr_eq(recording_find(recording, &draft), facts[i]);
    }
}
END_TEST

/*
 * A million files are to be recorded within 300 MB together with all else, so: what a file takes,
 * with a path of 46 bytes, and while they are written, in bytes that the recording holds.
 */
START_TEST(test_memory_of_many)
{
    enum { MANY = 100000, LENGTH = 46, BYTES = 140 };
    CLEANUP(recording_cleanup) Recording *recording = with_run("a");
    CLEANUP(fd_close) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    char path[64];
    unsigned bad = 0;

    for (unsigned i = 0; i < MANY; i++) {
        bad += snprintf(path, sizeof path, "/srv/data/depot-%03u/folder-%03u/file-%07u.js", i % 997,
                        i / 997, i) != LENGTH;
        Fact draft = file_fact(path, i % 3 ? ACCESS_READ : ACCESS_WRITE);
        fact_set_text(&draft, FIELD_FILE_TYPE, "regular");
        fact_set_text(&draft, FIELD_MOUNT, "ext4");
        fact_set_number(&draft, FIELD_OWNER, 1);
        results_add(&draft.results, RESULT_OK);
        draft.first = (FirstSeen){.ancestry = {"/bin/cat", "/bin/sh"},
                                  .depth = 2,
                                  .command = "cat",
                                  .syscall = i % 2 ? "openat" : "open"};
        bad += recording_add(recording, &draft, 0, 1, "a label", NULL) != 1;
    }
    ck_assert_uint_eq(bad, 0);
    const size_t before = recording_memory(recording);
    ck_assert_uint_lt(before, (size_t)MANY * BYTES);
    ck_assert_int_eq(recording_write(recording, null, true), 0);
    ck_assert_uint_eq(recording_memory(recording), before);
}
END_TEST

/* Labels, runs and results come one by one, in any order. */
START_TEST(test_evidence)
{
    CLEANUP(recording_cleanup) Recording *recording = with_run("a");
    const Fact draft = file_fact("/x", ACCESS_READ);
    const FirstSeen first = {.command = "c", .ancestry = {"/bin/a"}, .depth = 1};
    StoredFact *stored;
    uint32_t run;
    Fact view;

    ck_assert_int_eq(recording_add_run(recording, &(Run){.id = "b"}, &run), 0);
    ck_assert_int_eq(recording_add_run(recording, &(Run){.id = "c"}, &run), 0);
    ck_assert_int_eq(recording_add(recording, &draft, 2, 5, NULL, &stored), 1);
    ck_assert_uint_eq(recording_fact_count(recording, stored), 5);
    ck_assert_int_eq(recording_add_count(recording, stored, 0, 7), 0);
    ck_assert_int_eq(recording_add_count(recording, stored, 1, 1), 0);
    ck_assert_int_eq(recording_add_count(recording, stored, 0, UINT64_MAX), 0);
    ck_assert_int_eq(recording_add_label(recording, stored, "m"), 1);
    ck_assert_int_eq(recording_add_label(recording, stored, "m"), 0);
    ck_assert_int_eq(recording_add_label(recording, stored, "z"), 1);
    ck_assert_int_eq(recording_add_label(recording, stored, "a"), 1);
    ck_assert_int_eq(recording_add_label(recording, stored, "m"), 0);
    ck_assert(results_empty(recording_fact_results(recording, stored)));
    ck_assert_int_eq(recording_add_result(recording, stored, ENOENT, true), 0);
    ck_assert(recording_view(recording, stored, &view)->predicted);
    ck_assert_int_eq(recording_add_result(recording, stored, RESULT_OK, false), 0);
    ck_assert_int_eq(recording_add_result(recording, stored, RESULT_OK, true), 0);
    ck_assert_int_eq(recording_set_first(recording, stored, &first), 0);

    (void)recording_view(recording, stored, &view);
    ck_assert(!view.predicted);
    ck_assert(results_has(&view.results, RESULT_OK) && results_has(&view.results, ENOENT));
    ck_assert_uint_eq(view.runs_count, 3);
    ck_assert_uint_eq(view.runs[0].run, 0);
    ck_assert_uint_eq(view.runs[0].count, INT64_MAX);
    ck_assert_uint_eq(view.runs[1].count, 1);
    ck_assert_uint_eq(view.runs[2].count, 5);
    ck_assert_uint_eq(view.labels_count, 3);
    ck_assert_str_eq(view.labels[0], "a");
    ck_assert_str_eq(view.labels[2], "z");
    ck_assert_str_eq(view.first.command, "c");
    ck_assert_str_eq(view.first.ancestry[0], "/bin/a");
    ck_assert_ptr_null(view.first.syscall);
    ck_assert_ptr_eq(recording_by_number(recording, recording_fact_number(stored)), stored);
}
END_TEST

START_TEST(test_losses)
{
    CLEANUP(recording_cleanup) Recording *recording = recording_new();
    uint32_t index;

    ck_assert_int_eq(recording_add_loss(recording, "memory", NULL, 1), -EINVAL);
    ck_assert(!recording_is_complete(recording));
    ck_assert_int_eq(recording_add_run(recording, &(Run){.id = "a", .complete = true}, &index), 0);
    ck_assert(recording_is_complete(recording));
    ck_assert_int_eq(recording_add_loss(recording, "unresolved-path", NULL, 1), 0);
    ck_assert_int_eq(recording_add_loss(recording, "memory", "z", 1), 0);
    ck_assert_int_eq(recording_add_loss(recording, "memory", "a", UINT64_MAX), 0);
    ck_assert(!recording_is_complete(recording));
    ck_assert_uint_eq(recording_losses_count(recording), 2);
    ck_assert_str_eq(recording_loss(recording, 0)->cause, "memory");
    ck_assert_str_eq(recording_loss(recording, 0)->example, "z");
    ck_assert_uint_eq(recording_loss(recording, 0)->count, INT64_MAX);
    ck_assert_ptr_null(recording_loss(recording, 2));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recording_set");

    suite_add(suite, "add", test_add, 1);
    suite_add(suite, "refused", test_add_refused, 1);
    suite_add(suite, "many", test_many, 1);
    suite_add(suite, "memory of many", test_memory_of_many, 1);
    suite_add(suite, "evidence", test_evidence, 1);
    suite_add(suite, "losses", test_losses, 1);
    return suite_run(suite);
}
