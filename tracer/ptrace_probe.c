/* SPDX-License-Identifier: Apache-2.0 */
/* Can this machine trace? Tried on a child that does nothing else. */
#include "tracer/ptrace_private.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* waitpid() for one stop of PID. False if it ended instead. */
static bool wait_stop(pid_t pid, int *status)
{
    pid_t r;

    do {
        r = waitpid(pid, status, __WALL);
    } while (r < 0 && errno == EINTR);
    return r == pid && WIFSTOPPED(*status);
}

typedef struct Trial {
    bool seccomp; /* a call stopped by the filter */
    bool info;    /* PTRACE_GET_SYSCALL_INFO told of a call */
} Trial;

/*
 * Starts a program that is not there: the failing execve() is the call to be stopped, by the filter
 * or as an ordinary entry.
 */
static int trial_run(Trial *trial, Error *err)
{
    char *const argv[] = {(char[]){"whittle-probe"}, NULL};
    const Launch launch = {.path = "/nonexistent/whittle-probe", .argv = argv};
    const bool filtered = ptrace_filter_available();
    PtraceChild child = {.fd = -1};
    int status;
    int r = ptrace_child_start(&launch, filtered, false, &child, err);

    if (r < 0)
        return r;
    *trial = (Trial){0};
    r = ptrace_child_go(&child);
    while (r == 0 && wait_stop(child.pid, &status)) {
        PtraceCall call = {0};
        const bool stopped_by_filter = status >> 16 == PTRACE_EVENT_SECCOMP;

        trial->seccomp = trial->seccomp || stopped_by_filter;
        if ((stopped_by_filter || WSTOPSIG(status) == (SIGTRAP | 0x80)) &&
            ptrace_call_info(child.pid, &call) == 0 && call.kind != PTRACE_CALL_NONE)
            trial->info = true;
        if (ptrace(filtered ? PTRACE_CONT : PTRACE_SYSCALL, child.pid, 0, 0) < 0)
            break;
    }
    fd_close(&child.fd);
    if (filtered && !trial->seccomp)
        return error_set(err, -ENOTSUP, "a seccomp filter's stops (SECCOMP_RET_TRACE) do not come");
    return 0;
}

int ptrace_probe(Error *err)
{
    Trial trial = {0};
    const int r = trial_run(&trial, err);

    if (r < 0)
        return r;
#if !defined(__x86_64__) && !defined(__aarch64__)
    if (!trial.info)
        return error_set(err, -ENOTSUP,
                         "on this architecture ptrace needs Linux 5.3 (PTRACE_GET_SYSCALL_INFO)");
#endif
    return 0;
}

void ptrace_features(char *out, size_t size)
{
    Trial trial = {0};

    (void)trial_run(&trial, NULL);
    (void)snprintf(out, size, "%s%s%s", trial.seccomp ? "seccomp-accelerated" : "",
                   trial.seccomp && trial.info ? " " : "", trial.info ? "syscall-info" : "");
}

/* What runs already has no filter, and cannot be given one. */
void ptrace_features_joined(char *out, size_t size)
{
    Trial trial = {0};

    (void)trial_run(&trial, NULL);
    (void)snprintf(out, size, "%s", trial.info ? "syscall-info" : "");
}
