/* SPDX-License-Identifier: Apache-2.0 */
/* What is granted though no system call that is allowed could make use of it. */
#include "base/memory.h"
#include "generator/lint_private.h"

#include <ctype.h>
#include <errno.h>

/* Nothing can be said where calls are not restricted, or go through a ring. */
static bool calls_tell(const Lint *lint)
{
    return lint->any_call && !lint->ring && lint->has_seccomp &&
           policy_deny_action(lint->policy) != POLICY_DENY_LOG;
}

int lint_unused_capability(Lint *lint)
{
    if (!calls_tell(lint))
        return 0;
    for (LintRule *entry = lint_begin(lint, POLICY_CAPABILITIES);
         entry < lint_end(lint, POLICY_CAPABILITIES); entry++) {
        for (size_t i = 0; i < capability_calls_count && !entry->rule->deny; i++) {
            const CapabilityCalls *row = &capability_calls[i];
            if (strcmp(row->relation, "uses") != 0 ||
                strcmp(row->capability, entry->rule->name) != 0 ||
                lint_allows_any(lint, row->calls))
                continue;
            const int r = lint_tell(lint, entry, "%s is for calls of which none is allowed: %s",
                                    entry->rule->name, row->calls);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* ---- network -------------------------------------------------------------------------------- */

/* PREFIX and WORD in capitals, as a value of FAMILY. */
static bool value_of(const char *family_name, const char *prefix, const char *word,
                     uint64_t *ret_value)
{
    const FlagFamily *family = flag_family(family_name);
    CLEANUP(buffer_deinit) Buffer name = BUFFER_INIT;

    (void)buffer_puts(&name, prefix);
    for (const char *c = word; *c; c++)
        (void)buffer_putc(&name, (char)toupper((unsigned char)*c));
    return family && !name.error && flag_parse(family, buffer_text(&name), ret_value) == 0;
}

static bool passes(const SeccompRule *rule, unsigned index, uint64_t value)
{
    return (rule->args_present >> index & 1) == 0 ||
           (value & rule->masks[index]) == rule->values[index];
}

static bool is_socket_allowed(const Lint *lint, const PolicyRule *network)
{
    uint64_t domain;
    uint64_t type = 0;
    const bool any_type = !network->type || !value_of("socket_type", "SOCK_", network->type, &type);

    if (!value_of("socket_domain", "AF_", network->name, &domain) ||
        lint_call_is(lint, "socketcall", LINT_CALL_ALLOWED))
        return true;
    for (size_t i = 0; i < lint->seccomp.count; i++) {
        const SeccompRule *rule = &lint->seccomp.rules[i];
        if (rule->action == SECCOMP_ALLOW && has_word("socket socketpair", rule->syscall->name) &&
            passes(rule, 0, domain) && (any_type || passes(rule, 1, type)))
            return true;
    }
    return false;
}

int lint_unused_network(Lint *lint)
{
    if (!calls_tell(lint))
        return 0;
    for (LintRule *entry = lint_begin(lint, POLICY_NETWORK); entry < lint_end(lint, POLICY_NETWORK);
         entry++) {
        CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
        if (entry->rule->deny || is_socket_allowed(lint, entry->rule))
            continue;
        const int r = lint_tell(lint, entry, "no system call rule lets a socket be made for \"%s\"",
                                lint_rule_text(entry->rule, &text));
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- user (W503) ---------------------------------------------------------------------------- */

int lint_user_capabilities(Lint *lint)
{
    const char *user = policy_user(lint->policy);

    if (!policy_no_new_privs(lint->policy) || !user || strcmp(user, "root") == 0 ||
        strncmp(user, "root:", 5) == 0 || strcmp(user, "0") == 0 || strncmp(user, "0:", 2) == 0)
        return 0;
    for (LintRule *entry = lint_begin(lint, POLICY_CAPABILITIES);
         entry < lint_end(lint, POLICY_CAPABILITIES); entry++) {
        const int r = entry->rule->deny ? 0
                                        : lint_tell(lint, entry, "user %s can never come by %s",
                                                    user, entry->rule->name);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- others (W504) -------------------------------------------------------------------------- */

/* The row for NAME of SECTION, or for all others there; NULL: none. */
static const RuleCalls *calls_of(PolicySection section, const char *name)
{
    const char *section_name = policy_section_name(section);
    const RuleCalls *any = NULL;

    for (size_t i = 0; i < rule_calls_count; i++) {
        if (strcmp(rule_calls[i].section, section_name) != 0)
            continue;
        if (strcmp(rule_calls[i].name, name) == 0)
            return &rule_calls[i];
        if (strcmp(rule_calls[i].name, "*") == 0)
            any = &rule_calls[i];
    }
    return any;
}

static int check_use(Lint *lint, const LintRule *entry, const char *name)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    const RuleCalls *row = calls_of(entry->rule->section, name);

    if (!row || lint_allows_any(lint, row->calls))
        return 0;
    const bool letter = entry->rule->section == POLICY_FILES;
    return lint_tell(lint, entry,
                     "%s%s%s\"%s\" could be used by none of the calls that are allowed",
                     letter ? "the letter " : "", letter ? name : "", letter ? " of " : "",
                     lint_rule_text(entry->rule, &text));
}

int lint_unused_rule(Lint *lint)
{
    static const struct {
        uint32_t access;
        const char *letter;
    } letters[] = {{FILE_LOCK, "k"}, {FILE_LINK, "l"}, {FILE_ANY_EXEC, "x"}};
    static const PolicySection sections[] = {POLICY_UNIX, POLICY_SIGNALS, POLICY_PTRACE,
                                             POLICY_MOUNTS};
    int r = 0;

    if (!calls_tell(lint))
        return 0;
    for (LintRule *entry = lint_begin(lint, POLICY_FILES); entry < lint_end(lint, POLICY_FILES);
         entry++) {
        for (size_t i = 0; i < ARRAY_LENGTH(letters) && r == 0; i++) {
            if (!entry->rule->deny && (entry->rule->access & letters[i].access))
                r = check_use(lint, entry, letters[i].letter);
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(sections); i++) {
        for (LintRule *entry = lint_begin(lint, sections[i]); entry < lint_end(lint, sections[i]);
             entry++) {
            if (r == 0 && !entry->rule->deny)
                r = check_use(lint, entry, entry->rule->name);
        }
    }
    return r;
}
