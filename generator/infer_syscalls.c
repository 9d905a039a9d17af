/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls. A call that was made is needed, even if it failed: a program may depend on how.
 *
 * Conditions. The selectors that a call's table row marks for it are taken together: each
 * combination of values that was seen is one rule, and a filter ORs the rules of a call. That is
 * exact, never the cross product. With more than ALTERNATIVES_MAX combinations the last selector is
 * given up, and so on until none is left.
 *
 * clone3. Its flags lie in memory, where no filter can look, so allowing it would allow new
 * namespaces. It is answered with ENOSYS instead, upon which libc falls back to clone; clone must
 * then be allowed with the flags that clone3 was called with.
 *
 * Calls that follow from others (profiles/baselines/syscalls.csv) or come and go with them
 * (profiles/tables/equivalents.csv) are allowed, with the same reason, whether they were seen or
 * not: whether they are is chance, and a policy must not show it.
 *
 * Refused calls. A container's own profile is in force while it is recorded. What that profile may
 * refuse (Docker's does not always grant it) and what never got another answer than a filter's
 * stays refused with that answer: to allow it would give the workload more than it ever had, and
 * send it where it never was. EPERM is what the profile answers anyway; others are rules.
 */
#include "base/memory.h"
#include "generator/infer_private.h"
#include "generator/knowledge.h"

#include <errno.h>
#include <stdio.h>

enum { ALTERNATIVES_MAX = 16 };

typedef struct Alternative {
    uint8_t present;
    uint64_t args[SYSCALL_ARGS];
    const char *reason; /* NULL: it was seen, and nothing else speaks for it */
} Alternative;

typedef struct Refusal {
    const Syscall *syscall;
    Alternative what;
    int answer; /* errno */
} Refusal;

typedef struct CallUse {
    bool seen;
    bool allowed;
    bool unconditional;
    const char *reason; /* of the unconditional rule */
    Alternative *items;
    size_t count, capacity;
} CallUse;

typedef struct CallUses {
    CallUse *items; /* by Syscall.index */
    size_t count;
    StringSet *programs; /* those that ran, as "/NAME" */
    Refusal *refusals;
    size_t refusals_count, refusals_capacity;
} CallUses;

static void call_uses_deinit(CallUses *uses)
{
    for (size_t i = 0; uses->items && i < uses->count; i++)
        free(uses->items[i].items);
    free(uses->items);
    free(uses->refusals);
    strset_free(uses->programs);
}

/* The arguments of SYSCALL that a filter may look at. */
static uint8_t conditional_args(const Syscall *syscall)
{
    uint8_t args = 0;

    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        const SyscallArg *arg = &syscall->args[i];
        if (arg->role == ROLE_SELECTOR && arg->condition && arg->family && arg->family->closed)
            args |= (uint8_t)(1u << i);
    }
    return args;
}

/* A is met whenever B is. */
static bool includes(const Alternative *a, const Alternative *b)
{
    if ((a->present & b->present) != a->present)
        return false;
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if ((a->present >> i & 1) && a->args[i] != b->args[i])
            return false;
    }
    return true;
}

/* Adds NEW unless one that is there includes it; drops those that it includes. */
static int add_alternative(CallUse *use, const Alternative *new)
{
    size_t kept = 0;

    for (size_t i = 0; i < use->count; i++) {
        if (!includes(&use->items[i], new))
            continue;
        if (new->reason && includes(new, &use->items[i]))
            use->items[i].reason = new->reason;
        return 0;
    }
    for (size_t i = 0; i < use->count; i++) {
        if (!includes(new, &use->items[i]))
            use->items[kept++] = use->items[i];
    }
    use->count = kept;
    if (array_reserve(&use->items, &use->capacity, use->count, sizeof *new) < 0)
        return -ENOMEM;
    use->items[use->count++] = *new;
    return 0;
}

/* Gives up the last selector that USE's rules look at. */
static void coarsen(CallUse *use)
{
    Alternative *old = use->items;
    const size_t count = use->count;
    uint8_t all = 0;

    for (size_t i = 0; i < count; i++)
        all |= old[i].present;
    const uint8_t last = (uint8_t)(1u << (31 - __builtin_clz((unsigned)all | 1u)));
    use->count = 0;
    for (size_t i = 0; i < count; i++) {
        Alternative less = old[i];
        less.present &= (uint8_t)~last;
        less.reason = NULL;
        if (less.present == 0)
            use->unconditional = true;
        /* What is written is never past what was read, and the room is there. */
        (void)add_alternative(use, &less);
    }
}

static Alternative alternative_of(const Syscall *syscall, uint8_t present, const uint64_t *args,
                                  bool conditions)
{
    Alternative alternative = {.present = conditions ? present & conditional_args(syscall) : 0};

    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if (alternative.present >> i & 1)
            alternative.args[i] = args[i];
    }
    return alternative;
}

/* SYSCALL with ARGS, of which those in PRESENT are known: seen, or allowed for REASON. */
static int use_call(CallUses *uses, const Syscall *syscall, uint8_t present, const uint64_t *args,
                    bool conditions, const char *reason)
{
    CallUse *use = &uses->items[syscall->index];
    Alternative alternative = alternative_of(syscall, present, args, conditions);

    alternative.reason = reason;
    use->seen |= !reason;
    use->allowed = true;
    if (alternative.present == 0) {
        use->unconditional = true;
        use->reason = reason ? reason : use->reason;
    }
    if (use->unconditional)
        return 0;
    if (add_alternative(use, &alternative) < 0)
        return -ENOMEM;
    while (use->count > ALTERNATIVES_MAX && !use->unconditional)
        coarsen(use);
    return 0;
}

static int add_rules(Policy *policy, const Syscall *syscall, const CallUse *use, const char *reason)
{
    PolicyRule rule = {.section = POLICY_SYSCALLS, .name = syscall->name};

    rule.reason = reason ? reason : use->reason;
    if (use->unconditional)
        return policy_add(policy, &rule);
    for (size_t i = 0; i < use->count; i++) {
        rule.reason = reason ? reason : use->items[i].reason;
        rule.args_present = use->items[i].present;
        memcpy(rule.args, use->items[i].args, sizeof rule.args);
        if (policy_add(policy, &rule) < 0)
            return -ENOMEM;
    }
    return 0;
}

bool infer_call(const Fact *fact, PolicyRule *ret_rule)
{
    const bool clone3 = strcmp(fact->name, "clone3") == 0;
    const Syscall *syscall = syscall_by_name(clone3 ? "clone" : fact->name);
    PolicyRule rule = {.section = POLICY_SYSCALLS};

    if (!syscall)
        return false;
    rule.name = syscall->name;
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        const unsigned from = clone3 ? 0 : i; /* where FACT has it */
        if (!(conditional_args(syscall) >> i & 1) || !(fact->args_present >> from & 1))
            continue;
        rule.args[i] = clone3 ? fact->args[0] & syscall->args[i].family->mask : fact->args[i];
        rule.args_present |= (uint8_t)(1u << i);
    }
    *ret_rule = rule;
    return true;
}

static int deny_clone3(Policy *policy)
{
    return policy_add(policy, &(PolicyRule){
                                  .section = POLICY_SYSCALLS,
                                  .name = "clone3",
                                  .deny = ENOSYS,
                                  .reason = "a filter cannot see its flags; libc uses clone then",
                              });
}

/* A program ran whose name, as "/NAME", is among the words of BECAUSE. */
static bool program_ran(const CallUses *uses, const char *because)
{
    char word[64];

    for (const char *at = strchr(because, '/'); at; at = strchr(at + 1, '/')) {
        (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(at, " "), at);
        if (strset_find(uses->programs, word))
            return true;
    }
    return false;
}

/* One of the calls in BECAUSE was seen, or with ALLOWED is allowed, or a program of it ran. */
static bool holds(const CallUses *uses, const char *because, bool allowed)
{
    if (program_ran(uses, because))
        return true;
    for (size_t i = 0; i < uses->count; i++) {
        const CallUse *use = &uses->items[i];
        if ((use->seen || (allowed && use->allowed)) && has_word(because, syscall_at(i)->name))
            return true;
    }
    return false;
}

static int allow_baseline(CallUses *uses)
{
    const uint64_t none[SYSCALL_ARGS] = {0};
    int r = 0;

    for (size_t i = 0; i < baseline_calls_count && r == 0; i++) {
        const BaselineCall *row = &baseline_calls[i];
        const Syscall *syscall = syscall_by_name(row->syscall);
        if (syscall && holds(uses, row->because, true))
            r = use_call(uses, syscall, 0, none, false, row->reason);
    }
    return r;
}

static int allow_equivalents(CallUses *uses, const InferOptions *options, Policy *policy)
{
    int r = 0;

    for (size_t i = 0; i < equivalent_calls_count && r == 0; i++) {
        const EquivalentCalls *row = &equivalent_calls[i];
        if (!generalise_includes(options->generalise, row->level) ||
            !holds(uses, row->because, false))
            continue;
        CLEANUP(free_pointer) char *copy = strdup(row->rules);
        char *rest = copy;
        if (!copy)
            return -ENOMEM;
        for (char *text = strsep(&rest, ";"); text && r == 0; text = strsep(&rest, ";")) {
            PolicyRule rule;
            if (policy_rule_parse(POLICY_SYSCALLS, text, policy_strings(policy), &rule, NULL) < 0)
                continue; /* the tests parse every row */
            r = use_call(uses, syscall_by_name(rule.name), rule.args_present, rule.args,
                         options->conditions, row->reason);
        }
    }
    return r;
}

/* ---- what was refused ------------------------------------------------------------------------ */

/* The answers that filters of containers give: everywhere EPERM, Podman's also ENOSYS, and EINVAL
 * for a socket to the kernel's audit, as if there were none. */
static const struct {
    int answer;
    const char *only; /* for this call; NULL: for all */
} answers[] = {{EPERM, NULL}, {ENOSYS, NULL}, {EINVAL, "socket"}};

static bool of_containers(Recording *recording, const Fact *fact)
{
    for (size_t i = 0; i < fact->runs_count; i++) {
        if (!recording_run(recording, fact->runs[i].run)->container_id)
            return false;
    }
    return fact->runs_count > 0;
}

int infer_refusal(Recording *recording, const Fact *fact)
{
    if (docker_grants_always(fact->name) || strcmp(fact->name, "clone3") == 0 ||
        !of_containers(recording, fact))
        return 0;
    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
        Results only = {0};
        results_add(&only, answers[i].answer);
        if (memcmp(&only, &fact->results, sizeof only) == 0 &&
            (!answers[i].only || strcmp(answers[i].only, fact->name) == 0))
            return answers[i].answer;
    }
    return 0;
}

static int note_refusal(CallUses *uses, const Syscall *syscall, const Fact *fact, int answer,
                        bool conditions)
{
    if (array_reserve(&uses->refusals, &uses->refusals_capacity, uses->refusals_count,
                      sizeof *uses->refusals) < 0)
        return -ENOMEM;
    uses->refusals[uses->refusals_count++] =
        (Refusal){.syscall = syscall,
                  .what = alternative_of(syscall, fact->args_present, fact->args, conditions),
                  .answer = answer};
    return 0;
}

/* Some values that A and B look at differ: no call is both. */
static bool apart(const Alternative *a, const Alternative *b)
{
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if ((a->present & b->present) >> i & 1 && a->args[i] != b->args[i])
            return true;
    }
    return false;
}

/* Does a rule for what was seen to work, or was refused otherwise, hold for REFUSAL as well? */
static bool is_overruled(const CallUses *uses, const Refusal *refusal)
{
    const CallUse *use = &uses->items[refusal->syscall->index];

    if (use->unconditional)
        return true;
    for (size_t i = 0; i < use->count; i++) {
        if (!apart(&use->items[i], &refusal->what))
            return true;
    }
    for (size_t i = 0; i < uses->refusals_count; i++) {
        const Refusal *other = &uses->refusals[i];
        if (other->syscall == refusal->syscall && other->answer != refusal->answer &&
            !apart(&other->what, &refusal->what))
            return true;
    }
    return false;
}

static int add_refusals(Policy *policy, const CallUses *uses, Buffer *notes)
{
    CLEANUP(buffer_deinit) Buffer names = BUFFER_INIT;
    const Syscall *last = NULL;

    for (size_t i = 0; i < uses->refusals_count; i++) {
        const Refusal *refusal = &uses->refusals[i];
        PolicyRule rule = {.section = POLICY_SYSCALLS,
                           .name = refusal->syscall->name,
                           .deny = refusal->answer,
                           .args_present = refusal->what.present,
                           .reason = "refused so by the container's profile while recording"};
        if (is_overruled(uses, refusal))
            continue;
        memcpy(rule.args, refusal->what.args, sizeof rule.args);
        if (refusal->answer != EPERM && policy_add(policy, &rule) < 0)
            return -ENOMEM;
        if (refusal->syscall != last &&
            buffer_printf(&names, "%s%s", last ? " " : "", refusal->syscall->name) < 0)
            return -ENOMEM;
        last = refusal->syscall;
    }
    if (!last)
        return 0;
    return buffer_printf(notes,
                         "refused each time while the container was recorded, and still denied: "
                         "%s\n",
                         buffer_text(&names));
}

/* ---- all together ---------------------------------------------------------------------------- */

static int collect(Recording *recording, const InferOptions *options, CallUses *uses,
                   uint32_t *ret_archs, bool *ret_clone3, Buffer *notes)
{
    for (size_t i = 0; i < recording_facts_count(recording); i++) {
        Fact view;
        const Fact *fact = recording_fact(recording, i, &view);
        if (fact->kind != FACT_SYSCALL)
            continue;
        const char *name = fact->subject ? strrchr(fact->subject, '/') : NULL;
        if (name && !strset_add(uses->programs, name))
            return -ENOMEM;
        const char *arch_text = fact_text(fact, FIELD_ARCH);
        const int arch = arch_text ? arch_from_name(arch_text) : -1;
        const Syscall *syscall = arch < 0 ? NULL : syscall_by_name(fact->name);
        if (arch >= 0)
            *ret_archs |= 1u << arch;
        if (!syscall) {
            (void)buffer_printf(notes,
                                "%s of %s: whittle's tables do not know this call, so that no rule "
                                "can name it; the profile denies it\n",
                                fact->name, arch_text ? arch_text : "an unknown architecture");
            continue;
        }
        const int answer = infer_refusal(recording, fact);
        PolicyRule rule;
        *ret_clone3 |= !answer && strcmp(syscall->name, "clone3") == 0;
        uses->items[syscall->index].seen |= !answer; /* clone3 too, which is never allowed */
        if (!infer_call(fact, &rule))
            continue;
        const int r = answer ? note_refusal(uses, syscall, fact, answer, options->conditions)
                             : use_call(uses, syscall_by_name(rule.name), rule.args_present,
                                        rule.args, options->conditions, NULL);
        if (r < 0)
            return r;
    }
    return 0;
}

int infer_syscalls(Recording *recording, const InferOptions *options, Policy *policy, Buffer *notes)
{
    CLEANUP(call_uses_deinit) CallUses uses = {.count = syscall_count()};
    uint32_t archs = policy_archs(policy);
    bool clone3 = false;

    uses.items = calloc(uses.count, sizeof *uses.items);
    uses.programs = strset_new();
    if (!uses.items || !uses.programs)
        return -ENOMEM;
    int r = collect(recording, options, &uses, &archs, &clone3, notes);
    if (r == 0)
        r = allow_equivalents(&uses, options, policy);
    if (r == 0)
        r = allow_baseline(&uses);
    for (size_t i = 0; r == 0 && i < uses.count; i++) {
        const bool instead = clone3 && strcmp(syscall_at(i)->name, "clone") == 0;
        if (uses.items[i].allowed)
            r = add_rules(policy, syscall_at(i), &uses.items[i],
                          instead ? "also for clone3" : NULL);
    }
    if (r == 0 && clone3)
        r = deny_clone3(policy);
    if (r == 0)
        r = add_refusals(policy, &uses, notes);
    policy_set_archs(policy, archs);
    return r;
}
