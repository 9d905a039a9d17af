/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generator/glob_set: what patterns match, contain and share, and what sets of rules add. That they
 * match what AppArmor says is tests/live/test_apparmor_globs.py's.
 */
#include "base/memory.h"
#include "generator/glob_set.h"
#include "model/policy.h"
#include "suite.h"

#include <errno.h>

static size_t add(GlobSet *set, GlobSyntax syntax, const char *pattern)
{
    Error err = {0};
    size_t id = 0;

    ck_assert_msg(glob_set_add(set, syntax, pattern, &id, &err) == 0, "%s", err.text);
    return id;
}

static const struct {
    const char *pattern;
    const char *path;
    int wanted;
} matches[] = {
    {"/a", "/a", 1},
    {"/a", "/a/", 0},
    {"/a/*", "/a/", 0},
    {"/a/*", "/a/b", 1},
    {"/a/*", "/a/b/", 0},
    {"/a/**", "/a/", 0},
    {"/a/**", "/a/b/", 1},
    {"/a/*/b", "/a//b", 0},
    {"/a/*b", "/a/b", 1},
    {"/a/**b", "/a/b", 1},
    {"/a/b**", "/a/b", 1},
    {"/a/b*", "/a/b/c", 0},
    {"/a?c", "/a/c", 0},
    {"/a?c", "/abc", 1},
    {"/{a,b}/c", "/b/c", 1},
    {"/{a,}c", "/c", 1},
    {"/{a,{b,c}d}e", "/cde", 1},
    {"/{a,{b,c}d}e", "/ce", 0},
    {"/x{,/**}", "/x/", 1}, /* the star is not the end */
    {"/x/{,**}", "/x/", 1},
    {"/[a-c]", "/b", 1},
    {"/[^a-c]", "/b", 0},
    {"/[^a-c]", "/d", 1},
    {"/[-a]", "/-", 1},
    {"/\\*", "/*", 1},
    {"/\\*", "/a", 0},
    {"/\\101", "/A", 1},
    {"/a,b", "/a,b", 1},
};

START_TEST(test_matches)
{
    CLEANUP(glob_set_cleanup) GlobSet *set = glob_set_new();
    (void)add(set, GLOB_APPARMOR, "/other/**");
    const size_t id = add(set, GLOB_APPARMOR, matches[_i].pattern);

    ck_assert_int_eq(glob_set_matches(set, id, matches[_i].path, strlen(matches[_i].path)),
                     matches[_i].wanted);
}
END_TEST

static const struct {
    const char *pattern;
    GlobSyntax syntax;
} bad[] = {
    {"/a[", GLOB_APPARMOR},   {"/a]", GLOB_APPARMOR},    {"/a{b", GLOB_APPARMOR},
    {"/a{b}", GLOB_APPARMOR}, {"/a}", GLOB_APPARMOR},    {"/a\\", GLOB_APPARMOR},
    {"/[]", GLOB_APPARMOR},   {"/[b-a]", GLOB_APPARMOR}, {"/[a*]", GLOB_APPARMOR},
    {"/a[", GLOB_POLICY},     {"/\\q", GLOB_POLICY},     {"/@{x}", GLOB_POLICY},
};

START_TEST(test_bad)
{
    CLEANUP(glob_set_cleanup) GlobSet *set = glob_set_new();
    Error err = {0};
    size_t id = 77;

    ck_assert_int_eq(glob_set_add(set, bad[_i].syntax, bad[_i].pattern, &id, &err), -EINVAL);
    ck_assert_uint_eq(id, 77);
    ck_assert_ptr_nonnull(strstr(err.text, bad[_i].pattern));
}
END_TEST

static const struct {
    const char *whole;
    const char *part;
    const char *witness; /* of part, not in whole; NULL: contained */
} contained[] = {
    {"/a/**", "/a/*/b", NULL},
    {"/a/*/b", "/a/**", "/a/x"},
    {"/a/*", "/a/**", "/a/x/"},
    {"/a/**", "/a/*", NULL},
    {"/**", "/a/{b,c}*", NULL},
    {"/{a,b}/*", "/[ab]/*", NULL},
    {"/[ab]/*", "/{a,b,c}/*", "/c/x"},
    {"/a{,/**}", "/a/**", NULL},
    {"/a/{*,**/*}", "/a/**", NULL},
    {"/a/{?*,?**/?*}", "/a/**", "/a/x/"},
    {"/lib/*.so*", "/lib/**.so", "/lib/x/.so"},
    {"/[^a]", "/b", NULL},
    {"/[^a]", "/?", "/a"},
    {"/proc/[0-9]*/maps", "/proc/*/maps", "/proc/x/maps"},
    {"/a", "/a", NULL},
    {"/a", "/b", "/b"},
};

START_TEST(test_contains)
{
    CLEANUP(glob_set_cleanup) GlobSet *set = glob_set_new();
    CLEANUP(buffer_deinit) Buffer witness = BUFFER_INIT;
    const size_t whole = add(set, GLOB_APPARMOR, contained[_i].whole);
    const size_t part = add(set, GLOB_APPARMOR, contained[_i].part);
    const char *wanted = contained[_i].witness;

    ck_assert_int_eq(glob_set_contains(set, &whole, 1, part, &witness), wanted == NULL);
    ck_assert_str_eq(buffer_text(&witness), wanted ? wanted : "");
    ck_assert_int_eq(glob_set_contains(set, &part, 1, part, NULL), 1);
    if (wanted) {
        ck_assert_int_eq(glob_set_matches(set, part, wanted, strlen(wanted)), 1);
        ck_assert_int_eq(glob_set_matches(set, whole, wanted, strlen(wanted)), 0);
    }
}
END_TEST

START_TEST(test_union)
{
    CLEANUP(glob_set_cleanup) GlobSet *set = glob_set_new();
    size_t whole[] = {add(set, GLOB_APPARMOR, "/a/[a-m]*"), add(set, GLOB_APPARMOR, "/a/[^a-m]**")};
    const size_t part = add(set, GLOB_APPARMOR, "/a/*");

    ck_assert_int_eq(glob_set_contains(set, whole, 2, part, NULL), 1);
    ck_assert_int_eq(glob_set_contains(set, whole, 1, part, NULL), 0);
    ck_assert_int_eq(glob_set_contains(set, NULL, 0, part, NULL), 0);
}
END_TEST

START_TEST(test_intersects)
{
    CLEANUP(glob_set_cleanup) GlobSet *set = glob_set_new();
    CLEANUP(buffer_deinit) Buffer witness = BUFFER_INIT;
    const size_t a = add(set, GLOB_APPARMOR, "/a/*.c");
    const size_t b = add(set, GLOB_APPARMOR, "/a/x*");
    const size_t c = add(set, GLOB_APPARMOR, "/a/**.h");

    ck_assert_int_eq(glob_set_intersects(set, a, b, &witness), 1);
    ck_assert_str_eq(buffer_text(&witness), "/a/x.c");
    ck_assert_int_eq(glob_set_intersects(set, a, c, NULL), 0);
    ck_assert_int_eq(glob_set_equal(set, a, add(set, GLOB_POLICY, "/a/{*,\\x2a}.c")), 1);
    ck_assert_int_eq(glob_set_equal(set, a, b), 0);
}
END_TEST

/* A policy's @{pid} is that of AppArmor's tunables. */
START_TEST(test_pid)
{
    CLEANUP(glob_set_cleanup) GlobSet *set = glob_set_new();
    const size_t a = add(set, GLOB_POLICY, "/proc/@{pid}/maps");

    ck_assert_int_eq(glob_set_matches(set, a, "/proc/4194304/maps", 18), 1);
    ck_assert_int_eq(glob_set_matches(set, a, "/proc/0/maps", 12), 0);
    ck_assert_int_eq(glob_set_matches(set, a, "/proc/self/maps", 15), 0);
}
END_TEST

/* Patterns whose deterministic automaton would have 2^60 states. */
START_TEST(test_bounds)
{
    CLEANUP(glob_set_cleanup) GlobSet *set = glob_set_new();
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    Error err = {0};
    size_t id;

    (void)buffer_puts(&text, "/**a");
    for (int i = 0; i < 60; i++)
        (void)buffer_puts(&text, "[ab]");
    const size_t a = add(set, GLOB_APPARMOR, buffer_text(&text));
    (void)buffer_puts(&text, "c");
    const size_t whole[] = {a, add(set, GLOB_APPARMOR, buffer_text(&text))};
    const size_t b = add(set, GLOB_APPARMOR, "/**[ab]");
    const int r = glob_set_contains(set, whole, 2, b, NULL);
    ck_assert_int_eq(r, 0); /* the shortest example comes before the states explode */
    const size_t all = add(set, GLOB_APPARMOR, "/{,**}[ab]");
    buffer_clear(&text);
    (void)buffer_puts(&text, "/{,**}{a,b");
    for (int i = 0; i < 30; i++)
        (void)buffer_puts(&text, ",**a[ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab]"
                                 "[ab][ab][ab][ab][ab][ab][ab][ab][ab]");
    (void)buffer_puts(&text, "}");
    const size_t hard = add(set, GLOB_APPARMOR, buffer_text(&text));
    ck_assert_int_eq(glob_set_contains(set, &all, 1, hard, NULL), -E2BIG);
    buffer_clear(&text);
    for (int i = 0; i < 70000; i++)
        (void)buffer_puts(&text, "?");
    ck_assert_int_eq(glob_set_add(set, GLOB_APPARMOR, buffer_text(&text), &id, &err), -E2BIG);
}
END_TEST

/* ---- sets of rules ----------------------------------------------------------------------------
 */

/* "[deny ][owner ][N:]PATTERN LETTERS" of r, w, x and y, where x and y exclude each other; ";". */
typedef struct RuleText {
    GlobRule rule;
    GlobField field;
    char pattern[100];
    const char *one;
} RuleText;

static size_t read_rules(const char *text, RuleText *texts, GlobRule *rules)
{
    size_t count = 0;

    while (*text) {
        RuleText *t = &texts[count];
        *t = (RuleText){.rule = {.syntax = GLOB_APPARMOR, .fields_count = 1}};
        if (strncmp(text, "deny ", 5) == 0) {
            t->rule.deny = true;
            text += 5;
        }
        if (strncmp(text, "owner ", 6) == 0) {
            t->rule.owner = true;
            text += 6;
        }
        if (*text != '/') {
            t->rule.priority = *text - '0';
            text += 2;
        }
        (void)snprintf(t->pattern, sizeof t->pattern, "%.*s", (int)strcspn(text, " "), text);
        text += strcspn(text, " ") + 1;
        for (; *text && *text != ';'; text++)
            t->rule.access |= 1u << (strchr("rwxy", *text) - "rwxy");
        text += *text == ';';
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        texts[i].one = texts[i].pattern;
        texts[i].field = (GlobField){.patterns = &texts[i].one, .count = 1};
        rules[i] = texts[i].rule;
        rules[i].fields = &texts[i].field;
    }
    return count;
}

static const struct {
    const char *old;
    const char *fresh;
    const char *wanted; /* "RULE LETTERS who[ whole] WITNESS;" */
} added[] = {
    {"/a/** r", "/a/*/b r", ""},
    {"/a/*/b r", "/a/** r", "0 r everyone /a/x;"},
    {"", "/a/** r", "0 r everyone whole /a/x;"},
    {"/b r", "/a/** r;/b r", "0 r everyone whole /a/x;"},
    {"/a r", "/a rw", "0 w everyone whole /a;"},
    {"/a/* r;/a/b w", "/a/* rw", "0 w everyone /a/x;"},
    {"/a/[a-m]** r;/a/[^a-m]** r", "/a/** r", ""},
    {"/** r;deny /etc/shadow r", "/** r", "0 r everyone /etc/shadow;"},
    {"/** r", "/** r;deny /etc/shadow r", ""},
    {"/** r;deny /a r", "/** r;deny /a r", ""},
    {"/** r;deny owner /a r", "/** r;deny /a r", ""},
    {"/** r;deny /a r", "/** r;deny owner /a r", "0 r not-owned /a;"},
    {"/** rw;deny /a rw", "/** rw;deny /a r", "0 w everyone /a;"},
    {"/** r;deny /a r", "/** r;deny /b r", "0 r everyone /a;"},
    {"/** r;deny /a r", "1:/** r;deny /a r", "0 r everyone /a;"},
    {"/* rx;/a ry", "/a ry;/* rx", ""},
    {"/* rx;/a ry", "/* rx", "0 x everyone /a;"},
    {"/** r", "/** rw;deny /etc/** w", "0 w everyone whole /x;"},
    {"owner /a/* r", "/a/* r", "0 r not-owned whole /a/x;"},
    {"/a/* r", "owner /a/* r", ""},
    {"", "owner /a/* r", "0 r owned whole /a/x;"},
    {"owner /a/? r", "/a/* r", "0 r everyone /a/xx;"},
    {"deny owner /a r;/a r", "/a r", "0 r owned whole /a;"},
    {"/a r;deny 1:/a r", "/a r", "0 r everyone whole /a;"},
    {"deny /a r;/a r", "deny /a r;1:/a r", NULL},
    {"/* x", "/* x;/a y", "1 y everyone whole /a;"},
    {"/* x;/a y", "/* x", "0 x everyone /a;"},
    {"/* x", "/a x", ""},
    {"/* x;deny /a xy", "/* x;/a y", "1 y everyone whole /a;"},
    {"/**/ r", "/x r;/a/b/ r", "0 r everyone whole /x;"},
};

static const char *const who_names[] = {"everyone", "owned", "not-owned"};

START_TEST(test_added)
{
    static RuleText texts[2][8];
    GlobRule rules[2][8];
    const size_t old = read_rules(added[_i].old, texts[0], rules[0]);
    const size_t fresh =
        read_rules(added[_i].wanted ? added[_i].fresh : "1:/a r;deny /a r", texts[1], rules[1]);
    CLEANUP(glob_changes_deinit) GlobChanges changes = {0};
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    Error err = {0};

    ck_assert_msg(glob_rules_added(rules[0], old, rules[1], fresh,
                                   &(GlobOptions){.literal_overrides = 4 | 8, .paths = true},
                                   &changes, &err) == 0,
                  "%s", err.text);
    for (size_t i = 0; i < changes.count; i++) {
        const GlobChange *change = &changes.items[i];
        ck_assert(!change->undecided);
        (void)buffer_printf(&text, "%zu ", change->rule);
        for (unsigned bit = 0; bit < 4; bit++) {
            if (change->access >> bit & 1)
                (void)buffer_putc(&text, "rwxy"[bit]);
        }
        (void)buffer_printf(&text, " %s%s %s;", who_names[change->who],
                            change->whole ? " whole" : "", change->witness);
    }
    ck_assert_str_eq(buffer_text(&text),
                     added[_i].wanted ? added[_i].wanted : "0 r everyone whole /a;");
}
END_TEST

/* What is in both sets needs no search, however hard the pattern: as it stands, next to what both
 * deny and to what both execute. */
START_TEST(test_unchanged)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(glob_changes_deinit) GlobChanges changes = {0};
    const GlobOptions options = {.literal_overrides = 4, .paths = true};

    (void)buffer_puts(&text, "/{,**}{a,b");
    for (int i = 0; i < 30; i++)
        (void)buffer_puts(&text, ",**a[ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab]"
                                 "[ab][ab][ab][ab][ab][ab][ab][ab][ab]");
    (void)buffer_puts(&text, "}");
    const char *const hard = buffer_text(&text), *const denied = "/a", *const program = "/b";
    const GlobField fields[] = {{&hard, 1}, {&denied, 1}, {&program, 1}};
    const GlobRule rules[] = {
        {.fields = &fields[0], .fields_count = 1, .access = 1, .syntax = GLOB_APPARMOR},
        {.fields = &fields[1],
         .fields_count = 1,
         .access = 1,
         .deny = true,
         .syntax = GLOB_APPARMOR},
        {.fields = &fields[2], .fields_count = 1, .access = 1 | 4, .syntax = GLOB_APPARMOR},
    };

    ck_assert_int_eq(glob_rules_added(rules, 3, rules, 3, &options, &changes, NULL), 0);
    ck_assert_uint_eq(changes.count, 0);
}
END_TEST

START_TEST(test_fields)
{
    static const char *const term[] = {"term"}, *const two[] = {"term", "kill"},
                             *const peer[] = {"/usr/bin/*"};
    const GlobField narrow[] = {{term, 1}, {peer, 1}}, wide[] = {{two, 2}, {peer, 1}},
                    any[] = {{NULL, 0}, {NULL, 0}};
    const GlobRule old = {
        .fields = narrow, .fields_count = 2, .access = 1, .syntax = GLOB_APPARMOR};
    const GlobRule fresh = {
        .fields = wide, .fields_count = 2, .access = 1, .syntax = GLOB_APPARMOR};
    const GlobRule all = {.fields = any, .fields_count = 2, .access = 1, .syntax = GLOB_APPARMOR};
    const GlobOptions options = {0};
    CLEANUP(glob_changes_deinit) GlobChanges changes = {0};

    ck_assert_int_eq(glob_rules_added(&old, 1, &fresh, 1, &options, &changes, NULL), 0);
    ck_assert_uint_eq(changes.count, 1);
    ck_assert_uint_eq(changes.items[0].witness_length, strlen("kill") + 1 + strlen("/usr/bin/x"));
    ck_assert_mem_eq(changes.items[0].witness, "kill\0/usr/bin/x", 16);
    ck_assert_int_eq(glob_rules_added(&all, 1, &fresh, 1, &options, &changes, NULL), 0);
    ck_assert_int_eq(glob_rules_added(&fresh, 1, &old, 1, &options, &changes, NULL), 0);
    ck_assert_uint_eq(changes.count, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("glob set");

    suite_add(suite, "matches", test_matches, ARRAY_LENGTH(matches));
    suite_add(suite, "bad", test_bad, ARRAY_LENGTH(bad));
    suite_add(suite, "contains", test_contains, ARRAY_LENGTH(contained));
    suite_add(suite, "union", test_union, 1);
    suite_add(suite, "intersects", test_intersects, 1);
    suite_add(suite, "pid", test_pid, 1);
    suite_add(suite, "bounds", test_bounds, 1);
    suite_add(suite, "added", test_added, ARRAY_LENGTH(added));
    suite_add(suite, "unchanged", test_unchanged, 1);
    suite_add(suite, "fields", test_fields, 1);
    return suite_run(suite);
}
