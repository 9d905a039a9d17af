/* SPDX-License-Identifier: Apache-2.0 */
/* What bane's files include: which rules it becomes, and what bane denies all the same. */
#include "base/memory.h"
#include "generator/import.h"
#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name, *text;
} files[] = {
    {"abstractions/sample", "  @{WHERE}/read r,\n  /ro/log w,\n  /ro/cache rwk,\n  /rw/log w,\n"
                            "  deny /rw/secret r,\n  capability sys_admin,\n"
                            "  network inet raw,\n  network inet6 stream,\n"},
    {"abstractions/wrong", "  @{NOTHING}/x r,\n"},
    {"tunables/global", "@{WHERE}=/where\n"},
    {"tunables/other", "@{WHERE}=/elsewhere\n"},
};

static const char *const folders[] = {"abstractions", "tunables"};

static void make_files(const char *root)
{
    char path[256];

    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", root, folders[i]);
        ck_assert_int_eq(mkdir(path, 0700), 0);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", root, files[i].name);
        FILE *file = fopen(path, "we");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(fputs(files[i].text, file), 0);
        ck_assert_int_eq(fclose(file), 0);
    }
}

static void remove_files(const char *root)
{
    char path[256];

    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", root, files[i].name);
        ck_assert_int_eq(unlink(path), 0);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", root, folders[i]);
        ck_assert_int_eq(rmdir(path), 0);
    }
    ck_assert_int_eq(rmdir(root), 0);
}

#define INNER "InnerImports = [\"#include <abstractions/sample>\"]\n"
#define PATHS "[Filesystem]\nReadOnlyPaths = [\"/ro/**\"]\nAllowExec = [\"/x\"]\n"

/* A line each; "!" before one that must not be there. */
static const struct {
    const char *text;
    const char *rules;
    const char *notes[2]; /* parts of them */
} rows[] = {
    {INNER PATHS,
     "files /where/read r\nfiles /rw/log w\nfiles /rw/secret r deny\nfiles /ro/cache rk\n"
     "!files /ro/log w\n!files /ro/cache rwk\nnetwork inet6 stream\n!network inet raw\n"
     "capabilities CAP_SYS_ADMIN\nsyscalls mount\n",
     {"\"/ro/log w\" (apparmor: <abstractions/sample>, line 2) is not carried over whole",
      "\"inet raw\" (apparmor: <abstractions/sample>, line 7)"}},
    {INNER PATHS "[Network]\nRaw = true\n", "network inet raw\n", {NULL}},
    {INNER "[Filesystem]\nAllowExec = [\"/x\"]\n",
     "files /ro/log w\nfiles /ro/cache rwk\n",
     {NULL}},
    {"Imports = [\"include <tunables/other>\"]\n" INNER PATHS,
     "files /elsewhere/read r\n!files /where/read r\n",
     {NULL}},
    {"Imports = [\"include <tunables/other>\"]\n" PATHS, "!files /elsewhere/read r\n", {NULL}},
    {"InnerImports = [\"#include <abstractions/wrong>\"]\n" PATHS,
     "files /ro/** rm\n",
     {"t: InnerImports are not carried over: ", "NOTHING"}},
    {"InnerImports = [\"#include <abstractions/sample> }\", \"include "
     "\\\"/etc/passwd\\\"\"]\n" PATHS,
     "!files /rw/log w\n",
     {"t:2: InnerImports is not carried over", "/etc/passwd"}},
};

static void print_rules(const Policy *policy, Buffer *out)
{
    for (size_t i = 0; i < policy_rules_count(policy); i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        (void)buffer_printf(out, "\n%s ", policy_section_name(rule->section));
        (void)policy_rule_print(rule, out);
        (void)buffer_puts(out, rule->deny ? " deny\n" : "\n");
    }
}

static void check_lines(const char *wanted, const char *got)
{
    for (const char *line = wanted; *line; line += strcspn(line, "\n") + 1) {
        CLEANUP(buffer_deinit) Buffer one = BUFFER_INIT;
        const bool absent = *line == '!';
        (void)buffer_printf(&one, "\n%.*s\n", (int)(strcspn(line, "\n") - absent), line + absent);
        ck_assert_msg((strstr(got, buffer_text(&one)) != NULL) != absent, "%s: not so in%s",
                      buffer_text(&one), got);
    }
}

START_TEST(test_row)
{
    char root[] = "/tmp/whittle-bane-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(root));
    const char *const include[] = {root};
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer rules = BUFFER_INIT;
    CLEANUP(imported_deinit) Imported imported = {0};
    Error err = {0};

    make_files(root);
    (void)buffer_printf(&text, "Name = \"t\"\n%s", rows[_i].text);
    const ImportSource source = {.name = "t",
                                 .text = buffer_text(&text),
                                 .length = text.length,
                                 .include = include,
                                 .include_count = 1};
    const int r = import_text(&source, "bane", NULL, &imported, &notes, &err);
    remove_files(root);
    if (r == -ENOTSUP) /* built without TOML */
        return;
    ck_assert_msg(r == 0, "%s", err.text);
    print_rules(imported.policy, &rules);
    check_lines(rows[_i].rules, buffer_text(&rules));
    for (size_t i = 0; i < ARRAY_LENGTH(rows[_i].notes) && rows[_i].notes[i]; i++)
        ck_assert_msg(strstr(buffer_text(&notes), rows[_i].notes[i]), "%s: not in\n%s",
                      rows[_i].notes[i], buffer_text(&notes));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("import_bane");

    suite_add(suite, "includes", test_row, ARRAY_LENGTH(rows));
    return suite_run(suite);
}
