/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CAP_SYS_ADMIN, and CAP_SYS_CHROOT, CAP_SYS_BOOT, CAP_SYS_MODULE, CAP_SYS_PACCT, whose calls need
 * them always. Kernel: fs/namespace.c, kernel/nsproxy.c, kernel/seccomp.c, fs/quota/quota.c,
 * fs/notify/fanotify.
 */
#include "tracer/capability_internal.h"

#include <linux/fanotify.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/quota.h>

/* CLONE_NEWTIME lies in what clone(2) takes as the exit signal. */
enum {
    NEW_TIME = 0x00000080,
    NEW_OTHERS =
        CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET,
};

/* With a new user namespace at the same time, that one's owner may. */
static bool makes_namespace(uint64_t flags, bool with_time)
{
    uint64_t wanted = NEW_OTHERS | (with_time ? NEW_TIME : 0);

    return (flags & wanted & UINT32_MAX) && !(flags & CLONE_NEWUSER);
}

static bool needs_unshare(const CapabilityContext *context, const CapabilityRule *rule,
                          CapabilityMatch *match)
{
    (void)rule;
    (void)match;
    return makes_namespace(cap_arg_u32(context, 0), true);
}

static bool needs_clone(const CapabilityContext *context, const CapabilityRule *rule,
                        CapabilityMatch *match)
{
    bool swapped = context->call->arch == ARCH_S390X;

    (void)rule;
    (void)match;
    return makes_namespace(cap_arg_u32(context, swapped ? 1 : 0), false);
}

static bool needs_clone3(const CapabilityContext *context, const CapabilityRule *rule,
                         CapabilityMatch *match)
{
    uint64_t flags;

    (void)rule;
    (void)match;
    return cap_read(context, cap_arg_long(context, 0), &flags, sizeof flags) == 0 &&
           makes_namespace(flags, true);
}

/* clone3(2) with chosen pids, in namespaces that are not new. */
static bool needs_chosen_pid(const CapabilityContext *context, const CapabilityRule *rule,
                             CapabilityMatch *match)
{
    enum { SET_TID_SIZE = 9, WITH_SET_TID = 80 };
    uint64_t args[WITH_SET_TID / 8];

    (void)rule;
    (void)match;
    return cap_arg_long(context, 1) >= WITH_SET_TID &&
           cap_read(context, cap_arg_long(context, 0), args, sizeof args) == 0 &&
           args[SET_TID_SIZE] > 0 && !(args[0] & CLONE_NEWUSER);
}

/* For a user namespace the capability counts there, not here, and without a type it may be one. */
static bool needs_setns(const CapabilityContext *context, const CapabilityRule *rule,
                        CapabilityMatch *match)
{
    uint32_t type = cap_arg_u32(context, 1);

    (void)match;
    if (!type || (type & CLONE_NEWUSER))
        return false;
    return rule->capability == CAP_SYS_ADMIN || (type & CLONE_NEWNS);
}

static bool needs_open_tree(const CapabilityContext *context, const CapabilityRule *rule,
                            CapabilityMatch *match)
{
    enum { CLONE_TREE = 1 };

    return (cap_arg_u32(context, 2) & CLONE_TREE) && cap_needs_always(context, rule, match);
}

/* check_quotactl_permission(): what changes quotas. */
static bool needs_quota(const CapabilityContext *context, const CapabilityRule *rule,
                        CapabilityMatch *match)
{
    uint32_t command = cap_arg_u32(context, rule->parameter) >> SUBCMDSHIFT;

    (void)match;
    return command == Q_QUOTAON || command == Q_QUOTAOFF || command == Q_SETINFO ||
           command == Q_SETQUOTA;
}

/*
 * A filter without no_new_privs. The parameter tells how the call asks for it. libseccomp asks for
 * filters at address 0 to see which flags the kernel knows: that is EFAULT before anything is
 * checked.
 */
enum { BY_PRCTL, BY_SECCOMP, BY_LANDLOCK };

static bool needs_filter(const CapabilityContext *context, const CapabilityRule *rule,
                         CapabilityMatch *match)
{
    enum { MODE_FILTER = 2, SET_MODE_FILTER = 1 };

    (void)match;
    if (context->credentials->no_new_privs)
        return false;
    if (rule->parameter == BY_PRCTL)
        return cap_arg_int(context, 0) == PR_SET_SECCOMP &&
               cap_arg_int(context, 1) == MODE_FILTER && cap_arg_long(context, 2);
    return rule->parameter == BY_LANDLOCK ||
           (cap_arg_int(context, 0) == SET_MODE_FILTER && cap_arg_long(context, 2));
}

/* fanotify_init(): since Linux 5.13 groups that only tell file handles are everybody's. */
static bool needs_fanotify(const CapabilityContext *context, const CapabilityRule *rule,
                           CapabilityMatch *match)
{
    enum {
        PRIVILEGED = 0x4 | 0x8 |   /* FAN_CLASS_CONTENT, FAN_CLASS_PRE_CONTENT */
                     0x10 | 0x20 | /* FAN_UNLIMITED_QUEUE, FAN_UNLIMITED_MARKS */
                     0x80 | 0x100, /* FAN_REPORT_PIDFD, FAN_REPORT_TID */
        BY_HANDLE = 0x200 | 0x400, /* FAN_REPORT_FID, FAN_REPORT_DIR_FID */
    };
    uint32_t flags = cap_arg_u32(context, 0);

    (void)rule;
    (void)match;
    return (flags & PRIVILEGED) || !(flags & BY_HANDLE);
}

static bool needs_fanotify_audit(const CapabilityContext *context, const CapabilityRule *rule,
                                 CapabilityMatch *match)
{
    enum { ENABLE_AUDIT = 0x40 };

    (void)rule;
    (void)match;
    return cap_arg_u32(context, 0) & ENABLE_AUDIT;
}

static bool needs_poison(const CapabilityContext *context, const CapabilityRule *rule,
                         CapabilityMatch *match)
{
    enum { HARDWARE_POISON = 100, SOFT_OFFLINE = 101 };
    int advice = cap_arg_int(context, 2);

    (void)rule;
    (void)match;
    return advice == HARDWARE_POISON || advice == SOFT_OFFLINE;
}

/* kernel.io_uring_disabled 1: for the group in kernel.io_uring_group and for CAP_SYS_ADMIN. */
static bool needs_io_uring(const CapabilityContext *context, const CapabilityRule *rule,
                           CapabilityMatch *match)
{
    long disabled, group;

    (void)rule;
    (void)match;
    return cap_sysctl(context, "kernel/io_uring_disabled", &disabled) == 0 && disabled == 1 &&
           cap_sysctl(context, "kernel/io_uring_group", &group) == 0 &&
           (group < 0 || cap_in_group(context, (gid_t)group) == 0);
}

#define ADMIN             CAP_SYS_ADMIN, NO_ALTERNATIVE
#define ALONE(capability) capability, NO_ALTERNATIVE

const CapabilityRule capability_rules_admin[] = {
    {"mount", ADMIN,
     "mount umount umount2 pivot_root fsopen fspick fsmount move_mount mount_setattr "
     "open_tree_attr",
     cap_needs_always, 0},
    {"open-tree", ADMIN, "open_tree", needs_open_tree, 0},
    {"swap", ADMIN, "swapon swapoff", cap_needs_always, 0},
    {"hostname", ADMIN, "sethostname setdomainname", cap_needs_always, 0},
    {"unshare", ADMIN, "unshare", needs_unshare, 0},
    {"clone-namespace", ADMIN, "clone", needs_clone, 0},
    {"clone3-namespace", ADMIN, "clone3", needs_clone3, 0},
    {"setns", ADMIN, "setns", needs_setns, 0},
    {"setns-mount", ALONE(CAP_SYS_CHROOT), "setns", needs_setns, 0},
    {"quota", ADMIN, "quotactl", needs_quota, 0},
    {"quota", ADMIN, "quotactl_fd", needs_quota, 1},
    {"filter-without-no-new-privs", ADMIN, "prctl", needs_filter, BY_PRCTL},
    {"filter-without-no-new-privs", ADMIN, "seccomp", needs_filter, BY_SECCOMP},
    {"filter-without-no-new-privs", ADMIN, "landlock_restrict_self", needs_filter, BY_LANDLOCK},
    {"fanotify", ADMIN, "fanotify_init", needs_fanotify, 0},
    {"memory-poison", ADMIN, "madvise", needs_poison, 0},
    {"io-uring", ADMIN, "io_uring_setup", needs_io_uring, 0},
    {"chosen-pid", CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN, "clone3", needs_chosen_pid, 0},
    {"file-handle", ALONE(CAP_DAC_READ_SEARCH), "open_by_handle_at", cap_needs_always, 0},
    {"fanotify-audit", ALONE(CAP_AUDIT_WRITE), "fanotify_init", needs_fanotify_audit, 0},
    {"chroot", ALONE(CAP_SYS_CHROOT), "chroot", cap_needs_always, 0},
    {"reboot", ALONE(CAP_SYS_BOOT), "reboot kexec_load kexec_file_load", cap_needs_always, 0},
    {"module", ALONE(CAP_SYS_MODULE), "init_module finit_module delete_module", cap_needs_always,
     0},
    {"acct", ALONE(CAP_SYS_PACCT), "acct", cap_needs_always, 0},
    {NULL, 0, 0, NULL, NULL, 0},
};
