/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of processes: most end at once, some by a signal, some orphaned, some running a program.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void tree(int depth)
{
    for (int i = 0; i < 3; i++) {
        const pid_t pid = fork();
        if (pid < 0)
            abort();
        if (pid == 0) {
            if (depth > 0)
                tree(depth - 1);
            if (depth == 0 && i == 1)
                kill(getpid(), SIGKILL);
            if (depth == 0 && i == 2)
                execl("/bin/true", "true", NULL);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
}

int main(void)
{
    tree(3);
    if (fork() == 0) { /* an orphan: its parent goes first */
        usleep(100000);
        chdir("/");
        execl("/bin/true", "true", NULL);
    }
    return 11;
}
