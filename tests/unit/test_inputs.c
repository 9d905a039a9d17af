/* SPDX-License-Identifier: Apache-2.0 */
/* Which recordings become one policy, and how that is called. */
#include "base/memory.h"
#include "generator/inputs.h"
#include "own_folder.h"
#include "suite.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

enum { RUNS_MAX = 5 };

typedef struct Where {
    const char *service, *image, *digest;
} Where;

typedef struct Row {
    Where runs[RUNS_MAX]; /* a recording each, up to the first without anything */
    const char *groups;   /* "NAME RECORDINGS" of each, blanks between */
} Row;

static const Row rows[] = {
    {{{0}}, "true 1"},
    {{{NULL, "app", NULL}, {NULL, "app", NULL}}, "app 2"},
    /* The same image by another name, and another one by the same name. */
    {{{NULL, "app:1", A}, {NULL, "app:2", A}}, "app 2"},
    {{{NULL, "app", A}, {NULL, "app", B}}, "app-aaaaaaaaaaaa 1 app-bbbbbbbbbbbb 1"},
    {{{NULL, "app:1", A}, {NULL, "app:2", B}}, "app-1 1 app-2 1"},
    {{{NULL, "x/app:1", NULL}, {NULL, "y/app:1", NULL}}, "app-1-1 1 app-1-2 1"},
    {{{NULL, "x:5000/team/app@" A, A}}, "app 1"},
    {{{NULL, NULL, A}, {NULL, NULL, B}}, "aaaaaaaaaaaa 1 bbbbbbbbbbbb 1"},
    /* Not everybody knows the digest. */
    {{{NULL, "app", A}, {NULL, "app", NULL}, {NULL, "app", A}}, "app 3"},
    {{{NULL, "app", A}, {NULL, "app", NULL}, {NULL, "app", B}},
     "app 1 app-aaaaaaaaaaaa 1 app-bbbbbbbbbbbb 1"},
    {{{NULL, "app", A}, {"web", "app", NULL}}, "app 1 web 1"},
    /* Services of one image, and of one name. */
    {{{"web", "app", A}, {"worker", "app", A}, {"web", "app", A}}, "web 2 worker 1"},
    {{{"web", "nginx", A}, {"web", "redis", B}}, "web-nginx 1 web-redis 1"},
    {{{"web", "app", A}, {NULL, "web", B}}, "web 1 web-app 1"},
    {{{"../../etc", "app", A}, {"-x", "app", A}}, "_x 1 _._.._etc 1"},
};

static void put_field(FILE *file, const char *key, const char *value)
{
    if (value)
        ck_assert_int_gt(fprintf(file, ",\"%s\":\"%s\"", key, value), 0);
}

/* A recording of COUNT runs. */
static void make_recording(const char *path, const Where *runs, size_t count, unsigned int id)
{
    FILE *file = fopen(path, "we");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs("{\"whittle\":\"recording\",\"format\":1,\"runs\":[", file), 0);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_gt(fprintf(file, "%s{\"id\":\"%08x%zu\"", i > 0 ? "," : "", id, i), 0);
        put_field(file, "service", runs[i].service);
        put_field(file, "image", runs[i].image);
        put_field(file, "image_digest", runs[i].digest);
        ck_assert_int_ge(fputs(",\"command\":[\"/bin/true\"]}", file), 0);
    }
    ck_assert_int_ge(fputs("]}\n", file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static size_t make_recordings(const Row *row, char paths[RUNS_MAX][32])
{
    size_t count = 0;

    do {
        (void)snprintf(paths[count], 32, "%zu.jsonl", count);
        make_recording(paths[count], &row->runs[count], 1, (unsigned int)count + 1);
        count++;
    } while (count < RUNS_MAX &&
             (row->runs[count].image || row->runs[count].service || row->runs[count].digest));
    return count;
}

static void print_groups(const GenerateInputs *inputs, Buffer *out)
{
    for (size_t i = 0; i < inputs->count; i++) {
        const InputGroup *group = &inputs->list[i];
        ck_assert_uint_eq(recording_runs_count(group->input.recording), group->recordings);
        (void)buffer_printf(out, "%s%s %zu", i > 0 ? " " : "", group->name, group->recordings);
    }
}

/* In whatever order they are given. */
START_TEST(test_groups)
{
    const Row *row = &rows[_i];
    char names[RUNS_MAX][32];
    char *paths[RUNS_MAX];

    own_folder_enter();
    const size_t count = make_recordings(row, names);
    for (size_t first = 0; first < count; first++) {
        CLEANUP(generate_inputs_deinit) GenerateInputs inputs = {0};
        CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
        CLEANUP(buffer_deinit) Buffer groups = BUFFER_INIT;
        Error err = {0};
        for (size_t i = 0; i < count; i++)
            paths[i] = names[(first + i) % count];
        ck_assert_msg(generate_inputs_read(paths, count, GROUPING_IMAGE, &inputs, &notes, &err) ==
                          0,
                      "%s", err.text);
        print_groups(&inputs, &groups);
        ck_assert_str_eq(buffer_text(&groups), row->groups);
        ck_assert_str_eq(buffer_text(&notes), "");
    }
    own_folder_leave();
}
END_TEST

static int read_paths(char *const *paths, size_t count, Grouping grouping, GenerateInputs *inputs,
                      Buffer *notes, Error *err)
{
    return generate_inputs_read(paths, count, grouping, inputs, notes, err);
}

/* What `merge` made of two images says so, and is not taken for either. */
START_TEST(test_merged)
{
    static const Where runs[] = {{NULL, "app", A}, {NULL, "db", B}};
    char *const paths[] = {(char[]){"both"}, (char[]){"app"}};
    CLEANUP(generate_inputs_deinit) GenerateInputs inputs = {0};
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    own_folder_enter();
    make_recording("both", runs, 2, 1);
    make_recording("app", runs, 1, 2);
    ck_assert_int_eq(read_paths(paths, 2, GROUPING_IMAGE, &inputs, &notes, NULL), 0);
    ck_assert_uint_eq(inputs.count, 2);
    ck_assert_ptr_nonnull(strstr(buffer_text(&notes), "both: was merged from"));
    own_folder_leave();
}
END_TEST

/* --group none: one of all, and nothing to say. */
START_TEST(test_united)
{
    static const Where runs[] = {{NULL, "app", A}, {NULL, "db", B}};
    char *const paths[] = {(char[]){"app"}, (char[]){"db"}};
    CLEANUP(generate_inputs_deinit) GenerateInputs inputs = {0};
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    own_folder_enter();
    make_recording("app", &runs[0], 1, 1);
    make_recording("db", &runs[1], 1, 2);
    ck_assert_int_eq(read_paths(paths, 2, GROUPING_NONE, &inputs, &notes, NULL), 0);
    ck_assert_uint_eq(inputs.count, 1);
    ck_assert_uint_eq(inputs.list[0].recordings, 2);
    ck_assert_uint_eq(recording_runs_count(inputs.list[0].input.recording), 2);
    ck_assert_str_eq(buffer_text(&notes), "");
    own_folder_leave();
}
END_TEST

static void make_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* A folder gives its recordings, those below too, and neither what else is there nor what links
 * lead to. */
START_TEST(test_folder)
{
    static const Where runs[] = {{NULL, "app", A}, {NULL, "db", B}};
    char *const paths[] = {(char[]){"all"}};
    CLEANUP(generate_inputs_deinit) GenerateInputs inputs = {0};
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer groups = BUFFER_INIT;
    Error err = {0};

    own_folder_enter();
    ck_assert_int_eq(mkdir("all", 0700), 0);
    ck_assert_int_lt(read_paths(paths, 1, GROUPING_IMAGE, &inputs, &notes, &err), 0);
    ck_assert_msg(strstr(err.text, "no recording") != NULL, "%s", err.text);
    ck_assert_int_eq(mkdir("all/below", 0700), 0);
    make_recording("all/1.jsonl", &runs[0], 1, 1);
    make_recording("all/below/2.jsonl", &runs[0], 1, 2);
    make_recording("elsewhere", &runs[1], 1, 3);
    make_text("all/begun.jsonl", "");
    make_text("all/log", "a line\n");
    make_text("all/policy.yaml", "whittle: policy\nformat: 1\nname: app\n");
    ck_assert_int_eq(symlink("../elsewhere", "all/link.jsonl"), 0);
    ck_assert_int_eq(symlink("..", "all/up"), 0);
    ck_assert_int_eq(mkfifo("all/fifo", 0600), 0);
    ck_assert_msg(read_paths(paths, 1, GROUPING_IMAGE, &inputs, &notes, &err) == 0, "%s", err.text);
    print_groups(&inputs, &groups);
    ck_assert_str_eq(buffer_text(&groups), "app 2");
    ck_assert_ptr_null(inputs.list[0].input.policy);
    own_folder_leave();
}
END_TEST

/* A policy is of one image: which of two would get it? */
START_TEST(test_policy_and_recordings)
{
    static const Where runs[] = {{NULL, "app", A}, {NULL, "db", B}};
    char *const paths[] = {(char[]){"policy.yaml"}, (char[]){"app"}, (char[]){"db"}};
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    Error err = {0};

    own_folder_enter();
    make_recording("app", &runs[0], 1, 1);
    make_recording("db", &runs[1], 1, 2);
    make_text("policy.yaml", "whittle: policy\nformat: 1\nname: app\n");
    for (size_t count = 1; count <= 3; count++) {
        CLEANUP(generate_inputs_deinit) GenerateInputs inputs = {0};
        const int r = read_paths(paths, count, GROUPING_IMAGE, &inputs, &notes, &err);
        ck_assert_msg(r == (count < 3 ? 0 : -EINVAL), "%zu: %s", count, err.text);
        if (r < 0)
            continue;
        ck_assert_uint_eq(inputs.count, 1);
        ck_assert_ptr_nonnull(inputs.list[0].input.policy);
        ck_assert_int_eq(inputs.list[0].input.recording != NULL, count > 1);
    }
    ck_assert_ptr_nonnull(strstr(err.text, "--group none"));
    own_folder_leave();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inputs");

    suite_add(suite, "groups", test_groups, ARRAY_LENGTH(rows));
    suite_add(suite, "merged", test_merged, 1);
    suite_add(suite, "united", test_united, 1);
    suite_add(suite, "folder", test_folder, 1);
    suite_add(suite, "policy and recordings", test_policy_and_recordings, 1);
    return suite_run(suite);
}
