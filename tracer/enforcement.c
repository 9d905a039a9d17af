/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/enforcement.h"

#include "base/io.h"
#include "base/memory.h"
#include "tracer/apparmor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/landlock.h of a kernel that has all that is used here. */
typedef struct RulesetAttr {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
} RulesetAttr;

typedef struct __attribute__((packed)) PathAttr {
    uint64_t allowed_access;
    int32_t parent_fd;
} PathAttr;

enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

/* ---- Landlock ------------------------------------------------------------------------------- */

int landlock_version(void)
{
    const long version =
        syscall(SYS_landlock_create_ruleset, NULL, 0, (unsigned)CREATE_RULESET_VERSION);

    return version > 0 ? (int)version : 0;
}

/* Makes PATH that of the folder that holds it; false for the root. */
static bool to_parent(char *path)
{
    char *slash = strrchr(path, '/');

    if (!slash || strcmp(path, "/") == 0)
        return false;
    slash[slash == path ? 1 : 0] = '\0';
    return true;
}

/* Grants ACCESS beneath PATH, or where that is not there, beneath the folder that it would be in:
 * the workload may make it. */
static int grant(int ruleset, const LandlockRules *rules, char *path, uint32_t access)
{
    struct stat st;

    for (;;) {
        CLEANUP(fd_close) int fd = open(path, O_PATH | O_CLOEXEC);
        if (fd < 0 && to_parent(path))
            continue;
        if (fd < 0 || fstat(fd, &st) < 0)
            return -errno;
        const uint32_t fitting = S_ISDIR(st.st_mode) ? access : access & LANDLOCK_OF_FILE;
        const PathAttr attr = {.allowed_access = fitting & rules->files, .parent_fd = fd};
        if (attr.allowed_access == 0)
            return 0;
        return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &attr, 0) < 0 ? -errno
                                                                                        : 0;
    }
}

static int grant_path(int ruleset, const LandlockRules *rules, const LandlockPath *granted)
{
    char path[PATH_MAX];
    struct stat st;

    if (strlen(granted->path) >= sizeof path)
        return -ENAMETOOLONG;
    (void)strcpy(path, granted->path);
    int r = granted->access ? grant(ruleset, rules, path, granted->access) : 0;
    if (r < 0 || !granted->around)
        return r;
    (void)strcpy(path, granted->path);
    const bool device = stat(path, &st) == 0 && (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode));
    if (device)
        return grant(ruleset, rules, path, granted->around);
    (void)to_parent(path);
    return grant(ruleset, rules, path, granted->around);
}

static int restrict_by_landlock(const LandlockRules *rules)
{
    const RulesetAttr attr = {.handled_access_fs = rules->files, .handled_access_net = rules->tcp};
    /* Kernels before ABI 4 know the first member only. */
    const size_t size = rules->tcp ? sizeof attr : sizeof attr.handled_access_fs;

    CLEANUP(fd_close) int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0u);
    if (ruleset < 0)
        return -errno;
    for (size_t i = 0; i < rules->count && rules->files; i++) {
        const int r = grant_path(ruleset, rules, &rules->paths[i]);
        if (r < 0)
            return r;
    }
    return syscall(SYS_landlock_restrict_self, ruleset, 0u) < 0 ? -errno : 0;
}

/* ---- capabilities --------------------------------------------------------------------------- */

uint64_t capabilities_held(void)
{
    uint64_t held = 0;
    cap_t own = cap_get_proc();

    for (cap_value_t i = 0; own && i < cap_max_bits(); i++) {
        cap_flag_value_t value = CAP_CLEAR;
        if (cap_get_flag(own, i, CAP_EFFECTIVE, &value) == 0 && value == CAP_SET)
            held |= UINT64_C(1) << i;
    }
    (void)cap_free(own);
    return held;
}

bool may_limit_capabilities(void)
{
    return (capabilities_held() >> CAP_SETPCAP & 1) != 0;
}

static int limit_bounding_set(uint64_t kept)
{
    for (cap_value_t i = 0; i < cap_max_bits(); i++) {
        if (!(kept >> i & 1) && cap_get_bound(i) == CAP_SET && cap_drop_bound(i) < 0)
            return -errno;
    }
    return 0;
}

/* The other sets: none gains, those that are not kept go. Lowering the inheritable set lowers the
 * ambient one. */
static int limit_own_sets(uint64_t kept)
{
    static const cap_flag_t sets[] = {CAP_EFFECTIVE, CAP_INHERITABLE, CAP_PERMITTED};
    cap_t own = cap_get_proc();
    int r = own ? 0 : -errno;

    for (cap_value_t i = 0; i < cap_max_bits() && r == 0; i++) {
        for (size_t s = 0; s < ARRAY_LENGTH(sets) && !(kept >> i & 1); s++) {
            if (cap_set_flag(own, sets[s], 1, &i, CAP_CLEAR) < 0)
                r = -errno;
        }
    }
    if (r == 0 && cap_set_proc(own) < 0)
        r = -errno;
    (void)cap_free(own);
    return r;
}

/* ---- the child ------------------------------------------------------------------------------ */

int enforcement_begin(const Enforcement *enforcement)
{
    const bool admin = (capabilities_held() >> CAP_SYS_ADMIN & 1) != 0;
    int r = 0;

    if ((enforcement->no_new_privs || !admin) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        r = -errno;
    if (r == 0 && enforcement->apparmor)
        r = apparmor_enter_at_exec(enforcement->apparmor);
    if (r == 0 && enforcement->landlock)
        r = restrict_by_landlock(enforcement->landlock);
    if (r == 0 && enforcement->limits_capabilities)
        r = limit_bounding_set(enforcement->capabilities);
    return r;
}

int enforcement_complete(const Enforcement *enforcement)
{
    return enforcement->limits_capabilities ? limit_own_sets(enforcement->capabilities) : 0;
}
