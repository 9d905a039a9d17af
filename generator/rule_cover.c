/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/rule_cover.h"

#include "base/memory.h"

#include <errno.h>

const PolicyRule *rule_find(const Policy *policy, const PolicyRule *rule)
{
    size_t low = 0;
    size_t high = policy_rules_count(policy);

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = policy_rule_compare(policy_rule(policy, middle), rule);
        if (order == 0)
            return policy_rule(policy, middle);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- all but files -------------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool covers_word(const char *rule, const char *word)
{
    return !rule || same(rule, word);
}

/* PATTERN, NULL for anything, matches all that TEXT, itself a pattern, does. */
static bool covers_pattern(const char *pattern, const char *text)
{
    CLEANUP(glob_set_cleanup) GlobSet *set = NULL;
    Error err = {0};
    size_t whole;
    size_t part;

    if (covers_word(pattern, text))
        return true;
    if (!text || !(set = glob_set_new()) ||
        glob_set_add(set, GLOB_POLICY, pattern, &whole, &err) < 0 ||
        glob_set_add(set, GLOB_POLICY, text, &part, &err) < 0)
        return false;
    return glob_set_contains(set, &whole, 1, part, NULL) > 0;
}

static bool covers_arguments(const PolicyRule *rule, const PolicyRule *need)
{
    if ((rule->args_present & need->args_present) != rule->args_present)
        return false;
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if ((rule->args_present >> i & 1) && rule->args[i] != need->args[i])
            return false;
    }
    return true;
}

static bool covers_call(const PolicyRule *rule, const PolicyRule *need)
{
    return same(rule->name, need->name) && covers_arguments(rule, need);
}

static bool covers_capability(const PolicyRule *rule, const PolicyRule *need)
{
    const Capability *capability = capability_by_name(rule->name);
    const char *const *implied = capability && !rule->deny ? capability->implied : NULL;

    for (; implied && *implied; implied++) {
        if (strcmp(*implied, need->name) == 0)
            return true;
    }
    return same(rule->name, need->name);
}

static bool covers_socket(const PolicyRule *rule, const PolicyRule *need)
{
    return same(rule->name, need->name) && covers_word(rule->type, need->type) &&
           covers_pattern(rule->target, need->target);
}

static bool covers_signal(const PolicyRule *rule, const PolicyRule *need)
{
    return (same(rule->name, need->name) || same(rule->name, POLICY_ANY_SIGNAL)) &&
           covers_word(rule->target, need->target);
}

static bool covers_targeted(const PolicyRule *rule, const PolicyRule *need)
{
    return same(rule->name, need->name) && covers_word(rule->target, need->target);
}

static bool covers_mount(const PolicyRule *rule, const PolicyRule *need)
{
    return same(rule->name, need->name) && covers_word(rule->type, need->type) &&
           covers_word(rule->options, need->options) &&
           covers_pattern(rule->source, need->source) && covers_pattern(rule->target, need->target);
}

/* What is below a folder that is mounted is mounted with it. */
static bool covers_folder(const PolicyRule *rule, const PolicyRule *need)
{
    const size_t length = strlen(rule->name);

    return strncmp(rule->name, need->name, length) == 0 &&
           (need->name[length] == '\0' || need->name[length] == '/');
}

static bool (*const coverers[POLICY_SECTION_COUNT])(const PolicyRule *, const PolicyRule *) = {
    [POLICY_SYSCALLS] = covers_call,  [POLICY_CAPABILITIES] = covers_capability,
    [POLICY_NETWORK] = covers_socket, [POLICY_UNIX] = covers_socket,
    [POLICY_SIGNALS] = covers_signal, [POLICY_PTRACE] = covers_targeted,
    [POLICY_MOUNTS] = covers_mount,   [POLICY_TMPFS] = covers_folder,
    [POLICY_VOLUMES] = covers_folder,
};

bool rule_covers(const PolicyRule *rule, const PolicyRule *need)
{
    return coverers[rule->section] && coverers[rule->section](rule, need);
}

/* ---- files ---------------------------------------------------------------------------------- */

uint32_t rule_access(const PolicyRule *rule)
{
    uint32_t access = rule->access;

    if (access & FILE_WRITE)
        access |= FILE_APPEND;
    if (access & FILE_ANY_EXEC)
        access |= FILE_ANY_EXEC;
    return access;
}

bool patterns_begin_alike(const char *a, const char *b)
{
    static const char special[] = "*?[{@\\";
    size_t i = 0;

    while (a[i] && b[i] && a[i] == b[i] && !strchr(special, a[i]))
        i++;
    return a[i] == b[i] || (a[i] && strchr(special, a[i])) || (b[i] && strchr(special, b[i]));
}

int file_rules_meet(const PolicyRule *a, const PolicyRule *b)
{
    CLEANUP(glob_set_cleanup) GlobSet *set = NULL;
    Error err = {0};
    size_t one;
    size_t other;

    if ((rule_access(a) & rule_access(b)) == 0 || !patterns_begin_alike(a->name, b->name))
        return 0;
    if (strcmp(a->name, b->name) == 0)
        return 1;
    set = glob_set_new();
    int r = set ? glob_set_add(set, GLOB_POLICY, a->name, &one, &err) : -ENOMEM;
    if (r == 0)
        r = glob_set_add(set, GLOB_POLICY, b->name, &other, &err);
    if (r == 0)
        r = glob_set_intersects(set, one, other, NULL);
    return r == -ENOMEM ? r : r != 0;
}

void file_rules_deinit(FileRules *rules)
{
    free(rules->rules);
    free(rules->fields);
    free(rules->from);
}

int file_rules_make(const Policy *policy, bool deny, FileRules *ret_rules)
{
    CLEANUP(file_rules_deinit) FileRules rules = {0};
    size_t first;
    size_t end;

    policy_range(policy, POLICY_FILES, &first, &end);
    rules.rules = calloc(end - first + 1, sizeof *rules.rules);
    rules.fields = calloc(2 * (end - first + 1), sizeof *rules.fields);
    rules.from = calloc(end - first + 1, sizeof *rules.from);
    if (!rules.rules || !rules.fields || !rules.from)
        return -ENOMEM;
    for (size_t i = first; i < end; i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        GlobField *fields = &rules.fields[2 * rules.count];
        if ((rule->deny != POLICY_ALLOW) != deny)
            continue;
        rules.from[rules.count] = rule;
        fields[0] = (GlobField){.patterns = &rules.from[rules.count]->name, .count = 1};
        if (rule->target)
            fields[1] = (GlobField){.patterns = &rules.from[rules.count]->target, .count = 1};
        rules.rules[rules.count++] = (GlobRule){.syntax = GLOB_POLICY,
                                                .fields = fields,
                                                .fields_count = 2,
                                                .access = rule_access(rule),
                                                .owner = rule->owner};
    }
    *ret_rules = rules;
    rules = (FileRules){0};
    return 0;
}

/* 1 if everything that NEED is about is DENIED's, too; 0; or -ENOMEM. */
static int denies(const PolicyRule *denied, const PolicyRule *need)
{
    CLEANUP(glob_set_cleanup) GlobSet *set = NULL;
    Error err = {0};
    size_t whole;
    size_t part;

    if ((denied->owner && !need->owner) || !patterns_begin_alike(denied->name, need->name))
        return 0;
    if (strcmp(denied->name, need->name) == 0)
        return 1;
    set = glob_set_new();
    int r = set ? glob_set_add(set, GLOB_POLICY, denied->name, &whole, &err) : -ENOMEM;
    if (r == 0)
        r = glob_set_add(set, GLOB_POLICY, need->name, &part, &err);
    if (r == 0)
        r = glob_set_contains(set, &whole, 1, part, NULL);
    return r == -ENOMEM ? r : r > 0;
}

int file_rules_denied(const FileRules *denied, const PolicyRule *need, uint32_t *ret_access,
                      const PolicyRule **ret_by)
{
    uint32_t access = 0;

    for (size_t i = 0; i < denied->count; i++) {
        const PolicyRule *rule = denied->from[i];
        const uint32_t taken = rule_access(rule) & need->access & ~access;
        const int r = taken ? denies(rule, need) : 0;
        if (r < 0)
            return r;
        if (r > 0 && access == 0)
            *ret_by = rule;
        if (r > 0)
            access |= taken;
    }
    *ret_access = access;
    return 0;
}
