/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program with a seccomp filter of its own for all its threads, which refuses getpgid(). The
 * calls that such a filter answers never reach a tracer's filter.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *try_call(void)
{
    return syscall(SYS_getpgid, 0) < 0 ? strerror(errno) : "ok";
}

static void *in_thread(void *data)
{
    const int *pipe_fds = data;
    char byte;

    /* Waits in a call from before the filter is there until after it. */
    if (read(pipe_fds[0], &byte, 1) == 1)
        printf("thread: %s\n", try_call());
    return NULL;
}

int main(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTNAM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    pthread_t thread;
    int pipe_fds[2];
    pid_t pid;

    (void)setvbuf(stdout, NULL, _IONBF, 0);
    if (pipe(pipe_fds) < 0 || pthread_create(&thread, NULL, in_thread, pipe_fds) != 0)
        return 1;
    (void)usleep(100000);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
        return 1;
    printf("leader: %s\n", try_call());
    if (write(pipe_fds[1], "g", 1) != 1)
        return 1;
    (void)pthread_join(thread, NULL);
    pid = fork();
    if (pid == 0) {
        printf("child: %s\n", try_call());
        _exit(0);
    }
    (void)waitpid(pid, NULL, 0);
    return 0;
}
