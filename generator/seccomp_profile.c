/* SPDX-License-Identifier: Apache-2.0 */
/* What a seccomp profile means; generator/seccomp_read.c reads its file. */
#include "generator/seccomp_read.h"

#include "base/memory.h"

#include <errno.h>
#include <linux/seccomp.h>

void seccomp_profile_deinit(SeccompProfile *profile)
{
    free(profile->entries);
    profile->strings = strset_free(profile->strings);
    *profile = (SeccompProfile){0};
}

/* ---- answers -------------------------------------------------------------------------------- */

static const struct {
    uint32_t action;
    int rank;
    const char *text;
} answers[] = {
    {SECCOMP_RET_ALLOW, 2, "allowed"},
    {SECCOMP_RET_LOG, 2, "allowed and logged"},
    {SECCOMP_RET_TRACE, 1, "left to a tracer"},
    {SECCOMP_RET_USER_NOTIF, 1, "left to a listener"},
    {SECCOMP_RET_ERRNO, 0, NULL},
    {SECCOMP_RET_TRAP, 0, "SIGSYS"},
    {SECCOMP_RET_KILL_THREAD, 0, "thread killed"},
    {SECCOMP_RET_KILL_PROCESS, 0, "process killed"},
};

int seccomp_answer_rank(SeccompAnswer answer)
{
    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
        if (answers[i].action == (answer & SECCOMP_RET_ACTION_FULL))
            return answers[i].rank;
    }
    return 0;
}

const char *seccomp_answer_text(SeccompAnswer answer, char *out, size_t size)
{
    const int number = (int)(answer & SECCOMP_RET_DATA);
    const char *name = errno_name(number);

    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
        if (answers[i].action == (answer & SECCOMP_RET_ACTION_FULL) && answers[i].text) {
            (void)snprintf(out, size, "%s", answers[i].text);
            return out;
        }
    }
    if (name)
        (void)snprintf(out, size, "%s", name);
    else
        (void)snprintf(out, size, "error %d", number);
    return out;
}

/* ---- from a policy -------------------------------------------------------------------------- */

static SeccompAnswer answer_of_action(int action)
{
    if (action == SECCOMP_ALLOW)
        return SECCOMP_RET_ALLOW;
    if (action == SECCOMP_LOG)
        return SECCOMP_RET_LOG;
    if (action == SECCOMP_KILL)
        return SECCOMP_RET_KILL_PROCESS;
    return SECCOMP_RET_ERRNO | ((uint32_t)action & SECCOMP_RET_DATA);
}

static int compare_entries(const void *left, const void *right)
{
    const SeccompEntry *a = left;
    const SeccompEntry *b = right;
    const int c = strcmp(a->name, b->name);

    return c ? c : (a->order > b->order) - (a->order < b->order);
}

static SeccompEntry entry_of_rule(const SeccompRule *rule, size_t order)
{
    SeccompEntry entry = {
        .name = rule->syscall->name,
        .syscall = rule->syscall,
        .answer = answer_of_action(rule->action),
        .order = order,
    };

    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if (rule->args_present >> i & 1)
            entry.conditions[entry.conditions_count++] = (SeccompCondition){
                .index = i,
                .test = {.op = VALUE_MASKED_EQ, .value = rule->values[i], .mask = rule->masks[i]},
            };
    }
    return entry;
}

int seccomp_profile_from_rules(const SeccompRules *rules, SeccompProfile *ret_profile, Error *err)
{
    CLEANUP(seccomp_profile_deinit)
    SeccompProfile made = {.strings = strset_new(),
                           .default_answer = answer_of_action(rules->default_action)};

    for (Arch arch = 0; arch < ARCH_COUNT; arch++)
        made.archs[arch] = rules->archs;
    for (size_t i = 0; i < rules->count; i++) {
        if (array_reserve(&made.entries, &made.capacity, made.count, sizeof *made.entries) < 0)
            return error_errno(err, -ENOMEM, "reading system calls of a policy");
        made.entries[made.count++] = entry_of_rule(&rules->rules[i], i);
    }
    if (made.count)
        qsort(made.entries, made.count, sizeof *made.entries, compare_entries);
    *ret_profile = made;
    made = (SeccompProfile){0};
    return 0;
}

/* ---- asking --------------------------------------------------------------------------------- */

/* The machine that calls of ARCH are made on: x86_64 for i386 and x32, aarch64 for arm. */
static Arch machine_of(Arch arch)
{
    if (arch == ARCH_I386 || arch == ARCH_X32)
        return ARCH_X86_64;
    return arch == ARCH_ARM ? ARCH_AARCH64 : arch;
}

bool seccomp_profile_has_arch(const SeccompProfile *profile, Arch arch)
{
    return profile->archs[machine_of(arch)] >> arch & 1;
}

bool seccomp_entry_holds(const SeccompProfile *profile, const SeccompEntry *entry,
                         const SeccompPlace *place)
{
    const SeccompGate *gate = &entry->gate;
    const uint32_t machine = 1u << machine_of(place->arch);

    if (gate->machines_unknown && (gate->machines & machine) == 0)
        return false;
    if ((gate->machines && (gate->machines & machine) == 0) || (gate->machines_without & machine))
        return false;
    if ((gate->caps & ~place->caps) || (gate->caps_without & place->caps))
        return false;
    if (gate->kernel_without && place->kernel >= gate->kernel_without)
        return false;
    return place->kernel >= gate->kernel && entry->answer != profile->default_answer;
}

size_t seccomp_profile_find(const SeccompProfile *profile, const char *name, size_t *ret_end)
{
    size_t first = 0;
    size_t end = profile->count;

    while (first < end) {
        const size_t middle = first + (end - first) / 2;
        if (strcmp(profile->entries[middle].name, name) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    while (end < profile->count && strcmp(profile->entries[end].name, name) == 0)
        end++;
    *ret_end = end;
    return first;
}

ValueTest seccomp_condition_test(const SeccompCondition *condition, Arch arch)
{
    ValueTest test = condition->test;

    /* Where registers have 32 bits libseccomp looks at that half alone, of constants as well. */
    if (arch == ARCH_I386 || arch == ARCH_ARM || arch == ARCH_X32) {
        test.value &= UINT32_MAX;
        test.mask &= UINT32_MAX;
    }
    return test;
}

static bool passes(const SeccompEntry *entry, Arch arch, const uint64_t args[SYSCALL_ARGS])
{
    for (size_t i = 0; i < entry->conditions_count; i++) {
        const ValueTest test = seccomp_condition_test(&entry->conditions[i], arch);
        if (!value_passes(&test, args[entry->conditions[i].index]))
            return false;
    }
    return true;
}

SeccompAnswer seccomp_profile_answer(const SeccompProfile *profile, const SeccompPlace *place,
                                     const char *name, const uint64_t args[SYSCALL_ARGS])
{
    const SeccompEntry *found = NULL;
    size_t end;

    if (!seccomp_profile_has_arch(profile, place->arch))
        return SECCOMP_RET_KILL_THREAD;
    for (size_t i = seccomp_profile_find(profile, name, &end); i < end; i++) {
        const SeccompEntry *entry = &profile->entries[i];
        if (!seccomp_entry_holds(profile, entry, place))
            continue;
        if (entry->conditions_count == 0)
            return entry->answer;
        if (!found && passes(entry, place->arch, args))
            found = entry;
    }
    return found ? found->answer : profile->default_answer;
}
