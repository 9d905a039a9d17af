/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include "base/memory.h"
#include "tracer/paths_private.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *raw;
    bool splits, splits_any;
    const char *folder, *last;
} split_rows[] = {
    {"name", true, true, ".", "name"}, {"/name", true, true, "/", "name"},
    {"a/b", true, true, "a/", "b"},    {"/a/b//", true, true, "/a/", "b"},
    {"a//b", true, true, "a//", "b"},  {"a/..", false, true, "a/", ".."},
    {"a/.", false, true, "a/", "."},   {"..", false, true, ".", ".."},
    {".", false, false, NULL, NULL},   {"/", false, false, NULL, NULL},
    {"//", false, false, NULL, NULL},  {"", false, false, NULL, NULL},
};

START_TEST(test_split)
{
    char folder[PATH_MAX] = "";
    char last[NAME_MAX + 1] = "";

    ck_assert_int_eq(path_split(split_rows[_i].raw, folder, last, sizeof last),
                     split_rows[_i].splits);
    ck_assert_int_eq(path_split_any(split_rows[_i].raw, folder, last, sizeof last),
                     split_rows[_i].splits_any);
    if (split_rows[_i].splits_any) {
        ck_assert_str_eq(folder, split_rows[_i].folder);
        ck_assert_str_eq(last, split_rows[_i].last);
    }
}
END_TEST

START_TEST(test_split_long)
{
    char raw[NAME_MAX + 3];
    char folder[PATH_MAX];
    char last[NAME_MAX + 1];

    memset(raw, 'x', sizeof raw);
    raw[NAME_MAX] = '\0';
    ck_assert(path_split(raw, folder, last, sizeof last));
    raw[NAME_MAX] = 'x';
    raw[NAME_MAX + 1] = '\0';
    ck_assert(!path_split(raw, folder, last, sizeof last));
}
END_TEST

static const struct {
    const char *text, *simple;
} simplify_rows[] = {
    {"a", "a"},
    {"a/b", "a/b"},
    {"a//b/", "a/b"},
    {"a/./b", "a/b"},
    {"a/../b", "b"},
    {"a/b/../../c", "c"},
    {"lib/../lib/crt1.o", "lib/crt1.o"},
    {"a/..", "a"},
    {"a/../..", "a"},
    {"a/../../b", "a"},
    {"long/../b/../..", "long"},
    {"a/.../b", "a/.../b"},
};

START_TEST(test_simplify)
{
    char text[64];

    (void)snprintf(text, sizeof text, "%s", simplify_rows[_i].text);
    path_simplify(text);
    ck_assert_str_eq(text, simplify_rows[_i].simple);
}
END_TEST

START_TEST(test_join)
{
    char text[PATH_MAX] = "/a";
    char small[6] = "bc";

    ck_assert(path_append(text, "b"));
    ck_assert_str_eq(text, "/a/b");
    (void)snprintf(text, sizeof text, "/");
    ck_assert(path_append(text, "b"));
    ck_assert_str_eq(text, "/b");
    memset(text, 'x', sizeof text - 3);
    text[sizeof text - 3] = '\0';
    ck_assert(path_append(text, "y"));
    ck_assert(!path_append(text, "y"));

    ck_assert(!path_prepend(small, sizeof small, "abc"));
    ck_assert_str_eq(small, "bc");
    ck_assert(path_prepend(small, sizeof small, "aa"));
    ck_assert_str_eq(small, "aa/bc");
    small[0] = '\0';
    ck_assert(path_prepend(small, sizeof small, "x"));
    ck_assert_str_eq(small, "x");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("path_text");

    suite_add(suite, "split", test_split, ARRAY_LENGTH(split_rows));
    suite_add(suite, "split_long", test_split_long, 1);
    suite_add(suite, "simplify", test_simplify, ARRAY_LENGTH(simplify_rows));
    suite_add(suite, "join", test_join, 1);
    return suite_run(suite);
}
