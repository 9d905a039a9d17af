/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a process is and whom it may touch: CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL,
 * CAP_SYS_PTRACE. Kernel: kernel/sys.c, kernel/groups.c, kernel/signal.c, kernel/ptrace.c,
 * security/commoncap.c.
 */
#include "tracer/capability_internal.h"

#include "base/memory.h"

#include <errno.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* The ids of one kind. */
typedef struct Ids {
    uint32_t real, effective, saved, filesystem;
} Ids;

/* CAP_SETUID's rules are about users, CAP_SETGID's the same about groups. */
static Ids ids_of(const CapabilityContext *context, const CapabilityRule *rule)
{
    const Credentials *c = context->credentials;

    if (rule->capability == CAP_SETUID)
        return (Ids){c->uid, c->euid, c->suid, c->fsuid};
    return (Ids){c->gid, c->egid, c->sgid, c->fsgid};
}

/* setuid(2) with the capability sets all ids, without it the effective one alone, if it may. */
static bool needs_set(const CapabilityContext *context, const CapabilityRule *rule,
                      CapabilityMatch *match)
{
    uint32_t id = cap_arg_id(context, 0);
    Ids ids = ids_of(context, rule);

    (void)match;
    return id != UINT32_MAX && (id != ids.real || id != ids.saved);
}

static bool needs_setre(const CapabilityContext *context, const CapabilityRule *rule,
                        CapabilityMatch *match)
{
    uint32_t real = cap_arg_id(context, 0);
    uint32_t effective = cap_arg_id(context, 1);
    Ids ids = ids_of(context, rule);

    (void)match;
    if (real != UINT32_MAX && real != ids.real && real != ids.effective)
        return true;
    return effective != UINT32_MAX && effective != ids.real && effective != ids.effective &&
           effective != ids.saved;
}

static bool needs_setres(const CapabilityContext *context, const CapabilityRule *rule,
                         CapabilityMatch *match)
{
    Ids ids = ids_of(context, rule);

    (void)match;
    for (unsigned i = 0; i < 3; i++) {
        uint32_t id = cap_arg_id(context, i);

        if (id != UINT32_MAX && id != ids.real && id != ids.effective && id != ids.saved)
            return true;
    }
    return false;
}

static bool needs_setfs(const CapabilityContext *context, const CapabilityRule *rule,
                        CapabilityMatch *match)
{
    uint32_t id = cap_arg_id(context, 0);
    Ids ids = ids_of(context, rule);

    (void)match;
    return id != UINT32_MAX && id != ids.real && id != ids.effective && id != ids.saved &&
           id != ids.filesystem;
}

/* keyctl_get_persistent(): another user's key ring. */
static bool needs_persistent_ring(const CapabilityContext *context, const CapabilityRule *rule,
                                  CapabilityMatch *match)
{
    uint32_t uid = cap_arg_u32(context, 1);

    (void)rule;
    (void)match;
    return cap_arg_u32(context, 0) == KEYCTL_GET_PERSISTENT && uid != UINT32_MAX &&
           uid != context->credentials->uid && uid != context->credentials->euid;
}

static bool needs_bounding(const CapabilityContext *context, const CapabilityRule *rule,
                           CapabilityMatch *match)
{
    const Capability *dropped = capability_by_number(cap_arg_int(context, 1));

    (void)rule;
    match->object = dropped ? dropped->name : NULL;
    return cap_arg_int(context, 0) == PR_CAPBSET_DROP;
}

/* The execution bits (8 … 11) are everybody's since Linux 6.14: with them alone, who can say. */
static bool needs_securebits(const CapabilityContext *context, const CapabilityRule *rule,
                             CapabilityMatch *match)
{
    uint64_t bits = cap_arg_long(context, 1);

    (void)rule;
    (void)match;
    return cap_arg_int(context, 0) == PR_SET_SECUREBITS && (bits == 0 || (bits & ~UINT64_C(0xf00)));
}

/* cap_capset(): inheritable capabilities that are neither inheritable nor permitted now. */
static bool needs_inheritable(const CapabilityContext *context, const CapabilityRule *rule,
                              CapabilityMatch *match)
{
    enum { EFFECTIVE_PERMITTED_INHERITABLE = 3, INHERITABLE = 2 };
    uint32_t sets[2][EFFECTIVE_PERMITTED_INHERITABLE] = {{0}};
    uint64_t wanted;
    uint32_t version;
    size_t halves;

    (void)rule;
    (void)match;
    if (cap_read_u32(context, cap_arg_long(context, 0), &version) < 0)
        return false;
    halves = version == _LINUX_CAPABILITY_VERSION_1 ? 1 : 2;
    if (cap_read(context, cap_arg_long(context, 1), sets, halves * sizeof sets[0]) < 0)
        return false;
    wanted = sets[0][INHERITABLE] | (uint64_t)sets[1][INHERITABLE] << 32;
    return wanted & ~(context->credentials->inheritable | context->credentials->permitted);
}

/* kill_ok_by_cred(). Process groups are not looked into, and SIGCONT may go to the whole session.
 * The parameter is the index of the signal. */
static bool needs_kill(const CapabilityContext *context, const CapabilityRule *rule,
                       CapabilityMatch *match)
{
    const Credentials *own = context->credentials;
    pid_t pid = cap_arg_int(context, rule->parameter - 1);
    int number = cap_arg_int(context, rule->parameter);
    Credentials target;

    (void)match;
    if (pid <= 0 || number < 0 || number > 64 || number == SIGCONT ||
        cap_task(context, pid, &target) < 0)
        return false;
    return own->euid != target.suid && own->euid != target.uid && own->uid != target.suid &&
           own->uid != target.uid;
}

/* As ptrace(2) "Ptrace access mode checking": the thread may not look at task PID without
 * CAP_SYS_PTRACE. FILESYSTEM_IDS: with its file system ids and effective capabilities. */
static bool ptrace_denied(const CapabilityContext *context, pid_t pid, bool filesystem_ids)
{
    const Credentials *own = context->credentials;
    uid_t uid = filesystem_ids ? own->fsuid : own->uid;
    gid_t gid = filesystem_ids ? own->fsgid : own->gid;
    uint64_t held = filesystem_ids ? own->effective : own->permitted;
    Credentials target;

    if (cap_task(context, pid, &target) < 0)
        return false;
    if (uid != target.euid || uid != target.suid || uid != target.uid || gid != target.egid ||
        gid != target.sgid || gid != target.gid)
        return true;
    return !target.own_user_namespace && (target.permitted & ~held);
}

/* The parameter is the index of the pid. */
static bool needs_ptrace_access(const CapabilityContext *context, const CapabilityRule *rule,
                                CapabilityMatch *match)
{
    pid_t pid = cap_arg_int(context, rule->parameter);

    (void)match;
    return pid > 0 && ptrace_denied(context, pid, false);
}

/* Yama's mode 2 is for CAP_SYS_PTRACE alone; its mode 1 asks for descent, which is not known here.
 */
static bool needs_ptrace_attach(const CapabilityContext *context, const CapabilityRule *rule,
                                CapabilityMatch *match)
{
    enum { PTRACE_ATTACH_REQUEST = 16, PTRACE_SEIZE_REQUEST = 0x4206 };
    uint64_t request = cap_arg_long(context, 0);
    long scope;

    if (request != PTRACE_ATTACH_REQUEST && request != PTRACE_SEIZE_REQUEST)
        return false;
    if (cap_sysctl(context, "kernel/yama/ptrace_scope", &scope) == 0 && scope == 2)
        return true;
    return needs_ptrace_access(context, rule, match);
}

static bool needs_kcmp(const CapabilityContext *context, const CapabilityRule *rule,
                       CapabilityMatch *match)
{
    CapabilityRule second = *rule;

    second.parameter = rule->parameter + 1;
    return needs_ptrace_access(context, rule, match) ||
           needs_ptrace_access(context, &second, match);
}

/* Files of /proc/PID that ask for PTRACE_MODE_READ or _ATTACH when opened or read as a link; those
 * that show memory do not ask where there is none. */
static const struct {
    const char *name;
    bool shows_memory;
} guarded_files[] = {
    {"environ", true},   {"maps", true}, {"smaps", true}, {"smaps_rollup", true},
    {"numa_maps", true}, {"mem", true},  {"auxv", true},  {"pagemap", true},
    {"exe", false},      {"cwd", false}, {"root", false},
};

/* The process of /proc/NUMBER/NAME, with *RET_NAME set to NAME; 0 where PATH is something else. */
static pid_t proc_number(const char *path, const char **ret_name)
{
    static const char folder[] = "/proc/";
    char *end;
    long pid;

    if (!path || strncmp(path, folder, sizeof folder - 1) != 0)
        return 0;
    pid = strtol(path + sizeof folder - 1, &end, 10);
    if (pid <= 0 || pid > INT_MAX || *end != '/')
        return 0;
    *ret_name = end + 1;
    return (pid_t)pid;
}

/* The number is in what the program passed: the canonical path hides it. */
static bool needs_proc_file(const CapabilityContext *context, const CapabilityRule *rule,
                            CapabilityMatch *match)
{
    const ResolvedPath *path = &context->call->paths[0];
    const char *name = NULL;
    pid_t pid;

    (void)rule;
    if (context->call->paths_count == 0 || !path->mount || strcmp(path->mount, "proc") != 0)
        return false;
    pid = proc_number(path->raw, &name);
    match->object = path->text;
    for (size_t i = 0; pid && i < ARRAY_LENGTH(guarded_files); i++) {
        if (strcmp(name, guarded_files[i].name) != 0)
            continue;
        Credentials target;
        const bool asks = !guarded_files[i].shows_memory ||
                          (cap_task(context, pid, &target) == 0 && !target.no_memory);
        return asks && ptrace_denied(context, pid, true);
    }
    return false;
}

/* userfaultfd(2) for faults of the kernel too, where that is not everybody's. */
static bool needs_userfaultfd(const CapabilityContext *context, const CapabilityRule *rule,
                              CapabilityMatch *match)
{
    enum { USER_MODE_ONLY = 1 };
    long unprivileged;

    (void)rule;
    (void)match;
    return !(cap_arg_u32(context, 0) & USER_MODE_ONLY) &&
           cap_sysctl(context, "vm/unprivileged_userfaultfd", &unprivileged) == 0 && !unprivileged;
}

#define USER  CAP_SETUID, NO_ALTERNATIVE
#define GROUP CAP_SETGID, NO_ALTERNATIVE
#define TRACE CAP_SYS_PTRACE, NO_ALTERNATIVE
#define CAPS  CAP_SETPCAP, NO_ALTERNATIVE

const CapabilityRule capability_rules_identity[] = {
    {"setuid", USER, "setuid setuid32", needs_set, 0},
    {"setreuid", USER, "setreuid setreuid32", needs_setre, 0},
    {"setresuid", USER, "setresuid setresuid32", needs_setres, 0},
    {"setfsuid", USER, "setfsuid setfsuid32", needs_setfs, 0},
    {"persistent-keyring", USER, "keyctl", needs_persistent_ring, 0},
    {"setgid", GROUP, "setgid setgid32", needs_set, 0},
    {"setregid", GROUP, "setregid setregid32", needs_setre, 0},
    {"setresgid", GROUP, "setresgid setresgid32", needs_setres, 0},
    {"setfsgid", GROUP, "setfsgid setfsgid32", needs_setfs, 0},
    {"setgroups", GROUP, "setgroups setgroups32", cap_needs_always, 0},
    {"bounding-set-drop", CAPS, "prctl", needs_bounding, 0},
    {"securebits", CAPS, "prctl", needs_securebits, 0},
    {"capset-inheritable", CAPS, "capset", needs_inheritable, 0},
    {"kill", CAP_KILL, NO_ALTERNATIVE, "kill tkill rt_sigqueueinfo", needs_kill, 1},
    {"kill", CAP_KILL, NO_ALTERNATIVE, "tgkill rt_tgsigqueueinfo", needs_kill, 2},
    {"ptrace-attach", TRACE, "ptrace", needs_ptrace_attach, 1},
    {"process-vm", TRACE, "process_vm_readv process_vm_writev", needs_ptrace_access, 0},
    {"kcmp", TRACE, "kcmp", needs_kcmp, 0},
    {"robust-list", TRACE, "get_robust_list", needs_ptrace_access, 0},
    {"move-pages-other", TRACE, "move_pages migrate_pages", needs_ptrace_access, 0},
    {"proc-file", TRACE, "open openat openat2 readlink readlinkat", needs_proc_file, 0},
    {"userfaultfd", TRACE, "userfaultfd", needs_userfaultfd, 0},
    {NULL, 0, 0, NULL, NULL, 0},
};
