/* SPDX-License-Identifier: Apache-2.0 */
/* generator/minimise: which rules a run needed, and what is refused without some of them. */
#include "generator/minimise.h"

#include "base/memory.h"
#include "infer_maker.h"
#include "suite.h"

#include <errno.h>

enum { RULES_MAX = 16 };

static const char text[] = "whittle: policy\nformat: 1\narchitectures: [x86_64]\n"
                           "syscalls: [open, openat, read, socket, socket 0=AF_UNIX]\n"
                           "files: [/a r, /b rw, '/d/** r', /d/e r]\n"
                           "signals: [term self]\n";

static Policy *policy_of_text(void)
{
    Policy *policy = NULL;
    Error err = {0};

    const int r = policy_parse("test", text, strlen(text), &policy, &err);
    ck_assert_msg(r == 0, "%s", err.text);
    policy_sort(policy);
    ck_assert_uint_le(policy_rules_count(policy), RULES_MAX);
    return policy;
}

/* The rules of SET, "; " between. */
static void check_set(const Policy *policy, const bool *set, const char *wanted)
{
    CLEANUP(buffer_deinit) Buffer got = BUFFER_INIT;

    for (size_t i = 0; i < policy_rules_count(policy); i++) {
        if (!set[i])
            continue;
        (void)buffer_puts(&got, got.length > 0 ? "; " : "");
        (void)policy_rule_print(policy_rule(policy, i), &got);
    }
    ck_assert_str_eq(buffer_text(&got), wanted);
}

static size_t rule_called(const Policy *policy, const char *wanted)
{
    for (size_t i = 0; i < policy_rules_count(policy); i++) {
        CLEANUP(buffer_deinit) Buffer rule = BUFFER_INIT;
        (void)policy_rule_print(policy_rule(policy, i), &rule);
        if (strcmp(buffer_text(&rule), wanted) == 0)
            return i;
    }
    ck_abort_msg("no rule %s", wanted);
}

START_TEST(test_used)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_of_text();
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    bool used[RULES_MAX] = {false};
    Error err = {0};

    add_call(recording, "openat", "x86_64", 0, 0, 0, 0);
    add_call(recording, "socket", "x86_64", 1, 1, 0, 0); /* AF_UNIX: two rules allow it */
    add_file(recording, "/a", ACCESS_READ, 0, "regular");
    add_file(recording, "/d/e", ACCESS_READ, 0, "regular");
    add_file(recording, "/b", ACCESS_STAT, 0, "regular"); /* needs nothing */
    ck_assert_int_eq(recording_sort(recording), 0);
    ck_assert_int_eq(minimise_used(recording, policy, JUDGED_SECTIONS, used, &err), 0);
    check_set(policy, used, "openat; socket; socket 0=AF_UNIX; /a r; /d/** r; /d/e r");
}
END_TEST

static const struct {
    const char *rule;
    const char *related;
} relations[] = {
    {"open", "openat"}, {"socket", "socket 0=AF_UNIX"}, {"read", ""},
    {"/a r", ""},       {"/d/e r", "/d/** r"},          {"term self", ""},
};

START_TEST(test_related)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_of_text();
    bool related[RULES_MAX] = {false};

    ck_assert_int_eq(minimise_related(policy, rule_called(policy, relations[_i].rule), related), 0);
    check_set(policy, related, relations[_i].related);
}
END_TEST

static const struct {
    const char *taken;
    const char *path;
    uint32_t access;
    int refusal;
} refusals[] = {
    {"/a r", "/a", ACCESS_READ, EACCES},      {"/a r", "/a", ACCESS_STAT, 0},
    {"/a r", "/b", ACCESS_READ, 0},           {"/b rw", "/b", ACCESS_WRITE, EACCES},
    {"/b rw", "/c", ACCESS_WRITE, 0},   /* never was allowed: that is others' to refuse */
    {"/d/e r", "/d/e", ACCESS_READ, 0}, /* another rule allows it */
    {"/d/** r", "/d/f", ACCESS_READ, EACCES}, {"/d/** r", "/d/e", ACCESS_READ, 0},
};

START_TEST(test_withheld)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_of_text();
    CLEANUP(policy_cleanup) Policy *left = NULL;
    bool taken[RULES_MAX] = {false};
    Fact fact = {.kind = FACT_FILE, .name = refusals[_i].path, .subject = "/bin/x"};

    fact.phase = PHASE_RUN;
    fact_set_number(&fact, FIELD_ACCESS, refusals[_i].access);
    taken[rule_called(policy, refusals[_i].taken)] = true;
    ck_assert_int_eq(minimise_without(policy, taken, &left), 0);
    ck_assert_uint_eq(policy_rules_count(left), policy_rules_count(policy) - 1);
    Withheld *withheld = withheld_new(policy, left, JUDGED_SECTIONS);
    ck_assert_ptr_nonnull(withheld);
    for (int again = 0; again < 2; again++)
        ck_assert_int_eq(withheld_refusal(withheld, &fact), refusals[_i].refusal);
    withheld = withheld_free(withheld);
    ck_assert_ptr_null(withheld);
}
END_TEST

static const struct {
    const char *rule; /* of the policy; NULL none */
    const char *name, *target;
    uint32_t sections;
    int refusal;
} signals[] = {
    /* to every process there is: whatever sections are asked for */
    {NULL, "SIGTERM", "all", 0, EACCES},
    {"SIGTERM all", "SIGTERM", "all", 0, 0},
    {NULL, "exists", "all", 0, 0},
    {NULL, "SIGTERM", "self", 0, 0},
    {NULL, "SIGTERM", "self", 1u << POLICY_SIGNALS, EACCES},
    {"SIGTERM self", "SIGTERM", "self", 1u << POLICY_SIGNALS, 0},
    {"SIGTERM self", "SIGTERM", "outside", 1u << POLICY_SIGNALS, EACCES},
    {"SIGTERM self", "SIGTERM", "outside", 1u << POLICY_FILES, 0},
};

START_TEST(test_signals)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_new();
    Fact fact = {.kind = FACT_SIGNAL, .name = signals[_i].name, .subject = "/bin/x"};
    PolicyRule rule;

    fact.phase = PHASE_RUN;
    fact_set_text(&fact, FIELD_TARGET, signals[_i].target);
    if (signals[_i].rule) {
        ck_assert_int_eq(policy_rule_parse(POLICY_SIGNALS, signals[_i].rule, policy_strings(policy),
                                           &rule, NULL),
                         0);
        ck_assert_int_eq(policy_add(policy, &rule), 0);
    }
    policy_sort(policy);
    Withheld *withheld = withheld_new(policy, policy, signals[_i].sections);
    ck_assert_ptr_nonnull(withheld);
    ck_assert_int_eq(withheld_refusal(withheld, &fact), signals[_i].refusal);
    (void)withheld_free(withheld);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("minimise");

    suite_add(suite, "used", test_used, 1);
    suite_add(suite, "related", test_related, ARRAY_LENGTH(relations));
    suite_add(suite, "withheld", test_withheld, ARRAY_LENGTH(refusals));
    suite_add(suite, "signals", test_signals, ARRAY_LENGTH(signals));
    return suite_run(suite);
}
