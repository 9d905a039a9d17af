/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include "tracer/process_table.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static ProcessTable table;
static StringSet *strings;

static void setup(void)
{
    strings = strset_new();
    ck_assert_ptr_nonnull(strings);
    ck_assert_int_eq(process_table_init(&table, strings, false), 0);
}

static void teardown(void)
{
    process_table_deinit(&table);
    strings = strset_free(strings);
}

/* A child that ended and was not waited for yet. */
static pid_t zombie(void)
{
    siginfo_t info;
    const pid_t child = fork();

    if (child == 0)
        _exit(0);
    ck_assert_int_gt(child, 0);
    while (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) < 0)
        ck_assert_int_eq(errno, EINTR);
    return child;
}

static const char *subject_of(pid_t pid)
{
    const Tracee *tracee = process_table_get(&table, pid, 0);

    ck_assert_ptr_nonnull(tracee);
    return tracee->process->subject;
}

START_TEST(gone_is_what_its_parent_is)
{
    const char *own = subject_of(getpid());
    const pid_t child = zombie();

    ck_assert_str_ne(own, "unknown");
    ck_assert_str_eq(subject_of(child), own);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

START_TEST(gone_with_unknown_parent)
{
    const pid_t child = zombie();

    ck_assert_str_eq(subject_of(child), "unknown");
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

/* The parent may have run another program when it started the child. */
START_TEST(gone_before_its_parent_changed)
{
    const pid_t child = zombie();
    const Tracee *own = process_table_get(&table, getpid(), 0);

    ck_assert_ptr_nonnull(own);
    process_identify(&table, own->process);
    ck_assert_str_eq(subject_of(child), "unknown");
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

START_TEST(gone_after_its_parent_changed)
{
    const Tracee *own = process_table_get(&table, getpid(), 0);

    ck_assert_ptr_nonnull(own);
    process_identify(&table, own->process);
    /* The clock that tells when a process was started has coarse ticks. */
    ck_assert_int_eq(usleep(50 * 1000), 0);
    const pid_t child = zombie();
    ck_assert_str_eq(subject_of(child), own->process->subject);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

static Suite *process_table_suite(void)
{
    Suite *suite = suite_create("process_table");
    TCase *gone = tcase_create("gone");

    tcase_add_checked_fixture(gone, setup, teardown);
    tcase_add_test(gone, gone_is_what_its_parent_is);
    tcase_add_test(gone, gone_with_unknown_parent);
    tcase_add_test(gone, gone_before_its_parent_changed);
    tcase_add_test(gone, gone_after_its_parent_changed);
    suite_add_tcase(suite, gone);
    return suite;
}

int main(void)
{
    return suite_run(process_table_suite());
}
