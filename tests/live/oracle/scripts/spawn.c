/* SPDX-License-Identifier: Apache-2.0 */
/* vfork, posix_spawn, clone3 by number, execveat of a descriptor, a failing execve. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int main(void)
{
    char *argv[] = {"true", NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid = vfork();

    if (pid == 0) {
        execv("/nonexistent/true", argv);
        execv("/bin/true", argv);
        _exit(1);
    }
    waitpid(pid, NULL, 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "spawned", O_CREAT | O_WRONLY, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (posix_spawnp(&pid, "true", &actions, NULL, argv, environ) != 0)
        abort();
    waitpid(pid, NULL, 0);
    struct clone_args args = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD};
    int pidfd = -1;
    args.pidfd = (unsigned long)&pidfd;
    pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) {
        int fd = open("/bin/true", O_PATH | O_CLOEXEC);
        syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
        _exit(1);
    }
    siginfo_t info;
    waitid((idtype_t)3 /* P_PIDFD, which glibc has since 2.36 */, (id_t)pidfd, &info, WEXITED);
    int text = open("script", O_CREAT | O_WRONLY, 0700);
    if (write(text, "#!/bin/sh\nexit 2\n", 17) != 17)
        abort();
    close(text);
    text = open("nested", O_CREAT | O_WRONLY, 0700);
    if (write(text, "#!./script -x\n", 14) != 14)
        abort();
    close(text);
    if (posix_spawn(&pid, "./nested", NULL, NULL, argv, environ) != 0)
        abort();
    waitpid(pid, NULL, 0);
    return system("exit 3") == 0x300 ? 0 : 1;
}
