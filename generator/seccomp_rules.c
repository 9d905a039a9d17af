/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A condition compares under a mask: the bits of an argument that select, and of a 32-bit argument
 * only the low half, for the kernel ignores the rest and a program may leave anything there.
 *
 * A call that is allowed without conditions needs no rule with conditions, and libseccomp would not
 * take both. A call that a runtime makes with known values gets one rule a value beside the
 * workload's own.
 */
#include "generator/seccomp_rules.h"

#include "base/memory.h"
#include "generator/knowledge.h"

#include <ctype.h>
#include <errno.h>

void seccomp_rules_deinit(SeccompRules *rules)
{
    free(rules->rules);
    *rules = (SeccompRules){0};
}

/* ---- order ---------------------------------------------------------------------------------- */

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_conditions(const SeccompRule *a, const SeccompRule *b)
{
    int c = compare_numbers(a->args_present, b->args_present);

    for (unsigned i = 0; i < SYSCALL_ARGS && c == 0; i++) {
        if ((a->args_present >> i & 1) == 0)
            continue;
        c = compare_numbers(a->masks[i], b->masks[i]);
        if (c == 0)
            c = compare_numbers(a->values[i], b->values[i]);
    }
    return c;
}

/* Without conditions first, together; then by call, each condition by itself. */
static int compare_rules(const void *left, const void *right)
{
    const SeccompRule *a = left;
    const SeccompRule *b = right;
    int c = compare_numbers((uint64_t)(a->action + 16), (uint64_t)(b->action + 16));

    if (c == 0)
        c = (a->args_present != 0) - (b->args_present != 0);
    if (c == 0)
        c = compare_numbers(a->syscall->index, b->syscall->index);
    if (c == 0)
        c = compare_conditions(a, b);
    return c ? c : (int)a->from_runtime - (int)b->from_runtime;
}

bool seccomp_rules_alike(const SeccompRule *a, const SeccompRule *b)
{
    return a->action == b->action && compare_conditions(a, b) == 0;
}

/* ---- making --------------------------------------------------------------------------------- */

/* What is known of each call while rules are collected. */
typedef struct CallState {
    bool allowed;       /* by some rule */
    bool unconditional; /* by a rule without conditions */
    bool denied;        /* whatever the arguments */
    bool denies_values; /* by a rule with conditions */
    bool warned;
} CallState;

typedef struct Maker {
    SeccompRules *rules;
    CallState *states; /* by Syscall.index */
    Buffer *notes;
    Error *err;
} Maker;

static int add(Maker *maker, const SeccompRule *rule)
{
    SeccompRules *rules = maker->rules;

    if (!syscall_exists(rule->syscall, rules->archs))
        return 0;
    if (array_reserve(&rules->rules, &rules->capacity, rules->count, sizeof *rule) < 0)
        return error_errno(maker->err, -ENOMEM, "making seccomp rules");
    rules->rules[rules->count++] = *rule;
    return 0;
}

static void set_condition(SeccompRule *rule, unsigned index, uint64_t value)
{
    const SyscallArg *arg = &rule->syscall->args[index];
    const uint64_t width = arg->wide ? UINT64_MAX : UINT32_MAX;

    rule->args_present |= (uint8_t)(1u << index);
    rule->masks[index] = (arg->family ? arg->family->mask : UINT64_MAX) & width;
    rule->values[index] = value & rule->masks[index];
}

static int add_policy_rule(Maker *maker, const PolicyRule *from)
{
    SeccompRule rule = {.syscall = syscall_by_name(from->name), .action = from->deny};

    if (!rule.syscall)
        return error_set(maker->err, -EINVAL, "there is no system call \"%s\"", from->name);
    CallState *state = &maker->states[rule.syscall->index];
    if (from->deny == POLICY_DENY)
        rule.action = maker->rules->default_action;
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if (from->args_present >> i & 1)
            set_condition(&rule, i, from->args[i]);
    }
    if (from->deny) {
        state->denied |= rule.args_present == 0;
        state->denies_values |= rule.args_present != 0;
        return add(maker, &rule);
    }
    state->allowed = true;
    state->unconditional |= rule.args_present == 0;
    return add(maker, &rule);
}

/* One rule for each "INDEX=VALUE" of a runtime's call; without any, one without conditions. */
static int add_runtime_call(Maker *maker, const RuntimeCall *call)
{
    SeccompRule rule = {.syscall = syscall_by_name(call->syscall), .from_runtime = true};
    const char *at = call->args;
    int r = 0;

    if (!rule.syscall)
        return 0;
    CallState *state = &maker->states[rule.syscall->index];
    state->allowed = true;
    if (*at == '\0') {
        state->unconditional = true;
        return add(maker, &rule);
    }
    while (r == 0 && *at) {
        const unsigned index = (unsigned)(at[0] - '0');
        char *end;
        rule.args_present = 0;
        set_condition(&rule, index, strtoull(at + 2, &end, 0));
        r = add(maker, &rule);
        at = end + (*end == ';');
        if (*end != ';' && *end != '\0') {
            /* Not a number: rather the whole call than a container that does not start. */
            rule.args_present = 0;
            state->unconditional = true;
            return add(maker, &rule);
        }
    }
    return r;
}

/*
 * A runtime's values are of one argument. A workload's rules for the call look perhaps at others
 * too; that is no conflict, for rules are ORed. But a call that carries no conditions in its table
 * row is not restricted for the runtime's sake alone: it is hot, or not worth it.
 */
static bool wants_conditions(const Syscall *syscall)
{
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if (syscall->args[i].condition)
            return true;
    }
    return false;
}

/*
 * A call that the runtime makes and gets on without, and that Docker's default denies as well: no
 * reason to let the workload have it. The others spare denials that somebody would look into. Where
 * a denial kills there is nothing to get on with.
 */
static bool is_dispensable(const RuntimeCall *call, int default_action)
{
    return default_action > 0 && strcmp(call->need, "tolerated") == 0 &&
           !docker_grants_always(call->syscall);
}

static int add_runtimes(Maker *maker, const Policy *policy)
{
    for (size_t i = 0; i < policy_runtimes_count(policy); i++) {
        const char *name = policy_runtime(policy, i);
        if (!runtime_is_known(name) && maker->notes)
            (void)buffer_printf(maker->notes,
                                "no table of what the runtime %s needs: its calls are missing from "
                                "seccomp.json\n",
                                name);
        for (size_t row = 0; row < runtime_calls_count; row++) {
            RuntimeCall call = runtime_calls[row];
            if (strcmp(call.runtime, name) != 0 ||
                is_dispensable(&call, maker->rules->default_action))
                continue;
            const Syscall *syscall = syscall_by_name(call.syscall);
            if (syscall && !wants_conditions(syscall))
                call.args = "";
            const int r = add_runtime_call(maker, &call);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static int add_fallbacks(Maker *maker)
{
    SeccompRule rule = {.action = ENOSYS};

    /* A default that lets all through and logs it makes nobody fall back. */
    if (maker->rules->default_action == SECCOMP_LOG)
        return 0;
    for (size_t i = 0; i < syscall_count(); i++) {
        rule.syscall = syscall_at(i);
        if (!rule.syscall->fallback || maker->states[i].allowed || maker->states[i].denied ||
            maker->states[i].denies_values)
            continue;
        const int r = add(maker, &rule);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Is RULE needed beside what STATES say of its call? */
static bool is_needed(const SeccompRule *rule, const SeccompRules *rules, const CallState *state)
{
    if (rule->action == rules->default_action)
        return false;
    if (rule->action == SECCOMP_ALLOW && state->denied)
        return false;
    return rule->action != SECCOMP_ALLOW || !state->unconditional || rule->args_present == 0;
}

static void sort_out(Maker *maker)
{
    SeccompRules *rules = maker->rules;
    size_t kept = 0;

    if (rules->count == 0)
        return;
    qsort(rules->rules, rules->count, sizeof *rules->rules, compare_rules);
    for (size_t i = 0; i < rules->count; i++) {
        const SeccompRule *rule = &rules->rules[i];
        CallState *state = &maker->states[rule->syscall->index];
        if (state->denied && rule->from_runtime && maker->notes && !state->warned) {
            state->warned = true;
            (void)buffer_printf(maker->notes,
                                "%s is denied although a container runtime needs it: containers "
                                "may not start\n",
                                rule->syscall->name);
        }
        if (!is_needed(rule, rules, state))
            continue;
        if (kept > 0 && rules->rules[kept - 1].syscall == rule->syscall &&
            seccomp_rules_alike(&rules->rules[kept - 1], rule))
            continue;
        rules->rules[kept++] = *rule;
    }
    rules->count = kept;
}

/* Some call meets the conditions of both. */
static bool overlap(const SeccompRule *a, const SeccompRule *b)
{
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        const uint64_t both =
            (a->args_present & b->args_present) >> i & 1 ? a->masks[i] & b->masks[i] : 0;
        if ((a->values[i] & both) != (b->values[i] & both))
            return false;
    }
    return true;
}

/* Which of two rules that hold for one call is to win no filter can be told. */
static int check_denied_values(const Maker *maker)
{
    const SeccompRules *rules = maker->rules;

    for (size_t i = 0; i < rules->count; i++) {
        const SeccompRule *rule = &rules->rules[i];
        if (rule->action == SECCOMP_ALLOW || rule->args_present == 0)
            continue;
        for (size_t k = 0; k < rules->count; k++) {
            const SeccompRule *other = &rules->rules[k];
            if (other->syscall == rule->syscall && other->action != rule->action &&
                overlap(rule, other))
                return error_set(maker->err, -ENOTSUP,
                                 "%s: a filter cannot deny single values of what another rule is "
                                 "about; write rules that allow the others",
                                 rule->syscall->name);
        }
    }
    return 0;
}

int seccomp_rules_make(const Policy *policy, SeccompRules *rules, Buffer *notes, Error *err)
{
    CLEANUP(seccomp_rules_deinit)
    SeccompRules made = {.default_action = policy_deny_action(policy),
                         .archs = policy_archs(policy)};
    CLEANUP(free_pointer) CallState *states = calloc(syscall_count(), sizeof *states);
    Maker maker = {.rules = &made, .states = states, .notes = notes, .err = err};
    size_t first, end;
    int r = 0;

    if (!states)
        return error_errno(err, -ENOMEM, "making seccomp rules");
    if (made.archs == 0)
        return error_set(err, -EINVAL,
                         "the policy names no architecture: write for example "
                         "\"architectures: [%s]\"",
                         arch_name(arch_native()));
    policy_range(policy, POLICY_SYSCALLS, &first, &end);
    for (size_t i = first; i < end && r == 0; i++)
        r = add_policy_rule(&maker, policy_rule(policy, i));
    if (r == 0)
        r = add_runtimes(&maker, policy);
    if (r == 0)
        r = add_fallbacks(&maker);
    if (r == 0)
        r = check_denied_values(&maker);
    if (r < 0)
        return r;
    sort_out(&maker);
    *rules = made;
    made = (SeccompRules){0};
    return 0;
}

int seccomp_rules_answer(const SeccompRules *rules, const Syscall *syscall,
                         const uint64_t args[SYSCALL_ARGS])
{
    for (size_t i = 0; i < rules->count; i++) {
        const SeccompRule *rule = &rules->rules[i];
        bool holds = rule->syscall == syscall;
        for (unsigned a = 0; a < SYSCALL_ARGS && holds; a++) {
            if (rule->args_present >> a & 1)
                holds = (args[a] & rule->masks[a]) == rule->values[a];
        }
        if (holds)
            return rule->action;
    }
    return rules->default_action;
}
