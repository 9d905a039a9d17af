/* SPDX-License-Identifier: Apache-2.0 */
/* System calls: conditions that a filter cannot hold to, ways round them, answers that break libc.
 */
#include "base/memory.h"
#include "generator/lint_private.h"

#include <errno.h>
#include <inttypes.h>

/* ---- rules that cannot hold (W201 to W204) ----------------------------------------------------
 */

static bool exists(const Lint *lint, const Syscall *syscall)
{
    const uint32_t archs = policy_archs(lint->policy);

    return archs == 0 || syscall_exists(syscall, archs);
}

int lint_no_such_call(Lint *lint)
{
    for (LintRule *entry = lint_begin(lint, POLICY_SYSCALLS);
         entry < lint_end(lint, POLICY_SYSCALLS); entry++) {
        const Syscall *syscall = syscall_by_name(entry->rule->name);
        if (!syscall || exists(lint, syscall))
            continue;
        const int r =
            lint_tell(lint, entry, "none of the policy's architectures has %s", entry->rule->name);
        if (r < 0)
            return r;
    }
    return 0;
}

/* What memory is behind: a number says nothing about it. */
static bool is_address(ArgRole role)
{
    static const ArgRole roles[] = {
        ROLE_PATH,  ROLE_TEXT,    ROLE_OPEN_HOW,   ROLE_SOCKADDR, ROLE_MSGHDR, ROLE_MMSGHDR,
        ROLE_IOVEC, ROLE_POINTER, ROLE_CLONE_ARGS, ROLE_ARGV,     ROLE_ENVP,
    };

    for (size_t i = 0; i < ARRAY_LENGTH(roles); i++) {
        if (roles[i] == role)
            return true;
    }
    return false;
}

/* Calls CHECK with each condition of each rule. */
static int each_condition(Lint *lint, int (*check)(Lint *lint, const LintRule *entry,
                                                   const Syscall *syscall, unsigned index))
{
    for (LintRule *entry = lint_begin(lint, POLICY_SYSCALLS);
         entry < lint_end(lint, POLICY_SYSCALLS); entry++) {
        const Syscall *syscall = syscall_by_name(entry->rule->name);
        for (unsigned i = 0; i < SYSCALL_ARGS && syscall; i++) {
            const int r = entry->rule->args_present >> i & 1 ? check(lint, entry, syscall, i) : 0;
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static int check_bits(Lint *lint, const LintRule *entry, const Syscall *syscall, unsigned index)
{
    const uint64_t mask = lint_argument_mask(syscall, index);
    const uint64_t lost = entry->rule->args[index] & ~mask;
    const FlagFamily *family = syscall->args[index].family;
    char kept[512];

    if (lost == 0 || is_address(syscall->args[index].role))
        return 0;
    if (family)
        (void)flag_text(family, entry->rule->args[index] & mask, kept, sizeof kept);
    else
        (void)snprintf(kept, sizeof kept, "0x%" PRIx64, entry->rule->args[index] & mask);
    return lint_tell(lint, entry,
                     "of argument %u the bits 0x%" PRIx64 " are not looked at: %s is let through, "
                     "whatever they are",
                     index, lost, kept);
}

int lint_masked_bits(Lint *lint)
{
    return each_condition(lint, check_bits);
}

static int check_address(Lint *lint, const LintRule *entry, const Syscall *syscall, unsigned index)
{
    if (!is_address(syscall->args[index].role))
        return 0;
    return lint_tell(lint, entry,
                     "argument %u of %s is an address: a filter cannot see what is "
                     "there",
                     index, entry->rule->name);
}

int lint_pointer(Lint *lint)
{
    return each_condition(lint, check_address);
}

static bool has_arguments(const Syscall *syscall)
{
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if (syscall->args[i].role != ROLE_NONE)
            return true;
    }
    return false;
}

/* Of a call without any the tables perhaps just do not know them. */
static int check_argument(Lint *lint, const LintRule *entry, const Syscall *syscall, unsigned index)
{
    if (syscall->args[index].role != ROLE_NONE || !has_arguments(syscall))
        return 0;
    return lint_tell(lint, entry, "%s has no argument %u", entry->rule->name, index);
}

int lint_no_argument(Lint *lint)
{
    return each_condition(lint, check_argument);
}

/* ---- ways round the rules (W205 to W207) ------------------------------------------------------
 */

/* Calls CHECK for each rule that allows the call NAME. */
static int each_allowing(Lint *lint, const char *name, const char *text)
{
    for (LintRule *entry = lint_begin(lint, POLICY_SYSCALLS);
         entry < lint_end(lint, POLICY_SYSCALLS); entry++) {
        if (lint_denies(entry->rule) || strcmp(entry->rule->name, name) != 0 ||
            !lint_call_is(lint, name, LINT_CALL_OWN))
            continue;
        const int r = lint_tell(lint, entry, "%s", text);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A process cannot make every namespace by CALL. */
static bool is_restricted(const Lint *lint, const char *call)
{
    return !lint_call_is(lint, call, LINT_CALL_WHOLE);
}

int lint_clone3(Lint *lint)
{
    if (!is_restricted(lint, "clone") || !is_restricted(lint, "unshare"))
        return 0;
    return each_allowing(lint, "clone3",
                         "clone3 makes namespaces with flags that no filter sees, which the rules "
                         "for clone and unshare do not let through");
}

/* A multiplexer, and the calls of which one is a condition's. */
static const struct {
    const char *call;
    const char *makes;
} multiplexers[] = {
    {"ipc", "msgctl msgget msgrcv msgsnd semctl semget semop semtimedop shmat shmctl shmdt shmget"},
    {"socketcall",
     "socket socketpair bind connect listen accept accept4 sendto sendmsg setsockopt"},
};

int lint_multiplexer(Lint *lint)
{
    int r = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(multiplexers) && r == 0; i++) {
        const Syscall *syscall = syscall_by_name(multiplexers[i].call);
        CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
        if (!syscall || !exists(lint, syscall) || policy_archs(lint->policy) == 0)
            continue;
        for (LintRule *entry = lint_begin(lint, POLICY_SYSCALLS);
             entry < lint_end(lint, POLICY_SYSCALLS); entry++) {
            if (!entry->rule->args_present || lint_denies(entry->rule) ||
                !has_word(multiplexers[i].makes, entry->rule->name) ||
                lint_call_is(lint, entry->rule->name, LINT_CALL_WHOLE))
                continue;
            (void)buffer_printf(&text, "%s does what \"", multiplexers[i].call);
            (void)policy_rule_print(entry->rule, &text);
            (void)buffer_printf(&text, "\" in line %zu restricts, without that condition",
                                entry->place->line);
            r = text.error ? text.error
                           : each_allowing(lint, multiplexers[i].call, buffer_text(&text));
            break;
        }
    }
    return r;
}

int lint_ring(Lint *lint)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    size_t calls = 0;

    for (size_t i = 0; i < io_uring_operation_count(); i++) {
        const IoUringOperation *operation = io_uring_operation(i);
        size_t first = 0;
        while (operation && operation->syscall && first < i &&
               (!io_uring_operation(first) ||
                io_uring_operation(first)->syscall != operation->syscall))
            first++;
        calls += operation && operation->syscall && first == i &&
                 (lint->calls[operation->syscall->index] & LINT_CALL_ALLOWED) == 0;
    }
    if (calls == 0)
        return 0;
    (void)buffer_printf(&text, "by io_uring %zu calls can be made that the policy denies", calls);
    return text.error ? text.error : each_allowing(lint, "io_uring_setup", buffer_text(&text));
}

/* ---- answers (W213, W404, W405, W411) ---------------------------------------------------------
 */

int lint_deny_log(Lint *lint)
{
    for (LintRule *entry = lint_begin(lint, POLICY_SYSCALLS);
         entry < lint_end(lint, POLICY_SYSCALLS); entry++) {
        if (entry->rule->deny != POLICY_DENY_LOG)
            continue;
        const int r = lint_tell(lint, entry, "%s is let through, and logged", entry->rule->name);
        if (r < 0)
            return r;
    }
    return 0;
}

int lint_no_fallback(Lint *lint)
{
    CLEANUP(buffer_deinit) Buffer answer = BUFFER_INIT;

    for (LintRule *entry = lint_begin(lint, POLICY_SYSCALLS);
         entry < lint_end(lint, POLICY_SYSCALLS); entry++) {
        const PolicyRule *rule = entry->rule;
        const Syscall *syscall = syscall_by_name(rule->name);
        if (!syscall || !syscall->fallback || !lint_denies(rule) || rule->args_present)
            continue;
        const int deny = rule->deny == POLICY_DENY ? policy_deny_action(lint->policy) : rule->deny;
        if (deny == ENOSYS)
            continue;
        buffer_clear(&answer);
        (void)policy_deny_print(deny, &answer);
        const int r = lint_tell(lint, entry,
                                "%s is answered with %s, which its callers take for an error and "
                                "not for an old kernel",
                                rule->name, buffer_text(&answer));
        if (r < 0)
            return r;
    }
    return 0;
}

int lint_follows(Lint *lint)
{
    for (size_t i = 0; i < baseline_calls_count; i++) {
        const BaselineCall *row = &baseline_calls[i];
        const Syscall *syscall = syscall_by_name(row->syscall);
        if (!syscall || !exists(lint, syscall) ||
            lint_call_is(lint, row->syscall, LINT_CALL_ALLOWED | LINT_CALL_DENIED) ||
            policy_deny_action(lint->policy) == POLICY_DENY_LOG)
            continue;
        for (LintRule *entry = lint_begin(lint, POLICY_SYSCALLS);
             entry < lint_end(lint, POLICY_SYSCALLS); entry++) {
            if (lint_denies(entry->rule) || !has_word(row->because, entry->rule->name) ||
                !lint_call_is(lint, entry->rule->name, LINT_CALL_OWN))
                continue;
            const int r = lint_tell(lint, entry, "%s is allowed, but %s is not: %s",
                                    entry->rule->name, row->syscall, row->reason);
            if (r < 0)
                return r;
            break;
        }
    }
    return 0;
}

int lint_no_calls(Lint *lint)
{
    if (lint->any_call || policy_deny_action(lint->policy) == POLICY_DENY_LOG)
        return 0;
    return lint_tell_key(lint, "syscalls", "no rule allows a system call");
}
