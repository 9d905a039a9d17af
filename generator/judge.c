/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each fact becomes the rule that would allow it, as `whittle generate` would make it; what no rule
 * of the policy covers is a finding. Files are judged together, because what a path needs is told
 * by several facts: the facts behind such a finding are those of its path.
 */
#include "generator/judge.h"

#include "base/memory.h"
#include "base/strset.h"
#include "generator/glob_set.h"
#include "generator/infer_private.h"
#include "generator/risk.h"
#include "generator/rule_cover.h"

#include <errno.h>

typedef struct Judge {
    Recording *recording;
    const Policy *policy;
    uint32_t sections;
    Findings *findings;
} Judge;

void findings_deinit(Findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->items[i].rule);
        free(findings->items[i].proposal);
        free(findings->items[i].grant);
        free(findings->items[i].facts);
    }
    free(findings->items);
    *findings = (Findings){0};
}

static int compare_findings(const void *a, const void *b)
{
    const Finding *x = a;
    const Finding *y = b;

    if (x->section != y->section)
        return x->section < y->section ? -1 : 1;
    return strcmp(x->rule, y->rule);
}

/* ---- adding --------------------------------------------------------------------------------- */

static int add_fact(Finding *finding, size_t fact)
{
    if (finding->facts_count > 0 && finding->facts[finding->facts_count - 1] == fact)
        return 0;
    if (array_reserve(&finding->facts, &finding->facts_capacity, finding->facts_count,
                      sizeof *finding->facts) < 0)
        return -ENOMEM;
    finding->facts[finding->facts_count++] = fact;
    return 0;
}

/* The finding of SECTION about RULE, made if there is none; NULL without memory. */
static Finding *find_or_add(Findings *findings, PolicySection section, const char *rule)
{
    for (size_t i = findings->count; i-- > 0;) {
        Finding *finding = &findings->items[i];
        if (finding->section == section && strcmp(finding->rule, rule) == 0)
            return finding;
    }
    char *copy = strdup(rule);
    if (!copy || array_reserve(&findings->items, &findings->capacity, findings->count,
                               sizeof *findings->items) < 0) {
        free(copy);
        return NULL;
    }
    findings->items[findings->count] = (Finding){.section = section, .rule = copy};
    return &findings->items[findings->count++];
}

/* The fact INDEX shows what RULE would allow, and the policy does not. */
static int add_finding(Judge *judge, const PolicyRule *rule, bool denied, size_t index)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (policy_rule_print(rule, &text) < 0)
        return -ENOMEM;
    Finding *finding = find_or_add(judge->findings, rule->section, buffer_text(&text));
    if (!finding)
        return -ENOMEM;
    /* clone3() by a rule against it, and then clone(), which libc calls instead, by none for it. */
    finding->denied = finding->facts_count == 0          ? denied
                      : rule->section == POLICY_SYSCALLS ? finding->denied && denied
                                                         : finding->denied || denied;
    finding->risk = risk_of_rule(rule, rule->access);
    return add_fact(finding, index);
}

/* Does RULE allow (or, if it denies, deny) NEED, which FACT shows? */
static bool speaks_of(const PolicyRule *rule, const PolicyRule *need, const Fact *fact)
{
    if (need->section == POLICY_CAPABILITIES && infer_asks_strictly(fact))
        return strcmp(rule->name, need->name) == 0;
    return rule_covers(rule, need);
}

static bool is_allowed(const Policy *policy, const PolicyRule *need, const Fact *fact,
                       bool *ret_denied)
{
    bool allowed = false;
    bool denied = false;
    size_t first;
    size_t end;

    policy_range(policy, need->section, &first, &end);
    for (size_t i = first; i < end; i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        /* A rule that is logged is allowed. */
        if (rule->deny != POLICY_ALLOW && rule->deny != POLICY_DENY_LOG)
            denied = denied || speaks_of(rule, need, fact);
        else
            allowed = allowed || speaks_of(rule, need, fact);
    }
    *ret_denied = denied;
    return allowed && !denied;
}

/* ---- system calls --------------------------------------------------------------------------- */

static int judge_call(Judge *judge, const Fact *fact, size_t index)
{
    /* The container lived with that, and its new profile refuses it too. */
    if (infer_refusal(judge->recording, fact) != 0)
        return 0;
    const char *arch_text = fact_text(fact, FIELD_ARCH);
    const int arch = arch_text ? arch_from_name(arch_text) : -1;
    PolicyRule need = {.section = POLICY_SYSCALLS, .name = fact->name};
    bool denied;

    if (arch < 0 || !(policy_archs(judge->policy) >> arch & 1)) {
        CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
        if (buffer_printf(&text, "%s of %s", fact->name, arch_text ? arch_text : "?") < 0)
            return -ENOMEM;
        Finding *finding = find_or_add(judge->findings, POLICY_SYSCALLS, buffer_text(&text));
        if (!finding)
            return -ENOMEM;
        finding->foreign = true;
        finding->risk = risk_of_name("setting", "architecture");
        return add_fact(finding, index);
    }
    memcpy(need.args, fact->args, sizeof need.args);
    need.args_present = fact->args_present;
    if (is_allowed(judge->policy, &need, fact, &denied))
        return 0;
    /* What only has a rule against it may be answered for the program to do another thing instead:
     * clone3 is, with ENOSYS, upon which libc calls clone. */
    const bool by_name = denied;
    if (infer_call(fact, &need) && strcmp(need.name, fact->name) != 0 &&
        is_allowed(judge->policy, &need, fact, &denied))
        return 0;
    return add_finding(judge, &need, denied || by_name, index);
}

/* ---- files ---------------------------------------------------------------------------------- */

/* Rules about paths in the terms of glob_set.h. What a link leads to is not compared: no fact tells
 * which name became a link to which file. */
typedef struct PathRules {
    GlobRule *rules;
    GlobField *fields;     /* one a rule: its path */
    const char **patterns; /* one a field */
    bool *created;         /* of needs: the workload made what the rule is about */
    size_t count;
} PathRules;

static int path_rules_init(PathRules *rules, size_t most)
{
    *rules = (PathRules){.rules = calloc(most + 1, sizeof *rules->rules),
                         .fields = calloc(most + 1, sizeof *rules->fields),
                         .patterns = calloc(most + 1, sizeof *rules->patterns),
                         .created = calloc(most + 1, sizeof *rules->created)};
    return rules->rules && rules->fields && rules->patterns && rules->created ? 0 : -ENOMEM;
}

static void path_rules_deinit(PathRules *rules)
{
    free(rules->rules);
    free(rules->fields);
    free(rules->patterns);
    free(rules->created);
}

/* PATTERN is borrowed. */
static GlobRule *path_rules_add(PathRules *rules, const char *pattern, uint32_t access, bool owner)
{
    const size_t i = rules->count++;

    rules->patterns[i] = pattern;
    rules->fields[i] = (GlobField){.patterns = &rules->patterns[i], .count = 1};
    rules->rules[i] = (GlobRule){.syntax = GLOB_POLICY,
                                 .fields = &rules->fields[i],
                                 .fields_count = 1,
                                 .access = access,
                                 .owner = owner};
    return &rules->rules[i];
}

static int path_rules_of_policy(const Policy *policy, PathRules *rules)
{
    size_t first;
    size_t end;

    policy_range(policy, POLICY_FILES, &first, &end);
    const int r = path_rules_init(rules, end - first);
    for (size_t i = first; i < end && r == 0; i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        path_rules_add(rules, rule->name, rule_access(rule), rule->owner)->deny =
            rule->deny != POLICY_ALLOW;
    }
    return r;
}

/* The pattern for PATH alone; the numbers in it that recordings leave out, of a process or of a
 * file without a name, are any. */
static int exact_pattern(const char *path, bool directory, Buffer *out)
{
    static const char *const numbers[][2] = {
        {"self", "@{pid}"}, {"[pid]", "@{pid}"}, {"[tid]", "@{tid}"}};
    static const char nameless[] = "/#[inode]";
    const bool proc = strncmp(path, "/proc/", strlen("/proc/")) == 0;

    for (const char *at = path; *at;) {
        const char *slash = strchr(at + 1, '/');
        const size_t length = slash ? (size_t)(slash - at) : strlen(at);
        size_t i = 0;
        while (i < ARRAY_LENGTH(numbers) && !(proc && length == 1 + strlen(numbers[i][0]) &&
                                              strncmp(at + 1, numbers[i][0], length - 1) == 0))
            i++;
        if (i < ARRAY_LENGTH(numbers))
            (void)buffer_printf(out, "/%s", numbers[i][1]);
        else if (length == sizeof nameless - 1 && strncmp(at, nameless, length) == 0)
            (void)buffer_puts(out, "/#[0-9]*");
        else
            (void)policy_pattern_append_literal(out, at, length);
        at += length;
    }
    if (directory && strcmp(path, "/") != 0)
        (void)buffer_putc(out, '/');
    return out->error;
}

/* What each path of USES needs, at most two rules a path; their patterns are in STRINGS. */
static int path_rules_of_uses(const PathUses *uses, StringSet *strings, PathRules *rules)
{
    CLEANUP(buffer_deinit) Buffer pattern = BUFFER_INIT;

    const int error = path_rules_init(rules, 2 * uses->count);
    if (error < 0)
        return error;
    for (size_t i = 0; i < uses->count; i++) {
        const PathUse *use = &uses->items[i];
        const uint32_t other = use->other | use->exec;
        buffer_clear(&pattern);
        const char *kept = exact_pattern(use->path, use->directory, &pattern) == 0
                               ? strset_add(strings, buffer_text(&pattern))
                               : NULL;
        if (!kept)
            return -ENOMEM;
        if (other)
            (void)path_rules_add(rules, kept, other, false);
        if (use->owner & ~other) {
            rules->created[rules->count] =
                path_use_created(use) ||
                strncmp(use->path, "/proc/self/", strlen("/proc/self/")) == 0;
            (void)path_rules_add(rules, kept, use->owner & ~other, true);
        }
    }
    return 0;
}

/* The facts about the path that PATTERN stands for. */
static int add_facts_of_path(const Judge *judge, const char *pattern, Finding *finding)
{
    CLEANUP(buffer_deinit) Buffer other = BUFFER_INIT;
    const size_t length = strlen(pattern);
    const bool directory = length > 1 && pattern[length - 1] == '/';

    for (size_t i = 0; i < recording_facts_count(judge->recording); i++) {
        Fact view;
        const Fact *fact = recording_fact(judge->recording, i, &view);
        if ((fact->kind != FACT_FILE && fact->kind != FACT_EXEC) ||
            fact->phase == PHASE_RUNTIME_INIT || !results_may_be_checked(&fact->results))
            continue;
        buffer_clear(&other);
        if (exact_pattern(fact->name, directory, &other) < 0)
            return -ENOMEM;
        if (strcmp(buffer_text(&other), pattern) == 0 && add_fact(finding, i) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* Who owns what was there before is no matter of the workload's: the rule that is proposed for it
 * does not say owner. */
static int add_file_finding(Judge *judge, const PathRules *needed, const GlobChange *change)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    const size_t i = change->rule;
    PolicyRule rule = {.section = POLICY_FILES,
                       .name = needed->patterns[i],
                       .access = needed->rules[i].access & change->access,
                       .owner = needed->rules[i].owner && needed->created[i]};

    if (rule.access & FILE_WRITE)
        rule.access &= ~(uint32_t)FILE_APPEND;
    if (policy_rule_print(&rule, &text) < 0)
        return -ENOMEM;
    Finding *finding = find_or_add(judge->findings, POLICY_FILES, buffer_text(&text));
    if (!finding)
        return -ENOMEM;
    finding->risk = risk_of_rule(&rule, rule.access);
    return add_facts_of_path(judge, rule.name, finding);
}

static int judge_files(Judge *judge, Error *err)
{
    CLEANUP(path_uses_deinit) PathUses uses = {0};
    CLEANUP(strset_cleanup) StringSet *strings = strset_new();
    CLEANUP(path_rules_deinit) PathRules allowed = {0};
    CLEANUP(path_rules_deinit) PathRules needed = {0};
    CLEANUP(glob_changes_deinit) GlobChanges changes = {0};
    const GlobOptions options = {.literal_overrides = FILE_ANY_EXEC, .paths = true};

    int r = strings ? path_uses_collect(judge->recording, &uses) : -ENOMEM;
    if (r == 0)
        r = path_rules_of_policy(judge->policy, &allowed);
    if (r == 0)
        r = path_rules_of_uses(&uses, strings, &needed);
    if (r != 0)
        return error_errno(err, r, "comparing files with the policy");
    r = glob_rules_added(allowed.rules, allowed.count, needed.rules, needed.count, &options,
                         &changes, err);
    for (size_t i = 0; i < changes.count && r == 0; i++) {
        r = add_file_finding(judge, &needed, &changes.items[i]);
        if (r < 0)
            return error_errno(err, r, "comparing files with the policy");
    }
    return r;
}

/* ---- all ------------------------------------------------------------------------------------ */

static int judge_system(Judge *judge, const Fact *fact, size_t index)
{
    CLEANUP(policy_cleanup) Policy *needs = policy_new();

    int r = needs ? infer_system_fact(fact, needs) : -ENOMEM;
    for (size_t i = 0; r == 0 && i < policy_rules_count(needs); i++) {
        const PolicyRule *need = policy_rule(needs, i);
        bool denied;
        if ((judge->sections >> need->section & 1) &&
            !is_allowed(judge->policy, need, fact, &denied))
            r = add_finding(judge, need, denied, index);
    }
    return r;
}

int judge(Recording *recording, const Policy *policy, uint32_t sections, Findings *findings,
          Error *err)
{
    Judge judge = {
        .recording = recording, .policy = policy, .sections = sections, .findings = findings};
    int r = 0;

    for (size_t i = 0; i < recording_facts_count(recording) && r == 0; i++) {
        Fact view;
        const Fact *fact = recording_fact(recording, i, &view);
        if (fact->phase == PHASE_RUNTIME_INIT)
            continue;
        if (fact->kind != FACT_SYSCALL)
            r = judge_system(&judge, fact, i);
        else if (sections & 1u << POLICY_SYSCALLS)
            r = judge_call(&judge, fact, i);
    }
    if (r < 0)
        return error_errno(err, r, "comparing with the policy");
    if (sections & 1u << POLICY_FILES)
        r = judge_files(&judge, err);
    if (r == 0 && findings->count > 0)
        qsort(findings->items, findings->count, sizeof *findings->items, compare_findings);
    return r;
}

int judge_withheld(Recording *recording, const Policy *policy, Findings *findings, Error *err)
{
    Judge judge = {.recording = recording, .policy = policy, .findings = findings};
    int r = 0;

    for (size_t i = 0; i < recording_facts_count(recording) && r == 0; i++) {
        Fact view;
        const Fact *fact = recording_fact(recording, i, &view);
        const PolicyRule need = {.section = POLICY_CAPABILITIES, .name = fact->name};
        bool denied;
        if (fact->kind == FACT_CAPABILITY && fact->phase != PHASE_RUNTIME_INIT &&
            !results_may_succeed(&fact->results) && capability_by_name(fact->name) &&
            !is_allowed(policy, &need, fact, &denied))
            r = add_finding(&judge, &need, denied, i);
    }
    if (r < 0)
        return error_errno(err, r, "comparing with the policy");
    if (findings->count > 0)
        qsort(findings->items, findings->count, sizeof *findings->items, compare_findings);
    return 0;
}
