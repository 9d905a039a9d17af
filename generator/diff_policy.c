/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two policies, but for system calls and capabilities, which diff_seccomp.c and diff.c compare.
 * Rules are sets of what they match (glob_set.h): a pattern that is told otherwise and admits the
 * same is no change.
 */
#include "generator/diff_private.h"

#include "base/escape.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>

enum { FIELDS = 5 };

/* The rules of a section for glob_rules_added(). */
typedef struct RuleList {
    const PolicyRule **from; /* by index of rules */
    GlobRule *rules;
    GlobField *fields;     /* FIELDS a rule */
    const char **patterns; /* one a field */
    Buffer text;           /* escaped patterns, behind each other; offsets until all are there */
    size_t count;
} RuleList;

static void list_deinit(RuleList *list)
{
    free(list->from);
    free(list->rules);
    free(list->fields);
    free(list->patterns);
    buffer_deinit(&list->text);
}

/* ---- rules as sets -------------------------------------------------------------------------- */

static const char *field_of(const PolicyRule *rule, size_t index)
{
    const bool any = rule->section == POLICY_SIGNALS && strcmp(rule->name, POLICY_ANY_SIGNAL) == 0;
    const char *const fields[FIELDS] = {any ? NULL : rule->name, rule->type, rule->source,
                                        rule->target, rule->options};

    return fields[index];
}

/* Which fields are patterns; the others are words. */
static bool is_pattern(PolicySection section, size_t index)
{
    return (section == POLICY_FILES && (index == 0 || index == 3)) ||
           (section == POLICY_MOUNTS && index == 3);
}

static uint32_t access_of(const PolicyRule *rule)
{
    if (rule->section != POLICY_FILES)
        return 1;
    return rule->access | (rule->access & FILE_WRITE ? FILE_APPEND : 0);
}

static int list_add(RuleList *list, const PolicyRule *rule)
{
    const size_t at = list->count++;
    int r = 0;

    list->from[at] = rule;
    list->rules[at] = (GlobRule){
        .syntax = GLOB_POLICY,
        .fields = list->fields + at * FIELDS,
        .fields_count = FIELDS,
        .access = access_of(rule),
        .deny = rule->deny != POLICY_ALLOW,
        .owner = rule->owner,
    };
    for (size_t i = 0; i < FIELDS && r == 0; i++) {
        const char *text = field_of(rule, i);
        GlobField *field = &list->fields[at * FIELDS + i];
        *field = (GlobField){.patterns = &list->patterns[at * FIELDS + i], .count = text != NULL};
        if (!text || is_pattern(rule->section, i)) {
            list->patterns[at * FIELDS + i] = text;
            continue;
        }
        CLEANUP(buffer_deinit) Buffer literal = BUFFER_INIT;
        r = policy_pattern_append_literal(&literal, text, strlen(text));
        if (r == 0) /* list_settle() finds it */
            r = buffer_append(&list->text, buffer_text(&literal), literal.length + 1);
    }
    return r;
}

/* The texts no longer move: points the fields to them. */
static void list_settle(RuleList *list)
{
    const char *at = buffer_text(&list->text);

    for (size_t i = 0; i < list->count * FIELDS; i++) {
        if (list->fields[i].count == 0 || list->patterns[i])
            continue;
        list->patterns[i] = at;
        at += strlen(at) + 1;
    }
}

static int list_make(const Policy *policy, PolicySection section, RuleList *list)
{
    size_t first, end;
    int r = 0;

    policy_range(policy, section, &first, &end);
    const size_t count = end - first;
    list->from = calloc(count + 1, sizeof *list->from);
    list->rules = calloc(count + 1, sizeof *list->rules);
    list->fields = calloc((count + 1) * FIELDS, sizeof *list->fields);
    list->patterns = calloc((count + 1) * FIELDS, sizeof *list->patterns);
    if (!list->from || !list->rules || !list->fields || !list->patterns)
        return -ENOMEM;
    for (size_t i = first; i < end && r == 0; i++)
        r = list_add(list, policy_rule(policy, i));
    list_settle(list);
    return r;
}

/* ---- changes -------------------------------------------------------------------------------- */

/* What RULE grants, ACCESS of it, as a policy has it. */
static void put_rule(const PolicyRule *rule, uint32_t access, Buffer *out)
{
    PolicyRule part = *rule;

    part.deny = POLICY_ALLOW;
    if (rule->section == POLICY_FILES)
        part.access = access & FILE_WRITE ? access & ~(uint32_t)FILE_APPEND : access;
    (void)policy_rule_print(&part, out);
}

/* The fields of a witness by blanks. */
static void put_witness(const GlobChange *from, Buffer *out)
{
    for (size_t at = 0; from->witness && at < from->witness_length;) {
        const size_t length = strnlen(from->witness + at, from->witness_length - at);
        if (length && out->length)
            (void)buffer_putc(out, ' ');
        (void)escape_append(out, from->witness + at, length);
        at += length + 1;
    }
}

/* Does RULE of LIST match the witness of CHANGE, by its only or first field? */
static bool is_about(const RuleList *list, size_t rule, const GlobChange *change)
{
    CLEANUP(glob_set_cleanup) GlobSet *set = glob_set_new();
    const GlobField *field = &list->fields[rule * FIELDS];
    size_t id;

    if (field->count == 0)
        return true;
    return set && change->witness &&
           glob_set_add(set, GLOB_POLICY, field->patterns[0], &id, NULL) == 0 &&
           glob_set_matches(set, id, change->witness,
                            strnlen(change->witness, change->witness_length)) == 1;
}

static bool has_denial(const RuleList *list, const PolicyRule *rule)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->from[i]->deny != POLICY_ALLOW && policy_rule_compare(list->from[i], rule) == 0)
            return true;
    }
    return false;
}

/* The rule of OLD that denied what CHANGE allows and is gone; NULL if there was none. */
static const PolicyRule *find_denial(const RuleList *old, const RuleList *fresh,
                                     const GlobChange *change)
{
    for (size_t i = 0; i < old->count; i++) {
        if (old->rules[i].deny && (old->rules[i].access & change->access) &&
            !has_denial(fresh, old->from[i]) && is_about(old, i, change))
            return old->from[i];
    }
    return NULL;
}

/* "was denied by: /a/b r (why)" */
static void put_denial(const PolicyRule *denial, bool whole, Buffer *when)
{
    (void)buffer_printf(when, "%s%swas denied by: ", when->length ? ", " : "",
                        whole ? "" : "the rest ");
    put_rule(denial, denial->access, when);
    if (!denial->reason)
        return;
    (void)buffer_puts(when, " (");
    (void)escape_append(when, denial->reason, strlen(denial->reason));
    (void)buffer_puts(when, ")");
}

/* DENIAL: the rule that denied it before, or NULL. */
static int tell(Diff *diff, const RuleList *list, const GlobChange *from, const PolicyRule *denial,
                DiffKind kind)
{
    static const char *const whose[] = {
        [GLOB_EVERYONE] = NULL,
        [GLOB_OWNED] = "for what the process owns",
        [GLOB_NOT_OWNED] = "for what the process does not own",
    };
    const PolicyRule *rule = list->from[from->rule];
    CLEANUP(buffer_deinit) Buffer what = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer example = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer when = BUFFER_INIT;
    Change change = {
        .kind = kind,
        .section = policy_section_name(rule->section),
        .name = rule->name,
        .reason = kind == DIFF_ALLOWED ? rule->reason : NULL,
        .undecided = from->undecided,
    };

    put_rule(rule, from->access, &what);
    put_witness(from, &example);
    if (whose[from->who] && !rule->owner)
        (void)buffer_puts(&when, whose[from->who]);
    if (from->undecided)
        (void)buffer_printf(&when, "%smaybe: the patterns are too many to tell for certain",
                            when.length ? ", " : "");
    else if (!from->whole && kind == DIFF_ALLOWED)
        (void)buffer_printf(&when, "%sof which a part was allowed", when.length ? ", " : "");
    else if (!from->whole)
        (void)buffer_printf(&when, "%sof which a part still is", when.length ? ", " : "");
    if (denial)
        put_denial(denial, from->whole, &when);
    change.what = buffer_text(&what);
    change.when = when.length ? buffer_text(&when) : NULL;
    /* an example that is the rule itself tells nothing */
    if (rule->section == POLICY_FILES && strcmp(buffer_text(&example), rule->name) != 0 &&
        example.length)
        change.example = buffer_text(&example);
    if (kind == DIFF_ALLOWED)
        risk_set(&change, risk_of_rule(rule, from->access));
    if (denial && change.risk < risk_of_row(risk_of_name("setting", "denial-gone")))
        risk_set(&change, risk_of_name("setting", "denial-gone"));
    return diff_add(diff, &change);
}

/* What FRESH grants beyond OLD. */
static int compare_lists(const RuleList *old, const RuleList *fresh, PolicySection section,
                         DiffKind kind, Diff *diff, Error *err)
{
    __attribute__((cleanup(glob_changes_deinit))) GlobChanges changes = {0};
    const GlobOptions options = {.paths = section == POLICY_FILES};
    int r = glob_rules_added(old->rules, old->count, fresh->rules, fresh->count, &options, &changes,
                             err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < changes.count && r == 0; i++) {
        const GlobChange *change = &changes.items[i];
        r = tell(diff, fresh, change, kind == DIFF_ALLOWED ? find_denial(old, fresh, change) : NULL,
                 kind);
    }
    return r < 0 ? error_errno(err, r, "comparing rules") : 0;
}

static int compare_section(const Policy *old, const Policy *fresh, PolicySection section,
                           Diff *diff, Error *err)
{
    CLEANUP(list_deinit) RuleList before = {0};
    CLEANUP(list_deinit) RuleList after = {0};
    int r = list_make(old, section, &before);

    if (r == 0)
        r = list_make(fresh, section, &after);
    if (r < 0)
        return error_errno(err, r, "comparing rules");
    diff_compared(diff, policy_section_name(section));
    r = compare_lists(&before, &after, section, DIFF_ALLOWED, diff, err);
    if (r == 0)
        r = compare_lists(&after, &before, section, DIFF_FORBIDDEN, diff, err);
    return r;
}

/* ---- what there is once --------------------------------------------------------------------- */

static int add_setting(Diff *diff, DiffKind kind, const char *name, const char *before,
                       const char *after, const char *risk)
{
    Change change = {
        .kind = kind,
        .section = "settings",
        .name = name,
        .what = name,
        .before = before,
        .after = after,
    };

    if (kind == DIFF_ALLOWED)
        risk_set(&change, risk_of_name("setting", risk));
    return diff_add(diff, &change);
}

static int compare_switches(const Policy *old, const Policy *fresh, Diff *diff)
{
    const bool root[] = {policy_read_only_root(old), policy_read_only_root(fresh)};
    const bool privileges[] = {policy_no_new_privs(old), policy_no_new_privs(fresh)};
    int r = 0;

    if (root[0] != root[1])
        r = add_setting(diff, root[0] ? DIFF_ALLOWED : DIFF_FORBIDDEN, "read-only-root",
                        root[0] ? "true" : "false", root[1] ? "true" : "false", "root-writable");
    if (r == 0 && privileges[0] != privileges[1])
        r = add_setting(diff, privileges[0] ? DIFF_ALLOWED : DIFF_FORBIDDEN, "no-new-privileges",
                        privileges[0] ? "true" : "false", privileges[1] ? "true" : "false",
                        "new-privileges");
    return r;
}

static bool is_root(const char *user)
{
    return !user || strcmp(user, "root") == 0 || strcmp(user, "0") == 0 ||
           strncmp(user, "0:", 2) == 0 || strncmp(user, "root:", 5) == 0;
}

static int compare_user(const Policy *old, const Policy *fresh, Diff *diff)
{
    const char *before = policy_user(old);
    const char *after = policy_user(fresh);
    DiffKind kind = DIFF_ALLOWED;

    if (before == after || (before && after && strcmp(before, after) == 0))
        return 0;
    if (is_root(before) && !is_root(after))
        kind = DIFF_FORBIDDEN;
    return add_setting(diff, kind, "user", before ? before : "the image's",
                       after ? after : "the image's", is_root(after) ? "user-root" : "user");
}

static int compare_limits(const Policy *old, const Policy *fresh, Diff *diff)
{
    int r = 0;

    for (PolicyLimit limit = 0; limit < POLICY_LIMIT_COUNT && r == 0; limit++) {
        const uint64_t before = policy_limit(old, limit);
        const uint64_t after = policy_limit(fresh, limit);
        char texts[2][32] = {"none", "none"};
        const bool more = before && (after == 0 || after > before);
        if (before == after)
            continue;
        if (before)
            (void)snprintf(texts[0], sizeof texts[0], "%" PRIu64, before);
        if (after)
            (void)snprintf(texts[1], sizeof texts[1], "%" PRIu64, after);
        char name[64];
        (void)snprintf(name, sizeof name, "limit %s", policy_limit_name(limit));
        r = add_setting(diff, more ? DIFF_ALLOWED : DIFF_FORBIDDEN, name, texts[0], texts[1],
                        "limit");
    }
    return r;
}

int diff_policies(const Policy *old, const Policy *fresh, Diff *diff, Error *err)
{
    int r = 0;

    for (PolicySection section = POLICY_FILES; section < POLICY_SECTION_COUNT && r == 0; section++)
        r = compare_section(old, fresh, section, diff, err);
    if (r < 0)
        return r;
    diff_compared(diff, "settings");
    r = compare_switches(old, fresh, diff);
    if (r == 0)
        r = compare_user(old, fresh, diff);
    if (r == 0)
        r = compare_limits(old, fresh, diff);
    return r < 0 ? error_errno(err, r, "comparing policies") : 0;
}
