/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of `whittle doctor`: one function a way of looking, one row a thing to look for. */
#include "base/buffer.h"
#include "base/io.h"
#include "base/memory.h"
#include "cli/doctor.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

void finding_set(Finding *finding, FindingState state, const char *format, ...)
{
    va_list arguments;

    finding->state = state;
    va_start(arguments, format);
    (void)vsnprintf(finding->found, sizeof finding->found, format, arguments);
    va_end(arguments);
}

static void advise(Finding *finding, const char *advice)
{
    (void)snprintf(finding->advice, sizeof finding->advice, "%s", advice);
}

/* The first line of a small file in OUT. 0 or a negative errno. */
static int read_line(const char *path, char *out, size_t size)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    int r = read_file(path, &text, 65536, NULL);

    if (r < 0)
        return r;
    (void)snprintf(out, size, "%.*s", (int)strcspn(buffer_text(&text), "\n"), buffer_text(&text));
    return 0;
}

/* ---- kernel --------------------------------------------------------------------------------- */

static void look_kernel(const DoctorCheck *check, Finding *finding)
{
    struct utsname name;

    (void)check;
    if (uname(&name) == 0)
        finding_set(finding, FINDING_INFO, "%s %s on %s", name.sysname, name.release, name.machine);
}

static void look_privileges(const DoctorCheck *check, Finding *finding)
{
    CLEANUP(buffer_deinit) Buffer status = BUFFER_INIT;
    const char *effective, *nnp;

    (void)check;
    if (read_file("/proc/self/status", &status, 65536, NULL) < 0) {
        finding_set(finding, FINDING_NO, "/proc cannot be read");
        advise(finding, "mount it: mount -t proc proc /proc");
        return;
    }
    effective = strstr(buffer_text(&status), "\nCapEff:\t");
    nnp = strstr(buffer_text(&status), "\nNoNewPrivs:\t1");
    finding_set(finding, FINDING_INFO, "uid %u, effective capabilities %.16s%s", geteuid(),
                effective ? effective + strlen("\nCapEff:\t") : "unknown",
                nnp ? ", no_new_privs is set" : "");
    if (effective && strtoull(effective + strlen("\nCapEff:\t"), NULL, 16) == 0)
        advise(finding,
               "enough for most; without privileges, programs that are setuid or have file "
               "capabilities run without these while recorded");
}

/* There, and its first line says so: DATA is the path. */
static void look_line(const DoctorCheck *check, Finding *finding)
{
    char line[256];

    if (read_line(check->data, line, sizeof line) < 0) {
        finding_set(finding, FINDING_NO, "no %s", check->data);
        advise(finding, check->advice);
        return;
    }
    finding_set(finding, FINDING_INFO, "%s", line);
}

static void look_exists(const DoctorCheck *check, Finding *finding)
{
    if (access(check->data, F_OK) == 0) {
        finding_set(finding, FINDING_OK, "%s", check->data);
        return;
    }
    finding_set(finding, FINDING_NO, "no %s", check->data);
    advise(finding, check->advice);
}

static void look_ptrace_scope(const DoctorCheck *check, Finding *finding)
{
    static const char *const meanings[] = {
        "0: a process may trace others of its user",
        "1: a process may trace its descendants; joining others (--pid) needs CAP_SYS_PTRACE",
        "2: tracing needs CAP_SYS_PTRACE",
        "3: nobody may trace until the next boot",
    };
    char line[16];
    unsigned long scope;

    if (read_line(check->data, line, sizeof line) < 0) {
        finding_set(finding, FINDING_OK,
                    "Yama is not active: a process may trace others of its user");
        return;
    }
    scope = strtoul(line, NULL, 10);
    if (scope >= ARRAY_LENGTH(meanings)) {
        finding_set(finding, FINDING_INFO, "%s", line);
        return;
    }
    finding_set(finding, scope >= 2 ? FINDING_NO : FINDING_OK, "%s", meanings[scope]);
    if (scope == 1 || scope == 2)
        advise(finding, check->advice);
}

static void look_user_namespaces(const DoctorCheck *check, Finding *finding)
{
    char line[32];

    if (read_line("/proc/sys/user/max_user_namespaces", line, sizeof line) < 0) {
        finding_set(finding, FINDING_NO, "the kernel has none");
        return;
    }
    if (strcmp(line, "0") == 0)
        finding_set(finding, FINDING_NO, "user.max_user_namespaces is 0");
    else if (read_line("/proc/sys/kernel/unprivileged_userns_clone", line, sizeof line) == 0 &&
             strcmp(line, "0") == 0)
        finding_set(finding, FINDING_NO, "kernel.unprivileged_userns_clone is 0");
    else if (read_line("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", line,
                       sizeof line) == 0 &&
             strcmp(line, "0") != 0)
        finding_set(finding, FINDING_NO, "AppArmor restricts them to programs with a profile");
    else
        finding_set(finding, FINDING_OK, "anybody may make one");
    if (finding->state == FINDING_NO)
        advise(finding, check->advice);
}

static void look_cgroup(const DoctorCheck *check, Finding *finding)
{
    struct statfs fs;

    if (statfs("/sys/fs/cgroup", &fs) < 0) {
        finding_set(finding, FINDING_NO, "nothing is mounted at /sys/fs/cgroup");
        advise(finding, check->advice);
    } else if (fs.f_type == CGROUP2_SUPER_MAGIC) {
        finding_set(finding, FINDING_OK, "version 2");
    } else if (access("/sys/fs/cgroup/unified", F_OK) == 0) {
        finding_set(finding, FINDING_INFO, "version 1 with version 2 at /sys/fs/cgroup/unified");
        advise(finding, "crun refuses this mixture; in a private mount namespace (unshare -m) "
                        "umount /sys/fs/cgroup/unified first");
    } else {
        finding_set(finding, FINDING_INFO, "version 1");
    }
}

/* ---- security modules ------------------------------------------------------------------------ */

static void look_apparmor(const DoctorCheck *check, Finding *finding)
{
    char line[16];

    if (read_line("/sys/module/apparmor/parameters/enabled", line, sizeof line) == 0 &&
        line[0] == 'Y') {
        finding_set(finding, FINDING_OK, "enabled");
        return;
    }
    finding_set(finding, FINDING_NO, "not active in this kernel");
    advise(finding, check->advice);
}

static void look_selinux(const DoctorCheck *check, Finding *finding)
{
    char line[16];

    if (read_line("/sys/fs/selinux/enforce", line, sizeof line) == 0) {
        finding_set(finding, FINDING_OK, line[0] == '1' ? "enforcing" : "permissive");
        return;
    }
    finding_set(finding, FINDING_NO, "not active in this kernel");
    advise(finding, check->advice);
}

static void look_landlock(const DoctorCheck *check, Finding *finding)
{
    enum { CREATE_RULESET_VERSION = 1 }; /* linux/landlock.h */
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

    if (version > 0) {
        finding_set(finding, FINDING_OK, "ABI %ld", version);
        return;
    }
    finding_set(finding, FINDING_NO,
                errno == ENOSYS ? "the kernel is older than 5.13 or has none"
                                : "built in, but not active");
    advise(finding, check->advice);
}

/* ---- programs -------------------------------------------------------------------------------- */

static void look_program(const DoctorCheck *check, Finding *finding)
{
    char path[PATH_MAX], version[256] = "";

    if (program_find(check->name, path, sizeof path) < 0) {
        finding_set(finding, FINDING_NO, "not in PATH");
        advise(finding, check->advice);
        return;
    }
    if (program_version(path, check->data, version, sizeof version) < 0)
        (void)snprintf(version, sizeof version, "does not tell its version");
    finding_set(finding, FINDING_OK, "%.200s (%s)", path, version);
}

const DoctorCheck doctor_checks[] = {
    {"machine", "kernel", look_kernel, NULL, NULL},
    {"machine", "privileges", look_privileges, NULL, NULL},
    {"machine", "ptrace scope", look_ptrace_scope, "/proc/sys/kernel/yama/ptrace_scope",
     "to let a user trace all own processes: sysctl kernel.yama.ptrace_scope=0"},
    {"machine", "user namespaces", look_user_namespaces, NULL,
     "rootless containers need them: sysctl kernel.unprivileged_userns_clone=1, "
     "kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces=10000"},
    {"machine", "BTF", look_exists, "/sys/kernel/btf/vmlinux",
     "a kernel with CONFIG_DEBUG_INFO_BTF has it, as those of Debian and Ubuntu"},
    {"machine", "cgroups", look_cgroup, NULL,
     "containers need them: mount -t cgroup2 none /sys/fs/cgroup"},
    {"security modules", "active", look_line, "/sys/kernel/security/lsm",
     "mount -t securityfs none /sys/kernel/security"},
    {"security modules", "AppArmor", look_apparmor, NULL,
     "apparmor.profile can be written and compiled here, but not tried; boot with "
     "lsm=...,apparmor where the kernel has it"},
    {"security modules", "SELinux", look_selinux, NULL, "nothing that whittle writes needs it"},
    {"security modules", "Landlock", look_landlock, NULL, "boot with lsm=landlock,..."},
    {"programs", "docker", look_program, "--version", "package docker.io"},
    {"programs", "podman", look_program, "--version", "package podman"},
    {"programs", "runc", look_program, "--version", "package runc"},
    {"programs", "crun", look_program, "--version", "package crun"},
    {"programs", "apparmor_parser", look_program, "--version",
     "package apparmor; it compiles profiles also where the kernel has no AppArmor"},
    {0},
};
