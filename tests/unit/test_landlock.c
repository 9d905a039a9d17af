/* SPDX-License-Identifier: Apache-2.0 */
/* generator/landlock_plan: never refuses what the policy allows, and what it refuses. */
#include "generator/landlock_plan.h"
#include "generator/unified_diff.h"

#include "base/memory.h"
#include "policy_maker.h"
#include "suite.h"

static const uint32_t all_sections = JUDGED_SECTIONS;

static bool refuses(const LandlockPlan *plan, PolicySection section, const char *rule)
{
    const Finding finding = {.section = section, .rule = (char *)(uintptr_t)rule};

    return landlock_plan_refuses(plan, &finding);
}

static const struct {
    const char *rules; /* a YAML list */
    const char *finding;
    bool refused;
} files[] = {
    {"files: [/a/b r]", "/a/b r", false},
    {"files: [/a/b r]", "/a/c r", true},
    {"files: [/a/b r]", "/a/b w", true},
    {"files: [/a/b r]", "/a/b ix", true},
    {"files: [/a/b rix]", "/a/b ix", false},
    {"files: [/a/b w]", "/a/b w", false},
    {"files: [/a/b w]", "/a/c w", false}, /* in a folder where files are made */
    {"files: [/a/b w]", "/b/c w", true},
    {"files: [/a/*.txt r]", "/a/b r", false}, /* from the last folder before the wildcard on */
    {"files: [/a/*.txt r]", "/ab r", true},
    {"files: [/a/ r]", "/a/b r", true}, /* to list a folder is not to read what is in it */
    {"files: [/a/ r]", "/a/b/ r", false},
    {"files: [/proc/1/stat r]", "/proc/2/maps r", false},
    {"files: [{rule: /a/b r, deny: true}]", "/a/b r", true},
    /* What Landlock would get in the way of. */
    {"files: [/a r]\nsyscalls: [mount]", "/b r", false},
    {"files: [/a r]\nsyscalls: [chroot]", "/b r", false},
    {"files: [/a r]\nsyscalls: [{rule: chroot, deny: EPERM}]", "/b r", true},
};

START_TEST(test_files)
{
    CLEANUP(landlock_plan_deinit) LandlockPlan plan = {.exact = 0};
    Policy *policy = policy_of(files[_i].rules);

    ck_assert_int_eq(landlock_plan_make(policy, all_sections, 7, &plan), 0);
    ck_assert_msg(refuses(&plan, POLICY_FILES, files[_i].finding) == files[_i].refused, "%s: %s",
                  files[_i].rules, files[_i].finding);
    (void)policy_free(policy);
}
END_TEST

START_TEST(test_versions)
{
    static const struct {
        int abi;
        uint32_t sections, files, tcp;
    } rows[] = {
        {0, JUDGED_SECTIONS, 0, 0},
        {1, JUDGED_SECTIONS, 0, 0}, /* it forbids moving files between folders */
        {2, JUDGED_SECTIONS, LANDLOCK_FILES_ABI2, 0},
        {3, JUDGED_SECTIONS, LANDLOCK_FILES_ABI3, 0},
        {4, JUDGED_SECTIONS, LANDLOCK_FILES_ABI3, LANDLOCK_TCP},
        {4, 1u << POLICY_NETWORK, 0, LANDLOCK_TCP},
        {4, 1u << POLICY_SYSCALLS, 0, 0},
    };
    Policy *policy = policy_of("files: [/a r]\n");

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(landlock_plan_deinit) LandlockPlan plan = {.exact = 0};
        ck_assert_int_eq(landlock_plan_make(policy, rows[i].sections, rows[i].abi, &plan), 0);
        ck_assert_uint_eq(plan.rules.files, rows[i].files);
        ck_assert_uint_eq(plan.rules.tcp, rows[i].tcp);
        ck_assert(!plan.files_reason == (rows[i].files != 0));
        ck_assert(!plan.tcp_reason == (rows[i].tcp != 0));
    }
    (void)policy_free(policy);
}
END_TEST

START_TEST(test_tcp)
{
    static const struct {
        const char *rules;
        const char *finding;
        bool refused;
    } rows[] = {
        {"network: [inet stream]", "inet stream", false},
        {"network: [inet6 stream]", "inet stream", false},
        {"network: [inet dgram]", "inet stream", true},
        {"network: [inet dgram]", "inet6 stream", true},
        {"network: [inet dgram]", "inet raw", false},
        {"network: [inet]", "inet6 stream", false},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(landlock_plan_deinit) LandlockPlan plan = {.exact = 0};
        Policy *policy = policy_of(rows[i].rules);
        ck_assert_int_eq(landlock_plan_make(policy, all_sections, 7, &plan), 0);
        ck_assert_msg(refuses(&plan, POLICY_NETWORK, rows[i].finding) == rows[i].refused, "%s: %s",
                      rows[i].rules, rows[i].finding);
        (void)policy_free(policy);
    }
}
END_TEST

/* tests/live/test_verify.py applies what it makes with patch(1). */
START_TEST(test_diff)
{
    static const struct {
        const char *old, *fresh, *wanted;
    } rows[] = {
        {"a\n", "a\n", ""},
        {"a\n", "b\na\n", "--- n\n+++ n\n@@ -1,1 +1,2 @@\n+b\n a\n"},
        {"", "a\n", "--- n\n+++ n\n@@ -0,0 +1,1 @@\n+a\n"},
        {"a\nb\n", "a\nc\n", "--- n\n+++ n\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"},
        {"a", "a\nb\n",
         "--- n\n+++ n\n@@ -1,1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n"},
        {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "x\n1\n2\n3\n4\n5\n6\n7\n8\n9\ny\n",
         "--- n\n+++ n\n@@ -1,3 +1,4 @@\n+x\n 1\n 2\n 3\n@@ -7,3 +8,4 @@\n 7\n 8\n 9\n+y\n"},
    };
    CLEANUP(buffer_deinit) Buffer got = BUFFER_INIT;

    ck_assert_int_eq(unified_diff("n", rows[_i].old, rows[_i].fresh, &got), 0);
    ck_assert_str_eq(buffer_text(&got), rows[_i].wanted);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("landlock");

    suite_add(suite, "files", test_files, ARRAY_LENGTH(files));
    suite_add(suite, "versions", test_versions, 1);
    suite_add(suite, "tcp", test_tcp, 1);
    suite_add(suite, "diff", test_diff, 6);
    return suite_run(suite);
}
