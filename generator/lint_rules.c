/* SPDX-License-Identifier: Apache-2.0 */
/* Rules against each other: contradictions, duplicates, what another rule grants already. */
#include "base/memory.h"
#include "generator/lint_private.h"

#include <errno.h>

static bool allows(const LintRule *entry)
{
    return entry->rule->deny == POLICY_ALLOW;
}

/* ---- W101 ----------------------------------------------------------------------------------- */

static int tell_denied(Lint *lint, const LintRule *entry, const PolicyRule *by, size_t line)
{
    CLEANUP(buffer_deinit) Buffer mine = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer other = BUFFER_INIT;

    return lint_tell(lint, entry, "\"%s\" is denied by \"%s\" in line %zu",
                     lint_rule_text(entry->rule, &mine), lint_rule_text(by, &other), line);
}

/* Of a file rule perhaps only some letters are denied. */
static int tell_denied_file(Lint *lint, const LintRule *entry)
{
    CLEANUP(buffer_deinit) Buffer mine = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer other = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer letters = BUFFER_INIT;
    PolicyRule part = *entry->rule;
    const size_t line = lint_line_of(lint, entry->by);

    if (entry->dead)
        return tell_denied(lint, entry, entry->by, line);
    part.access = entry->rule->access & entry->denied;
    part.name = "";
    part.target = NULL;
    part.owner = false;
    const char *text = lint_rule_text(&part, &letters);
    return lint_tell(lint, entry, "of \"%s\" the access%s is denied by \"%s\" in line %zu",
                     lint_rule_text(entry->rule, &mine), text, lint_rule_text(entry->by, &other),
                     line);
}

int lint_allowed_and_denied(Lint *lint)
{
    int r = 0;

    for (PolicySection section = 0; section < POLICY_TMPFS && r == 0; section++) {
        for (LintRule *denying = lint_begin(lint, section); denying < lint_end(lint, section);
             denying++) {
            if (section == POLICY_FILES || !lint_denies(denying->rule))
                continue;
            for (LintRule *entry = lint_begin(lint, section); entry < lint_end(lint, section);
                 entry++) {
                if (!lint_may_pair(lint))
                    break;
                if (entry->dead || !allows(entry) || !rule_covers(denying->rule, entry->rule))
                    continue;
                entry->dead = true;
                r = tell_denied(lint, entry, denying->rule, denying->place->line);
                if (r < 0)
                    return r;
            }
        }
    }
    for (LintRule *entry = lint_begin(lint, POLICY_FILES); entry < lint_end(lint, POLICY_FILES);
         entry++) {
        if (r == 0 && allows(entry) && (entry->denied & entry->rule->access))
            r = tell_denied_file(lint, entry);
    }
    return r;
}

/* ---- W102 ----------------------------------------------------------------------------------- */

/* Some call meets the conditions of both. */
static bool overlap(const PolicyRule *a, const PolicyRule *b)
{
    const Syscall *syscall = syscall_by_name(a->name);

    for (unsigned i = 0; i < SYSCALL_ARGS && syscall; i++) {
        const uint64_t mask = lint_argument_mask(syscall, i);
        if ((a->args_present & b->args_present) >> i & 1 &&
            (a->args[i] & mask) != (b->args[i] & mask))
            return false;
    }
    return true;
}

int lint_denied_values(Lint *lint)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    bool told = false;
    int r = 0;

    for (LintRule *entry = lint_begin(lint, POLICY_SYSCALLS);
         entry < lint_end(lint, POLICY_SYSCALLS); entry++) {
        if (entry->rule->deny == POLICY_ALLOW || entry->rule->args_present == 0)
            continue;
        for (LintRule *other = lint_begin(lint, POLICY_SYSCALLS);
             other < lint_end(lint, POLICY_SYSCALLS); other++) {
            if (!lint_may_pair(lint))
                break;
            if (strcmp(other->rule->name, entry->rule->name) != 0 ||
                other->rule->deny == entry->rule->deny || !overlap(other->rule, entry->rule) ||
                (other->rule->deny != POLICY_ALLOW && other->rule->args_present == 0))
                continue;
            told = true;
            r = lint_tell(lint, entry, "a filter cannot deny what \"%s\" in line %zu is about, too",
                          lint_rule_text(other->rule, &text), other->place->line);
            break;
        }
        if (r < 0)
            return r;
    }
    /* The other rule may be one that a runtime needs. */
    if (!lint->has_seccomp && lint->seccomp_error.code == -ENOTSUP && !told)
        r = lint_tell_key(lint, "syscalls", "%s", lint->seccomp_error.text);
    return r;
}

/* ---- W103 ----------------------------------------------------------------------------------- */

static int compare_entries(const void *left, const void *right)
{
    const LintRule *const *a = left;
    const LintRule *const *b = right;
    const int r = policy_rule_compare((*a)->rule, (*b)->rule);

    return r != 0 ? r : (*a > *b) - (*a < *b);
}

/* The rules of SECTION in the order of policy_rule_compare(), for the caller to free. */
static LintRule **sorted_rules(Lint *lint, PolicySection section, size_t *ret_count)
{
    const size_t count = lint->first[section + 1] - lint->first[section];
    LintRule **sorted = calloc(count + 1, sizeof *sorted);

    if (!sorted)
        return NULL;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &lint->rules[lint->first[section] + i];
    if (count > 1)
        qsort(sorted, count, sizeof *sorted, compare_entries);
    *ret_count = count;
    return sorted;
}

static int find_twice(Lint *lint, LintRule **sorted, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t k = i; k-- > 0 && lint_may_pair(lint);) {
            const PolicyRule *before = sorted[k]->rule;
            const PolicyRule *rule = sorted[i]->rule;
            if (policy_rule_compare(before, rule) != 0)
                break;
            if (rule->access & ~before->access)
                continue;
            const int r = lint_tell(lint, sorted[i], "this rule stands in line %zu already",
                                    sorted[k]->place->line);
            if (r < 0)
                return r;
            sorted[i]->dead = true;
            break;
        }
    }
    return 0;
}

int lint_twice(Lint *lint)
{
    for (PolicySection section = 0; section < POLICY_SECTION_COUNT; section++) {
        size_t count;
        CLEANUP(free_pointer) LintRule **sorted = sorted_rules(lint, section, &count);
        const int r = sorted ? find_twice(lint, sorted, count) : -ENOMEM;
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- W104 ----------------------------------------------------------------------------------- */

/* open_by_handle_at(2) asks for this one itself, whatever includes it. */
static bool is_asked_for_itself(const Lint *lint, const PolicyRule *rule)
{
    return rule->section == POLICY_CAPABILITIES && strcmp(rule->name, "CAP_DAC_READ_SEARCH") == 0 &&
           lint_call_is(lint, "open_by_handle_at", LINT_CALL_ALLOWED);
}

/* Does OTHER, which is not ENTRY, grant all that ENTRY does? Of two that grant the same it is the
 * first one. */
static bool covers(const LintRule *other, const LintRule *entry)
{
    return rule_covers(other->rule, entry->rule) &&
           (other < entry || !rule_covers(entry->rule, other->rule));
}

static int tell_covered(Lint *lint, const LintRule *entry, const LintRule *by)
{
    CLEANUP(buffer_deinit) Buffer mine = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer other = BUFFER_INIT;

    return lint_tell(lint, entry, "\"%s\" in line %zu grants \"%s\" already",
                     lint_rule_text(by->rule, &other), by->place->line,
                     lint_rule_text(entry->rule, &mine));
}

/* Names are compared only where a rule may cover one of another name. */
static int find_covered(Lint *lint, LintRule **sorted, size_t count, bool other_names)
{
    size_t begin = 0;

    for (size_t i = 0; i < count; i++) {
        LintRule *entry = sorted[i];
        if (!other_names && strcmp(sorted[begin]->rule->name, entry->rule->name) != 0)
            begin = i;
        if (entry->dead || !allows(entry) || is_asked_for_itself(lint, entry->rule))
            continue;
        for (size_t k = begin; k < count && lint_may_pair(lint); k++) {
            const LintRule *other = sorted[k];
            if (!other_names && strcmp(other->rule->name, entry->rule->name) != 0)
                break;
            if (other == entry || other->dead || !allows(other) || !covers(other, entry))
                continue;
            const int r = tell_covered(lint, entry, other);
            if (r < 0)
                return r;
            entry->dead = true;
            break;
        }
    }
    return 0;
}

/* ---- files: several rules may cover one together ---- */

enum { COVERS_MAX = 64 };

/* Rule OTHER grants BITS to whoever ENTRY grants them. */
static bool may_cover(const LintRule *other, const LintRule *entry, uint32_t bits)
{
    const PolicyRule *a = other->rule;
    const PolicyRule *b = entry->rule;

    return other != entry && allows(other) && !other->dead &&
           (lint_granted(other) & bits) == bits && (!a->owner || b->owner) &&
           (!a->target || (b->target && !strcmp(a->target, b->target))) && other->glob != NO_GLOB &&
           patterns_begin_alike(a->name, b->name);
}

/* Everything that ENTRY matches OTHER does. Of equal ones it is the first that covers. */
static int contains(Lint *lint, const LintRule *other, const LintRule *entry)
{
    if (!lint_may_glob(lint))
        return 0;
    int r = glob_set_contains(lint->globs, &other->glob, 1, entry->glob, NULL);
    if (r > 0 && other > entry && other->access == entry->access &&
        other->rule->owner == entry->rule->owner) {
        r = glob_set_contains(lint->globs, &entry->glob, 1, other->glob, NULL);
        r = r < 0 ? r : !r;
    }
    return r == -E2BIG ? 0 : r;
}

/* Which access the rules earlier than ENTRY and wider ones grant for all that it matches. BY gets
 * one of them, NULL if it takes several. */
static int covered_access(Lint *lint, const LintRule *entry, uint32_t want, const LintRule **ret_by,
                          uint32_t *ret_covered)
{
    LintNearby nearby = lint_nearby(lint, entry);
    const LintRule *other;
    uint32_t covered = 0;
    size_t by = 0;

    while ((other = lint_nearby_next(lint, &nearby)) != NULL) {
        for (uint32_t bit = 1; bit <= want; bit <<= 1) {
            if ((want & bit & ~covered) == 0 || !may_cover(other, entry, bit))
                continue;
            const int r = contains(lint, other, entry);
            if (r < 0)
                return r;
            if (r > 0) {
                covered |= lint_granted(other) & want;
                by++;
                *ret_by = other;
            }
            break;
        }
        if (covered == want || by > COVERS_MAX)
            break;
    }
    if (by != 1)
        *ret_by = by ? NULL : *ret_by;
    *ret_covered = covered;
    return 0;
}

static int find_covered_files(Lint *lint)
{
    for (LintRule *entry = lint_begin(lint, POLICY_FILES); entry < lint_end(lint, POLICY_FILES);
         entry++) {
        CLEANUP(buffer_deinit) Buffer mine = BUFFER_INIT;
        const LintRule *by = NULL;
        uint32_t covered = 0;
        const uint32_t want = entry->rule->access & entry->access;
        if (entry->dead || !allows(entry) || want == 0 || entry->glob == NO_GLOB)
            continue;
        int r = covered_access(lint, entry, want, &by, &covered);
        if (r == 0 && covered == want) {
            /* So that not both of two are told to go. */
            entry->dead = true;
            r = by ? tell_covered(lint, entry, by)
                   : lint_tell(lint, entry, "other rules grant \"%s\" already, together",
                               lint_rule_text(entry->rule, &mine));
        }
        if (r < 0)
            return r;
    }
    return 0;
}

int lint_covered(Lint *lint)
{
    for (PolicySection section = 0; section < POLICY_TMPFS; section++) {
        size_t count;
        if (section == POLICY_FILES)
            continue;
        CLEANUP(free_pointer) LintRule **sorted = sorted_rules(lint, section, &count);
        const bool other_names = section == POLICY_CAPABILITIES || section == POLICY_SIGNALS;
        const int r = sorted ? find_covered(lint, sorted, count, other_names) : -ENOMEM;
        if (r < 0)
            return r;
    }
    return find_covered_files(lint);
}

/* ---- W105, W106, W107 ----------------------------------------------------------------------- */

static bool runtime_makes(const Policy *policy, const char *syscall)
{
    for (size_t i = 0; i < runtime_calls_count; i++) {
        if (strcmp(runtime_calls[i].syscall, syscall) != 0)
            continue;
        for (size_t k = 0; k < policy_runtimes_count(policy); k++) {
            if (strcmp(runtime_calls[i].runtime, policy_runtime(policy, k)) == 0)
                return true;
        }
    }
    return false;
}

int lint_denied_anyway(Lint *lint)
{
    const int action = policy_deny_action(lint->policy);

    for (LintRule *entry = lint_begin(lint, POLICY_SYSCALLS);
         entry < lint_end(lint, POLICY_SYSCALLS); entry++) {
        const PolicyRule *rule = entry->rule;
        const Syscall *syscall = syscall_by_name(rule->name);
        if (!syscall || !lint_denies(rule) || rule->args_present || rule->keep || rule->reason ||
            action == POLICY_DENY_LOG || runtime_makes(lint->policy, rule->name))
            continue;
        const int answer = rule->deny == POLICY_DENY ? action : rule->deny;
        if (answer != (syscall->fallback ? ENOSYS : action) ||
            lint_call_is(lint, rule->name, LINT_CALL_NAMED))
            continue;
        const int r =
            lint_tell(lint, entry, "without this rule %s gets the same answer", rule->name);
        if (r < 0)
            return r;
    }
    return 0;
}

int lint_silenced(Lint *lint)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    for (PolicySection section = POLICY_CAPABILITIES; section < POLICY_TMPFS; section++) {
        for (LintRule *entry = lint_begin(lint, section); entry < lint_end(lint, section);
             entry++) {
            if (!lint_denies(entry->rule))
                continue;
            const int r =
                lint_tell(lint, entry, "what \"%s\" denies does not appear in the audit log",
                          lint_rule_text(entry->rule, &text));
            if (r < 0)
                return r;
        }
    }
    return 0;
}

int lint_mounted_twice(Lint *lint)
{
    for (LintRule *volume = lint_begin(lint, POLICY_VOLUMES);
         volume < lint_end(lint, POLICY_VOLUMES); volume++) {
        for (LintRule *tmpfs = lint_begin(lint, POLICY_TMPFS); tmpfs < lint_end(lint, POLICY_TMPFS);
             tmpfs++) {
            if (!lint_may_pair(lint) || !allows(volume) || !allows(tmpfs) ||
                !lint_is_below(volume->rule->name, tmpfs->rule->name) ||
                !lint_is_below(tmpfs->rule->name, volume->rule->name))
                continue;
            const int r = lint_tell(lint, volume, "%s is a tmpfs as well, in line %zu",
                                    volume->rule->name, tmpfs->place->line);
            if (r < 0)
                return r;
            break;
        }
    }
    return 0;
}
