/* SPDX-License-Identifier: Apache-2.0 */
/* What a container with this policy could not do though it should: start, to begin with. */
#include "base/memory.h"
#include "generator/lint_private.h"

#include <ctype.h>
#include <errno.h>

/* ---- the runtime (W401 to W403) ---------------------------------------------------------------
 */

/* What is denied of CALL is what the row needs. */
static bool denies_row(const PolicyRule *rule, const RuntimeCall *row)
{
    const Syscall *syscall = syscall_by_name(rule->name);

    if (rule->args_present == 0 || row->args[0] == '\0')
        return true;
    for (const char *at = row->args; *at && syscall;) {
        const unsigned index = (unsigned)(at[0] - '0');
        char *end;
        const uint64_t value = strtoull(at + 2, &end, 0);
        if (index < SYSCALL_ARGS && (rule->args_present >> index & 1)) {
            const uint64_t mask = lint_argument_mask(syscall, index);
            if ((rule->args[index] & mask) == (value & mask))
                return true;
        }
        at = end + strcspn(end, ";");
        at += *at == ';';
    }
    return false;
}

static bool policy_has_runtime(const Policy *policy, const char *name)
{
    for (size_t i = 0; i < policy_runtimes_count(policy); i++) {
        if (strcmp(policy_runtime(policy, i), name) == 0)
            return true;
    }
    return false;
}

/* The first row of a runtime of the policy's that cannot do without what RULE denies. */
static const RuntimeCall *denied_row(const Lint *lint, const PolicyRule *rule)
{
    for (size_t i = 0; i < runtime_calls_count; i++) {
        const RuntimeCall *row = &runtime_calls[i];
        if (strcmp(row->syscall, rule->name) == 0 && strcmp(row->need, "tolerated") != 0 &&
            policy_has_runtime(lint->policy, row->runtime) && denies_row(rule, row))
            return row;
    }
    return NULL;
}

int lint_runtime_denied(Lint *lint)
{
    for (LintRule *entry = lint_begin(lint, POLICY_SYSCALLS);
         entry < lint_end(lint, POLICY_SYSCALLS); entry++) {
        const RuntimeCall *row = lint_denies(entry->rule) ? denied_row(lint, entry->rule) : NULL;
        const int r = row ? lint_tell(lint, entry, "%s %s makes this call when it %s", row->runtime,
                                      row->version,
                                      strcmp(row->phase, "exec") == 0 ? "runs docker exec"
                                                                      : "starts a container")
                          : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

int lint_no_runtime(Lint *lint)
{
    if (policy_runtimes_count(lint->policy) > 0 || !lint->any_call)
        return 0;
    return lint_tell_key(lint, "runtimes", "the policy names no container runtime");
}

int lint_no_arch(Lint *lint)
{
    return policy_archs(lint->policy)
               ? 0
               : lint_tell_key(lint, "architectures", "the policy names no architecture");
}

/* ---- capabilities (W409) ----------------------------------------------------------------------
 */

static bool has_capability(const Lint *lint, const char *name)
{
    const Capability *capability = capability_by_name(name);

    return capability && (lint->included >> capability->number & 1);
}

bool lint_makes_user_namespaces(const Lint *lint)
{
    const FlagFamily *family = flag_family("clone_flags");
    uint64_t flag = 0;

    if (lint_call_is(lint, "clone3", LINT_CALL_OWN) || !family ||
        flag_parse(family, "CLONE_NEWUSER", &flag) < 0)
        return true;
    for (LintRule *entry = lint_begin(lint, POLICY_SYSCALLS);
         entry < lint_end(lint, POLICY_SYSCALLS); entry++) {
        const PolicyRule *rule = entry->rule;
        if (!lint_denies(rule) &&
            (strcmp(rule->name, "clone") == 0 || strcmp(rule->name, "unshare") == 0) &&
            ((rule->args_present & 1) == 0 || (rule->args[0] & flag)))
            return true;
    }
    return false;
}

int lint_lacks_capability(Lint *lint)
{
    if (lint->namespaces)
        return 0;
    for (LintRule *entry = lint_begin(lint, POLICY_SYSCALLS);
         entry < lint_end(lint, POLICY_SYSCALLS); entry++) {
        if (lint_denies(entry->rule) || !lint_call_is(lint, entry->rule->name, LINT_CALL_OWN))
            continue;
        for (size_t i = 0; i < capability_calls_count; i++) {
            const CapabilityCalls *row = &capability_calls[i];
            if (strcmp(row->relation, "needs") != 0 || !has_word(row->calls, entry->rule->name) ||
                has_capability(lint, row->capability))
                continue;
            const int r = lint_tell(lint, entry, "%s fails without %s, which is not granted",
                                    entry->rule->name, row->capability);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* ---- sockets (W410) ---------------------------------------------------------------------------
 */

/* "AF_INET6" as a network rule calls it, in OUT. */
static bool family_of(const PolicyRule *rule, char *out, size_t size)
{
    static const char prefix[] = "AF_";
    const FlagFamily *family = flag_family("socket_domain");
    const char *name = family && rule->args_present & 1 ? flag_name(family, rule->args[0]) : NULL;

    if (!name || strncmp(name, prefix, strlen(prefix)) != 0 || strlen(name) >= size)
        return false;
    name += strlen(prefix);
    for (size_t i = 0; i <= strlen(name); i++)
        out[i] = (char)tolower((unsigned char)name[i]);
    return strcmp(out, "unix") != 0 && strcmp(out, "local") != 0 && strcmp(out, "unspec") != 0;
}

int lint_no_network_rule(Lint *lint)
{
    for (LintRule *entry = lint_begin(lint, POLICY_SYSCALLS);
         entry < lint_end(lint, POLICY_SYSCALLS); entry++) {
        char family[32];
        bool found = false;
        if (lint_denies(entry->rule) || strcmp(entry->rule->name, "socket") != 0 ||
            !lint_call_is(lint, "socket", LINT_CALL_OWN) ||
            !family_of(entry->rule, family, sizeof family))
            continue;
        for (LintRule *rule = lint_begin(lint, POLICY_NETWORK);
             rule < lint_end(lint, POLICY_NETWORK); rule++) {
            found |= !lint_may_pair(lint) ||
                     (rule->rule->deny == POLICY_ALLOW && strcmp(rule->rule->name, family) == 0);
            if (found)
                break;
        }
        const int r = found ? 0
                            : lint_tell(lint, entry,
                                        "no network rule is for sockets of the family "
                                        "%s",
                                        family);
        if (r < 0)
            return r;
    }
    return 0;
}
