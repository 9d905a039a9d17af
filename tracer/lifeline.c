/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/lifeline.h"

#include "base/io.h"
#include "tracer/launch.h"
#include "tracer/ptrace_bell.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Nothing but the write end of the lifeline stays open: pipes end with who works. */
__attribute__((noreturn)) static void wait_for(pid_t child, int fd)
{
    int status;
    pid_t ended;

    ptrace_close_range(0, (unsigned)fd - 1);
    ptrace_close_range((unsigned)fd + 1, ~0u);
    recorder_step_aside();
    /* The workload is this process's child too, but who it reports to is the tracer. */
    do {
        ended = waitpid(-1, &status, 0);
    } while (ended < 0 ? errno == EINTR : ended != child);
    _exit(0);
}

int lifeline_fork(void)
{
    int fds[2];
    pid_t child;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    child = fork();
    if (child < 0) {
        const int code = -errno;

        fd_close(&fds[0]);
        fd_close(&fds[1]);
        return code;
    }
    if (child > 0)
        wait_for(child, fds[1]);
    (void)prctl(PR_SET_NAME, "ptrace-keeper");
    (void)close(fds[1]);
    return fds[0];
}
