/* SPDX-License-Identifier: Apache-2.0 */
/* The first process of a container: waits for whatever there is, ends as its own child did. */
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int first = 0;
    int status;
    pid_t pid;

    if (argc < 2)
        return 2;
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* the same outside of a container */
    const pid_t child = fork();
    if (child == 0) {
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    while ((pid = wait(&status)) > 0)
        if (pid == child)
            first = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return first;
}
