/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways for an execve() to meet threads: by a thread that is not the leader, with the leader alive,
 * dead, or blocked, while other threads make system calls; again and again by the program itself.
 *
 *     ptrace_exec_thread [ROUND]
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROUNDS = 30, SPINNERS = 3 };

static void *spin(void *data)
{
    (void)data;
    for (;;)
        (void)syscall(SYS_getppid);
    return NULL;
}

static void *exec_next(void *data)
{
    char **argv = data;

    (void)usleep(1000);
    (void)execv(argv[0], argv); /* not /proc/self/exe, which a dead leader has no more */
    printf("execv: %d\n", errno);
    exit(1);
}

int main(int argc, char **argv)
{
    const int round = argc > 1 ? atoi(argv[1]) : 0;
    char next[16];
    char *next_argv[] = {argv[0], next, NULL};
    pthread_t thread;

    printf("round %d: it is the leader: %d\n", round, getpid() == gettid());
    (void)fflush(stdout);
    if (round == ROUNDS)
        return 42;
    (void)snprintf(next, sizeof next, "%d", round + 1);
    for (int i = 0; i < SPINNERS; i++)
        if (pthread_create(&thread, NULL, spin, NULL) != 0)
            return 1;
    if (pthread_create(&thread, NULL, exec_next, next_argv) != 0)
        return 1;
    switch (round % 3) {
    case 0:
        (void)pthread_join(thread, NULL);
        break;
    case 1:
        for (;;)
            (void)syscall(SYS_getppid);
    default:
        /* The leader alone ends: the stack with next_argv stays, as the process does. */
        (void)syscall(SYS_exit, 0);
    }
    return 1;
}
