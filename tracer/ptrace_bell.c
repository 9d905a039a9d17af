/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bell keeps nothing of the recorder but what it watches: were it to hold the pipes, the front
 * could not see the recorder's death by their end of file.
 */
#include "tracer/ptrace_bell.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BELL_INTERVAL_MS = 1000 };

void ptrace_close_range(unsigned first, unsigned last)
{
    struct rlimit limit;

    if (first > last)
        return;
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, last, 0) == 0)
        return;
#endif
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > 65536)
        limit.rlim_cur = 65536;
    if (last >= limit.rlim_cur)
        last = (unsigned)limit.rlim_cur - 1;
    for (unsigned fd = first; fd <= last; fd++)
        (void)close((int)fd);
}

/* Closes all but FDS. */
static void close_others(const int fds[BELL_FDS_MAX])
{
    int first = 0;

    for (;;) {
        int next = -1;

        for (size_t i = 0; i < BELL_FDS_MAX; i++)
            if (fds[i] >= first && (next < 0 || fds[i] < next))
                next = fds[i];
        if (next < 0)
            break;
        if (next > first)
            ptrace_close_range((unsigned)first, (unsigned)next - 1);
        first = next + 1;
    }
    ptrace_close_range((unsigned)first, ~0u);
}

__attribute__((noreturn)) static void bell_main(const int fds[BELL_FDS_MAX], pid_t parent)
{
    struct pollfd poll_fds[BELL_FDS_MAX];
    sigset_t all;

    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NAME, "whittle-bell");
    if (getppid() != parent)
        _exit(0);
    close_others(fds);
    for (size_t i = 0; i < BELL_FDS_MAX; i++)
        poll_fds[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    for (;;) {
        (void)poll(poll_fds, BELL_FDS_MAX, BELL_INTERVAL_MS);
        (void)kill(getpid(), SIGSTOP);
    }
}

int bell_start(Bell *bell, const int fds[BELL_FDS_MAX])
{
    const pid_t parent = getpid();
    const pid_t pid = fork();

    if (pid < 0)
        return -errno;
    if (pid == 0)
        bell_main(fds, parent);
    bell->pid = pid;
    return 0;
}

void bell_continue(const Bell *bell)
{
    if (bell->pid > 0)
        (void)kill(bell->pid, SIGCONT);
}

void bell_stop(Bell *bell)
{
    int status;

    if (bell->pid <= 0)
        return;
    (void)kill(bell->pid, SIGKILL);
    do {
        errno = 0;
    } while (waitpid(bell->pid, &status, __WALL) < 0 ? errno == EINTR : WIFSTOPPED(status));
    bell->pid = 0;
}
