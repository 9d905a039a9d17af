/* SPDX-License-Identifier: Apache-2.0 */
/* generator/landlock_plan, landlock_present: what is refused, never what the policy allows. */
#include "generator/landlock_present.h"
#include "generator/unified_diff.h"

#include "base/memory.h"
#include "own_folder.h"
#include "policy_maker.h"
#include "suite.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* ---- what there is of a pattern ------------------------------------------------------------- */

static const char *const present[] = {"/lib/",
                                      "/lib/py3.1/",
                                      "/lib/py3.1/cache/",
                                      "/lib/py3.1/cache/a.pyc",
                                      "/lib/py3.1/cache/b.py",
                                      "/lib/py3.1/os.py",
                                      "/lib/py2/",
                                      "/lib/py2/a.pyc",
                                      "/lib/other/",
                                      "/lib/other/a.pyc",
                                      "/lib/py3.9"};

static const struct {
    const char *rule, *finding; /* without the folder */
    bool refused;
} narrowed[] = {
    {"/lib/py*/cache/*.pyc r", "/lib/py3.1/cache/a.pyc r", false},
    {"/lib/py*/cache/*.pyc r", "/lib/py3.1/cache/b.py r", true},
    {"/lib/py*/cache/*.pyc r", "/lib/py3.1/os.py r", true},
    {"/lib/py*/cache/*.pyc r", "/lib/py2/a.pyc r", true},
    {"/lib/py*/cache/*.pyc r", "/lib/other/a.pyc r", true},
    {"/lib/py**/*.pyc r", "/lib/py3.1/cache/a.pyc r", false},
    {"/lib/py**/*.pyc r", "/lib/py2/a.pyc r", false},
    {"/lib/py**/*.pyc r", "/lib/py2/ r", true},
    {"/lib/py**/*.pyc r", "/lib/py2/a.pyc ix", true},
    {"/lib/py**/*.pyc rm", "/lib/py2/a.pyc ix", false},
    {"/lib/py*/ r", "/lib/py2/ r", false},
    {"/lib/py*/ r", "/lib/ r", true},
    {"/lib/py*/ r", "/lib/py2/a.pyc r", true},
    {"/lib/py*/** r", "/lib/py3.1/cache/b.py r", false}, /* all that is beneath, also what comes */
    {"/lib/py*/** r", "/lib/py3.1/cache/new r", false},
    {"/lib/py*/** r", "/lib/py3.9 r", true},
    {"/lib/py* r", "/lib/py3.9 r", false},
    {"/lib/py* r", "/lib/py2/a.pyc r", true},
    {"/lib/** r", "/lib/new r", false},
    {"/lib/py* w", "/lib/new w", false}, /* makes files: not narrowed */
    {"/gone/a* r", "/gone/b r", false},  /* nor what is not there */
    {"/lib/{other,py2}/a.pyc r", "/lib/py2/a.pyc r", false},
    {"/lib/{other,py2}/a.pyc r", "/lib/py3.1/os.py r", true},
};

static void make_present(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(present); i++) {
        const char *name = present[i] + 1; /* here */
        if (name[strlen(name) - 1] == '/')
            ck_assert_int_eq(mkdir(name, 0755), 0);
        else
            ck_assert_int_eq(close(open(name, O_CREAT | O_WRONLY | O_EXCL | O_CLOEXEC, 0644)), 0);
    }
}

START_TEST(test_narrowed)
{
    CLEANUP(landlock_plan_deinit) LandlockPlan plan = {.exact = 0};
    CLEANUP(buffer_deinit) Buffer rules = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer finding = BUFFER_INIT;
    const char *const settled[] = {"/nowhere", own_folder, NULL};

    own_folder_enter();
    make_present();
    ck_assert_int_eq(buffer_printf(&rules, "files: ['%s%s']\n", own_folder, narrowed[_i].rule), 0);
    ck_assert_int_eq(buffer_printf(&finding, "%s%s", own_folder, narrowed[_i].finding), 0);
    Policy *policy = policy_of(buffer_text(&rules));
    ck_assert_int_eq(landlock_plan_make(policy, all_sections, 7, &plan), 0);
    ck_assert_int_eq(landlock_plan_narrow(&plan, settled), 0);
    ck_assert_msg(refuses(&plan, POLICY_FILES, buffer_text(&finding)) == narrowed[_i].refused,
                  "%s: %s", narrowed[_i].rule, narrowed[_i].finding);
    (void)policy_free(policy);
    own_folder_leave();
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
    suite_add(suite, "narrowed", test_narrowed, ARRAY_LENGTH(narrowed));
    suite_add(suite, "versions", test_versions, 1);
    suite_add(suite, "tcp", test_tcp, 1);
    suite_add(suite, "diff", test_diff, 6);
    return suite_run(suite);
}
