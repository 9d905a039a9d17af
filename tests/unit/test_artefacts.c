/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings under tests/golden/generate to all artefacts, byte by byte. After a change that is
 * meant, for each folder C there:
 *     whittle generate tests/golden/generate/C/recording.jsonl --runtimes none \
 *         -o tests/golden/generate/C
 * and review the difference. Without runtimes, so that measuring one anew changes nothing here.
 */
#include "base/io.h"
#include "base/memory.h"
#include "generator/emitter.h"
#include "generator/pipeline.h"
#include "generator/summary.h"
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20 };

static const char *const cases[] = {"everything", "homes", "odd", "paths", "server"};

static Policy *generate(const char *path)
{
    CLEANUP(generate_input_deinit) GenerateInput input = {0};
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    const GenerateOptions options = {.runtimes = "none", .conditions = true};
    Policy *policy = NULL;
    Error err = {0};

    ck_assert_msg(generate_input_add(&input, path, &err) == 0, "%s", err.text);
    ck_assert_msg(generate_policy(&input, &options, &policy, &notes, &err) == 0, "%s", err.text);
    return policy;
}

static void check_golden(const Policy *policy, const Emitter *emitter, const char *folder)
{
    CLEANUP(buffer_deinit) Buffer made = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer wanted = BUFFER_INIT;
    char path[256];
    Error err = {0};

    (void)snprintf(path, sizeof path, "%s/%s", folder, emitter->file);
    ck_assert_msg(emitter->emit(policy, &made, NULL, &err) == 0, "%s", err.text);
    ck_assert_msg(read_file(path, &wanted, FILE_MAX, &err) == 0, "%s", err.text);
    ck_assert_msg(strcmp(buffer_text(&made), buffer_text(&wanted)) == 0, "%s: made:\n%s", path,
                  buffer_text(&made));
}

/* What comes of FILE of the case NAME. */
static void check_case(const char *name, const char *file)
{
    char folder[128];
    char path[256];

    (void)snprintf(folder, sizeof folder, "tests/golden/generate/%s", name);
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    CLEANUP(policy_cleanup) Policy *policy = generate(path);
    for (const Emitter *emitter = emitters; emitter->format; emitter++)
        check_golden(policy, emitter, folder);
}

START_TEST(test_golden)
{
    check_case(cases[_i], "recording.jsonl");
}
END_TEST

/* A policy that was written gives the same artefacts as the recording it came from. */
START_TEST(test_from_policy)
{
    check_case(cases[_i], "policy.yaml");
}
END_TEST

/* ---- summary -------------------------------------------------------------------------------- */

START_TEST(test_summary)
{
    CLEANUP(policy_cleanup) Policy *policy = generate("tests/golden/generate/server/policy.yaml");
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    PolicySummary summary;

    ck_assert_int_eq(policy_summary_make(policy, &summary, NULL), 0);
    ck_assert_uint_eq(summary.calls, 26);
    ck_assert_uint_eq(summary.calls_workload, 26);
    ck_assert_uint_eq(summary.calls_conditional, 4); /* clone ioctl prctl socket */
    ck_assert_uint_eq(summary.calls_kept, 26);
    ck_assert_uint_eq(summary.calls_extra, 0);
    ck_assert_uint_gt(summary.calls_docker, 290);
    ck_assert_uint_eq(summary.capabilities, 4);
    ck_assert_uint_eq(summary.capabilities_docker, 14);
    ck_assert_uint_eq(summary.capabilities_kept, 4);
    ck_assert_uint_eq(summary.rules[POLICY_FILES], 18);
    ck_assert_uint_eq(summary.files_written, 7);
    ck_assert_uint_eq(summary.files_executed, 1);
    ck_assert_uint_eq(summary.rules[POLICY_TMPFS], 1);
    ck_assert_int_eq(policy_summary_print(policy, &summary, NULL, &text), 0);
    ck_assert_ptr_nonnull(strstr(buffer_text(&text), "4 of Docker's 14 kept, 10 dropped"));
    ck_assert_ptr_nonnull(strstr(buffer_text(&text), "root           read-only"));
}
END_TEST

/* What Docker does not grant is counted apart, and what is denied not at all. */
START_TEST(test_summary_extra)
{
    static const char text[] = "whittle: policy\nformat: 1\narchitectures: [x86_64]\n"
                               "runtimes: [runc]\n"
                               "syscalls: [read, mount, {rule: ptrace, deny: true}, "
                               "{rule: clone3, deny: ENOSYS}]\n"
                               "capabilities: [CAP_SYS_ADMIN, CAP_CHOWN, "
                               "{rule: CAP_KILL, deny: true}]\n";
    Policy *parsed = NULL;
    PolicySummary summary;

    ck_assert_int_eq(policy_parse("p", text, strlen(text), &parsed, NULL), 0);
    CLEANUP(policy_cleanup) Policy *policy = parsed;
    policy_sort(policy);
    ck_assert_int_eq(policy_summary_make(policy, &summary, NULL), 0);
    ck_assert_uint_eq(summary.calls_workload, 2);
    ck_assert_uint_gt(summary.calls, summary.calls_workload);
    ck_assert_uint_eq(summary.calls_extra, 1);
    ck_assert_uint_eq(summary.capabilities, 2);
    ck_assert_uint_eq(summary.capabilities_kept, 1);
    ck_assert_uint_eq(summary.capabilities_extra, 1);
}
END_TEST

/* ---- files ---------------------------------------------------------------------------------- */

static bool exists(const char *folder, const char *file)
{
    char path[256];

    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    return access(path, F_OK) == 0;
}

static void remove_all(const char *folder)
{
    char path[256];

    for (const Emitter *emitter = emitters; emitter->format; emitter++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, emitter->file);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

START_TEST(test_formats)
{
    char temporary[] = "/tmp/whittle-test-XXXXXX";
    char folder[128];
    Error err = {0};

    ck_assert_ptr_nonnull(mkdtemp(temporary));
    (void)snprintf(folder, sizeof folder, "%s/new", temporary);
    CLEANUP(policy_cleanup) Policy *policy = generate("tests/golden/generate/server/policy.yaml");
    ck_assert_int_eq(generate_files(policy, NULL, folder, "seccomp,docker", NULL, &err), 0);
    ck_assert(exists(folder, "seccomp.json") && exists(folder, "docker.args"));
    ck_assert(!exists(folder, "policy.yaml") && !exists(folder, "apparmor.profile"));
    ck_assert_int_eq(generate_files(policy, NULL, folder, NULL, NULL, &err), 0);
    ck_assert(exists(folder, "policy.yaml") && exists(folder, "apparmor.profile"));
    ck_assert_int_eq(generate_files(policy, NULL, folder, "seccomp,sec", NULL, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "\"sec\""));
    ck_assert_int_lt(generate_files(policy, NULL, "/proc/nowhere", NULL, NULL, &err), 0);
    remove_all(folder);
    ck_assert_int_eq(rmdir(temporary), 0);
}
END_TEST

START_TEST(test_bad_input)
{
    static const struct {
        const char *path;
        const char *complaint;
    } rows[] = {
        {"tests/golden/generate/none", "none"},
        {"tests/golden/generate/server/docker.args", "neither a recording"},
        {"tests/golden/generate", "generate"},
    };
    Error err = {0};

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(generate_input_deinit) GenerateInput input = {0};
        ck_assert_int_lt(generate_input_add(&input, rows[i].path, &err), 0);
        ck_assert_msg(strstr(err.text, rows[i].complaint) != NULL, "%s", err.text);
    }
}
END_TEST

/* The order of inputs and giving one twice make no difference. */
START_TEST(test_many_inputs)
{
    static const char *const orders[][3] = {
        {"server", "odd", "server"},
        {"odd", "server", "odd"},
    };
    Buffer texts[2] = {BUFFER_INIT, BUFFER_INIT};
    const GenerateOptions options = {.name = "both", .conditions = true};

    for (size_t i = 0; i < 2; i++) {
        CLEANUP(generate_input_deinit) GenerateInput input = {0};
        CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
        CLEANUP(policy_cleanup) Policy *policy = NULL;
        for (size_t j = 0; j < 3; j++) {
            char path[256];
            (void)snprintf(path, sizeof path, "tests/golden/generate/%s/recording.jsonl",
                           orders[i][j]);
            ck_assert_int_eq(generate_input_add(&input, path, NULL), 0);
        }
        ck_assert_int_eq(generate_policy(&input, &options, &policy, &notes, NULL), 0);
        ck_assert_int_eq(policy_print(policy, &texts[i]), 0);
    }
    ck_assert_str_eq(buffer_text(&texts[0]), buffer_text(&texts[1]));
    buffer_deinit(&texts[0]);
    buffer_deinit(&texts[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("artefacts");

    suite_add(suite, "golden", test_golden, ARRAY_LENGTH(cases));
    suite_add(suite, "from policy", test_from_policy, ARRAY_LENGTH(cases));
    suite_add(suite, "summary", test_summary, 1);
    suite_add(suite, "summary of more than Docker's", test_summary_extra, 1);
    suite_add(suite, "formats", test_formats, 1);
    suite_add(suite, "bad input", test_bad_input, 1);
    suite_add(suite, "many inputs", test_many_inputs, 1);
    return suite_run(suite);
}
