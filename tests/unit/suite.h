/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One Check suite is one program. Rows of a table are tests of their own through
 * tcase_add_loop_test(tcase, function, 0, ARRAY_LENGTH(rows)), in which _i is the row's index.
 *
 *     int main(void)
 *     {
 *         Suite *suite = suite_create("error");
 *         suite_add(suite, "names", test_names, ARRAY_LENGTH(rows));
 *         return suite_run(suite);
 *     }
 */
#pragma once

#include <check.h>
#include <stddef.h>
#include <stdlib.h>

/* Adds TEST as a case of its own, run once for each of ROWS rows. */
static inline void suite_add(Suite *suite, const char *name, const TTest *test, size_t rows)
{
    TCase *tcase = tcase_create(name);

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, test, 0, (int)rows);
    suite_add_tcase(suite, tcase);
}

/* Runs SUITE and gives main()'s status: failure also when there was nothing to run. */
static inline int suite_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed, run;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    run = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
