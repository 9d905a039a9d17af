/* SPDX-License-Identifier: Apache-2.0 */
/* What the eBPF backend looks at in each call: rows for single calls, and all calls against the
 * tables. */
#include "base/memory.h"
#include "suite.h"
#include "tracer/bpf_rules.h"

#include <fcntl.h>

enum { NO = COMPANION_NONE };

/* "p" path, "l" path only looked at, "s" socketcall, "v" value, "t" text, "f" descriptor, "a"
 * address, "h" msghdr, "H" mmsghdr, "m" memory, "i" process, "V" mapping, "-" nothing. */
static const char letters[] = {
    [TAKE_NONE] = '-',       [TAKE_VALUE] = 'v',    [TAKE_PATH] = 'p',   [TAKE_TEXT] = 't',
    [TAKE_FD] = 'f',         [TAKE_SOCKADDR] = 'a', [TAKE_MSGHDR] = 'h', [TAKE_MMSGHDR] = 'H',
    [TAKE_MEMORY] = 'm',     [TAKE_PID] = 'i',      [TAKE_VMA] = 'V',    [TAKE_LOOK] = 'l',
    [TAKE_SOCKETCALL] = 's', [TAKE_PIDFD] = 'I',
};

static const struct {
    Arch arch;
    const char *name;
    const char *takes;
    uint8_t companion[EVENT_ARGS];
    uint32_t flags; /* without RULE_KNOWN and those that the tables tell */
} rows[] = {
    {ARCH_X86_64, "getpid", "------", {NO, NO, NO, NO, NO, NO}, 0},
    {ARCH_X86_64, "open", "pv----", {NO, NO, NO, NO, NO, NO}, RULE_TAKES | RULE_RETURNS_FD},
    {ARCH_X86_64, "openat", "-pv---", {NO, 0, NO, NO, NO, NO}, RULE_TAKES | RULE_RETURNS_FD},
    {ARCH_X86_64, "openat2", "-pm---", {NO, 0, 24, NO, NO, NO}, RULE_TAKES | RULE_RETURNS_FD},
    {ARCH_X86_64, "creat", "p-----", {NO, NO, NO, NO, NO, NO}, RULE_TAKES | RULE_RETURNS_FD},
    {ARCH_X86_64,
     "open_by_handle_at",
     "--v---",
     {NO, NO, NO, NO, NO, NO},
     RULE_TAKES | RULE_RETURNS_FD},
    {ARCH_X86_64, "linkat", "-p-pv-", {NO, 0, NO, 2, NO, NO}, RULE_TAKES},
    {ARCH_X86_64, "renameat2", "-p-p--", {NO, 0, NO, 2, NO, NO}, RULE_TAKES},
    {ARCH_X86_64, "rename", "pp----", {NO, NO, NO, NO, NO, NO}, RULE_TAKES},
    {ARCH_X86_64, "symlinkat", "--p---", {NO, NO, 1, NO, NO, NO}, RULE_TAKES},
    {ARCH_X86_64, "newfstatat", "-l-v--", {NO, 0, NO, NO, NO, NO}, RULE_TAKES},
    {ARCH_X86_64, "statx", "-lv---", {NO, 0, NO, NO, NO, NO}, RULE_TAKES},
    {ARCH_X86_64, "execve", "p-----", {NO, NO, NO, NO, NO, NO}, RULE_TAKES | RULE_EXEC},
    {ARCH_X86_64, "execveat", "-p--v-", {NO, 0, NO, NO, NO, NO}, RULE_TAKES | RULE_EXEC},
    {ARCH_X86_64, "mount", "llt---", {NO, NO, NO, NO, NO, NO}, RULE_TAKES | RULE_REMOUNTS},
    {ARCH_X86_64, "fsopen", "t-----", {NO, NO, NO, NO, NO, NO}, RULE_TAKES},
    {ARCH_X86_64, "move_mount", "-l-l--", {NO, 0, NO, 2, NO, NO}, RULE_TAKES | RULE_REMOUNTS},
    {ARCH_X86_64, "memfd_create", "------", {NO, NO, NO, NO, NO, NO}, 0},
    {ARCH_X86_64, "mmap", "----f-", {NO, NO, NO, NO, NO, NO}, RULE_TAKES},
    {ARCH_I386, "mmap2", "----f-", {NO, NO, NO, NO, NO, NO}, RULE_TAKES},
    {ARCH_I386, "mmap", "m-----", {24, NO, NO, NO, NO, NO}, RULE_TAKES},
    {ARCH_X86_64, "mprotect", "V-----", {NO, NO, NO, NO, NO, NO}, RULE_TAKES},
    {ARCH_X86_64, "fcntl", "f-----", {NO, NO, NO, NO, NO, NO}, RULE_TAKES},
    {ARCH_X86_64, "fchmod", "f-----", {NO, NO, NO, NO, NO, NO}, RULE_TAKES},
    {ARCH_X86_64, "read", "------", {NO, NO, NO, NO, NO, NO}, 0},
    {ARCH_X86_64, "write", "------", {NO, NO, NO, NO, NO, NO}, RULE_MAY_SEND},
    {ARCH_X86_64, "pwritev2", "------", {NO, NO, NO, NO, NO, NO}, RULE_MAY_SEND},
    {ARCH_X86_64, "socket", "------", {NO, NO, NO, NO, NO, NO}, 0},
    {ARCH_X86_64, "connect", "fa----", {NO, 2, NO, NO, NO, NO}, RULE_TAKES | RULE_SETTLES},
    {ARCH_X86_64, "bind", "fa----", {NO, 2, NO, NO, NO, NO}, RULE_TAKES},
    {ARCH_X86_64, "accept4", "f-----", {NO, NO, NO, NO, NO, NO}, RULE_TAKES},
    {ARCH_X86_64, "sendto", "f---a-", {NO, NO, NO, NO, 5, NO}, RULE_TAKES | RULE_MAY_SEND},
    {ARCH_X86_64, "sendmsg", "fh----", {NO, NO, NO, NO, NO, NO}, RULE_TAKES | RULE_MAY_SEND},
    {ARCH_X86_64, "sendmmsg", "fH----", {NO, NO, NO, NO, NO, NO}, RULE_TAKES | RULE_MAY_SEND},
    {ARCH_X86_64, "recvmsg", "------", {NO, NO, NO, NO, NO, NO}, 0},
    {ARCH_I386, "socketcall", "-s----", {NO, NO, NO, NO, NO, NO}, RULE_TAKES},
    {ARCH_X86_64, "clone3", "m-----", {8, NO, NO, NO, NO, NO}, RULE_TAKES | RULE_FORKS},
    {ARCH_X86_64, "clone", "------", {NO, NO, NO, NO, NO, NO}, RULE_FORKS},
    {ARCH_X86_64, "kill", "iv----", {NO, NO, NO, NO, NO, NO}, RULE_TAKES | RULE_SIGNALS},
    {ARCH_X86_64, "tkill", "iv----", {NO, NO, NO, NO, NO, NO}, RULE_TAKES | RULE_SIGNALS},
    {ARCH_X86_64, "tgkill", "i-v---", {NO, NO, NO, NO, NO, NO}, RULE_TAKES | RULE_SIGNALS},
    {ARCH_X86_64,
     "rt_tgsigqueueinfo",
     "i-v---",
     {NO, NO, NO, NO, NO, NO},
     RULE_TAKES | RULE_SIGNALS},
    {ARCH_X86_64,
     "pidfd_send_signal",
     "Iv----",
     {NO, NO, NO, NO, NO, NO},
     RULE_TAKES | RULE_SIGNALS},
    {ARCH_X86_64, "ptrace", "-i----", {NO, NO, NO, NO, NO, NO}, RULE_TAKES},
    {ARCH_X86_64, "kcmp", "i-----", {NO, NO, NO, NO, NO, NO}, RULE_TAKES},
    {ARCH_X86_64, "prctl", "------", {NO, NO, NO, NO, NO, NO}, RULE_MARK | RULE_CONFINES},
    {ARCH_X32, "openat", "-pv---", {NO, 0, NO, NO, NO, NO}, RULE_TAKES | RULE_RETURNS_FD},
    {ARCH_AARCH64, "openat", "-pv---", {NO, 0, NO, NO, NO, NO}, RULE_TAKES | RULE_RETURNS_FD},
};

static struct call_rule rule_of(Arch arch, const char *name)
{
    const Syscall *syscall = syscall_by_name(name);
    struct call_rule rule;

    ck_assert_ptr_nonnull(syscall);
    syscall = syscall_on(syscall, arch);
    ck_assert_ptr_nonnull(syscall);
    bpf_rule_fill(syscall, &rule);
    return rule;
}

START_TEST(test_row)
{
    const struct call_rule rule = rule_of(rows[_i].arch, rows[_i].name);
    char takes[EVENT_ARGS + 1] = "";

    for (size_t i = 0; i < EVENT_ARGS; i++)
        takes[i] = letters[rule.take[i]];
    ck_assert_msg(strcmp(takes, rows[_i].takes) == 0, "%s: %s, not %s", rows[_i].name, takes,
                  rows[_i].takes);
    ck_assert_msg(memcmp(rule.companion, rows[_i].companion, sizeof rule.companion) == 0,
                  "%s: companions", rows[_i].name);
    ck_assert_msg((rule.flags & ~(uint32_t)(RULE_SELECTS | RULE_NEW_FD | RULE_ASKS_ANY |
                                            RULE_LEADS | RULE_LOOKS | RULE_OPENS)) ==
                      (rows[_i].flags | RULE_KNOWN),
                  "%s: flags %#x", rows[_i].name, rule.flags);
    /* Where a path led is asked for if nothing else will tell. */
    const bool leads =
        strpbrk(rows[_i].takes, "pl") && !(rows[_i].flags & (RULE_RETURNS_FD | RULE_EXEC));
    ck_assert_msg(((rule.flags & RULE_LEADS) != 0) == leads, "%s: leads", rows[_i].name);
    const char *look = strchr(rows[_i].takes, 'l');
    const bool looks =
        look && !strchr(look + 1, 'l') && strspn(rows[_i].takes, "lv-") == strlen(rows[_i].takes);
    ck_assert_msg(((rule.flags & RULE_LOOKS) != 0) == looks, "%s: looks", rows[_i].name);
    if (looks)
        ck_assert_uint_eq(rule.looked_at, (uint32_t)(look - rows[_i].takes));
    const bool opens = rows[_i].flags & RULE_RETURNS_FD &&
                       strspn(rows[_i].takes, "plv-") == strlen(rows[_i].takes);
    ck_assert_msg(((rule.flags & RULE_OPENS) != 0) == opens, "%s: opens", rows[_i].name);
}
END_TEST

/* Condition rows: does the rule take anything of a call with that argument? As the kernel side
 * (whittle.bpf.c) works it out. */
static const struct {
    Arch arch;
    const char *name;
    uint64_t argument;
    bool applies;
} conditions[] = {
    {ARCH_X86_64, "mmap", 1, false},
    {ARCH_X86_64, "mmap", 5, true},
    {ARCH_I386, "mmap", 0, true},
    {ARCH_I386, "mmap2", 3, false},
    {ARCH_X86_64, "mprotect", 4, true},
    {ARCH_X86_64, "pkey_mprotect", 1, false},
    {ARCH_X86_64, "fcntl", F_DUPFD, false},
    {ARCH_X86_64, "fcntl", F_GETFL, false},
    {ARCH_X86_64, "fcntl", F_GETLK, false},
    {ARCH_X86_64, "fcntl", F_SETLK, true},
    {ARCH_X86_64, "fcntl", F_SETLKW, true},
    {ARCH_X86_64, "fcntl", F_OFD_GETLK, false},
    {ARCH_X86_64, "fcntl", F_OFD_SETLK, true},
    {ARCH_X86_64, "fcntl", F_OFD_SETLKW, true},
    {ARCH_X86_64, "fcntl", F_SETLEASE, true},
    {ARCH_X86_64, "fcntl", F_GETLEASE, false},
    {ARCH_X86_64, "fcntl", F_DUPFD_CLOEXEC, false},
    {ARCH_I386, "fcntl64", 13, true},
    {ARCH_I386, "fcntl64", 12, false},
    {ARCH_X86_64, "sendto", 0, false},
    {ARCH_X86_64, "sendto", 0x7fff0000, true},
    {ARCH_X86_64, "openat", 0, true},
};

START_TEST(test_condition)
{
    const struct call_rule rule = rule_of(conditions[_i].arch, conditions[_i].name);
    const uint64_t value = conditions[_i].argument;
    bool applies = rule.condition_mask == 0;

    if (rule.condition_is_bit)
        applies = applies || (value < 64 && (rule.condition_mask >> value & 1));
    else
        applies = applies || (value & rule.condition_mask) != 0;
    applies = applies || (rule.condition_value != 0 && value == rule.condition_value);
    ck_assert_msg(applies == conditions[_i].applies, "%s with %#llx", conditions[_i].name,
                  (unsigned long long)value);
}
END_TEST

/* ---- all calls of all entry paths ------------------------------------------------------------ */

static bool has_path(const Syscall *syscall)
{
    for (size_t i = 0; i < SYSCALL_ARGS; i++) {
        if (syscall->args[i].role == ROLE_PATH)
            return true;
    }
    return false;
}

static void check_against_tables(const Syscall *syscall, const struct call_rule *rule)
{
    bool takes = rule->flags & RULE_RETURNS_FD;
    bool selects = false;

    for (size_t i = 0; i < SYSCALL_ARGS; i++) {
        const SyscallArg *arg = &syscall->args[i];
        uint64_t mask = 0;
        if (arg->role == ROLE_SELECTOR && arg->family)
            mask = arg->wide ? arg->family->mask : arg->family->mask & 0xffffffff;
        ck_assert_msg(rule->mask[i] == mask, "%s: mask of argument %zu", syscall->name, i);
        const bool is_path = rule->take[i] == TAKE_PATH || rule->take[i] == TAKE_LOOK;
        ck_assert_msg(is_path == (arg->role == ROLE_PATH), "%s: path argument %zu", syscall->name,
                      i);
        ck_assert_msg(arg->role != ROLE_SIGNAL || rule->take[i] == TAKE_VALUE,
                      "%s: signal argument %zu", syscall->name, i);
        if (rule->take[i] == TAKE_MEMORY)
            ck_assert_msg(rule->companion[i] <= 64, "%s: memory", syscall->name);
        else if (rule->companion[i] != COMPANION_NONE)
            ck_assert_msg(rule->companion[i] < EVENT_ARGS, "%s: companion", syscall->name);
        if (is_path && rule->companion[i] != COMPANION_NONE)
            ck_assert_int_eq(syscall->args[rule->companion[i]].role, ROLE_DIRFD);
        takes = takes || rule->take[i] != TAKE_NONE;
        selects = selects || mask != 0;
    }
    ck_assert_msg(!!(rule->flags & RULE_TAKES) == takes, "%s: RULE_TAKES", syscall->name);
    ck_assert_msg(!!(rule->flags & RULE_SELECTS) == selects, "%s: RULE_SELECTS", syscall->name);
    ck_assert_msg(!!(rule->flags & RULE_NEW_FD) == syscall->returns_fd, "%s: RULE_NEW_FD",
                  syscall->name);
    if (syscall->returns_fd && has_path(syscall))
        ck_assert_msg(rule->flags & RULE_RETURNS_FD, "%s returns a descriptor", syscall->name);
}

START_TEST(test_tables)
{
    const Arch arch = (Arch)_i;
    const int64_t x32_bit = arch == ARCH_X32 ? 0x40000000 : 0;
    size_t known = 0;

    for (int64_t nr = 0; nr < RULES_PER_ABI; nr++) {
        const Syscall *syscall = syscall_by_number(arch, nr | x32_bit);
        struct call_rule rule;
        bpf_rule_fill(syscall, &rule);
        ck_assert_int_eq(!!(rule.flags & RULE_KNOWN), syscall != NULL);
        if (!syscall)
            continue;
        known++;
        check_against_tables(syscall, &rule);
    }
    ck_assert_uint_gt(known, 250);
    /* None beyond what the map holds, arm's private calls apart. */
    if (arch != ARCH_ARM)
        ck_assert_uint_le(syscall_number_limit(arch), RULES_PER_ABI);
}
END_TEST

START_TEST(test_abis)
{
    (void)_i;
    ck_assert_int_eq(bpf_abi_arch(ABI_NATIVE), (int)arch_native());
    ck_assert_int_eq(bpf_abi_arch(ABI_I386), arch_native() == ARCH_X86_64 ? (int)ARCH_I386 : -1);
    ck_assert_int_eq(bpf_abi_arch(ABI_X32), arch_native() == ARCH_X86_64 ? (int)ARCH_X32 : -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bpf_rules");

    suite_add(suite, "rows", test_row, ARRAY_LENGTH(rows));
    suite_add(suite, "conditions", test_condition, ARRAY_LENGTH(conditions));
    suite_add(suite, "tables", test_tables, ARCH_COUNT);
    suite_add(suite, "abis", test_abis, 1);
    return suite_run(suite);
}
