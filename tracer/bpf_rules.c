/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A role tells most: selectors are masked as observe_calls.c does, paths come with the folder that
 * observe_paths.c resolves them in. Three tables hold the rest: what else to take of single calls,
 * under which condition, and flags.
 */
#include "tracer/bpf_rules.h"

#include "base/memory.h"
#include "model/fact.h"

#include <fcntl.h>
#include <sys/mman.h>

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

enum {
    OPEN_HOW_SIZE = 24,  /* struct open_how, linux/openat2.h */
    CLONE_ARGS_SIZE = 8, /* its first member, the flags */
    ARGUMENT_BLOCK = 24, /* six arguments of four bytes */
    I386_SETLK64 = 13,   /* fcntl(2) of 32-bit architectures */
    I386_SETLKW64 = 14,
};

/* Takes that no role implies. A row holds only where argument WHERE has ROLE: some calls take their
 * arguments in another way on some architectures. */
static const struct SpecialTake {
    const char *const *names;
    uint8_t argument;
    uint8_t take;
    uint8_t companion;
    uint8_t where;
    ArgRole role;
} special_takes[] = {
    {NAMES("mount"), 2, TAKE_TEXT, COMPANION_NONE, 2, ROLE_TEXT},
    {NAMES("fsopen"), 0, TAKE_TEXT, COMPANION_NONE, 0, ROLE_TEXT},
    /* observe_files.c */
    {NAMES("mmap", "mmap2"), 4, TAKE_FD, COMPANION_NONE, 4, ROLE_FD},
    {NAMES("mmap"), 0, TAKE_MEMORY, ARGUMENT_BLOCK, 1, ROLE_NONE},
    {NAMES("mprotect", "pkey_mprotect"), 0, TAKE_VMA, COMPANION_NONE, 0, ROLE_POINTER},
    {NAMES("fchmod", "fchown", "fchown32", "ftruncate", "ftruncate64", "fsetxattr", "fremovexattr",
           "flock", "fcntl", "fcntl64"),
     0, TAKE_FD, COMPANION_NONE, 0, ROLE_FD},
    /* observe_sockets.c */
    {NAMES("bind", "connect"), 1, TAKE_SOCKADDR, 2, 2, ROLE_SOCKLEN},
    {NAMES("sendto"), 4, TAKE_SOCKADDR, 5, 5, ROLE_SOCKLEN},
    {NAMES("sendmsg"), 1, TAKE_MSGHDR, COMPANION_NONE, 1, ROLE_MSGHDR},
    {NAMES("sendmmsg"), 1, TAKE_MMSGHDR, COMPANION_NONE, 1, ROLE_MMSGHDR},
    {NAMES("bind", "connect", "listen", "accept", "accept4", "sendto", "sendmsg", "sendmmsg"), 0,
     TAKE_FD, COMPANION_NONE, 0, ROLE_FD},
    {NAMES("socketcall"), 1, TAKE_SOCKETCALL, COMPANION_NONE, 1, ROLE_POINTER},
    /* observe_process.c */
    {NAMES("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"), 0, TAKE_PID, COMPANION_NONE,
     0, ROLE_PID},
    {NAMES("tkill"), 0, TAKE_PID, COMPANION_NONE, 0, ROLE_TID},
    {NAMES("pidfd_send_signal", "pidfd_getfd"), 0, TAKE_PIDFD, COMPANION_NONE, 0, ROLE_PIDFD},
    {NAMES("process_vm_readv", "process_vm_writev", "kcmp"), 0, TAKE_PID, COMPANION_NONE, 0,
     ROLE_PID},
    {NAMES("ptrace"), 1, TAKE_PID, COMPANION_NONE, 1, ROLE_PID},
};

/* When the takes of a call apply, where not always; as argument ARGUMENT, of ROLE, has it. */
static const struct Condition {
    const char *const *names;
    uint8_t argument;
    ArgRole role;
    bool is_bit;
    uint16_t value;
    uint64_t mask;
} conditions[] = {
    {NAMES("mmap", "mmap2", "mprotect", "pkey_mprotect"), 2, ROLE_SELECTOR, false, 0, PROT_EXEC},
    {NAMES("fcntl", "fcntl64"), 1, ROLE_SELECTOR, true, F_SETLEASE,
     1ULL << F_SETLK | 1ULL << F_SETLKW | 1ULL << I386_SETLK64 | 1ULL << I386_SETLKW64 |
         1ULL << F_OFD_SETLK | 1ULL << F_OFD_SETLKW},
    /* Without an address it says nothing of the socket that connect() has not said. */
    {NAMES("sendto"), 4, ROLE_SOCKADDR, false, 0, ~0ULL},
};

static const struct FlagRow {
    uint32_t flag;
    const char *const *names;
} flag_rows[] = {
    {RULE_EXEC, NAMES("execve", "execveat")},
    /* Calls of rows with "rule" or "mode" in profiles/tables/capability_sites.csv. */
    {RULE_ASKS(0), NAMES("setuid", "setuid32", "setgid", "setgid32", "setresuid", "setresuid32",
                         "setresgid", "setresgid32", "fanotify_init")},
    {RULE_ASKS(1),
     NAMES("setresuid", "setresuid32", "setresgid", "setresgid32", "chmod", "fchmod", "ioctl")},
    {RULE_ASKS(2),
     NAMES("setresuid", "setresuid32", "setresgid", "setresgid32", "fchmodat", "fchmodat2")},
    {RULE_ASKS_MEMORY, NAMES("capset")},
    {RULE_MOVES, NAMES("chdir")},
    {RULE_ROOTS, NAMES("chroot")},
    {RULE_UNSHARES, NAMES("unshare", "setns")},
    {RULE_CONFINES, NAMES("seccomp", "prctl")},
    {RULE_REMOUNTS, NAMES("mount", "umount", "umount2", "pivot_root", "move_mount")},
    {RULE_FORKS, NAMES("fork", "vfork", "clone", "clone3")},
    {RULE_MARK, NAMES("prctl")},
    {RULE_MAY_SEND, NAMES("write", "writev", "pwrite64", "pwritev", "pwritev2", "send", "sendto",
                          "sendmsg", "sendmmsg", "sendfile", "sendfile64", "splice")},
    {RULE_RETURNS_FD, NAMES("open_by_handle_at")},
    {RULE_SETTLES, NAMES("connect")},
    {RULE_SIGNALS,
     NAMES("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal")},
};

static bool is_named(const Syscall *syscall, const char *const *names)
{
    for (; *names; names++) {
        if (strcmp(syscall->name, *names) == 0)
            return true;
    }
    return false;
}

int bpf_abi_arch(enum call_abi abi)
{
    static const Arch x86[ABI_COUNT] = {
        [ABI_NATIVE] = ARCH_X86_64, [ABI_I386] = ARCH_I386, [ABI_X32] = ARCH_X32};

    if (arch_native() == ARCH_X86_64)
        return (int)x86[abi];
    return abi == ABI_NATIVE ? (int)arch_native() : -1;
}

static void fill_by_role(const Syscall *syscall, struct call_rule *rule)
{
    uint8_t folder = COMPANION_NONE; /* the descriptor that the next path starts from */

    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        const SyscallArg *arg = &syscall->args[i];

        rule->companion[i] = COMPANION_NONE;
        switch (arg->role) {
        case ROLE_SELECTOR:
            if (arg->family)
                rule->mask[i] = arg->wide ? arg->family->mask : (uint32_t)arg->family->mask;
            break;
        case ROLE_DIRFD:
            folder = (uint8_t)i;
            break;
        case ROLE_PATH:
            rule->take[i] =
                arg->operation && arg->operation->access == ACCESS_STAT ? TAKE_LOOK : TAKE_PATH;
            rule->companion[i] = folder;
            folder = COMPANION_NONE;
            break;
        case ROLE_OPEN_FLAGS:
        case ROLE_AT_FLAGS:
        case ROLE_SIGNAL:
            rule->take[i] = TAKE_VALUE;
            break;
        case ROLE_OPEN_HOW:
            rule->take[i] = TAKE_MEMORY;
            rule->companion[i] = OPEN_HOW_SIZE;
            break;
        case ROLE_CLONE_ARGS:
            rule->take[i] = TAKE_MEMORY;
            rule->companion[i] = CLONE_ARGS_SIZE;
            break;
        default:
            break;
        }
        if (arg->role == ROLE_PATH && syscall->returns_fd)
            rule->flags |= RULE_RETURNS_FD;
    }
}

static void fill_by_name(const Syscall *syscall, struct call_rule *rule)
{
    for (size_t i = 0; i < ARRAY_LENGTH(special_takes); i++) {
        const struct SpecialTake *row = &special_takes[i];
        if (syscall->args[row->where].role != row->role || !is_named(syscall, row->names))
            continue;
        rule->take[row->argument] = row->take;
        rule->companion[row->argument] = row->companion;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(conditions); i++) {
        const struct Condition *row = &conditions[i];
        if (syscall->args[row->argument].role != row->role || !is_named(syscall, row->names))
            continue;
        rule->condition_arg = row->argument;
        rule->condition_is_bit = row->is_bit;
        rule->condition_value = row->value;
        rule->condition_mask = row->mask;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(flag_rows); i++) {
        if (is_named(syscall, flag_rows[i].names))
            rule->flags |= flag_rows[i].flag;
    }
}

/* RULE_LOOKS or RULE_OPENS, where RULE takes nothing but paths and numbers; where it is only looked
 * at one, also which argument that is. */
static void note_simple(struct call_rule *rule)
{
    unsigned paths = 0;
    unsigned looked_at = 0;

    for (uint32_t i = 0; i < EVENT_ARGS; i++) {
        if (rule->take[i] == TAKE_LOOK) {
            rule->looked_at = i;
            looked_at++;
        } else if (rule->take[i] == TAKE_PATH) {
            paths++;
        } else if (rule->take[i] != TAKE_NONE && rule->take[i] != TAKE_VALUE) {
            return;
        }
    }
    if (rule->flags & RULE_MAY_SEND)
        return;
    if (rule->flags & RULE_RETURNS_FD)
        rule->flags |= RULE_OPENS;
    else if (looked_at == 1 && paths == 0)
        rule->flags |= RULE_LOOKS;
}

void bpf_rule_fill(const Syscall *syscall, struct call_rule *rule)
{
    *rule = (struct call_rule){0};
    if (!syscall)
        return;
    rule->flags = RULE_KNOWN | (syscall->returns_fd ? RULE_NEW_FD : 0);
    fill_by_role(syscall, rule);
    fill_by_name(syscall, rule);
    for (size_t i = 0; i < EVENT_ARGS; i++) {
        if (rule->take[i] != TAKE_NONE)
            rule->flags |= RULE_TAKES;
        if (rule->mask[i] != 0)
            rule->flags |= RULE_SELECTS;
    }
    if (rule->flags & RULE_RETURNS_FD)
        rule->flags |= RULE_TAKES;
    note_simple(rule);
    for (size_t i = 0; i < EVENT_ARGS; i++) {
        if ((rule->take[i] == TAKE_PATH || rule->take[i] == TAKE_LOOK) &&
            !(rule->flags & (RULE_RETURNS_FD | RULE_EXEC)))
            rule->flags |= RULE_LEADS;
    }
}
