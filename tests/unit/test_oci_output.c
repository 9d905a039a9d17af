/* SPDX-License-Identifier: Apache-2.0 */
/* Where recordings of containers go, whatever images wish. */
#include "base/memory.h"
#include "own_folder.h"
#include "suite.h"
#include "tracer/oci_output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define STAMP   "-20260203T040506Z.jsonl"
#define DEFAULT "web-0123456789ab" STAMP

enum { WHEN = 1770091506 };

static void make_file(const char *path)
{
    FILE *file = fopen(path, "we");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs("precious", file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* There: out/there.jsonl, out/sub/, out/link -> elsewhere/, out/dangling -> nothing; elsewhere/. */
static void make_place(void)
{
    own_folder_enter();
    ck_assert_int_eq(mkdir("out", 0755), 0);
    ck_assert_int_eq(mkdir("out/sub", 0755), 0);
    ck_assert_int_eq(mkdir("elsewhere", 0755), 0);
    ck_assert_int_eq(symlink("../elsewhere", "out/link"), 0);
    ck_assert_int_eq(symlink("nothing", "out/dangling"), 0);
    ck_assert_int_eq(symlink("there.jsonl", "out/good"), 0);
    make_file("out/there.jsonl");
    make_file("out/.hidden");
    make_file("out/plain");
}

static const struct {
    const char *wanted; /* "@/x": absolute, in the place */
    const char *name;
    const char *path; /* in the place; NULL: refused */
} rows[] = {
    {NULL, "web", "out/" DEFAULT},
    {NULL, NULL, "out/0123456789ab" STAMP},
    {NULL, "", "out/0123456789ab" STAMP},
    {NULL, ID, "out/0123456789ab" STAMP},
    {NULL, "/../a b\n\xff", "out/_.._a_b__-0123456789ab" STAMP},
    {NULL, "..", "out/_.-0123456789ab" STAMP},
    {"new.jsonl", "web", "out/new.jsonl"},
    {"new", "web", "out/new"},
    {"there.jsonl", "web", "out/there-2.jsonl"},
    {".hidden", "web", "out/.hidden-2"},
    {"plain", "web", "out/plain-2"},
    {"dangling", "web", "out/dangling-2"},
    {"good", "web", "out/good-2"},
    {"link", "web", "out/link-2"},
    {"a/b/c.jsonl", "web", "out/a/b/c.jsonl"},
    {"a/..b/c...", "web", "out/a/..b/c..."},
    {"sub", "web", "out/sub/" DEFAULT},
    {"sub/", "web", "out/sub/" DEFAULT},
    {"fresh/", "web", "out/fresh/" DEFAULT},
    {"@/out/x.jsonl", "web", "out/x.jsonl"},
    {"@/out/sub/x.jsonl", "web", "out/sub/x.jsonl"},
    {"@/out", "web", "out/" DEFAULT},
    {"@/out/", "web", "out/" DEFAULT},
    {"", "web", NULL},
    {"/", "web", NULL},
    {"/etc/passwd", "web", NULL},
    {"@/outer/x", "web", NULL},
    {"@/elsewhere/x", "web", NULL},
    {"@/out/../elsewhere/x", "web", NULL},
    {"@/out//x", "web", NULL},
    {"..", "web", NULL},
    {"../x", "web", NULL},
    {"a/../../x", "web", NULL},
    {"a/..", "web", NULL},
    {".", "web", NULL},
    {"./x", "web", NULL},
    {"a//b", "web", NULL},
    {"a\nb", "web", NULL},
    {"a\x7f", "web", NULL},
    {"link/x", "web", NULL},
    {"link/", "web", NULL},
    {"dangling/x", "web", NULL},
    {"there.jsonl/x", "web", NULL},
    {"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", "web", NULL},
};

static void count_elsewhere(void)
{
    ck_assert_int_eq(rmdir("elsewhere"), 0); /* it is empty still */
    struct stat st;
    ck_assert_int_eq(stat("out/there.jsonl", &st), 0);
    ck_assert_int_eq(st.st_size, 8);
    ck_assert_int_eq(lstat("out/nothing", &st), -1);
}

START_TEST(test_rows)
{
    char output[64], wanted[PATH_MAX], want[PATH_MAX];
    CLEANUP(free_pointer) char *path = NULL;
    OciConfig config = {.output = output};
    Error err = {0};

    make_place();
    (void)snprintf(output, sizeof output, "%s/out", own_folder);
    const char *text = rows[_i].wanted;
    if (text && text[0] == '@')
        (void)snprintf(wanted, sizeof wanted, "%s%s", own_folder, text + 1);
    else
        (void)snprintf(wanted, sizeof wanted, "%s", text ? text : "");
    const int r = oci_output(&config, text ? wanted : NULL, rows[_i].name, ID, WHEN, &path, &err);
    if (rows[_i].path) {
        struct stat st;
        (void)snprintf(want, sizeof want, "%s/%s", own_folder, rows[_i].path);
        ck_assert_msg(r == 0, "%s: %s", wanted, err.text);
        ck_assert_str_eq(path, want);
        ck_assert_int_eq(lstat(path, &st), 0);
        ck_assert(S_ISREG(st.st_mode) && st.st_size == 0);
    } else {
        ck_assert_msg(r < 0 && *err.text, "%s: %s", wanted, path ? path : "");
        ck_assert_ptr_null(path);
    }
    count_elsewhere();
    own_folder_leave();
}
END_TEST

/* The same wish again and again, by many containers of an image. */
START_TEST(test_numbers)
{
    static const char *const names[] = {"api.jsonl", "api-2.jsonl", "api-3.jsonl"};
    char output[64], want[PATH_MAX];
    OciConfig config = {.output = output};

    make_place();
    (void)snprintf(output, sizeof output, "%s/fresh/", own_folder); /* made, and "/" at the end */
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        CLEANUP(free_pointer) char *path = NULL;
        ck_assert_int_eq(oci_output(&config, "api.jsonl", "web", ID, WHEN, &path, NULL), 0);
        (void)snprintf(want, sizeof want, "%s/fresh/%s", own_folder, names[i]);
        ck_assert_str_eq(path, want);
    }
    own_folder_leave();
}
END_TEST

START_TEST(test_no_folder)
{
    char output[64];
    char *path = NULL;
    OciConfig config = {.output = output};
    Error err = {0};

    make_place();
    (void)snprintf(output, sizeof output, "%s/not/there", own_folder);
    ck_assert_int_eq(oci_output(&config, NULL, "web", ID, WHEN, &path, &err), -ENOENT);
    ck_assert_ptr_nonnull(strstr(err.text, "/not/there"));
    (void)snprintf(output, sizeof output, "%s/out/plain", own_folder);
    ck_assert_int_eq(oci_output(&config, NULL, "web", ID, WHEN, &path, &err), -ENOTDIR);
    ck_assert_ptr_null(path);
    own_folder_leave();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("oci_output");

    suite_add(suite, "rows", test_rows, ARRAY_LENGTH(rows));
    suite_add(suite, "numbers", test_numbers, 1);
    suite_add(suite, "no-folder", test_no_folder, 1);
    return suite_run(suite);
}
