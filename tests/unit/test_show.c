/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `whittle show` prints, against tests/golden/show. WHITTLE_GOLDEN_UPDATE=1 in the environment
 * writes the golden files anew; review the difference.
 */
#include "base/io.h"
#include "base/memory.h"
#include "cli/show_policy.h"
#include "cli/show_recording.h"
#include "suite.h"

enum { FILE_MAX = 1 << 20 };

static void check_golden(const Buffer *got, const char *golden)
{
    CLEANUP(buffer_deinit) Buffer wanted = BUFFER_INIT;
    Error err = {0};

    if (getenv("WHITTLE_GOLDEN_UPDATE"))
        ck_assert_msg(write_file_atomic(golden, got->data, got->length, &err) == 0, "%s", err.text);
    ck_assert_msg(read_file(golden, &wanted, FILE_MAX, &err) == 0, "%s", err.text);
    ck_assert_msg(strcmp(buffer_text(got), buffer_text(&wanted)) == 0, "%s differs; got:\n%s",
                  golden, buffer_text(got));
}

static const struct {
    const char *recording;
    int kind;
    const char *subject;
    const char *golden;
} recordings[] = {
    {"tests/golden/recording/every-kind.jsonl", -1, NULL, "tests/golden/show/every-kind.txt"},
    {"tests/golden/recording/every-kind.jsonl", FACT_NETWORK, NULL,
     "tests/golden/show/network.txt"},
    {"tests/golden/recording/every-kind.jsonl", -1, "/no/such", "tests/golden/show/nothing.txt"},
    {"tests/golden/recording/two-runs.jsonl", -1, NULL, "tests/golden/show/two-runs.txt"},
};

START_TEST(test_recording)
{
    Recording *recording = NULL;
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    ShowOptions options = {
        .path = recordings[_i].recording,
        .kind = recordings[_i].kind,
        .subject = recordings[_i].subject,
    };
    Error err = {0};

    ck_assert_msg(recording_read(options.path, &recording, &err) == 0, "%s", err.text);
    ck_assert_int_eq(show_recording(recording, &options, &out), 0);
    check_golden(&out, recordings[_i].golden);
    recording_free(recording);
}
END_TEST

/* Selecting everything changes nothing, down to the byte; selecting a kind leaves its lines only.
 */
START_TEST(test_json)
{
    Recording *recording = NULL;
    CLEANUP(buffer_deinit) Buffer whole = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer selected = BUFFER_INIT;
    ShowOptions options = {.path = recordings[_i].recording, .kind = -1};

    ck_assert_int_eq(recording_read(options.path, &recording, NULL), 0);
    ck_assert_int_eq(recording_print_document(recording, &whole), 0);
    ck_assert_int_eq(show_recording_json(recording, &options, &selected), 0);
    ck_assert_str_eq(buffer_text(&whole), buffer_text(&selected));

    buffer_clear(&selected);
    options.kind = FACT_SIGNAL;
    ck_assert_int_eq(show_recording_json(recording, &options, &selected), 0);
    ck_assert_ptr_null(strstr(buffer_text(&selected), "\n{\"kind\":\"syscall\""));
    ck_assert_int_eq(strstr(buffer_text(&whole), "\n{\"kind\":\"signal\"") != NULL,
                     strstr(buffer_text(&selected), "\n{\"kind\":\"signal\"") != NULL);
    recording_free(recording);
}
END_TEST

START_TEST(test_policy)
{
    static const PolicyRule rules[] = {
        {.section = POLICY_SYSCALLS, .name = "read"},
        {.section = POLICY_SYSCALLS, .name = "socket", .args_present = 1, .args = {2}},
        {.section = POLICY_SYSCALLS, .name = "clone3", .deny = 38, .reason = "libc falls back"},
        {.section = POLICY_CAPABILITIES, .name = "CAP_CHOWN", .keep = true},
        {.section = POLICY_FILES, .name = "/etc/passwd", .access = FILE_READ},
        {.section = POLICY_FILES, .name = "/etc/shadow", .access = FILE_READ, .deny = POLICY_DENY},
    };
    Policy *policy = policy_new();
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer json = BUFFER_INIT;

    ck_assert_ptr_nonnull(policy);
    ck_assert_int_eq(policy_set_name(policy, "web"), 0);
    ck_assert_int_eq(policy_set_user(policy, "33"), 0);
    ck_assert_int_eq(policy_add_runtime(policy, "runc"), 0);
    policy_set_archs(policy, 1u << ARCH_X86_64 | 1u << ARCH_I386);
    policy_set_deny_action(policy, 1);
    policy_set_read_only_root(policy, true);
    policy_set_no_new_privs(policy, true);
    policy_set_limit(policy, POLICY_LIMIT_PIDS, 12);
    for (size_t i = 0; i < ARRAY_LENGTH(rules); i++)
        ck_assert_int_eq(policy_add(policy, &rules[i]), 0);
    ck_assert_int_eq(show_policy(policy, "policy.yaml", false, &text), 0);
    ck_assert_int_eq(show_policy_json(policy, &json), 0);
    check_golden(&text, "tests/golden/show/policy.txt");
    check_golden(&json, "tests/golden/show/policy.json");
    policy_free(policy);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("show");

    suite_add(suite, "recording", test_recording, ARRAY_LENGTH(recordings));
    suite_add(suite, "json", test_json, ARRAY_LENGTH(recordings));
    suite_add(suite, "policy", test_policy, 1);
    return suite_run(suite);
}
