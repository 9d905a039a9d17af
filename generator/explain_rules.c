/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rules of a policy a fact needs. A fact of a call, capability, socket, … is turned into the
 * rule that would allow it, as `whittle generate` does, and each rule of the policy is asked if it
 * covers that; of files the pattern is matched, and the letters must have one in common.
 */
#include "base/memory.h"
#include "generator/explain_private.h"
#include "generator/infer_private.h"
#include "generator/rule_cover.h"

#include <errno.h>

int rules_to_ask_init(RulesToAsk *rules)
{
    *rules = (RulesToAsk){.set = glob_set_new()};
    return rules->set ? 0 : -ENOMEM;
}

void rules_to_ask_deinit(RulesToAsk *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        free(rules->items[i].folder);
    free(rules->items);
    rules->set = glob_set_free(rules->set);
    *rules = (RulesToAsk){0};
}

int rules_to_ask_add(RulesToAsk *rules, const PolicyRule *rule)
{
    CLEANUP(buffer_deinit) Buffer folder = BUFFER_INIT;
    RuleToAsk item = {.rule = rule, .usable = true};
    int r = 0;

    if (array_reserve(&rules->items, &rules->capacity, rules->count, sizeof item) < 0)
        return -ENOMEM;
    if (rule->section == POLICY_FILES) {
        r = glob_set_add(rules->set, GLOB_POLICY, rule->name, &item.pattern, NULL);
        item.usable = r == 0;
    } else if (rule->section == POLICY_TMPFS || rule->section == POLICY_VOLUMES) {
        r = policy_pattern_to_literal(rule->name, &folder);
        item.usable = r == 0;
        item.folder = r == 0 ? buffer_steal(&folder) : NULL;
        if (r == 0 && !item.folder)
            r = -ENOMEM;
    }
    if (r == -ENOMEM) {
        free(item.folder);
        return r;
    }
    rules->items[rules->count++] = item;
    return 0;
}

/* ---- files ---------------------------------------------------------------------------------- */

int explain_real_path(const char *path, Buffer *out)
{
    static const char *const numbers[] = {"self", "[pid]", "[tid]"};
    const bool proc = strncmp(path, "/proc/", strlen("/proc/")) == 0;
    bool number;

    for (const char *at = path; *at;) {
        const char *slash = strchr(at + 1, '/');
        const size_t length = slash ? (size_t)(slash - at) : strlen(at);
        number = false;
        for (size_t i = 0; proc && i < ARRAY_LENGTH(numbers); i++)
            number |= (i > 0 || at == path + strlen("/proc")) && length == 1 + strlen(numbers[i]) &&
                      strncmp(at + 1, numbers[i], length - 1) == 0;
        if (number)
            (void)buffer_puts(out, "/1");
        else
            (void)buffer_append(out, at, length);
        at += length;
    }
    while (out->length > 1 && out->data[out->length - 1] == '/')
        out->data[--out->length] = '\0';
    return out->error;
}

static bool is_below(const char *path, const char *folder)
{
    const size_t length = strlen(folder);

    return strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* Two paths that begin differently up to the first special character are not both matched. */
static bool may_match(const char *pattern, const char *path)
{
    const size_t plain = strcspn(pattern, "*?[{@\\");
    const size_t length = strlen(path);

    return strncmp(pattern, path, plain < length ? plain : length) == 0;
}

/* What a fact about a path needs of rules about files. */
typedef struct PathNeed {
    Buffer path;        /* with a slash at the end */
    size_t length;      /* without it */
    uint32_t letters;   /* FILE_* */
    bool with, without; /* the slash */
    bool writes, not_owner;
} PathNeed;

static void path_need_deinit(PathNeed *need)
{
    buffer_deinit(&need->path);
}

static int path_need_init(PathNeed *need, const Fact *fact)
{
    const char *type = fact_text(fact, FIELD_FILE_TYPE);
    const size_t length = strlen(fact->name);
    const bool directory =
        (type && strcmp(type, "directory") == 0) || (length > 1 && fact->name[length - 1] == '/');

    need->letters = infer_path_letters(fact);
    if (need->letters & FILE_ANY_EXEC)
        need->letters |= FILE_ANY_EXEC;
    need->with = directory || !type;
    need->without = !directory;
    need->writes = (fact_number(fact, FIELD_ACCESS, 0) & PATH_WRITES) != 0;
    need->not_owner = fact_has(fact, FIELD_OWNER) && fact_number(fact, FIELD_OWNER, 0) == 0;
    (void)explain_real_path(fact->name, &need->path);
    need->length = need->path.length;
    return buffer_putc(&need->path, '/');
}

/* 1, 0 or -ENOMEM. */
static int path_needs(const RulesToAsk *rules, const RuleToAsk *item, const PathNeed *need)
{
    const char *path = buffer_text(&need->path);
    const PolicyRule *rule = item->rule;
    int r = 0;

    if (item->folder)
        return need->writes && is_below(path, item->folder);
    if (rule->section != POLICY_FILES || (rule_access(rule) & need->letters) == 0 ||
        (rule->owner && need->not_owner) || !may_match(rule->name, path))
        return 0;
    if (need->without)
        r = glob_set_matches(rules->set, item->pattern, path, need->length);
    if (r == 0 && need->with)
        r = glob_set_matches(rules->set, item->pattern, path, need->length + 1);
    return r;
}

static int ask_files(const RulesToAsk *rules, const Fact *fact, bool *hits)
{
    CLEANUP(path_need_deinit) PathNeed need = {.letters = 0};

    if (fact->name[0] != '/' || fact->phase == PHASE_RUNTIME_INIT ||
        !results_may_be_checked(&fact->results))
        return 0;
    if (path_need_init(&need, fact) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < rules->count; i++) {
        const int r = rules->items[i].usable ? path_needs(rules, &rules->items[i], &need) : 0;
        if (r < 0)
            return r;
        hits[i] |= r > 0;
    }
    return 0;
}

/* ---- all else ------------------------------------------------------------------------------- */

static void ask_need(const RulesToAsk *rules, const PolicyRule *need, const Fact *fact, bool *hits)
{
    for (size_t i = 0; i < rules->count; i++) {
        const PolicyRule *rule = rules->items[i].rule;
        if (rule->section != need->section)
            continue;
        if (need->section == POLICY_CAPABILITIES && infer_asks_strictly(fact))
            hits[i] |= strcmp(rule->name, need->name) == 0;
        else
            hits[i] |= rule_covers(rule, need);
    }
}

static void ask_call(const RulesToAsk *rules, const Fact *fact, bool *hits)
{
    PolicyRule need = {
        .section = POLICY_SYSCALLS, .name = fact->name, .args_present = fact->args_present};

    memcpy(need.args, fact->args, sizeof need.args);
    ask_need(rules, &need, fact, hits);
    if (infer_call(fact, &need) && strcmp(need.name, fact->name) != 0)
        ask_need(rules, &need, fact, hits);
}

static int ask_system(const RulesToAsk *rules, const Fact *fact, bool *hits)
{
    CLEANUP(policy_cleanup) Policy *needs = policy_new();
    const int r = needs ? infer_system_fact(fact, needs) : -ENOMEM;

    for (size_t i = 0; r == 0 && i < policy_rules_count(needs); i++)
        ask_need(rules, policy_rule(needs, i), fact, hits);
    return r;
}

int rules_needed_by(const RulesToAsk *rules, const Fact *fact, bool *hits)
{
    if (fact->kind == FACT_FILE || fact->kind == FACT_EXEC)
        return ask_files(rules, fact, hits);
    if (fact->kind == FACT_SYSCALL) {
        ask_call(rules, fact, hits);
        return 0;
    }
    return ask_system(rules, fact, hits);
}
