/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp profiles in JSON (OCI, Docker, Podman) to a policy of system calls: what the profile says
 * to calls of this machine's architecture in a container with Docker's default capabilities. A
 * policy compares for equality only; what it cannot say is left out, which denies it, and told.
 */
#include "base/memory.h"
#include "generator/import_private.h"
#include "generator/knowledge.h"
#include "generator/seccomp_read.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>

typedef struct Seccomp {
    const char *name; /* of the file */
    SeccompProfile profile;
    SeccompPlace place;
    Policy *policy;
    Buffer *notes;
} Seccomp;

static void seccomp_deinit(Seccomp *seccomp)
{
    seccomp_profile_deinit(&seccomp->profile);
    seccomp->policy = policy_free(seccomp->policy);
}

/* The PolicyDeny of ANSWER; false where a policy has none. */
static bool deny_of(SeccompAnswer answer, int *ret_deny)
{
    static const struct {
        uint32_t action;
        int deny;
    } actions[] = {
        {SECCOMP_RET_ALLOW, POLICY_ALLOW},
        {SECCOMP_RET_LOG, POLICY_DENY_LOG},
        {SECCOMP_RET_KILL_PROCESS, POLICY_DENY_KILL},
        {SECCOMP_RET_KILL_THREAD, POLICY_DENY_KILL},
    };
    const int number = (int)(answer & SECCOMP_RET_DATA);

    for (size_t i = 0; i < ARRAY_LENGTH(actions); i++) {
        if (actions[i].action == (answer & SECCOMP_RET_ACTION_FULL)) {
            *ret_deny = actions[i].deny;
            return true;
        }
    }
    if ((answer & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO || !errno_name(number))
        return false;
    *ret_deny = number;
    return true;
}

static void note_entry(const Seccomp *seccomp, const SeccompEntry *entry, const char *what)
{
    char answer[64];

    (void)buffer_printf(seccomp->notes, "%s: entry %zu, %s (%s): %s\n", seccomp->name,
                        entry->order + 1, entry->name,
                        seccomp_answer_text(entry->answer, answer, sizeof answer), what);
}

/* What of the argument a policy's condition looks at. */
static uint64_t condition_mask(const SyscallArg *arg)
{
    if (arg->family)
        return arg->family->mask;
    return arg->wide ? UINT64_MAX : UINT32_MAX;
}

/* The condition as one of a policy. False where it has none; *RET_MORE, where the policy's holds
 * for less (false) or for more values. */
static bool equal_value(const SyscallArg *arg, const ValueTest *test, uint64_t *ret_value,
                        bool *ret_wider)
{
    const uint64_t mask = condition_mask(arg);

    if (test->op != VALUE_EQ && test->op != VALUE_MASKED_EQ)
        return false;
    const uint64_t seen = test->op == VALUE_EQ ? UINT64_MAX : test->mask;
    if (test->value & ~mask)
        return false;
    *ret_value = test->value;
    /* The upper half of an argument of 32 bits reaches nobody. */
    *ret_wider = (seen & ~mask & (arg->wide ? UINT64_MAX : UINT32_MAX)) != 0;
    return true;
}

/* "not equal" of an argument with few values: each of the others. */
static bool is_all_but(const Syscall *syscall, const SeccompEntry *entry)
{
    const FlagFamily *family = syscall->args[entry->conditions[0].index].family;

    return entry->conditions_count == 1 && entry->conditions[0].test.op == VALUE_NE && family &&
           family->style == FLAG_STYLE_ENUM && family->count > 0 && family->count <= 128;
}

static int add_all_but(const Seccomp *seccomp, const SeccompEntry *entry, const Syscall *syscall,
                       PolicyRule *rule)
{
    const SeccompCondition *condition = &entry->conditions[0];
    const FlagFamily *family = syscall->args[condition->index].family;
    int r = 0;

    note_entry(seccomp, entry, "\"not equal\" became the other values that have a name");
    rule->args_present = (uint8_t)(1u << condition->index);
    for (size_t i = 0; i < family->count && r == 0; i++) {
        rule->args[condition->index] = family->names[i].value & family->mask;
        if (family->names[i].value != condition->test.value)
            r = policy_add(seccomp->policy, rule);
    }
    return r;
}

/* Fills in RULE's conditions. 1 if a policy cannot say them. */
static int set_conditions(const Seccomp *seccomp, const SeccompEntry *entry, const Syscall *syscall,
                          PolicyRule *rule)
{
    for (size_t i = 0; i < entry->conditions_count; i++) {
        const SeccompCondition *condition = &entry->conditions[i];
        uint64_t value;
        bool wider;
        if (!equal_value(&syscall->args[condition->index], &condition->test, &value, &wider)) {
            note_entry(seccomp, entry,
                       "left out, since a policy compares for equality only, and under its own "
                       "masks");
            return 1;
        }
        if (wider && rule->deny != POLICY_ALLOW) {
            note_entry(seccomp, entry, "left out: a policy's rule would deny more");
            return 1;
        }
        if (wider)
            note_entry(seccomp, entry,
                       "the policy's rule holds for more values: it passes over bits that choose "
                       "nothing");
        rule->args_present |= (uint8_t)(1u << condition->index);
        rule->args[condition->index] = value;
    }
    return 0;
}

/* The call as it is on this machine, else on an architecture that the policy allows too (socketcall
 * of i386); NULL: it is on none. */
static const Syscall *call_here(const Seccomp *seccomp, const Syscall *syscall)
{
    const Syscall *here = syscall_on(syscall, seccomp->place.arch);

    for (Arch arch = 0; arch < ARCH_COUNT && !here; arch++)
        here = policy_archs(seccomp->policy) >> arch & 1 ? syscall_on(syscall, arch) : NULL;
    return here;
}

/* The first entry of the call without conditions that holds goes before all others of it. */
static bool is_overridden(const Seccomp *seccomp, const SeccompEntry *entry)
{
    const SeccompProfile *profile = &seccomp->profile;
    size_t end;

    for (size_t i = seccomp_profile_find(profile, entry->name, &end); i < end; i++) {
        const SeccompEntry *other = &profile->entries[i];
        if (other->conditions_count == 0 && seccomp_entry_holds(profile, other, &seccomp->place))
            return other != entry;
    }
    return false;
}

static int add_entry(const Seccomp *seccomp, const SeccompEntry *entry)
{
    const Syscall *syscall = entry->syscall ? call_here(seccomp, entry->syscall) : NULL;
    PolicyRule rule = {.section = POLICY_SYSCALLS, .name = entry->name};
    CLEANUP(buffer_deinit) Buffer reason = BUFFER_INIT;

    if (!entry->syscall) {
        note_entry(seccomp, entry, "left out: whittle's tables do not have this call");
        return 0;
    }
    if (!syscall || entry->answer == seccomp->profile.default_answer)
        return 0;
    if (!seccomp_entry_holds(&seccomp->profile, entry, &seccomp->place)) {
        note_entry(seccomp, entry,
                   "left out: it is for other capabilities, machines or kernels than those of "
                   "Docker's default here");
        return 0;
    }
    if (is_overridden(seccomp, entry)) {
        note_entry(seccomp, entry, "left out: an earlier entry answers for the whole call");
        return 0;
    }
    if (!deny_of(entry->answer, &rule.deny)) {
        note_entry(seccomp, entry, "left out: a policy has no such answer");
        return 0;
    }
    (void)buffer_printf(&reason, "seccomp: entry %zu", entry->order + 1);
    rule.reason = strset_add(policy_strings(seccomp->policy), buffer_text(&reason));
    if (!rule.reason)
        return -ENOMEM;
    if (rule.deny == POLICY_ALLOW && is_all_but(syscall, entry))
        return add_all_but(seccomp, entry, syscall, &rule);
    return set_conditions(seccomp, entry, syscall, &rule) ? 0 : policy_add(seccomp->policy, &rule);
}

/* Where the profile allows what it does not name, the policy names it. */
static int add_unnamed(const Seccomp *seccomp)
{
    int r = 0;

    for (size_t i = 0; i < syscall_count() && r == 0; i++) {
        const Syscall *syscall = syscall_on(syscall_at(i), seccomp->place.arch);
        size_t end;
        if (!syscall || seccomp_profile_find(&seccomp->profile, syscall->name, &end) < end)
            continue;
        r = policy_add(seccomp->policy, &(PolicyRule){.section = POLICY_SYSCALLS,
                                                      .name = syscall->name,
                                                      .reason = "seccomp: the default"});
    }
    (void)buffer_printf(seccomp->notes,
                        "%s: the profile allows what it does not name, so all calls that whittle "
                        "knows are in the policy, but for those that it names\n",
                        seccomp->name);
    return r;
}

static int build(const Seccomp *seccomp, Error *err)
{
    const SeccompProfile *profile = &seccomp->profile;
    int deny = 0, r = 0;

    if (!seccomp_profile_has_arch(profile, seccomp->place.arch))
        return error_set(err, -EINVAL, "%s: the profile is not for this machine's architecture, %s",
                         seccomp->name, arch_name(seccomp->place.arch));
    policy_set_archs(seccomp->policy,
                     profile->archs[seccomp->place.arch] | 1u << seccomp->place.arch);
    if (!deny_of(profile->default_answer, &deny))
        (void)buffer_printf(seccomp->notes,
                            "%s: a policy has no answer like defaultAction: EPERM is taken\n",
                            seccomp->name);
    if (deny != POLICY_ALLOW)
        policy_set_deny_action(seccomp->policy, deny);
    for (size_t i = 0; i < profile->count && r == 0; i++)
        r = add_entry(seccomp, &profile->entries[i]);
    if (r == 0 && (profile->default_answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW)
        r = add_unnamed(seccomp);
    return r < 0 ? error_errno(err, r, "%s", seccomp->name) : 0;
}

int import_seccomp(const ImportSource *source, Imported *ret_imported, Buffer *notes, Error *err)
{
    CLEANUP(seccomp_deinit)
    Seccomp seccomp = {
        .name = source->name,
        .place = {arch_native(), docker_capabilities(), UINT32_MAX},
        .policy = import_policy_new(),
        .notes = notes,
    };
    int r;

    if (!seccomp.policy)
        return error_errno(err, -ENOMEM, "%s", source->name);
    r = seccomp_profile_parse(source->name, source->text, source->length, &seccomp.profile, notes,
                              err);
    if (r == 0)
        r = build(&seccomp, err);
    if (r < 0)
        return r;
    (void)buffer_printf(notes,
                        "%s: a seccomp profile says nothing of files, capabilities and sockets: "
                        "nothing else is in the policy, so `whittle generate --format "
                        "policy,seccomp`\n",
                        source->name);
    policy_sort(seccomp.policy);
    ret_imported->policy = TAKE(seccomp.policy);
    return 0;
}

bool import_seccomp_detect(const ImportSource *source)
{
    return seccomp_profile_detect(source->text, source->length);
}
