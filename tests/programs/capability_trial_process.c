/* SPDX-License-Identifier: Apache-2.0 */
#include "capability_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static Outcome setuid_other(void)
{
    begin();
    return outcome(syscall(SYS_setuid, USER_ID) == 0);
}

static Outcome setuid_same(void)
{
    begin();
    return outcome(syscall(SYS_setuid, 0) == 0);
}

/* Back and forth between the real and the effective id asks nothing. */
static Outcome setresuid_swap(void)
{
    check(prctl(PR_SET_KEEPCAPS, 1) == 0 && syscall(SYS_setresuid, USER_ID, 0, 0) == 0, "ids");
    begin();
    return outcome(syscall(SYS_setresuid, 0, USER_ID, -1) == 0);
}

static Outcome setresuid_other(void)
{
    begin();
    return outcome(syscall(SYS_setresuid, USER_ID, USER_ID, USER_ID) == 0);
}

static Outcome setreuid_other(void)
{
    begin();
    return outcome(syscall(SYS_setreuid, -1, USER_ID) == 0);
}

static Outcome setfsuid_other(void)
{
    begin();
    (void)setfsuid(USER_ID);
    return outcome(setfsuid((uid_t)-1) == USER_ID);
}

static Outcome setgid_other(void)
{
    begin();
    return outcome(syscall(SYS_setgid, USER_GROUP) == 0);
}

static Outcome setresgid_same(void)
{
    begin();
    return outcome(syscall(SYS_setresgid, 0, 0, 0) == 0);
}

static Outcome setgroups_none(void)
{
    begin();
    return outcome(syscall(SYS_setgroups, 0, NULL) == 0);
}

static Outcome bounding_drop(void)
{
    begin();
    return outcome(prctl(PR_CAPBSET_DROP, CAP_WAKE_ALARM, 0, 0, 0) == 0);
}

static Outcome securebits(void)
{
    begin();
    return outcome(prctl(PR_SET_SECUREBITS, 1 /* SECBIT_NOROOT */, 0, 0, 0) == 0);
}

static Outcome capset_with(bool beyond_permitted)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    check(syscall(SYS_capget, &header, data) == 0, "capget");
    if (beyond_permitted) {
        data[0].permitted &= ~(1u << CAP_SYS_PACCT);
        data[0].effective &= ~(1u << CAP_SYS_PACCT);
        data[0].inheritable &= ~(1u << CAP_SYS_PACCT);
        check(syscall(SYS_capset, &header, data) == 0, "capset");
    }
    begin();
    check(syscall(SYS_capget, &header, data) == 0, "capget");
    data[0].inheritable |= beyond_permitted ? 1u << CAP_SYS_PACCT : data[0].permitted;
    return outcome(syscall(SYS_capset, &header, data) == 0);
}

static Outcome capset_beyond(void)
{
    return capset_with(true);
}

static Outcome capset_within(void)
{
    return capset_with(false);
}

static Outcome kill_other(void)
{
    pid_t pid = other_process();
    become_user();
    begin();
    return outcome(kill(pid, SIGKILL) == 0);
}

static Outcome kill_own(void)
{
    pid_t pid;
    become_user();
    pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    begin();
    return outcome(kill(pid, SIGKILL) == 0);
}

static Outcome ptrace_other(void)
{
    pid_t pid = other_process();
    if (read_sysctl("kernel/yama/ptrace_scope") > 0)
        return cannot("kernel.yama.ptrace_scope is set");
    become_user();
    begin();
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0)
        return WORKED;
    return REFUSED;
}

static Outcome read_memory(void)
{
    char byte;
    struct iovec local = {&byte, 1}, remote = {(void *)(uintptr_t)&read_memory, 1};
    pid_t pid = other_process();
    become_user();
    begin();
    return outcome(process_vm_readv(pid, &local, 1, &remote, 1, 0) == 1);
}

static Outcome compare_other(void)
{
    pid_t pid = other_process();
    become_user();
    begin();
    if (syscall(SYS_kcmp, pid, pid, KCMP_VM, 0, 0) == 0)
        return WORKED;
    return errno == ENOSYS ? cannot("no kcmp here") : REFUSED;
}

/* Its link is for everybody to look up, but guarded as tracing is. */
static Outcome read_exe_link(void)
{
    char path[64], target[256];
    (void)snprintf(path, sizeof path, "/proc/%d/exe", other_process());
    become_user();
    begin();
    return outcome(readlink(path, target, sizeof target) > 0);
}

static Outcome read_exe_link_own(void)
{
    char path[64], target[256];
    (void)snprintf(path, sizeof path, "/proc/%d/exe", getpid());
    become_user();
    begin();
    return outcome(readlink(path, target, sizeof target) > 0);
}

static Outcome nice_lower(void)
{
    struct rlimit none = {0, 0};
    check(setrlimit(RLIMIT_NICE, &none) == 0, "setrlimit");
    begin();
    return outcome(setpriority(PRIO_PROCESS, 0, -5) == 0);
}

static Outcome nice_higher(void)
{
    int nice = getpriority(PRIO_PROCESS, 0); /* not 0 where somebody runs the tests by nice(1) */
    begin();
    return outcome(setpriority(PRIO_PROCESS, 0, nice + 5) == 0);
}

static Outcome real_time(void)
{
    struct sched_param param = {.sched_priority = 1};
    struct rlimit none = {0, 0};
    check(setrlimit(RLIMIT_RTPRIO, &none) == 0, "setrlimit");
    begin();
    return outcome(sched_setscheduler(0, SCHED_RR, &param) == 0);
}

static Outcome batch(void)
{
    struct sched_param param = {0};
    begin();
    return outcome(sched_setscheduler(0, SCHED_BATCH, &param) == 0);
}

static Outcome affinity_other(void)
{
    pid_t pid = other_process();
    cpu_set_t set;
    check(sched_getaffinity(pid, sizeof set, &set) == 0, "sched_getaffinity");
    become_user();
    begin();
    return outcome(sched_setaffinity(pid, sizeof set, &set) == 0);
}

static Outcome io_real_time(void)
{
    begin();
    return outcome(syscall(SYS_ioprio_set, 1, 0, 1 << 13 | 4) == 0);
}

static Outcome io_best_effort(void)
{
    begin();
    return outcome(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 4) == 0);
}

static Outcome raise_limit(void)
{
    struct rlimit limit;
    check(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    limit.rlim_cur = limit.rlim_max = 100;
    check(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
    limit.rlim_max = 101;
    begin();
    return outcome(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static Outcome lower_limit(void)
{
    struct rlimit limit = {50, 100};
    begin();
    return outcome(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

enum { LOCK_LIMIT = 65536 };

static void limit_locks(rlim_t bytes)
{
    struct rlimit limit = {bytes, bytes};
    check(setrlimit(RLIMIT_MEMLOCK, &limit) == 0, "setrlimit");
}

static Outcome lock_bytes(size_t length)
{
    void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(memory != MAP_FAILED, "mmap");
    limit_locks(LOCK_LIMIT);
    begin();
    return outcome(mlock(memory, length) == 0);
}

static Outcome lock_much(void)
{
    return lock_bytes(16 * LOCK_LIMIT);
}

static Outcome lock_little(void)
{
    return lock_bytes(4096);
}

static Outcome lock_all(void)
{
    limit_locks(LOCK_LIMIT);
    begin();
    return outcome(mlockall(MCL_CURRENT) == 0);
}

static Outcome map_locked(void)
{
    limit_locks(LOCK_LIMIT);
    begin();
    return outcome(mmap(NULL, 16 * LOCK_LIMIT, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED,
                        -1, 0) != MAP_FAILED);
}

static Outcome pipe_size(void)
{
    long most = read_sysctl("fs/pipe-max-size");
    int ends[2];
    check(pipe(ends) == 0 && most > 0, "pipe");
    begin();
    return outcome(fcntl(ends[0], F_SETPIPE_SZ, (int)(2 * most)) > 0);
}

static Outcome send_credentials(uid_t uid, gid_t gid)
{
    struct ucred ids = {getpid(), uid, gid};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof ids)];
    } control;
    struct iovec vector = {"x", 1};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    int ends[2];
    memset(&control, 0, sizeof control);
    control.header.cmsg_len = CMSG_LEN(sizeof ids);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_CREDENTIALS;
    memcpy(CMSG_DATA(&control.header), &ids, sizeof ids);
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    begin();
    return outcome(sendmsg(ends[0], &message, 0) == 1);
}

static Outcome forge_user(void)
{
    return send_credentials(USER_ID, 0);
}

static Outcome forge_group(void)
{
    return send_credentials(0, USER_GROUP);
}

static Outcome own_credentials(void)
{
    return send_credentials(0, 0);
}

/* A few of its numbers are for tracers only and read as 0. */
static Outcome read_stat(void)
{
    char path[64], text[512];
    int fd;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", other_process());
    become_user();
    begin();
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return outcome(fd >= 0 && read(fd, text, sizeof text) > 0);
}

/* More likely to be killed, which everybody may choose to be. */
static Outcome oom_raise(void)
{
    int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    check(fd >= 0, "oom_score_adj");
    begin();
    return outcome(write(fd, "900", 3) == 3);
}

static Outcome setuid_saved(void)
{
    check(syscall(SYS_setresuid, USER_ID, USER_ID, 0) == 0, "ids");
    begin();
    return outcome(syscall(SYS_setresuid, -1, 0, -1) == 0);
}

const Action process_actions[] = {
    {"setuid", "CAP_SETUID", "-", setuid_other},
    {"setuid-same", "-", "-", setuid_same},
    {"setresuid", "CAP_SETUID", "-", setresuid_other},
    {"setresuid-swap", "-", "-", setresuid_swap},
    {"setreuid", "CAP_SETUID", "-", setreuid_other},
    {"setfsuid", "CAP_SETUID", "-", setfsuid_other},
    {"setgid", "CAP_SETGID", "-", setgid_other},
    {"setresgid-same", "-", "-", setresgid_same},
    {"setgroups", "CAP_SETGID", "-", setgroups_none},
    {"bounding-drop", "CAP_SETPCAP", "-", bounding_drop},
    {"securebits", "CAP_SETPCAP", "-", securebits},
    {"capset-beyond", "CAP_SETPCAP", "-", capset_beyond},
    {"capset-within", "-", "-", capset_within},
    {"kill-other", "CAP_KILL", "-", kill_other},
    {"kill-own", "-", "-", kill_own},
    {"ptrace-other", "CAP_SYS_PTRACE", "-", ptrace_other},
    {"read-memory", "CAP_SYS_PTRACE", "-", read_memory},
    {"compare-other", "CAP_SYS_PTRACE", "-", compare_other},
    {"read-exe-link", "CAP_SYS_PTRACE", "-", read_exe_link},
    {"read-exe-link-own", "-", "-", read_exe_link_own},
    {"read-stat", "-", "-", read_stat},
    {"oom-raise", "-", "-", oom_raise},
    {"setresuid-saved", "-", "-", setuid_saved},
    {"nice-lower", "CAP_SYS_NICE", "-", nice_lower},
    {"nice-higher", "-", "-", nice_higher},
    {"real-time", "CAP_SYS_NICE", "-", real_time},
    {"batch", "-", "-", batch},
    {"affinity-other", "CAP_SYS_NICE", "-", affinity_other},
    {"io-real-time", "CAP_SYS_NICE", "CAP_SYS_ADMIN", io_real_time},
    {"io-best-effort", "-", "-", io_best_effort},
    {"raise-limit", "CAP_SYS_RESOURCE", "-", raise_limit},
    {"lower-limit", "-", "-", lower_limit},
    {"lock-much", "CAP_IPC_LOCK", "-", lock_much},
    {"lock-little", "-", "-", lock_little},
    {"lock-all", "CAP_IPC_LOCK", "-", lock_all},
    {"map-locked", "CAP_IPC_LOCK", "-", map_locked},
    {"pipe-size", "CAP_SYS_RESOURCE", "-", pipe_size},
    {"forge-user", "CAP_SETUID", "-", forge_user},
    {"forge-group", "CAP_SETGID", "-", forge_group},
    {"own-credentials", "-", "-", own_credentials},
    {NULL, NULL, NULL, NULL},
};
