/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/known_calls.h"

#include "base/memory.h"
#include "tracer/capability_rules.h"
#include "tracer/observer_private.h"

#include <errno.h>
#include <linux/sched.h>

/* What the recorder itself lives by, whatever a policy says: `whittle mark`, and that interrupted
 * calls are made again (notify_restart.c), and that threads end. */
static const char *const always_told[] = {"prctl", "rt_sigreturn", "sigreturn", "exit", "clone3"};

/* Facts of these sections come from the arguments of calls. */
#define SECTIONS_OF_ARGUMENTS                                                                      \
    (1u << POLICY_FILES | 1u << POLICY_NETWORK | 1u << POLICY_UNIX | 1u << POLICY_SIGNALS |        \
     1u << POLICY_PTRACE | 1u << POLICY_MOUNTS)

/* Is one of the flags of the clone() that RULE allows CLONE_NEWUSER, or may it be? */
static bool rule_makes_user_namespaces(const PolicyRule *rule, const Syscall *syscall)
{
    if (rule->deny != POLICY_ALLOW)
        return false;
    if (strcmp(rule->name, "unshare") == 0 || strcmp(rule->name, "setns") == 0)
        return true;
    if (strcmp(rule->name, "clone") != 0)
        return false;
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if (syscall->args[i].role == ROLE_SELECTOR)
            return !(rule->args_present >> i & 1) || (rule->args[i] & CLONE_NEWUSER);
    }
    return true;
}

/* Who makes one has all capabilities in it. */
static bool makes_user_namespaces(const Policy *policy)
{
    size_t first;
    size_t end;

    policy_range(policy, POLICY_SYSCALLS, &first, &end);
    for (size_t i = first; i < end; i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        const Syscall *syscall = syscall_by_name(rule->name);
        if (syscall && rule_makes_user_namespaces(rule, syscall))
            return true;
    }
    return false;
}

/* Does a path argument of SYSCALL need a permission? To look at a file needs none. */
static bool uses_files(const Syscall *syscall)
{
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        const SyscallArg *arg = &syscall->args[i];
        if (arg->role == ROLE_PATH && (!arg->operation || arg->operation->access != ACCESS_STAT))
            return true;
    }
    return false;
}

/* Would more be recorded of SYSCALL than that it was called, of what is asked? */
static bool tells_more(const Observer *observer, const Syscall *syscall, bool user_namespaces)
{
    const Known *known = &observer->options.known;
    const uint8_t needs = observer->needs[syscall->index];

    for (size_t i = 0; i < ARRAY_LENGTH(always_told); i++) {
        if (strcmp(syscall->name, always_told[i]) == 0)
            return true;
    }
    if (needs & (NEED_IDENTITY | NEED_ROOT))
        return true;
    /* A map of ids can be written without capability, or by whoever has some. */
    if ((needs & NEED_IF_CONNECTED) && user_namespaces)
        return true;
    if ((!known->no_capabilities || user_namespaces) &&
        (known->sections & 1u << POLICY_CAPABILITIES) &&
        capability_rules_concern(observer->capability_rules, syscall))
        return true;
    if (!(known->sections & SECTIONS_OF_ARGUMENTS))
        return false;
    const bool handled = observer->handlers[syscall->index] && !(needs & NEED_IF_CONNECTED);
    return handled || uses_files(syscall);
}

/* A rule of the filter for what RULE allows, compared as generated filters do. */
static int allow(scmp_filter_ctx context, const Syscall *syscall, const PolicyRule *rule)
{
    struct scmp_arg_cmp conditions[SYSCALL_ARGS];
    unsigned count = 0;

    const int number = (int)syscall_number(syscall, arch_native());
    if (number < 0)
        return 0;
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        const SyscallArg *arg = &syscall->args[i];
        if (!(rule->args_present >> i & 1))
            continue;
        const uint64_t mask =
            (arg->family ? arg->family->mask : UINT64_MAX) & (arg->wide ? UINT64_MAX : UINT32_MAX);
        conditions[count++] = SCMP_CMP(i, SCMP_CMP_MASKED_EQ, mask, rule->args[i] & mask);
    }
    const int r = seccomp_rule_add_array(context, SCMP_ACT_ALLOW, number, count, conditions);
    return r == -EEXIST ? 0 : r;
}

/* A rule that denies the call, whatever its arguments: then it is told of. */
static bool is_denied(const Policy *policy, const char *name)
{
    size_t first;
    size_t end;

    policy_range(policy, POLICY_SYSCALLS, &first, &end);
    for (size_t i = first; i < end; i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        if (rule->deny != POLICY_ALLOW && strcmp(rule->name, name) == 0)
            return true;
    }
    return false;
}

int known_calls_allow(const Observer *observer, scmp_filter_ctx context)
{
    const Policy *policy = observer->options.known.policy;
    size_t first;
    size_t end;

    if (!policy || !(policy_archs(policy) >> arch_native() & 1))
        return 0;
    const bool user_namespaces = makes_user_namespaces(policy);
    policy_range(policy, POLICY_SYSCALLS, &first, &end);
    for (size_t i = first; i < end; i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        const Syscall *syscall = syscall_by_name(rule->name);
        if (!syscall || rule->deny != POLICY_ALLOW || is_denied(policy, rule->name) ||
            tells_more(observer, syscall, user_namespaces))
            continue;
        const int r = allow(context, syscall, rule);
        if (r < 0)
            return r;
    }
    return 0;
}
