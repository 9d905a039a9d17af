/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules are compared, not spellings: a rule of what was seen is new if the policy's rules together
 * do not grant all of it. Of a file rule only the letters that are missing are added: as a line of
 * its own, which the reader unites with the other, or in place.
 */
#include "generator/update.h"

#include "base/memory.h"
#include "generator/knowledge.h"
#include "generator/rule_cover.h"

#include <errno.h>

enum { WRITES = FILE_WRITE | FILE_APPEND | FILE_LINK };

typedef struct Update {
    PolicyText *text;
    const Policy *old;
    const Policy *seen;
    UpdateReport *report;
    bool in_place; /* a file rule that lacks letters gets them, rather than a line beside it */
} Update;

void update_report_deinit(UpdateReport *report)
{
    buffer_deinit(&report->added);
    buffer_deinit(&report->warnings);
}

/* ---- what is told --------------------------------------------------------------------------- */

static int append_rule(const PolicyRule *rule, Buffer *out)
{
    (void)buffer_printf(out, "%s: ", policy_section_name(rule->section));
    return policy_rule_print(rule, out);
}

/* The line of RULE, which is the policy's: where it is first written. */
static size_t line_of(const PolicyText *text, const PolicyRule *rule)
{
    const PolicyPlace *place;

    for (size_t i = 0; (place = policy_text_place(text, i)); i++) {
        if (policy_rule_compare(&place->rule, rule) == 0)
            return place->line;
    }
    return 0;
}

static int add(Update *update, const PolicyRule *rule)
{
    (void)append_rule(rule, &update->report->added);
    (void)buffer_putc(&update->report->added, '\n');
    update->report->added_count++;
    return update->report->added.error ? -ENOMEM : policy_text_add(update->text, rule);
}

/* Gives the letters of RULE to the rule of the text that is the same but for them; false if there
 * is none. */
static bool widen(const Update *update, const PolicyRule *rule)
{
    const PolicyPlace *place;

    for (size_t i = 0; (place = policy_text_place(update->text, i)); i++) {
        uint32_t access = place->rule.access | rule->access;
        if (policy_rule_compare(&place->rule, rule) != 0)
            continue;
        if (access & FILE_WRITE)
            access &= ~(uint32_t)FILE_APPEND;
        policy_text_set_access(update->text, i, access);
        return true;
    }
    return false;
}

static int add_file(Update *update, const PolicyRule *rule)
{
    if (!update->in_place || !widen(update, rule))
        return add(update, rule);
    (void)append_rule(rule, &update->report->added);
    update->report->added_count++;
    return buffer_putc(&update->report->added, '\n');
}

static int warn_denied(Update *update, const PolicyRule *rule, const PolicyRule *by)
{
    Buffer *out = &update->report->warnings;

    (void)append_rule(rule, out);
    return buffer_printf(out, " was seen, and %s:%zu denies it: not added\n",
                         policy_text_name(update->text), line_of(update->text, by));
}

/* ---- all but files and mounts --------------------------------------------------------------- */

static bool denies(const PolicyRule *rule)
{
    /* What is logged is allowed. */
    return rule->deny != POLICY_ALLOW && rule->deny != POLICY_DENY_LOG;
}

/* open_by_handle_at(2) asks for this one itself, whatever else a process has. */
static bool needed_itself(const Update *update, const PolicyRule *rule)
{
    const PolicyRule call = {.section = POLICY_SYSCALLS, .name = "open_by_handle_at"};
    size_t first, end;

    if (rule->section != POLICY_CAPABILITIES || strcmp(rule->name, "CAP_DAC_READ_SEARCH") != 0)
        return false;
    policy_range(update->seen, POLICY_SYSCALLS, &first, &end);
    for (size_t i = first; i < end; i++) {
        if (rule_covers(&call, policy_rule(update->seen, i)))
            return true;
    }
    return false;
}

static int update_rule(Update *update, const PolicyRule *rule)
{
    const PolicyRule *denied_by = NULL;
    bool covered = false, named = false;
    size_t first, end;

    policy_range(update->old, rule->section, &first, &end);
    for (size_t i = first; i < end; i++) {
        const PolicyRule *old = policy_rule(update->old, i);
        const bool same_name = strcmp(old->name, rule->name) == 0;
        named |= same_name;
        if (!rule_covers(old, rule) || (!same_name && needed_itself(update, rule)))
            continue;
        if (denies(old) && !denied_by)
            denied_by = old;
        covered |= !denies(old);
    }
    /* A denial that whittle puts in itself (of clone3) is none of people's business who decided
     * about that call. */
    if (denies(rule))
        return named ? 0 : add(update, rule);
    if (denied_by)
        return warn_denied(update, rule, denied_by);
    return covered ? 0 : add(update, rule);
}

/* ---- files ---------------------------------------------------------------------------------- */

/* Takes from ACCESS what is denied, and warns of that. */
static int drop_denied(Update *update, const FileRules *denied, const PolicyRule *rule,
                       uint32_t *access)
{
    const PolicyRule *by = NULL;
    PolicyRule part = *rule;
    const int r = file_rules_denied(denied, rule, &part.access, &by);

    if (r < 0 || part.access == 0)
        return r;
    *access &= ~part.access;
    return warn_denied(update, &part, by);
}

/* Which access of NEEDED, by its indices, the policy's rules do not grant. */
static int find_missing(const Update *update, const FileRules *needed, uint32_t *missing,
                        Error *err)
{
    CLEANUP(file_rules_deinit) FileRules allowed = {0};
    CLEANUP(glob_changes_deinit) GlobChanges changes = {0};
    CLEANUP(free_pointer) GlobRule *unknown = calloc(needed->count + 1, sizeof *unknown);
    CLEANUP(free_pointer) size_t *index = calloc(needed->count + 1, sizeof *index);
    const GlobOptions options = {.literal_overrides = FILE_ANY_EXEC, .paths = true};
    size_t count = 0;

    if (!unknown || !index || file_rules_make(update->old, false, &allowed) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < needed->count; i++) {
        /* Most of it is there in the same words, which is quickly seen. */
        const PolicyRule *known = rule_find(update->old, needed->from[i]);
        if (known && (needed->from[i]->access & ~rule_access(known)) == 0)
            continue;
        unknown[count] = needed->rules[i];
        index[count++] = i;
    }
    const int r =
        glob_rules_added(allowed.rules, allowed.count, unknown, count, &options, &changes, err);
    for (size_t i = 0; r == 0 && i < changes.count; i++)
        missing[index[changes.items[i].rule]] |= changes.items[i].access;
    return r;
}

static int update_files(Update *update, Error *err)
{
    CLEANUP(file_rules_deinit) FileRules denied = {0};
    CLEANUP(file_rules_deinit) FileRules needed = {0};
    CLEANUP(free_pointer) uint32_t *missing = NULL;

    if (file_rules_make(update->old, true, &denied) < 0 ||
        file_rules_make(update->seen, false, &needed) < 0 ||
        !(missing = calloc(needed.count + 1, sizeof *missing)))
        return -ENOMEM;
    int r = find_missing(update, &needed, missing, err);
    for (size_t i = 0; r == 0 && i < needed.count; i++) {
        PolicyRule rule = *needed.from[i];
        uint32_t access = rule.access & missing[i];
        r = drop_denied(update, &denied, &rule, &access);
        rule.access = access;
        if (r == 0 && access != 0)
            r = add_file(update, &rule);
    }
    return r;
}

/* ---- the container -------------------------------------------------------------------------- */

/* The folder RULE mounts, or one above, is mounted by POLICY. */
static bool is_mounted(const Policy *policy, const PolicyRule *rule)
{
    for (PolicySection section = POLICY_TMPFS; section <= POLICY_VOLUMES; section++) {
        size_t first, end;
        policy_range(policy, section, &first, &end);
        for (size_t i = first; i < end; i++) {
            const PolicyRule *mount = policy_rule(policy, i);
            const PolicyRule it = {.section = section, .name = rule->name};
            if (rule_covers(mount, &it))
                return true;
        }
    }
    return false;
}

/* Of what was seen and is not denied, the first file that a read-only root would not let be written
 * to: *RET_RULE, NULL if there is none. */
static int writes_to_root(const Update *update, const PolicyRule **ret_rule)
{
    CLEANUP(file_rules_deinit) FileRules denied = {0};
    size_t first, end;
    int r = file_rules_make(update->old, true, &denied);

    *ret_rule = NULL;
    policy_range(update->seen, POLICY_FILES, &first, &end);
    for (size_t i = first; r == 0 && i < end && !*ret_rule; i++) {
        const PolicyRule *rule = policy_rule(update->seen, i);
        const PolicyRule *by = NULL;
        const Place *place = place_of(rule->name);
        uint32_t forbidden = 0;
        if (rule->deny || (rule->access & WRITES) == 0 || is_mounted(update->old, rule) ||
            (place && strcmp(place->kind, "given") == 0))
            continue;
        r = file_rules_denied(&denied, rule, &forbidden, &by);
        if (rule->access & WRITES & ~forbidden)
            *ret_rule = rule;
    }
    return r;
}

static int update_mounts(Update *update)
{
    Buffer *warnings = &update->report->warnings;

    if (!policy_read_only_root(update->old))
        return 0;
    if (!policy_read_only_root(update->seen)) {
        const PolicyRule *why;
        const int r = writes_to_root(update, &why);
        if (r < 0 || !why)
            return r;
        policy_text_open_root(update->text);
        (void)buffer_printf(warnings,
                            "read-only-root of %s becomes false: ", policy_text_name(update->text));
        (void)append_rule(why, warnings);
        return buffer_puts(warnings, " was seen, where no tmpfs or volume is\n");
    }
    for (PolicySection section = POLICY_TMPFS; section <= POLICY_VOLUMES; section++) {
        size_t first, end;
        policy_range(update->seen, section, &first, &end);
        for (size_t i = first; i < end; i++) {
            const int r = is_mounted(update->old, policy_rule(update->seen, i))
                              ? 0
                              : add(update, policy_rule(update->seen, i));
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static int update_archs(Update *update)
{
    const uint32_t fresh = policy_archs(update->seen) & ~policy_archs(update->old);

    for (Arch arch = 0; arch < ARCH_COUNT; arch++) {
        if ((fresh >> arch & 1) == 0)
            continue;
        policy_text_add_arch(update->text, arch);
        update->report->added_count++;
        (void)buffer_printf(&update->report->added, "architectures: %s\n", arch_name(arch));
    }
    return update->report->added.error;
}

/* What a recording has only one of, and the policy another one: it stays. */
static int compare_head(const Update *update)
{
    Buffer *warnings = &update->report->warnings;
    const char *name = policy_text_name(update->text);
    const char *user = policy_user(update->old);
    const char *seen = policy_user(update->seen);

    if (seen && (!user || strcmp(user, seen) != 0))
        (void)buffer_printf(warnings, "recorded as user %s, and %s says %s: left as it is\n", seen,
                            name, user ? user : "none");
    if (policy_no_new_privs(update->old) && !policy_no_new_privs(update->seen))
        (void)buffer_printf(warnings,
                            "not recorded with no_new_privs, and %s says no-new-privileges: true: "
                            "left as it is\n",
                            name);
    return warnings->error;
}

static int update_text(PolicyText *text, const Policy *seen, bool in_place, UpdateReport *report,
                       Error *err)
{
    Update update = {.text = text,
                     .old = policy_text_policy(text),
                     .seen = seen,
                     .report = report,
                     .in_place = in_place};
    int r = compare_head(&update);

    if (r == 0)
        r = update_archs(&update);
    for (size_t i = 0; r == 0 && i < policy_rules_count(seen); i++) {
        const PolicyRule *rule = policy_rule(seen, i);
        if (rule->section != POLICY_FILES && rule->section != POLICY_TMPFS &&
            rule->section != POLICY_VOLUMES)
            r = update_rule(&update, rule);
    }
    if (r == 0)
        r = update_files(&update, err);
    if (r == 0)
        r = update_mounts(&update);
    return r < 0 ? error_errno(err, r, "updating %s", policy_text_name(text)) : 0;
}

int policy_update(PolicyText *text, const Policy *seen, UpdateReport *report, Error *err)
{
    return update_text(text, seen, false, report, err);
}

int policy_update_in_place(PolicyText *text, const Policy *seen, UpdateReport *report, Error *err)
{
    return update_text(text, seen, true, report, err);
}
