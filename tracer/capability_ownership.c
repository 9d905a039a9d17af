/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only a file's owner may do: CAP_CHOWN, CAP_FOWNER, CAP_FSETID, CAP_LEASE, CAP_SETFCAP,
 * CAP_MKNOD and the extended attributes that CAP_SYS_ADMIN guards. Kernel: fs/attr.c, fs/namei.c,
 * fs/xattr.c, fs/locks.c, security/commoncap.c.
 */
#include "tracer/capability_internal.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#ifndef UTIME_NOW
#define UTIME_NOW  ((1l << 30) - 1l)
#define UTIME_OMIT ((1l << 30) - 2l)
#endif

static bool owns(const CapabilityContext *context, const struct stat *st)
{
    return context->credentials->fsuid == st->st_uid;
}

/* chown_ok() and chgrp_ok(). The parameter is the index of the user id, the group id follows. */
static bool needs_chown(const CapabilityContext *context, const CapabilityRule *rule,
                        CapabilityMatch *match)
{
    uint32_t uid = cap_arg_id(context, rule->parameter);
    uint32_t gid = cap_arg_id(context, rule->parameter + 1);
    struct stat st;

    if (!cap_subject(context, &st, &match->object))
        return false;
    if (uid != UINT32_MAX && !(owns(context, &st) && uid == st.st_uid))
        return true;
    if (gid == UINT32_MAX || (owns(context, &st) && gid == st.st_gid))
        return false;
    return !owns(context, &st) || cap_in_group(context, gid) == 0;
}

static bool needs_ownership(const CapabilityContext *context, const CapabilityRule *rule,
                            CapabilityMatch *match)
{
    struct stat st;

    (void)rule;
    return cap_subject(context, &st, &match->object) && !owns(context, &st);
}

/* The kernel drops the bit without a word where the group is not one's own. Parameter: the mode. */
static bool needs_setgid_bit(const CapabilityContext *context, const CapabilityRule *rule,
                             CapabilityMatch *match)
{
    struct stat st;

    return (cap_arg_u32(context, rule->parameter) & S_ISGID) &&
           cap_subject(context, &st, &match->object) && cap_in_group(context, st.st_gid) == 0;
}

typedef enum Times {
    TIMES_UNKNOWN,
    TIMES_NONE, /* both to be left */
    TIMES_NOW,
    TIMES_GIVEN,
} Times;

/* What utimensat(2) and its elders are asked to set. Parameter: the index of the times. */
static Times times_wanted(const CapabilityContext *context, unsigned index)
{
    uint64_t address = cap_arg_long(context, index);
    bool wide = cap_call_is(context, "utimensat_time64");
    uint64_t nanoseconds[2];

    if (!address)
        return TIMES_NOW;
    if (!wide && !cap_call_is(context, "utimensat"))
        return TIMES_GIVEN;
    for (unsigned i = 0; i < 2; i++) {
        unsigned element = 2 * i + 1;
        int r = wide ? cap_read(context, address + 8 * element, &nanoseconds[i], 8)
                     : cap_read_long(context, address, element, &nanoseconds[i]);

        if (r < 0)
            return TIMES_UNKNOWN;
        nanoseconds[i] &= UINT32_MAX;
    }
    if (nanoseconds[0] == UTIME_OMIT && nanoseconds[1] == UTIME_OMIT)
        return TIMES_NONE;
    return nanoseconds[0] == UTIME_NOW && nanoseconds[1] == UTIME_NOW ? TIMES_NOW : TIMES_GIVEN;
}

static bool needs_times(const CapabilityContext *context, const CapabilityRule *rule,
                        CapabilityMatch *match)
{
    return times_wanted(context, rule->parameter) == TIMES_GIVEN &&
           needs_ownership(context, rule, match);
}

/* Setting the time to now takes ownership or write permission. */
static bool needs_touch(const CapabilityContext *context, const CapabilityRule *rule,
                        CapabilityMatch *match)
{
    struct stat st;

    return times_wanted(context, rule->parameter) == TIMES_NOW &&
           cap_subject(context, &st, &match->object) && !owns(context, &st) &&
           (context->call->paths_count == 0 || cap_follows_modes(&context->call->paths[0])) &&
           cap_mode_allows(context, &st, match->object, CAP_MAY_WRITE) == 0;
}

/* check_sticky(): every name that goes away. */
static bool needs_sticky(const CapabilityContext *context, const CapabilityRule *rule,
                         CapabilityMatch *match)
{
    (void)rule;
    for (size_t i = 0; i < context->call->paths_count; i++) {
        const ResolvedPath *path = &context->call->paths[i];

        if (path->has_stat && path->has_parent && (path->parent.st_mode & S_ISVTX) &&
            !owns(context, &path->st) && !owns(context, &path->parent)) {
            match->object = path->text;
            return true;
        }
    }
    return false;
}

/* may_open(): O_NOATIME. */
static bool needs_noatime(const CapabilityContext *context, const CapabilityRule *rule,
                          CapabilityMatch *match)
{
    enum { OPEN_NOATIME = 01000000, OPEN_PATH = 010000000 };
    uint64_t flags;

    return cap_open_flags(context, &flags) && (flags & OPEN_NOATIME) && !(flags & OPEN_PATH) &&
           needs_ownership(context, rule, match);
}

/* may_linkat(): safe_hardlink_source(), where fs.protected_hardlinks is set. */
static bool needs_hardlink(const CapabilityContext *context, const CapabilityRule *rule,
                           CapabilityMatch *match)
{
    const ResolvedPath *path = &context->call->paths[0];
    long protected_links;
    mode_t mode;

    (void)rule;
    if (context->call->paths_count == 0 || !path->has_stat || owns(context, &path->st) ||
        !cap_follows_modes(path) ||
        cap_sysctl(context, "fs/protected_hardlinks", &protected_links) < 0 || !protected_links)
        return false;
    match->object = path->text;
    mode = path->st.st_mode;
    if (!S_ISREG(mode) || (mode & S_ISUID) || (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
        return true;
    return cap_mode_allows(context, &path->st, path->text, CAP_MAY_READ | CAP_MAY_WRITE) == 0;
}

/* Only where the folder is sticky does user.* ask for the owner. Parameter: the attribute's name.
 */
static bool needs_sticky_xattr(const CapabilityContext *context, const CapabilityRule *rule,
                               CapabilityMatch *match)
{
    char name[256];
    struct stat st;

    return cap_xattr_name(context, rule->parameter, name) && strncmp(name, "user.", 5) == 0 &&
           cap_subject(context, &st, &match->object) && S_ISDIR(st.st_mode) &&
           (st.st_mode & S_ISVTX) && !owns(context, &st);
}

static bool needs_acl(const CapabilityContext *context, const CapabilityRule *rule,
                      CapabilityMatch *match)
{
    char name[256];

    return cap_xattr_name(context, rule->parameter, name) &&
           strncmp(name, "system.posix_acl_", 17) == 0 && needs_ownership(context, rule, match);
}

static bool needs_setfcap(const CapabilityContext *context, const CapabilityRule *rule,
                          CapabilityMatch *match)
{
    char name[256];
    struct stat st;

    return cap_xattr_name(context, rule->parameter, name) &&
           strcmp(name, "security.capability") == 0 && cap_subject(context, &st, &match->object);
}

static bool needs_trusted_xattr(const CapabilityContext *context, const CapabilityRule *rule,
                                CapabilityMatch *match)
{
    char name[256];
    struct stat st;

    return cap_xattr_name(context, rule->parameter, name) && strncmp(name, "trusted.", 8) == 0 &&
           cap_subject(context, &st, &match->object);
}

/* Without the capability a trusted attribute looks as if it were not there, which it often is not:
 * only a result can tell. */
static bool needs_trusted_read(const CapabilityContext *context, const CapabilityRule *rule,
                               CapabilityMatch *match)
{
    return context->call->has_result && needs_trusted_xattr(context, rule, match);
}

/* cap_inode_setxattr(). The names of the big security modules have their own rules where such a
 * module runs, so nothing is said of them. */
static bool needs_security_xattr(const CapabilityContext *context, const CapabilityRule *rule,
                                 CapabilityMatch *match)
{
    char name[256];
    struct stat st;

    return cap_xattr_name(context, rule->parameter, name) && strncmp(name, "security.", 9) == 0 &&
           strcmp(name, "security.capability") != 0 && strcmp(name, "security.selinux") != 0 &&
           strncmp(name, "security.SMACK64", 16) != 0 && cap_subject(context, &st, &match->object);
}

/* vfs_mknod(): devices but for the whiteout of overlayfs. Parameter: the mode; the device follows.
 */
static bool needs_mknod(const CapabilityContext *context, const CapabilityRule *rule,
                        CapabilityMatch *match)
{
    mode_t type = cap_arg_u32(context, rule->parameter) & S_IFMT;

    if (context->call->paths_count > 0)
        match->object = context->call->paths[0].text;
    return type == S_IFBLK || (type == S_IFCHR && cap_arg_u32(context, rule->parameter + 1) != 0);
}

/* generic_setlease(). */
static bool needs_lease(const CapabilityContext *context, const CapabilityRule *rule,
                        CapabilityMatch *match)
{
    struct stat st;

    (void)rule;
    (void)match;
    return cap_arg_int(context, 1) == F_SETLEASE && cap_arg_int(context, 2) != F_UNLCK &&
           cap_fd_stat(context, cap_arg_int(context, 0), &st) == 0 && !owns(context, &st);
}

#define ALONE(capability) capability, NO_ALTERNATIVE
#define OPENS             "open openat openat2 creat"
#define SETS_XATTR        "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr"
#define GETS_XATTR        "getxattr lgetxattr fgetxattr"

const CapabilityRule capability_rules_ownership[] = {
    {"chown", ALONE(CAP_CHOWN), "chown lchown fchown chown32 lchown32 fchown32", needs_chown, 1},
    {"chown", ALONE(CAP_CHOWN), "fchownat", needs_chown, 2},
    {"chmod-owner", ALONE(CAP_FOWNER), "chmod fchmod fchmodat fchmodat2", needs_ownership, 0},
    {"setgid-bit", ALONE(CAP_FSETID), "chmod fchmod", needs_setgid_bit, 1},
    {"setgid-bit", ALONE(CAP_FSETID), "fchmodat fchmodat2", needs_setgid_bit, 2},
    {"set-times", ALONE(CAP_FOWNER), "utime utimes", needs_times, 1},
    {"set-times", ALONE(CAP_FOWNER), "utimensat utimensat_time64 futimesat", needs_times, 2},
    {"touch", CAP_FOWNER, CAP_DAC_OVERRIDE, "utime utimes", needs_touch, 1},
    {"touch", CAP_FOWNER, CAP_DAC_OVERRIDE, "utimensat utimensat_time64 futimesat", needs_touch, 2},
    {"sticky-delete", ALONE(CAP_FOWNER), "unlink unlinkat rmdir rename renameat renameat2",
     needs_sticky, 0},
    {"noatime", ALONE(CAP_FOWNER), OPENS, needs_noatime, 0},
    {"protected-hardlink", ALONE(CAP_FOWNER), "link linkat", needs_hardlink, 0},
    {"sticky-xattr", ALONE(CAP_FOWNER), SETS_XATTR, needs_sticky_xattr, 1},
    {"acl-owner", ALONE(CAP_FOWNER), SETS_XATTR, needs_acl, 1},
    {"file-capability", ALONE(CAP_SETFCAP), SETS_XATTR, needs_setfcap, 1},
    {"file-capability", ALONE(CAP_SETFCAP), "setxattrat removexattrat", needs_setfcap, 3},
    {"trusted-xattr", ALONE(CAP_SYS_ADMIN), SETS_XATTR, needs_trusted_xattr, 1},
    {"trusted-xattr", ALONE(CAP_SYS_ADMIN), "setxattrat removexattrat", needs_trusted_xattr, 3},
    {"trusted-xattr-read", ALONE(CAP_SYS_ADMIN), GETS_XATTR, needs_trusted_read, 1},
    {"security-xattr", ALONE(CAP_SYS_ADMIN), SETS_XATTR, needs_security_xattr, 1},
    {"mknod", ALONE(CAP_MKNOD), "mknod", needs_mknod, 1},
    {"mknod", ALONE(CAP_MKNOD), "mknodat", needs_mknod, 2},
    {"lease", ALONE(CAP_LEASE), "fcntl fcntl64", needs_lease, 0},
    {NULL, 0, 0, NULL, NULL, 0},
};
