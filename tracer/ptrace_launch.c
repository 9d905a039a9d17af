/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child waits until it is seized; then it loads a seccomp filter of one instruction, "stop for
 * the tracer", and executes the program. The filter comes without no_new_privs where the kernel
 * lets it (CAP_SYS_ADMIN), so that setuid programs stay what they are. A filter without a tracer
 * makes calls fail with ENOSYS: hence seized first.
 */
#include "tracer/ptrace_launch.h"

#include "base/io.h"
#include "base/memory.h"
#include "base/procfs.h"
#include "tracer/launch.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct ChildFailure {
    int32_t error;
    int32_t setup;
} ChildFailure;

long ptrace_launch_options(void)
{
    return PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
           PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP;
}

bool ptrace_filter_available(void)
{
    uint32_t action = SECCOMP_RET_TRACE;

    /* Linux 4.14. Until 4.7 the seccomp stop came before the entry stop rather than after it. */
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static int load_filter(void)
{
    struct sock_filter trace[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE)};
    const struct sock_fprog program = {.len = ARRAY_LENGTH(trace), .filter = trace};
    /* The filter is no sandbox: leave speculation as it was (4.17). */
    const unsigned long flags[] = {SECCOMP_FILTER_FLAG_SPEC_ALLOW, 0};

    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags[i], &program) == 0)
            return 0;
        if (errno == EACCES) {
            if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
            if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags[i], &program) == 0)
                return 0;
        }
        if (errno != EINVAL)
            return -errno;
    }
    return -EINVAL;
}

static pid_t fork_sibling(void)
{
    const unsigned long flags = CLONE_PARENT | SIGCHLD;

#if defined(__s390__)
    return (pid_t)syscall(SYS_clone, 0UL, flags, 0UL, 0UL, 0UL);
#else
    return (pid_t)syscall(SYS_clone, flags, 0UL, 0UL, 0UL, 0UL);
#endif
}

__attribute__((noreturn)) static void child_main(const Launch *launch, bool filtered, int fd,
                                                 pid_t tracer)
{
    ChildFailure failure = {0};
    char go;
    int r = 0;

    /* Yama's mode 1 lets ancestors trace, and whom they may name. Fails where there is no Yama. */
    (void)prctl(PR_SET_PTRACER, (unsigned long)tracer, 0, 0, 0);
    if (write_all(fd, "r", 1) < 0)
        _exit(127);
    while ((r = (int)read(fd, &go, 1)) < 0 && errno == EINTR)
        ;
    if (r != 1)
        _exit(127);
    r = filtered ? load_filter() : 0;
    failure.setup = r < 0;
    if (r == 0)
        r = launch_exec(launch);
    failure.error = -r;
    (void)!write(fd, &failure, sizeof failure);
    _exit(r == -ENOENT ? 127 : 126);
}

static void kill_child(pid_t pid)
{
    int status;

    (void)kill(pid, SIGKILL);
    do {
        errno = 0;
    } while (waitpid(pid, &status, __WALL) < 0 ? errno == EINTR : WIFSTOPPED(status));
}

/* Waits until the child can be seized. */
static void child_wait_ready(int fd)
{
    char ready;

    while (read(fd, &ready, 1) < 0 && errno == EINTR)
        ;
}

int ptrace_child_start(const Launch *launch, bool filtered, bool sibling, PtraceChild *ret_child,
                       Error *err)
{
    const pid_t tracer = getpid();
    CLEANUP(fd_close) int ours = -1;
    CLEANUP(fd_close) int theirs = -1;
    int pair[2];
    int status;
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return error_errno(err, errno, "cannot make a socket pair");
    ours = pair[0];
    theirs = pair[1];
    pid = sibling ? fork_sibling() : fork();
    if (pid < 0)
        return error_errno(err, errno, "cannot start a process");
    if (pid == 0) {
        (void)close(ours);
        child_main(launch, filtered, theirs, tracer);
    }
    fd_close(&theirs); /* or the child's end could not be seen */
    child_wait_ready(ours);
    if (ptrace(PTRACE_SEIZE, pid, 0, ptrace_launch_options()) < 0) {
        const int code = -errno;

        kill_child(pid);
        return ptrace_seize_error(err, code, pid);
    }
    if (!filtered &&
        (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 || waitpid(pid, &status, __WALL) != pid ||
         !WIFSTOPPED(status) || ptrace(PTRACE_SYSCALL, pid, 0, 0) < 0)) {
        const int code = -errno;

        kill_child(pid);
        return error_errno(err, code, "cannot stop the new process");
    }
    *ret_child = (PtraceChild){.pid = pid, .fd = ours};
    ours = -1;
    return 0;
}

int ptrace_child_go(const PtraceChild *child)
{
    return write_all(child->fd, "g", 1);
}

int ptrace_child_failure(const PtraceChild *child, bool *ret_setup)
{
    ChildFailure failure = {0};

    if (recv(child->fd, &failure, sizeof failure, MSG_DONTWAIT) != (ssize_t)sizeof failure)
        return 0;
    *ret_setup = failure.setup;
    return failure.error;
}

/* ---- why a seize fails ---------------------------------------------------------------------- */

/* The sysctl kernel.yama.ptrace_scope; -1 where there is no Yama. */
static long ptrace_scope(void)
{
    char text[16];

    return procfs_read("/proc/sys/kernel/yama/ptrace_scope", text, sizeof text) > 0
               ? strtol(text, NULL, 10)
               : -1;
}

pid_t ptrace_tracer_of(pid_t pid)
{
    char status[4096];

    if (procfs_read_task(pid, "status", status, sizeof status) < 0)
        return -ESRCH;
    const char *tracer = procfs_field(status, "TracerPid");
    return tracer ? (pid_t)strtol(tracer, NULL, 10) : -ESRCH;
}

int ptrace_seize_error(Error *err, int code, pid_t pid)
{
    const long scope = ptrace_scope();
    const pid_t tracer = ptrace_tracer_of(pid);

    if (code == -ESRCH)
        return error_set(err, code, "there is no process %d", (int)pid);
    if (code != -EPERM && code != -EACCES)
        return error_errno(err, code, "cannot trace process %d", (int)pid);
    if (tracer > 0)
        return error_set(err, code,
                         "process %d is traced by process %d already, and only one can; end that "
                         "tracer (a debugger, strace) first",
                         (int)pid, (int)tracer);
    if (scope == 3)
        return error_set(err, code,
                         "this system forbids all tracing until it is booted again: the sysctl "
                         "kernel.yama.ptrace_scope is 3");
    if (scope > 0)
        return error_set(err, code,
                         "not allowed to trace process %d: the sysctl kernel.yama.ptrace_scope is "
                         "%ld; run as root (CAP_SYS_PTRACE), or set it to 0",
                         (int)pid, scope);
    return error_set(err, code,
                     "not allowed to trace process %d: it belongs to another user, has more "
                     "privileges, or a container's seccomp profile forbids ptrace; run as root "
                     "(CAP_SYS_PTRACE; for a container --cap-add SYS_PTRACE)",
                     (int)pid);
}
