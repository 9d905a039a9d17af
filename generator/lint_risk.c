/* SPDX-License-Identifier: Apache-2.0 */
/* What is dangerous to grant, by profiles/tables/risk.csv, and what Docker would not grant. */
#include "base/memory.h"
#include "generator/diff_private.h"
#include "generator/lint_private.h"

#include <errno.h>

/* A row about everything that has no row of its own says nothing about this rule. */
static bool says_something(const RiskRow *row)
{
    return row && strcmp(row->name, "*") != 0 &&
           (strncmp(row->name, "/** ", 4) != 0 || risk_of_row(row) == RISK_CRITICAL);
}

/* Nobody forges traffic by a raw socket of netlink, say, or without the capability. */
static bool may_be_raw(const Lint *lint, const PolicyRule *rule)
{
    const FlagFamily *family = flag_family("socket_domain");
    const char *name = family && (rule->args_present & 1) ? flag_name(family, rule->args[0]) : NULL;
    const Capability *raw = capability_by_name("CAP_NET_RAW");

    return (!name || has_word("AF_INET AF_INET6 AF_PACKET", name)) && raw &&
           ((lint->included >> raw->number & 1) || lint->namespaces);
}

/* The condition of ROW holds for a call that RULE allows. */
static bool row_fits(const Lint *lint, const RiskRow *row, const PolicyRule *rule)
{
    const Syscall *syscall = syscall_by_name(rule->name);
    SeccompCondition condition;

    if (!syscall || !risk_row_condition(row, &condition))
        return true;
    if ((strcmp(row->name, "socket 0=AF_PACKET") == 0 ||
         strcmp(row->name, "socket 1=SOCK_RAW") == 0) &&
        !may_be_raw(lint, rule))
        return false;
    const unsigned index = condition.index;
    if ((rule->args_present >> index & 1) == 0)
        return true;
    /* A value with a name of its own is no set of bits (PERSONALITY_QUERY). */
    const FlagFamily *family = syscall->args[index].family;
    return value_passes(&condition.test, rule->args[index]) &&
           (!family || !flag_name(family, rule->args[index]) ||
            rule->args[index] == condition.test.value);
}

static const RiskRow *risk_of_syscall(Lint *lint, const LintRule *entry)
{
    const PolicyRule *rule = entry->rule;
    const RiskRow *worst = NULL;

    if (!lint_call_is(lint, rule->name, LINT_CALL_OWN))
        return NULL;
    for (size_t i = 0; i < risk_rows_count; i++) {
        const RiskRow *row = &risk_rows[i];
        if (risk_row_is_of_call(row, rule->name) && row_fits(lint, row, rule) &&
            (!worst || risk_of_row(row) > risk_of_row(worst)))
            worst = row;
    }
    return worst;
}

static const RiskRow *risk_of_capability(Lint *lint, const LintRule *entry)
{
    (void)lint;
    return risk_of_name("capability", entry->rule->name);
}

/* One rule denies ACCESS to all that PATTERN is about. */
static int is_denied(Lint *lint, const char *pattern, uint32_t access)
{
    const PolicyRule need = {.section = POLICY_FILES, .name = pattern, .access = access};

    for (LintRule *other = lint_begin(lint, POLICY_FILES); other < lint_end(lint, POLICY_FILES);
         other++) {
        if (!lint_denies(other->rule) || other->rule->owner ||
            (rule_access(other->rule) & access) != access ||
            !patterns_begin_alike(other->rule->name, pattern))
            continue;
        if (!lint_may_glob(lint) || !lint_may_pair(lint))
            return 0;
        FileRules one = {.from = (const PolicyRule *[]){other->rule}, .count = 1};
        const PolicyRule *by;
        uint32_t taken = 0;
        const int r = file_rules_denied(&one, &need, &taken, &by);
        if (r < 0 || (taken & access) == access)
            return r < 0 ? r : 1;
    }
    return 0;
}

/* As risk_of_path(), but of what rules that deny leave of it. */
static int worst_of_path(Lint *lint, const LintRule *entry, const RiskRow **ret_row)
{
    const RiskRow *worst = NULL;
    const uint32_t granted = lint_granted(entry);

    for (size_t i = 0; i < risk_rows_count; i++) {
        const RiskRow *row = &risk_rows[i];
        char pattern[256];
        const uint32_t access = risk_row_path(row, pattern, sizeof pattern) & granted;
        const PolicyRule need = {.section = POLICY_FILES, .name = pattern, .access = access};
        if (access == 0 || !says_something(row) ||
            risk_of_row(row) <= (worst ? risk_of_row(worst) : RISK_LOW) ||
            !patterns_begin_alike(entry->rule->name, pattern))
            continue;
        if (!lint_may_glob(lint))
            break;
        int r = file_rules_meet(entry->rule, &need);
        if (r > 0) {
            const int denied = is_denied(lint, pattern, access);
            r = denied < 0 ? denied : !denied;
        }
        if (r < 0)
            return r;
        if (r > 0)
            worst = row;
    }
    *ret_row = worst;
    return 0;
}

static const RiskRow *risk_of_family(Lint *lint, const LintRule *entry)
{
    (void)lint;
    return strcmp(entry->rule->name, "netlink") == 0
               ? risk_of_name("network", "netlink")
               : risk_of_network(entry->rule->name, entry->rule->type);
}

static const RiskRow *risk_of_ptrace(Lint *lint, const LintRule *entry)
{
    const char *target = entry->rule->target;

    (void)lint;
    /* What the workload's own processes do to each other leads nowhere. */
    if (target && has_word("child parent recorded self", target))
        return NULL;
    return risk_of_name("ptrace", entry->rule->name);
}

static const RiskRow *risk_of_mount(Lint *lint, const LintRule *entry)
{
    (void)lint;
    return risk_of_name("mount", entry->rule->name);
}

static const RiskRow *(*const raters[POLICY_SECTION_COUNT])(Lint *, const LintRule *) = {
    [POLICY_SYSCALLS] = risk_of_syscall, [POLICY_CAPABILITIES] = risk_of_capability,
    [POLICY_NETWORK] = risk_of_family,   [POLICY_PTRACE] = risk_of_ptrace,
    [POLICY_MOUNTS] = risk_of_mount,
};

/* The rows for "*" of these sections say as much as any. */
static bool is_worth_telling(const LintRule *entry, const RiskRow *row)
{
    return entry->rule->section == POLICY_PTRACE || entry->rule->section == POLICY_MOUNTS ||
           entry->rule->section == POLICY_NETWORK || says_something(row);
}

/* What ROW is about, of a path with the letters that RULE has of its. */
static void append_granted(const RiskRow *row, const PolicyRule *rule, Buffer *out)
{
    char pattern[256];
    const uint32_t both = risk_row_path(row, pattern, sizeof pattern) & rule->access;

    if (rule->section != POLICY_FILES || !(both & (FILE_READ | FILE_WRITE | FILE_APPEND))) {
        (void)buffer_puts(out, row->name);
        return;
    }
    (void)buffer_printf(out, "%s %s%s", pattern, both & FILE_READ ? "r" : "",
                        both & FILE_WRITE    ? "w"
                        : both & FILE_APPEND ? "a"
                                             : "");
}

static int rate(Lint *lint, LintRule *entry, Risk risk)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer granted = BUFFER_INIT;
    const PolicySection section = entry->rule->section;
    const RiskRow *row = NULL;
    int r = 0;

    if (section == POLICY_FILES)
        r = worst_of_path(lint, entry, &row);
    else if (raters[section])
        row = raters[section](lint, entry);
    if (r < 0 || !row || risk_of_row(row) != risk || !is_worth_telling(entry, row))
        return r;
    entry->risky = true;
    const char *rule = lint_rule_text(entry->rule, &text);
    const bool other = says_something(row) && strncmp(row->name, rule, strlen(row->name)) != 0;
    append_granted(row, entry->rule, &granted);
    return lint_tell(lint, entry, "\"%s\"%s%s%s: %s (%s)", rule, other ? " grants \"" : "",
                     other ? buffer_text(&granted) : "", other ? "\"" : "", row->why, row->source);
}

/* Settings of the whole policy. */
static int rate_setting(Lint *lint, const char *key, const char *setting, const char *what,
                        Risk risk)
{
    const RiskRow *row = risk_of_name("setting", setting);

    if (!row || risk_of_row(row) != risk)
        return 0;
    return lint_tell_key(lint, key, "%s: %s (%s)", what, row->why, row->source);
}

static int rate_settings(Lint *lint, Risk risk)
{
    const char *user = policy_user(lint->policy);
    const bool root = user && (strcmp(user, "root") == 0 || strcmp(user, "0") == 0 ||
                               strncmp(user, "0:", 2) == 0 || strncmp(user, "root:", 5) == 0);
    int r = 0;

    if (policy_deny_action(lint->policy) == POLICY_DENY_LOG)
        r = rate_setting(lint, "deny-action", "default-allow", "deny-action: LOG", risk);
    if (r == 0 && root)
        r = rate_setting(lint, "user", "user-root", "user", risk);
    if (r == 0 && !policy_no_new_privs(lint->policy))
        r = rate_setting(lint, "no-new-privileges", "new-privileges",
                         "no-new-privileges is not true", risk);
    if (r == 0 && !policy_read_only_root(lint->policy))
        r = rate_setting(lint, "read-only-root", "root-writable", "read-only-root is not true",
                         risk);
    return r;
}

static int rate_all(Lint *lint, Risk risk)
{
    int r = rate_settings(lint, risk);

    for (size_t i = 0; i < lint->first[POLICY_SECTION_COUNT] && r == 0; i++) {
        LintRule *entry = &lint->rules[i];
        if (!entry->dead && !lint_denies(entry->rule))
            r = rate(lint, entry, risk);
    }
    return r;
}

int lint_critical(Lint *lint)
{
    return rate_all(lint, RISK_CRITICAL);
}

int lint_high(Lint *lint)
{
    return rate_all(lint, RISK_HIGH);
}

int lint_medium(Lint *lint)
{
    return rate_all(lint, RISK_MEDIUM);
}

/* ---- Docker's default (W305) ------------------------------------------------------------------
 */

static bool grants_capability(const Lint *lint, const char *name)
{
    const Capability *capability = capability_by_name(name);

    return capability && (lint->capabilities >> capability->number & 1);
}

static bool has_arch(const Lint *lint, const char *names)
{
    for (Arch arch = 0; arch < ARCH_COUNT; arch++) {
        if ((policy_archs(lint->policy) >> arch & 1) && has_word(names, arch_name(arch)))
            return true;
    }
    return false;
}

/* Docker grants what ENTRY does to a container with these capabilities. *RET_SOME: only with some
 * arguments. */
static bool docker_grants_rule(const Lint *lint, const LintRule *entry, bool *ret_some)
{
    const bool call = entry->rule->section == POLICY_SYSCALLS;

    *ret_some = false;
    for (size_t i = 0; i < docker_grants_count; i++) {
        const DefaultGrant *grant = &docker_grants[i];
        if (strcmp(grant->name, entry->rule->name) != 0 ||
            strcmp(grant->kind, call ? "syscall" : "capability") != 0)
            continue;
        if (strcmp(grant->when, "always") == 0 ||
            (strcmp(grant->when, "capability") == 0 && grants_capability(lint, grant->value)) ||
            (strcmp(grant->when, "architecture") == 0 && has_arch(lint, grant->value)))
            return true;
        if (strcmp(grant->when, "arguments") == 0 && entry->rule->args_present)
            return true;
        *ret_some |= strcmp(grant->when, "arguments") == 0;
    }
    return false;
}

int lint_beyond_docker(Lint *lint)
{
    for (PolicySection section = POLICY_SYSCALLS; section <= POLICY_CAPABILITIES; section++) {
        for (LintRule *entry = lint_begin(lint, section); entry < lint_end(lint, section);
             entry++) {
            bool some = false;
            if (entry->dead || entry->risky || lint_denies(entry->rule) ||
                (section == POLICY_SYSCALLS &&
                 !lint_call_is(lint, entry->rule->name, LINT_CALL_OWN)) ||
                docker_grants_rule(lint, entry, &some))
                continue;
            const int r =
                lint_tell(lint, entry, "Docker grants %s %s by default", entry->rule->name,
                          some ? "only with some arguments" : "to no container");
            if (r < 0)
                return r;
        }
    }
    return 0;
}
