/* SPDX-License-Identifier: Apache-2.0 */
/* generator/minimise: which rules a run needed, and what is refused without some of them. */
#include "generator/minimise.h"

#include "base/memory.h"
#include "infer_maker.h"
#include "suite.h"

#include <errno.h>

enum { UNITS_MAX = 32 };

static const char text[] =
    "whittle: policy\nformat: 1\narchitectures: [x86_64]\n"
    "syscalls: [open, openat, read, socket, socket 0=AF_UNIX]\n"
    "files: [/a r, /b rw, '/d/** r', /d/e r, /x rmix, /l rwak, /n wl -> /b]\n"
    "signals: [term self]\n";

static Policy *policy_of_text(void)
{
    Policy *policy = NULL;
    Error err = {0};

    const int r = policy_parse("test", text, strlen(text), &policy, &err);
    ck_assert_msg(r == 0, "%s", err.text);
    policy_sort(policy);
    return policy;
}

/* Those of POLICY, which has to outlive them. */
static MinimiseUnits units_of(const Policy *policy)
{
    MinimiseUnits units = {.count = 0};

    ck_assert_int_eq(minimise_units_make(policy, &units), 0);
    ck_assert_uint_le(units.count, UNITS_MAX);
    return units;
}

/* The units of SET, "; " between. */
static void check_set(const MinimiseUnits *units, const bool *set, const char *wanted)
{
    CLEANUP(buffer_deinit) Buffer got = BUFFER_INIT;

    for (size_t i = 0; i < units->count; i++) {
        if (!set[i])
            continue;
        (void)buffer_puts(&got, got.length > 0 ? "; " : "");
        (void)minimise_print(units, i, &got);
    }
    ck_assert_str_eq(buffer_text(&got), wanted);
}

static size_t unit_called(const MinimiseUnits *units, const char *wanted)
{
    for (size_t i = 0; i < units->count; i++) {
        CLEANUP(buffer_deinit) Buffer unit = BUFFER_INIT;
        (void)minimise_print(units, i, &unit);
        if (strcmp(buffer_text(&unit), wanted) == 0)
            return i;
    }
    ck_abort_msg("no unit %s", wanted);
}

/* Of a rule with one letter there is nothing but the rule; ix is one letter. */
START_TEST(test_units)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_of_text();
    CLEANUP(minimise_units_deinit) MinimiseUnits units = units_of(policy);
    bool letters[UNITS_MAX] = {false};

    for (size_t i = units.rules; i < units.count; i++)
        letters[i] = true;
    check_set(&units, letters,
              "r of /b rw; w of /b rw; r of /l rwak; w of /l rwak; a of /l rwak; k of /l rwak; "
              "w of /n wl -> /b; r of /x rmix; m of /x rmix; ix of /x rmix");
}
END_TEST

START_TEST(test_used)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_of_text();
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(minimise_units_deinit) MinimiseUnits units = units_of(policy);
    bool used[UNITS_MAX] = {false};
    Error err = {0};

    add_call(recording, "openat", "x86_64", 0, 0, 0, 0);
    add_call(recording, "socket", "x86_64", 1, 1, 0, 0); /* AF_UNIX: two rules allow it */
    add_file(recording, "/a", ACCESS_READ, 0, "regular");
    add_file(recording, "/d/e", ACCESS_READ, 0, "regular");
    add_file(recording, "/b", ACCESS_STAT, 0, "regular"); /* needs nothing */
    add_file(recording, "/l", ACCESS_APPEND, 0, "regular");
    ck_assert_int_eq(recording_sort(recording), 0);
    ck_assert_int_eq(minimise_used(recording, &units, JUDGED_SECTIONS, used, &err), 0);
    check_set(&units, used,
              "openat; socket; socket 0=AF_UNIX; /a r; /d/** r; /d/e r; /l rwak; w of /l rwak; "
              "a of /l rwak");
}
END_TEST

static const struct {
    const char *unit;
    const char *related;
} relations[] = {
    {"open", "openat"}, {"socket", "socket 0=AF_UNIX"}, {"read", ""},
    {"/a r", ""},       {"/d/e r", "/d/** r"},          {"term self", ""},
    {"r of /b rw", ""},
};

START_TEST(test_related)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_of_text();
    CLEANUP(minimise_units_deinit) MinimiseUnits units = units_of(policy);
    bool related[UNITS_MAX] = {false};

    ck_assert_int_eq(minimise_related(&units, unit_called(&units, relations[_i].unit), related), 0);
    check_set(&units, related, relations[_i].related);
}
END_TEST

static const struct {
    const char *taken;
    const char *path;
    uint32_t access;
    int refusal;
} refusals[] = {
    {"/a r", "/a", ACCESS_READ, EACCES},
    {"/a r", "/a", ACCESS_STAT, 0},
    {"/a r", "/b", ACCESS_READ, 0},
    {"/b rw", "/b", ACCESS_WRITE, EACCES},
    {"/b rw", "/c", ACCESS_WRITE, 0},   /* never was allowed: that is others' to refuse */
    {"/d/e r", "/d/e", ACCESS_READ, 0}, /* another rule allows it */
    {"/d/** r", "/d/f", ACCESS_READ, EACCES},
    {"/d/** r", "/d/e", ACCESS_READ, 0},
    /* letters */
    {"w of /b rw", "/b", ACCESS_READ | ACCESS_WRITE, EACCES},
    {"w of /b rw", "/b", ACCESS_READ, 0},
    {"k of /l rwak", "/l", ACCESS_LOCK, EACCES},
    {"k of /l rwak", "/l", ACCESS_APPEND, 0},
    {"a of /l rwak", "/l", ACCESS_APPEND, 0}, /* w includes it */
    {"w of /l rwak", "/l", ACCESS_APPEND, 0},
    {"w of /l rwak", "/l", ACCESS_WRITE, EACCES},
    {"m of /x rmix", "/x", ACCESS_MMAP_EXEC, EACCES},
    {"m of /x rmix", "/x", ACCESS_READ, 0},
};

START_TEST(test_withheld)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_of_text();
    CLEANUP(policy_cleanup) Policy *left = NULL;
    CLEANUP(minimise_units_deinit) MinimiseUnits units = units_of(policy);
    bool taken[UNITS_MAX] = {false};
    Fact fact = {.kind = FACT_FILE, .name = refusals[_i].path, .subject = "/bin/x"};

    fact.phase = PHASE_RUN;
    fact_set_number(&fact, FIELD_ACCESS, refusals[_i].access);
    const size_t index = unit_called(&units, refusals[_i].taken);
    taken[index] = true;
    ck_assert_int_eq(minimise_without(&units, taken, &left), 0);
    ck_assert_uint_eq(policy_rules_count(left),
                      policy_rules_count(policy) - (index < units.rules ? 1 : 0));
    Withheld *withheld = withheld_new(policy, left, JUDGED_SECTIONS);
    ck_assert_ptr_nonnull(withheld);
    for (int again = 0; again < 2; again++)
        ck_assert_int_eq(withheld_refusal(withheld, &fact), refusals[_i].refusal);
    withheld = withheld_free(withheld);
    ck_assert_ptr_null(withheld);
}
END_TEST

/* All letters of a rule make it go. */
START_TEST(test_all_letters)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_of_text();
    CLEANUP(policy_cleanup) Policy *left = NULL;
    CLEANUP(minimise_units_deinit) MinimiseUnits units = units_of(policy);
    bool taken[UNITS_MAX] = {false};

    taken[unit_called(&units, "r of /b rw")] = true;
    taken[unit_called(&units, "w of /b rw")] = true;
    ck_assert_int_eq(minimise_without(&units, taken, &left), 0);
    ck_assert_uint_eq(policy_rules_count(left), policy_rules_count(policy) - 1);
}
END_TEST

/* What was asked in a run without a rule, of up to two files; and which of its letters alone would
 * have made the same run. */
static const struct {
    const char *rule;
    struct {
        const char *path;
        uint32_t access;
    } asked[2];
    const char *same;
} alike[] = {
    {"/b rw", {{"/b", ACCESS_READ | ACCESS_WRITE}}, "r of /b rw; w of /b rw"},
    {"/b rw", {{"/b", ACCESS_WRITE}}, "w of /b rw"},
    {"/b rw", {{"/b", ACCESS_WRITE}, {"/b", ACCESS_STAT}}, "w of /b rw"},
    {"/b rw", {{"/b", ACCESS_WRITE}, {"/b", ACCESS_READ}}, ""},
    {"/b rw", {{"/b", ACCESS_WRITE}, {"/a", ACCESS_READ}}, "w of /b rw"},
    {"/b rw", {{"/a", ACCESS_READ}}, ""},
    {"/l rwak", {{"/l", ACCESS_APPEND}}, ""}, /* w and a both allow it */
    {"/l rwak", {{"/l", ACCESS_LOCK}}, "k of /l rwak"},
    {"/x rmix", {{"/x", ACCESS_MMAP_EXEC}}, "r of /x rmix; m of /x rmix"},
};

START_TEST(test_same)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_of_text();
    CLEANUP(policy_cleanup) Policy *left = NULL;
    CLEANUP(minimise_units_deinit) MinimiseUnits units = units_of(policy);
    CLEANUP(recording_cleanup) Recording *recording = new_recording();
    CLEANUP(findings_deinit) Findings findings = {0};
    bool taken[UNITS_MAX] = {false};
    bool same[UNITS_MAX] = {false};
    Error err = {0};

    for (size_t i = 0; i < ARRAY_LENGTH(alike[_i].asked) && alike[_i].asked[i].path; i++)
        add_file(recording, alike[_i].asked[i].path, alike[_i].asked[i].access, 0, "regular");
    const size_t rule = unit_called(&units, alike[_i].rule);
    taken[rule] = true;
    ck_assert_int_eq(minimise_without(&units, taken, &left), 0);
    ck_assert_int_eq(recording_sort(recording), 0);
    ck_assert_int_eq(judge(recording, left, JUDGED_SECTIONS, &findings, &err), 0);
    ck_assert_int_eq(minimise_same(recording, &findings, NULL, &units, rule, same, &err), 0);
    check_set(&units, same, alike[_i].same);
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

    suite_add(suite, "units", test_units, 1);
    suite_add(suite, "used", test_used, 1);
    suite_add(suite, "related", test_related, ARRAY_LENGTH(relations));
    suite_add(suite, "withheld", test_withheld, ARRAY_LENGTH(refusals));
    suite_add(suite, "all letters", test_all_letters, 1);
    suite_add(suite, "same", test_same, ARRAY_LENGTH(alike));
    suite_add(suite, "signals", test_signals, ARRAY_LENGTH(signals));
    return suite_run(suite);
}
