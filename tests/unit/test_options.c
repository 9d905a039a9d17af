/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing of command lines by a command's table. What is said about mistakes:
 * tests/live/test_cli.sh. */
#include "base/buffer.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "cli/options.h"
#include "suite.h"

#include <errno.h>

static int run_never(const Parsed *parsed)
{
    (void)parsed;
    return EXIT_NO;
}

static const Option table[] = {
    {"output", 'o', VALUE_FILE, "REC", NULL, "where to"},
    {"json", 'j', VALUE_NONE, NULL, NULL, "as JSON"},
    {"backend", 'b', VALUE_WORDS, "NAME", "auto notify ptrace", "how"},
    {"format", 0, VALUE_LIST, "LIST", "yaml seccomp apparmor", "what"},
    {0},
};

static const Command plain = {
    .name = "plain",
    .summary = "For tests",
    .usage = "[-j] FILE…",
    .options = table,
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run_never,
};

static const Command running = {
    .name = "running",
    .summary = "For tests",
    .usage = "-- CMD…",
    .options = table,
    .arguments_min = 1,
    .arguments_max = -1,
    .stop_at_argument = true,
    .run = run_never,
};

enum { WORDS_MAX = 8 };

typedef struct Row {
    const Command *command;
    const char *argv[WORDS_MAX];
    int verdict;
    const char *output;    /* value of --output */
    const char *backend;   /* value of --backend */
    const char *arguments; /* joined by blanks */
    bool json;
} Row;

static const Row rows[] = {
    {&plain, {"plain", "a"}, PARSE_RUN, NULL, NULL, "a", false},
    {&plain, {"plain", "a", "-j", "b"}, PARSE_RUN, NULL, NULL, "a b", true},
    {&plain, {"plain", "-jo", "x", "a"}, PARSE_RUN, "x", NULL, "a", true},
    {&plain, {"plain", "-ox", "--output=y", "a"}, PARSE_RUN, "y", NULL, "a", false},
    {&plain, {"plain", "--outp", "y", "a"}, PARSE_RUN, "y", NULL, "a", false},
    {&plain, {"plain", "--", "-j"}, PARSE_RUN, NULL, NULL, "-j", false},
    {&plain, {"plain", "-"}, PARSE_RUN, NULL, NULL, "-", false},
    {&plain, {"plain", "-o", "", "a"}, PARSE_RUN, "", NULL, "a", false},
    {&plain, {"plain", "--backend", "ptrace", "a"}, PARSE_RUN, NULL, "ptrace", "a", false},
    {&plain, {"plain", "--format", "yaml,apparmor", "a"}, PARSE_RUN, NULL, NULL, "a", false},
    {&plain, {"plain", "--help"}, PARSE_HELP, NULL, NULL, NULL, false},
    {&plain, {"plain", "-h", "--what"}, PARSE_HELP, NULL, NULL, NULL, false},
    {&plain, {"plain"}, -EINVAL, NULL, NULL, NULL, false},
    {&plain, {"plain", "a", "b", "c"}, -EINVAL, NULL, NULL, NULL, false},
    {&plain, {"plain", "--what", "a"}, -EINVAL, NULL, NULL, NULL, false},
    {&plain, {"plain", "-x", "a"}, -EINVAL, NULL, NULL, NULL, false},
    {&plain, {"plain", "a", "-o"}, -EINVAL, NULL, NULL, NULL, false},
    {&plain, {"plain", "--json=1", "a"}, -EINVAL, NULL, NULL, NULL, false},
    {&plain, {"plain", "--backend", "bpf", "a"}, -EINVAL, NULL, NULL, NULL, false},
    {&plain, {"plain", "--backend", "notify ptrace", "a"}, -EINVAL, NULL, NULL, NULL, false},
    {&plain, {"plain", "--backend", "", "a"}, -EINVAL, NULL, NULL, NULL, false},
    {&plain, {"plain", "--format", "yaml,", "a"}, -EINVAL, NULL, NULL, NULL, false},
    {&plain, {"plain", "--format", "yaml,x", "a"}, -EINVAL, NULL, NULL, NULL, false},
    {&running, {"running", "ls", "-j"}, PARSE_RUN, NULL, NULL, "ls -j", false},
    {&running, {"running", "-j", "--", "ls", "--", "-o"}, PARSE_RUN, NULL, NULL, "ls -- -o", true},
    {&running, {"running", "--"}, -EINVAL, NULL, NULL, NULL, false},
};

static void check_text(const char *got, const char *wanted)
{
    ck_assert_msg((got == NULL) == (wanted == NULL), "%s instead of %s", got ? got : "NULL",
                  wanted ? wanted : "NULL");
    if (got && wanted)
        ck_assert_str_eq(got, wanted);
}

START_TEST(test_parse)
{
    const Row *row = &rows[_i];
    char *argv[WORDS_MAX + 1] = {0};
    int argc = 0;
    Parsed parsed = {0};

    while (argc < WORDS_MAX && row->argv[argc]) {
        argv[argc] = strdup(row->argv[argc]);
        argc++;
    }
    ck_assert_int_eq(parsed_init(&parsed, row->command, argc, argv), row->verdict);
    if (row->verdict == PARSE_RUN) {
        CLEANUP(buffer_deinit) Buffer joined = BUFFER_INIT;

        for (int i = 0; i < parsed.arguments_count; i++)
            (void)buffer_printf(&joined, "%s%s", i ? " " : "", parsed.arguments[i]);
        ck_assert_str_eq(buffer_text(&joined), row->arguments);
        ck_assert_ptr_null(parsed.arguments[parsed.arguments_count]);
        check_text(parsed_value(&parsed, "output", NULL), row->output);
        check_text(parsed_value(&parsed, "backend", NULL), row->backend);
        ck_assert_int_eq(parsed_flag(&parsed, "json"), row->json);
    } else {
        ck_assert_ptr_null(parsed.options);
    }
    parsed_deinit(&parsed);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
}
END_TEST

START_TEST(test_nth)
{
    char *argv[] = {strdup("plain"), strdup("-oa"), strdup("-ob"), strdup("f"), NULL};
    Parsed parsed = {0};

    ck_assert_int_eq(parsed_init(&parsed, &plain, 4, argv), PARSE_RUN);
    ck_assert_str_eq(parsed_nth(&parsed, "output", 0), "a");
    ck_assert_str_eq(parsed_nth(&parsed, "output", 1), "b");
    ck_assert_ptr_null(parsed_nth(&parsed, "output", 2));
    ck_assert_ptr_null(parsed_nth(&parsed, "json", 0));
    ck_assert_str_eq(parsed_value(&parsed, "backend", "auto"), "auto");
    parsed_deinit(&parsed);
    for (size_t i = 0; argv[i]; i++)
        free(argv[i]);
}
END_TEST

static const struct {
    const char *typed;
    const char *nearest;
} words[] = {
    {"hlep", "help"},
    {"recrod", "record"},
    {"rec", "record"},
    {"generat", "generate"},
    {"shwo", "show"},
    {"x", NULL},
    {"", NULL},
    {"xyzzyxyzzy", NULL},
    {"mrege", "merge"},
    {"docter", "doctor"},
    {"a-word-that-is-longer-than-the-longest-word-that-is-looked-at-for-likeness", NULL},
};

START_TEST(test_nearest)
{
    static const char *const known[] = {"doctor", "record",   "mark", "show",
                                        "merge",  "generate", "help", NULL};

    check_text(nearest_word(words[_i].typed, known), words[_i].nearest);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");

    suite_add(suite, "parse", test_parse, ARRAY_LENGTH(rows));
    suite_add(suite, "nth", test_nth, 1);
    suite_add(suite, "nearest", test_nearest, ARRAY_LENGTH(words));
    return suite_run(suite);
}
