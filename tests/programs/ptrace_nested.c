/* SPDX-License-Identifier: Apache-2.0 */
/* A tracer: lets a child be traced, and says whether it could. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int status = 0;
    const pid_t pid = fork();

    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
            _exit(errno);
        (void)raise(SIGSTOP);
        _exit(0);
    }
    (void)waitpid(pid, &status, WUNTRACED);
    if (WIFSTOPPED(status)) {
        (void)ptrace(PTRACE_CONT, pid, NULL, NULL);
        (void)waitpid(pid, &status, 0);
    }
    printf("traced: %s\n", WEXITSTATUS(status) ? strerror(WEXITSTATUS(status)) : "yes");
    return 0;
}
