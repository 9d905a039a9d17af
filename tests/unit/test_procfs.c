/* SPDX-License-Identifier: Apache-2.0 */
/* src/base/procfs: fields of made-up files, and this process's own. */
#include "base/procfs.h"
#include "suite.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char status[] = "Name:\tTgid:\\nPPid: 9\n"
                             "Tgid:\t12\n"
                             "NStgid:\t12\t7\t1\n"
                             "NSpid:\t13\n"
                             "VmHWM:\t    4096 kB\n"
                             "Last:";

static const struct {
    const char *field;
    const char *begins; /* NULL: there is none */
    pid_t innermost;
} fields[] = {
    {"Name", "\tTgid:\\n", 9}, {"Tgid", "\t12\n", 12}, {"NStgid", "\t12\t7\t1\n", 1},
    {"NSpid", "\t13\n", 13},   {"PPid", NULL, 0},      {"VmHWM", "\t    4096 kB\n", 0},
    {"Vm", NULL, 0},           {"Last", "", 0},        {"Lasts", NULL, 0},
};

START_TEST(test_field)
{
    const char *value = procfs_field(status, fields[_i].field);

    ck_assert_int_eq(value != NULL, fields[_i].begins != NULL);
    if (value)
        ck_assert_int_eq(strncmp(value, fields[_i].begins, strlen(fields[_i].begins)), 0);
    ck_assert_int_eq(procfs_innermost(status, fields[_i].field), fields[_i].innermost);
}
END_TEST

START_TEST(test_no_text)
{
    (void)_i;
    ck_assert_ptr_null(procfs_field("", "Tgid"));
    ck_assert_int_eq(procfs_innermost("", "Tgid"), 0);
}
END_TEST

/* A process may call itself what it likes. */
START_TEST(test_stat)
{
    char state = 0;
    pid_t parent = 0;

    (void)_i;
    ck_assert_int_eq(prctl(PR_SET_NAME, "a) Z 1 (b"), 0);
    ck_assert_int_eq(procfs_stat(getpid(), &state, &parent), 0);
    ck_assert_int_eq(state, 'R');
    ck_assert_int_eq(parent, getppid());
    ck_assert_int_lt(procfs_stat(INT_MAX, &state, &parent), 0);
    ck_assert_int_eq(parent, getppid());
}
END_TEST

START_TEST(test_read)
{
    char text[5];

    (void)_i;
    ck_assert_int_eq(prctl(PR_SET_NAME, "name"), 0);
    ck_assert_int_eq(procfs_read("/proc/thread-self/comm", text, sizeof text), 4);
    ck_assert_str_eq(text, "name");
    ck_assert_int_eq(procfs_read_task(getpid(), "comm", text, 3), 2);
    ck_assert_str_eq(text, "na");
    ck_assert_int_eq(procfs_read_task(getpid(), "missing", text, sizeof text), -ENOENT);
    ck_assert_str_eq(text, "na");
    ck_assert_int_eq(procfs_read("/dev/null", text, sizeof text), 0);
    ck_assert_str_eq(text, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("procfs");

    suite_add(suite, "fields", test_field, sizeof fields / sizeof *fields);
    suite_add(suite, "no text", test_no_text, 1);
    suite_add(suite, "stat", test_stat, 1);
    suite_add(suite, "read", test_read, 1);
    return suite_run(suite);
}
