/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies as text: nothing is lost by writing and reading one, and a change leaves alone what it
 * is not about. Random policies are the same in every run; a failure names its round.
 */
#include "base/memory.h"
#include "model/policy_text.h"
#include "policy_maker.h"
#include "suite.h"

#include <inttypes.h>

/* Each test of Check is a process, so that one does a batch of rounds. */
enum { BATCHES = 10, BATCH = 60, RULES = 40 };

/* ---- nothing is lost ------------------------------------------------------------------------ */

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The two say the same in all respects. */
static void policies_are_equal(const Policy *a, const Policy *b)
{
    ck_assert(same(policy_name(a), policy_name(b)));
    ck_assert(same(policy_user(a), policy_user(b)));
    ck_assert_uint_eq(policy_archs(a), policy_archs(b));
    ck_assert_uint_eq(policy_runtimes_count(a), policy_runtimes_count(b));
    for (size_t i = 0; i < policy_runtimes_count(a); i++)
        ck_assert_str_eq(policy_runtime(a, i), policy_runtime(b, i));
    ck_assert_int_eq(policy_deny_action(a), policy_deny_action(b));
    ck_assert_int_eq(policy_read_only_root(a), policy_read_only_root(b));
    ck_assert_int_eq(policy_no_new_privs(a), policy_no_new_privs(b));
    for (PolicyLimit i = 0; i < POLICY_LIMIT_COUNT; i++)
        ck_assert_uint_eq(policy_limit(a, i), policy_limit(b, i));
    ck_assert_uint_eq(policy_rules_count(a), policy_rules_count(b));
    for (size_t i = 0; i < policy_rules_count(a); i++) {
        const PolicyRule *x = policy_rule(a, i);
        const PolicyRule *y = policy_rule(b, i);
        ck_assert_msg(policy_rule_compare(x, y) == 0, "%s and %s", x->name, y->name);
        ck_assert_uint_eq(x->access, y->access);
        ck_assert_int_eq(x->keep, y->keep);
        ck_assert_msg(same(x->reason, y->reason), "%s: reasons \"%s\" and \"%s\"", x->name,
                      x->reason ? x->reason : "none", y->reason ? y->reason : "none");
    }
}

static void lossless(uint64_t seed)
{
    Random random = {seed};
    CLEANUP(policy_cleanup) Policy *policy = random_policy(&random, RULES);
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer again = BUFFER_INIT;

    ck_assert_int_eq(policy_print(policy, &out), 0);
    CLEANUP(policy_cleanup) Policy *copy = policy_from(buffer_text(&out));
    policies_are_equal(policy, copy);
    ck_assert_int_eq(policy_print(copy, &again), 0);
    ck_assert_str_eq(buffer_text(&out), buffer_text(&again));
}

START_TEST(test_lossless)
{
    for (int i = 0; i < BATCH; i++)
        lossless((uint64_t)_i * BATCH + (uint64_t)i + 1);
}
END_TEST

/* ---- changes to a text ---------------------------------------------------------------------- */

#define HEAD "whittle: policy\nformat: 1\narchitectures: [x86_64]\n"

/* RULES, of SECTION, are added to BEFORE. */
static const struct {
    const char *before;
    PolicySection section;
    const char *rules[3];
    const char *after;
} additions[] = {
    /* between its neighbours, whatever the quotes, blanks and comments */
    {HEAD "files:\n  - /a r  # a\n\n  # c\n  - '/c r'\n# end\n",
     POLICY_FILES,
     {"/b r"},
     HEAD "files:\n  - /a r  # a\n  - /b r\n\n  # c\n  - '/c r'\n# end\n"},
    {HEAD "files:\n- /b r\n",
     POLICY_FILES,
     {"/a r", "/c r"},
     HEAD "files:\n- /a r\n- /b r\n- /c r\n"},
    {HEAD "files: # all\n\n    # b\n    - /b r\n",
     POLICY_FILES,
     {"/a r"},
     HEAD "files: # all\n    - /a r\n\n    # b\n    - /b r\n"},
    /* next to the one that comes before it, wherever that is */
    {HEAD "files:\n  - /x r\n  - /a r\n  - /m r\n",
     POLICY_FILES,
     {"/b r", "/n r", "/z r"},
     HEAD "files:\n  - /x r\n  - /z r\n  - /a r\n  - /b r\n  - /m r\n  - /n r\n"},
    {HEAD "files:\n  - /x r\n  # m\n  - /m r\n",
     POLICY_FILES,
     {"/a r"},
     HEAD "files:\n  - /x r\n  - /a r\n  # m\n  - /m r\n"},
    /* rules of more than a line */
    {HEAD "files:\n  - rule: /a r\n    reason: |\n      x\n      y\n\n  # z\n  - /z r\n",
     POLICY_FILES,
     {"/b r"},
     HEAD "files:\n  - rule: /a r\n    reason: |\n      x\n      y\n  - /b r\n\n  # z\n  - /z r\n"},
    {HEAD "files:\n  -\n    /a\n    r\n  - {rule: /c r,\n     keep: true} # k\n",
     POLICY_FILES,
     {"/b r", "/d r"},
     HEAD
     "files:\n  -\n    /a\n    r\n  - /b r\n  - {rule: /c r,\n     keep: true} # k\n  - /d r\n"},
    /* in brackets */
    {HEAD "capabilities: [CAP_CHOWN, 'CAP_SETUID', ] # c\n",
     POLICY_CAPABILITIES,
     {"CAP_KILL", "CAP_SYS_TIME"},
     HEAD "capabilities: [CAP_CHOWN, CAP_KILL, 'CAP_SETUID', CAP_SYS_TIME, ] # c\n"},
    {HEAD "capabilities: [CAP_KILL]\n",
     POLICY_CAPABILITIES,
     {"CAP_CHOWN"},
     HEAD "capabilities: [CAP_CHOWN, CAP_KILL]\n"},
    {HEAD "files: []\nnetwork: [inet]\n",
     POLICY_FILES,
     {"/a{b,c} r", "/d r"},
     HEAD "files: [\"/a{b,c} r\", /d r]\nnetwork: [inet]\n"},
    {HEAD "files: [\n  /a r, # a\n  /c r  # c\n]\n",
     POLICY_FILES,
     {"/b r", "/d r"},
     HEAD "files: [\n  /a r, /b r, # a\n  /c r, /d r  # c\n]\n"},
    /* sections that are empty or not there */
    {HEAD "files:   # none yet\n", POLICY_FILES, {"/a r"}, HEAD "files:   # none yet\n  - /a r\n"},
    {HEAD "\nfiles:\n  - /a r\n\nunix:\n  - bind stream\n",
     POLICY_NETWORK,
     {"inet", "inet6"},
     HEAD "\nfiles:\n  - /a r\n\nnetwork:\n  - inet\n  - inet6\n\nunix:\n  - bind stream\n"},
    {HEAD "# c\nunix:\n  - bind stream\n",
     POLICY_SYSCALLS,
     {"read"},
     HEAD "\nsyscalls:\n  - read\n# c\nunix:\n  - bind stream\n"},
    {HEAD "files: [\n  /a r\n  ]\n",
     POLICY_UNIX,
     {"bind stream"},
     HEAD "files: [\n  /a r\n  ]\n\nunix:\n  - bind stream\n"},
    {HEAD, POLICY_VOLUMES, {"/v"}, HEAD "\nvolumes:\n  - /v\n"},
    {"  whittle: policy\n  format: 1\n  name: x\n",
     POLICY_FILES,
     {"/a r"},
     "  whittle: policy\n  format: 1\n  name: x\n\n  files:\n    - /a r\n"},
    /* the end of lines */
    {"whittle: policy\r\nformat: 1\r\nfiles:\r\n  - /a r\r\n",
     POLICY_FILES,
     {"/b r"},
     "whittle: policy\r\nformat: 1\r\nfiles:\r\n  - /a r\r\n  - /b r\r\n"},
    {HEAD "files:\n  - /a r",
     POLICY_FILES,
     {"/b r", "/c r"},
     HEAD "files:\n  - /a r\n  - /b r\n  - /c r"},
    {HEAD "files:\n  - /a r",
     POLICY_NETWORK,
     {"inet"},
     HEAD "files:\n  - /a r\n\nnetwork:\n  - inet"},
    /* characters of several bytes before it */
    {"# \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n" HEAD "files: [/\xc3\xa9 r, /z r]\n",
     POLICY_FILES,
     {"/\xc3\xaa r"},
     "# \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n" HEAD
     "files: [/\xc3\xa9 r, \"/\xc3\xaa r\", /z r]\n"},
    /* the whole document in braces, as JSON would be */
    {"{\"whittle\": \"policy\", \"format\": 1, \"files\": [\"/a r\"]}\n",
     POLICY_FILES,
     {"/b r"},
     "{\"whittle\": \"policy\", \"format\": 1, \"files\": [\"/a r\", /b r]}\n"},
    {"{whittle: policy, format: 1}",
     POLICY_FILES,
     {"/a r", "/b r"},
     "{whittle: policy, format: 1, files: [/a r, /b r]}"},
    {"{whittle: policy, format: 1, files: , name: x}",
     POLICY_FILES,
     {"/a r"},
     "{whittle: policy, format: 1, files: [/a r] , name: x}"},
};

START_TEST(test_add)
{
    CLEANUP(policy_text_cleanup) PolicyText *text = policy_text_from(additions[_i].before);
    CLEANUP(policy_cleanup) Policy *scratch = policy_new();
    CLEANUP(buffer_deinit) Buffer same = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    Error err = {0};

    ck_assert_int_eq(policy_text_print(text, &same), 0);
    ck_assert_str_eq(buffer_text(&same), additions[_i].before);
    for (size_t i = 0; i < 3 && additions[_i].rules[i]; i++) {
        PolicyRule rule;
        ck_assert_msg(policy_rule_parse(additions[_i].section, additions[_i].rules[i],
                                        policy_strings(scratch), &rule, &err) == 0,
                      "%s", err.text);
        ck_assert_int_eq(policy_text_add(text, &rule), 0);
    }
    ck_assert_int_eq(policy_text_print(text, &out), 0);
    ck_assert_str_eq(buffer_text(&out), additions[_i].after);
    CLEANUP(policy_cleanup) Policy *policy = policy_from(buffer_text(&out));
    ck_assert_uint_gt(policy_rules_count(policy), policy_rules_count(policy_text_policy(text)));
}
END_TEST

/* Bit i of PLACES: the i-th rule goes. */
static const struct {
    const char *before;
    unsigned places;
    const char *after;
} removals[] = {
    {HEAD "files:\n  # a\n  - /a r # x\n  # b\n  - /b r\n", 1,
     HEAD "files:\n  # a\n  # b\n  - /b r\n"},
    {HEAD "files:\n  - /a r\n  - /b r", 2, HEAD "files:\n  - /a r\n"},
    {HEAD "files:\n  - /a r\nunix:\n  - bind stream\n", 1, HEAD "files:\nunix:\n  - bind stream\n"},
    {HEAD "files:\n  -\n    rule: /a r\n    reason: |\n      x\n\n  - /b r\n", 1,
     HEAD "files:\n\n  - /b r\n"},
    {HEAD "files: [/a r, /b r, /c r]\n", 1, HEAD "files: [/b r, /c r]\n"},
    {HEAD "files: [/a r, /b r, /c r]\n", 2, HEAD "files: [/a r, /c r]\n"},
    {HEAD "files: [/a r, /b r, /c r]\n", 4, HEAD "files: [/a r, /b r]\n"},
    {HEAD "files: [/a r, /b r, /c r]\n", 5, HEAD "files: [/b r]\n"},
    {HEAD "files: [/a r, /b r, /c r]\n", 6, HEAD "files: [/a r]\n"},
    {HEAD "files: [/a r, /b r, /c r]\n", 7, HEAD "files: []\n"},
};

START_TEST(test_remove)
{
    CLEANUP(policy_text_cleanup) PolicyText *text = policy_text_from(removals[_i].before);
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    size_t removed = 0;

    for (size_t i = 0; policy_text_place(text, i); i++) {
        if (removals[_i].places >> i & 1) {
            policy_text_remove(text, i);
            removed++;
        }
    }
    ck_assert_int_eq(policy_text_print(text, &out), 0);
    ck_assert_str_eq(buffer_text(&out), removals[_i].after);
    CLEANUP(policy_cleanup) Policy *policy = policy_from(buffer_text(&out));
    ck_assert_uint_eq(policy_rules_count(policy) + removed,
                      policy_rules_count(policy_text_policy(text)));
}
END_TEST

/* Bit i of PLACES: the i-th rule only grants reading. */
static const struct {
    const char *before;
    unsigned places;
    const char *after;
} narrowings[] = {
    {HEAD "files:\n  # a\n  - /a rw # x\n  # b\n  - '/b rwk'   # y\n", 3,
     HEAD "files:\n  # a\n  - /a r # x\n  # b\n  - /b r   # y\n"},
    {HEAD "files:\n  - owner /a rw\n", 1, HEAD "files:\n  - owner /a r\n"},
    {HEAD "files:\n  - rule: /a rw\n    reason: x\n  - /b rw", 3,
     HEAD "files:\n  - {rule: /a r, reason: x}\n  - /b r"},
    {HEAD "files: [/a rw, '/{b,c} rw' ]\n", 3, HEAD "files: [/a r, \"/{b,c} r\" ]\n"},
    {HEAD "files:\n  - /a r   # as it was\n", 1, HEAD "files:\n  - /a r   # as it was\n"},
};

START_TEST(test_narrow)
{
    CLEANUP(policy_text_cleanup) PolicyText *text = policy_text_from(narrowings[_i].before);
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;

    for (size_t i = 0; policy_text_place(text, i); i++) {
        if (narrowings[_i].places >> i & 1)
            policy_text_set_access(text, i, FILE_READ);
    }
    ck_assert_int_eq(policy_text_print(text, &out), 0);
    ck_assert_str_eq(buffer_text(&out), narrowings[_i].after);
    CLEANUP(policy_cleanup) Policy *policy = policy_from(buffer_text(&out));
    for (size_t i = 0; i < policy_rules_count(policy); i++)
        ck_assert_uint_eq(policy_rule(policy, i)->access, FILE_READ);
}
END_TEST

START_TEST(test_head)
{
    static const struct {
        const char *before, *after;
    } rows[] = {
        {"whittle: policy\nformat: 1\narchitectures: [x86_64] # a\nread-only-root:   true # b\n",
         "whittle: policy\nformat: 1\narchitectures: [x86_64, i386, arm] # a\nread-only-root:   "
         "false # b\n"},
        {"whittle: policy\nformat: 1\narchitectures:\n- x86_64\nname: x\n",
         "whittle: policy\nformat: 1\narchitectures:\n- x86_64\n- i386\n- arm\nname: x\n"},
        {"whittle: policy\nformat: 1\narchitectures: []\n",
         "whittle: policy\nformat: 1\narchitectures: [i386, arm]\n"},
        {"whittle: policy\nformat: 1\n\nfiles:\n  - /a r\n",
         "whittle: policy\nformat: 1\narchitectures: [i386, arm]\n\nfiles:\n  - /a r\n"},
        {"{whittle: policy, format: 1, read-only-root: true}",
         "{whittle: policy, format: 1, read-only-root: false, architectures: [i386, arm]}"},
    };
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(policy_text_cleanup) PolicyText *text = policy_text_from(rows[i].before);
        policy_text_add_arch(text, ARCH_ARM);
        policy_text_add_arch(text, ARCH_I386);
        policy_text_open_root(text);
        buffer_clear(&out);
        ck_assert_int_eq(policy_text_print(text, &out), 0);
        ck_assert_str_eq(buffer_text(&out), rows[i].after);
    }
}
END_TEST

/* ---- random changes ------------------------------------------------------------------------- */

/* POLICY as people might have written it: in another order, with comments, blank lines, quotes. */
static void scribble(Random *random, const Policy *policy, Buffer *out)
{
    const unsigned shift = random_below(random, POLICY_SECTION_COUNT);

    (void)buffer_puts(out, random_below(random, 2) ? "# ours\n\n" : "");
    (void)buffer_puts(out, "whittle: policy   # it is\nformat: 1\n");
    for (unsigned n = 0; n < POLICY_SECTION_COUNT; n++) {
        const PolicySection section = (PolicySection)((n + shift) % POLICY_SECTION_COUNT);
        const bool flow = random_below(random, 4) == 0;
        const unsigned indent = random_below(random, 4);
        size_t first, end;
        policy_range(policy, section, &first, &end);
        if (first == end)
            continue;
        (void)buffer_printf(out, "%s:%s", policy_section_name(section), flow ? " [ " : " # here\n");
        for (size_t i = 0; i < end - first; i++) {
            const size_t at = first + (i * 7 + shift) % (end - first);
            CLEANUP(buffer_deinit) Buffer item = BUFFER_INIT;
            /* Seven and the count may have a factor in common: then in order. */
            ck_assert_int_eq(policy_rule_print_item(
                                 policy_rule(policy, (end - first) % 7 ? at : first + i), &item),
                             0);
            if (flow) {
                (void)buffer_printf(out, "%s%s",
                                    i ? (random_below(random, 3) ? ", " : "\n  ,") : "",
                                    buffer_text(&item));
                continue;
            }
            (void)buffer_puts(out, random_below(random, 5) ? "" : "\n");
            (void)buffer_puts(out, random_below(random, 5) ? "" : "  # about what follows\n");
            (void)buffer_printf(out, "%*s-%*s%s%s\n", (int)indent, "",
                                1 + (int)random_below(random, 3), "", buffer_text(&item),
                                random_below(random, 5) ? "" : "   # \xc3\xa9");
        }
        (void)buffer_puts(out, flow ? " ]\n" : "");
    }
    (void)buffer_puts(out, random_below(random, 2) ? "# the end\n" : "");
}

/* WHOLE is PART with bytes put in between. */
static bool only_adds(const char *part, const char *whole)
{
    for (; *whole && *part; whole++)
        part += *part == *whole;
    return *part == '\0';
}

static void random_changes(uint64_t seed)
{
    Random random = {seed};
    CLEANUP(policy_cleanup) Policy *wanted = random_policy(&random, RULES);
    CLEANUP(policy_cleanup) Policy *more = random_policy(&random, RULES / 2);
    CLEANUP(buffer_deinit) Buffer before = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer after = BUFFER_INIT;

    scribble(&random, wanted, &before);
    CLEANUP(policy_text_cleanup) PolicyText *text = policy_text_from(buffer_text(&before));
    ck_assert_int_eq(policy_text_print(text, &after), 0);
    ck_assert_str_eq(buffer_text(&after), buffer_text(&before));
    ck_assert_uint_eq(policy_text_places_count(text), policy_rules_count(wanted));

    CLEANUP(policy_cleanup) Policy *expected = policy_from(buffer_text(&before));
    for (size_t i = 0; i < policy_rules_count(more); i++) {
        ck_assert_int_eq(policy_add(expected, policy_rule(more, i)), 0);
        ck_assert_int_eq(policy_text_add(text, policy_rule(more, i)), 0);
    }
    policy_sort(expected);
    buffer_clear(&after);
    ck_assert_int_eq(policy_text_print(text, &after), 0);
    ck_assert_msg(only_adds(buffer_text(&before), buffer_text(&after)), "seed %" PRIu64 "\n%s\n%s",
                  seed, buffer_text(&before), buffer_text(&after));
    CLEANUP(policy_cleanup) Policy *got = policy_from(buffer_text(&after));
    ck_assert_uint_eq(policy_rules_count(got), policy_rules_count(expected));
    for (size_t i = 0; i < policy_rules_count(got); i++) {
        ck_assert_int_eq(policy_rule_compare(policy_rule(got, i), policy_rule(expected, i)), 0);
        ck_assert_uint_eq(policy_rule(got, i)->access, policy_rule(expected, i)->access);
    }

    /* And what was there goes again. */
    for (size_t i = 0; i < policy_text_places_count(text); i++)
        policy_text_remove(text, i);
    buffer_clear(&after);
    ck_assert_int_eq(policy_text_print(text, &after), 0);
    CLEANUP(policy_cleanup) Policy *left = policy_from(buffer_text(&after));
    ck_assert_uint_eq(policy_rules_count(left), policy_rules_count(more));
}

START_TEST(test_random_changes)
{
    for (int i = 0; i < BATCH; i++)
        random_changes((uint64_t)_i * BATCH + (uint64_t)i + 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy_text");

    suite_add(suite, "lossless", test_lossless, BATCHES);
    suite_add(suite, "add", test_add, ARRAY_LENGTH(additions));
    suite_add(suite, "remove", test_remove, ARRAY_LENGTH(removals));
    suite_add(suite, "narrow", test_narrow, ARRAY_LENGTH(narrowings));
    suite_add(suite, "head", test_head, 1);
    suite_add(suite, "random changes", test_random_changes, BATCHES);
    return suite_run(suite);
}
