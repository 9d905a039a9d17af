/* SPDX-License-Identifier: Apache-2.0 */
/* A policy in memory: an array of rules and an index over it by identity. */
#include "model/policy.h"

#include "base/hash.h"
#include "base/memory.h"

#include <ctype.h>
#include <errno.h>

enum { RUNTIMES_MAX = 16 };

struct Policy {
    HashKey key;
    StringSet *strings;
    const char *name;
    const char *user;
    uint32_t archs;
    const char *runtimes[RUNTIMES_MAX];
    size_t runtimes_count;
    int deny_action;
    bool read_only_root;
    bool no_new_privs;
    uint64_t limits[POLICY_LIMIT_COUNT];

    PolicyRule *rules;
    size_t count;
    size_t capacity;
    uint32_t *slots; /* index into rules plus one; 0 empty; at most half full */
    size_t slots_count;
};

static const char *const section_names[POLICY_SECTION_COUNT] = {
    [POLICY_SYSCALLS] = "syscalls", [POLICY_CAPABILITIES] = "capabilities",
    [POLICY_FILES] = "files",       [POLICY_NETWORK] = "network",
    [POLICY_UNIX] = "unix",         [POLICY_SIGNALS] = "signals",
    [POLICY_PTRACE] = "ptrace",     [POLICY_MOUNTS] = "mounts",
    [POLICY_TMPFS] = "tmpfs",       [POLICY_VOLUMES] = "volumes",
};

static const char *const limit_names[POLICY_LIMIT_COUNT] = {
    [POLICY_LIMIT_MEMORY] = "memory",
    [POLICY_LIMIT_NOFILE] = "nofile",
    [POLICY_LIMIT_PIDS] = "pids",
};

const char *policy_section_name(PolicySection section)
{
    return section_names[section];
}

int policy_section_from_name(const char *name)
{
    for (int i = 0; i < POLICY_SECTION_COUNT; i++) {
        if (strcmp(section_names[i], name) == 0)
            return i;
    }
    return -1;
}

Policy *policy_new(void)
{
    Policy *policy = calloc(1, sizeof *policy);

    if (!policy)
        return NULL;
    hash_key_init(&policy->key);
    policy->strings = strset_new();
    policy->slots_count = 64;
    policy->slots = calloc(policy->slots_count, sizeof *policy->slots);
    policy->deny_action = EPERM;
    if (!policy->strings || !policy->slots)
        return policy_free(policy);
    return policy;
}

Policy *policy_free(Policy *policy)
{
    if (!policy)
        return NULL;
    strset_free(policy->strings);
    free(policy->rules);
    free(policy->slots);
    free(policy);
    return NULL;
}

void policy_cleanup(Policy **policy)
{
    *policy = policy_free(*policy);
}

StringSet *policy_strings(Policy *policy)
{
    return policy->strings;
}

/* ---- what there is once --------------------------------------------------------------------- */

static int set_text(Policy *policy, const char **text, const char *value)
{
    const char *copy = value ? strset_add(policy->strings, value) : NULL;

    if (value && !copy)
        return -ENOMEM;
    *text = copy;
    return 0;
}

const char *policy_name(const Policy *policy)
{
    return policy->name;
}

int policy_set_name(Policy *policy, const char *name)
{
    return set_text(policy, &policy->name, name);
}

bool policy_name_is_valid(const char *name)
{
    enum { NAME_LENGTH_MAX = 128 };

    if (!isalnum((unsigned char)name[0]) && name[0] != '_')
        return false;
    for (const char *c = name; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
            return false;
    }
    return strlen(name) <= NAME_LENGTH_MAX;
}

const char *policy_user(const Policy *policy)
{
    return policy->user;
}

int policy_set_user(Policy *policy, const char *user)
{
    return set_text(policy, &policy->user, user);
}

uint32_t policy_archs(const Policy *policy)
{
    return policy->archs;
}

void policy_set_archs(Policy *policy, uint32_t archs)
{
    policy->archs = archs;
}

size_t policy_runtimes_count(const Policy *policy)
{
    return policy->runtimes_count;
}

const char *policy_runtime(const Policy *policy, size_t index)
{
    return policy->runtimes[index];
}

int policy_add_runtime(Policy *policy, const char *name)
{
    size_t at = 0;

    while (at < policy->runtimes_count && strcmp(policy->runtimes[at], name) < 0)
        at++;
    if (at < policy->runtimes_count && strcmp(policy->runtimes[at], name) == 0)
        return 0;
    if (policy->runtimes_count == RUNTIMES_MAX)
        return -E2BIG;
    const char *copy = strset_add(policy->strings, name);
    if (!copy)
        return -ENOMEM;
    memmove(policy->runtimes + at + 1, policy->runtimes + at,
            (policy->runtimes_count - at) * sizeof policy->runtimes[0]);
    policy->runtimes[at] = copy;
    policy->runtimes_count++;
    return 0;
}

void policy_clear_runtimes(Policy *policy)
{
    policy->runtimes_count = 0;
}

int policy_deny_action(const Policy *policy)
{
    return policy->deny_action;
}

void policy_set_deny_action(Policy *policy, int deny)
{
    policy->deny_action = deny;
}

bool policy_read_only_root(const Policy *policy)
{
    return policy->read_only_root;
}

void policy_set_read_only_root(Policy *policy, bool read_only)
{
    policy->read_only_root = read_only;
}

bool policy_no_new_privs(const Policy *policy)
{
    return policy->no_new_privs;
}

void policy_set_no_new_privs(Policy *policy, bool no_new_privs)
{
    policy->no_new_privs = no_new_privs;
}

const char *policy_limit_name(PolicyLimit limit)
{
    return limit_names[limit];
}

uint64_t policy_limit(const Policy *policy, PolicyLimit limit)
{
    return policy->limits[limit];
}

void policy_set_limit(Policy *policy, PolicyLimit limit, uint64_t value)
{
    policy->limits[limit] = value;
}

/* ---- rules ---------------------------------------------------------------------------------- */

static int compare_text(const char *a, const char *b)
{
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

static int compare_number(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int policy_rule_compare(const PolicyRule *a, const PolicyRule *b)
{
    int c = compare_number(a->section, b->section);

    if (c == 0)
        c = compare_text(a->name, b->name);
    if (c == 0)
        c = compare_text(a->type, b->type);
    if (c == 0)
        c = compare_text(a->source, b->source);
    if (c == 0)
        c = compare_text(a->target, b->target);
    if (c == 0)
        c = compare_text(a->options, b->options);
    if (c == 0)
        c = compare_number(a->owner, b->owner);
    if (c == 0)
        c = compare_number(a->args_present, b->args_present);
    for (unsigned i = 0; c == 0 && i < SYSCALL_ARGS; i++) {
        if (a->args_present >> i & 1)
            c = compare_number(a->args[i], b->args[i]);
    }
    return c ? c : (a->deny > b->deny) - (a->deny < b->deny);
}

static uint64_t hash_text(const Policy *policy, const char *text)
{
    return text ? hash_bytes(&policy->key, text, strlen(text)) : 0;
}

static uint64_t rule_hash(const Policy *policy, const PolicyRule *rule)
{
    uint64_t words[9 + SYSCALL_ARGS] = {
        rule->section,
        hash_text(policy, rule->name),
        hash_text(policy, rule->type),
        hash_text(policy, rule->source),
        hash_text(policy, rule->target),
        hash_text(policy, rule->options),
        rule->owner,
        rule->args_present,
        (uint64_t)(int64_t)rule->deny,
    };

    for (unsigned i = 0; i < SYSCALL_ARGS; i++)
        words[9 + i] = rule->args_present >> i & 1 ? rule->args[i] : 0;
    return hash_bytes(&policy->key, words, sizeof words);
}

static size_t find_slot(const Policy *policy, const PolicyRule *rule)
{
    size_t i = rule_hash(policy, rule) & (policy->slots_count - 1);

    while (policy->slots[i] && policy_rule_compare(&policy->rules[policy->slots[i] - 1], rule) != 0)
        i = (i + 1) & (policy->slots_count - 1);
    return i;
}

static void fill_slots(Policy *policy)
{
    memset(policy->slots, 0, policy->slots_count * sizeof *policy->slots);
    for (size_t i = 0; i < policy->count; i++)
        policy->slots[find_slot(policy, &policy->rules[i])] = (uint32_t)(i + 1);
}

static int grow_slots(Policy *policy)
{
    uint32_t *slots = calloc(policy->slots_count * 2, sizeof *slots);

    if (!slots)
        return -ENOMEM;
    free(policy->slots);
    policy->slots = slots;
    policy->slots_count *= 2;
    fill_slots(policy);
    return 0;
}

static int own_texts(Policy *policy, PolicyRule *rule)
{
    const char **texts[] = {&rule->name,   &rule->type,    &rule->source,
                            &rule->target, &rule->options, &rule->reason};

    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        if (set_text(policy, texts[i], *texts[i]) < 0)
            return -ENOMEM;
    }
    return 0;
}

int policy_add(Policy *policy, const PolicyRule *draft)
{
    if (policy->count >= UINT32_MAX / 2)
        return -E2BIG;
    if (policy->count * 2 >= policy->slots_count && grow_slots(policy) < 0)
        return -ENOMEM;
    const size_t slot = find_slot(policy, draft);
    if (policy->slots[slot]) {
        PolicyRule *rule = &policy->rules[policy->slots[slot] - 1];
        if (!rule->reason && set_text(policy, &rule->reason, draft->reason) < 0)
            return -ENOMEM;
        rule->access |= draft->access;
        rule->keep |= draft->keep;
        return 0;
    }
    PolicyRule rule = *draft;
    if (own_texts(policy, &rule) < 0 ||
        array_reserve(&policy->rules, &policy->capacity, policy->count, sizeof rule) < 0)
        return -ENOMEM;
    policy->rules[policy->count++] = rule;
    policy->slots[slot] = (uint32_t)policy->count;
    return 0;
}

size_t policy_rules_count(const Policy *policy)
{
    return policy->count;
}

const PolicyRule *policy_rule(const Policy *policy, size_t index)
{
    return &policy->rules[index];
}

static int compare_for_sort(const void *a, const void *b)
{
    return policy_rule_compare(a, b);
}

void policy_sort(Policy *policy)
{
    if (policy->count == 0)
        return;
    qsort(policy->rules, policy->count, sizeof *policy->rules, compare_for_sort);
    fill_slots(policy);
}

void policy_range(const Policy *policy, PolicySection section, size_t *ret_first, size_t *ret_end)
{
    size_t bounds[2];

    for (unsigned side = 0; side < 2; side++) {
        const unsigned wanted = (unsigned)section + side;
        size_t low = 0;
        size_t high = policy->count;
        while (low < high) {
            const size_t middle = low + (high - low) / 2;
            if ((unsigned)policy->rules[middle].section < wanted)
                low = middle + 1;
            else
                high = middle;
        }
        bounds[side] = low;
    }
    *ret_first = bounds[0];
    *ret_end = bounds[1];
}

bool policy_grants(const Policy *policy, size_t index)
{
    const PolicyRule *rule = &policy->rules[index];

    if (rule->deny)
        return false;
    /* What denies is negative or positive, and stands on either side. */
    for (size_t i = index ? index - 1 : 0; i <= index + 1 && i < policy->count; i++) {
        PolicyRule other = policy->rules[i];
        other.deny = POLICY_ALLOW;
        if (i != index && policy_rule_compare(&other, rule) == 0)
            return false;
    }
    return true;
}

int policy_merge(Policy *into, const Policy *from)
{
    int r = 0;

    if (!into->name)
        r = policy_set_name(into, from->name);
    if (r == 0 && !into->user)
        r = policy_set_user(into, from->user);
    for (size_t i = 0; r == 0 && i < from->runtimes_count; i++)
        r = policy_add_runtime(into, from->runtimes[i]);
    for (size_t i = 0; r == 0 && i < from->count; i++)
        r = policy_add(into, &from->rules[i]);
    into->archs |= from->archs;
    into->read_only_root &= from->read_only_root;
    into->no_new_privs &= from->no_new_privs;
    for (unsigned i = 0; i < POLICY_LIMIT_COUNT; i++) {
        if (from->limits[i] > into->limits[i])
            into->limits[i] = from->limits[i];
    }
    return r;
}
