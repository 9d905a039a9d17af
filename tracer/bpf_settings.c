/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/bpf_settings.h"
#include "tracer/bpf_rules.h"

#include "base/procfs.h"
#include "model/mark.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The number of the call NAME, as the kernel side sees it; none has ~0. */
static uint32_t number_of(enum call_abi abi, const char *name)
{
    const int arch = bpf_abi_arch(abi);
    const Syscall *syscall = syscall_by_name(name);

    return arch < 0 || !syscall ? UINT32_MAX : (uint32_t)syscall_number(syscall, (Arch)arch);
}

struct bpf_settings bpf_settings_here(uint64_t hierarchies, bool stacks)
{
    struct bpf_settings settings = {
        .mark_option = MARK_PRCTL_OPTION,
        .mark_signal = MARK_SIGNAL,
        .hierarchies = hierarchies,
        .starting_phase = PHASE_RUNTIME_INIT,
        .stacks = stacks,
    };
    struct stat st;

    for (unsigned abi = 0; abi < ABI_COUNT; abi++) {
        settings.sigreturn[abi] = number_of((enum call_abi)abi, "sigreturn");
        settings.rt_sigreturn[abi] = number_of((enum call_abi)abi, "rt_sigreturn");
    }
    if (stat("/proc/self/ns/pid", &st) == 0)
        settings.pid_namespace = (uint32_t)st.st_ino;
    if (stat("/proc/self/ns/mnt", &st) == 0)
        settings.mount_namespace = (uint32_t)st.st_ino;
    if (stat("/proc/self/exe", &st) == 0) {
        settings.own_program_inode = st.st_ino;
        settings.own_program_device = (uint64_t)major(st.st_dev) << 20 | minor(st.st_dev);
    }
    return settings;
}

/* A process of the user namespace whose capabilities count. */
static pid_t example_of(const BackendRun *run)
{
    if (run->join_count > 0)
        return run->join[0];
    for (size_t i = 0; i < run->cgroups_count; i++) {
        const pid_t pid = cgroup_some_process(&run->cgroups[i]);
        if (pid > 0)
            return pid;
    }
    return getpid();
}

/* Seccomp filters that PID has, and what it starts inherits. */
static uint32_t filters_of(pid_t pid)
{
    char text[4096];
    const char *filters = NULL;

    if (procfs_read_task(pid, "status", text, sizeof text) > 0)
        filters = procfs_field(text, "Seccomp_filters");
    return filters ? (uint32_t)strtoul(filters, NULL, 10) : 0;
}

struct bpf_session bpf_session_of(const BackendRun *run)
{
    const pid_t example = example_of(run);
    struct bpf_session session = {
        .recorder_tgid = (uint32_t)getpid(),
        .front_tgid = (uint32_t)run->front,
        .seccomp_filters = filters_of(example),
        .confined_by_exec = run->join_as == JOIN_RUNTIME_UNFILTERED,
    };
    char user_namespace[64];
    struct stat st;

    (void)snprintf(user_namespace, sizeof user_namespace, "/proc/%d/ns/user", example);
    if (stat(user_namespace, &st) == 0)
        session.user_namespace = (uint32_t)st.st_ino;
    return session;
}
