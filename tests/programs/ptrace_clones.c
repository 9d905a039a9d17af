/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every way to make a task: fork, vfork with exec, threads that fork, a deep chain, orphans in a
 * new session, a leader that ends before its threads, tasks that are killed at birth,
 * CLONE_UNTRACED, CLONE_PARENT, and many short ones.
 */
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHAIN = 40, THREADS = 8, SHORT = 400, BIRTHS = 100 };

static int wait_status(pid_t pid)
{
    int status = -1;

    while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
        ;
    return status;
}

static int chain(int depth)
{
    const pid_t pid = fork();

    if (pid == 0)
        _exit(depth == 0 ? 0 : chain(depth - 1) + 1);
    return WEXITSTATUS(wait_status(pid));
}

static void *fork_and_wait(void *data)
{
    int *sum = data;

    for (int i = 0; i < 20; i++) {
        const pid_t pid = fork();

        if (pid == 0)
            _exit(i & 1);
        *sum += WEXITSTATUS(wait_status(pid));
    }
    return NULL;
}

static void test_threads(void)
{
    pthread_t threads[THREADS];
    int sums[THREADS] = {0};
    int total = 0;

    for (int i = 0; i < THREADS; i++)
        (void)pthread_create(&threads[i], NULL, fork_and_wait, &sums[i]);
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        total += sums[i];
    }
    printf("threads that fork: %d\n", total);
}

static void test_vfork(void)
{
    char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"exit 9"}, NULL};
    const pid_t pid = vfork();

    if (pid == 0) {
        (void)execv("/bin/sh", argv);
        _exit(1);
    }
    printf("vfork: %d\n", WEXITSTATUS(wait_status(pid)));
}

static void *late(void *data)
{
    (void)data;
    (void)usleep(100000);
    _exit(11);
}

static void test_leader_first(void)
{
    const pid_t pid = fork();

    if (pid == 0) {
        pthread_t thread;

        (void)pthread_create(&thread, NULL, late, NULL);
        (void)syscall(SYS_exit, 0);
    }
    printf("leader first: %d\n", WEXITSTATUS(wait_status(pid)));
}

static void test_births(void)
{
    int killed = 0;

    for (int i = 0; i < BIRTHS; i++) {
        const pid_t middle = fork();

        if (middle == 0) {
            for (int k = 0; k < 5; k++)
                if (fork() == 0) {
                    (void)kill(getpid(), SIGKILL);
                    _exit(0);
                }
            for (;;)
                (void)pause();
        }
        if (i & 1)
            (void)usleep((unsigned)(i * 20));
        (void)kill(middle, SIGKILL);
        killed += WTERMSIG(wait_status(middle)) == SIGKILL;
    }
    printf("killed at birth: %d\n", killed);
}

static void test_clone(uint64_t flags, const char *name)
{
    const pid_t pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid == 0)
        _exit(getppid() > 0 ? 5 : 6);
    printf("%s: %d\n", name, pid < 0 ? -1 : WEXITSTATUS(wait_status(pid)));
}

static void test_clone3(void)
{
    struct clone_args args = {.flags = CLONE_UNTRACED, .exit_signal = SIGCHLD};
    const pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);

    if (pid == 0)
        _exit(getppid() > 0 ? 5 : 6);
    printf("clone3, untraced: %d\n", pid < 0 ? -errno : WEXITSTATUS(wait_status(pid)));
}

static void test_orphan(void)
{
    int pipe_fds[2];
    char text[32] = "";
    pid_t pid;

    if (pipe(pipe_fds) < 0)
        return;
    pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            (void)setsid();
            (void)usleep(100000);
            _exit(write(pipe_fds[1], "from the orphan", 15) != 15);
        }
        _exit(3);
    }
    (void)close(pipe_fds[1]);
    printf("its parent: %d\n", WEXITSTATUS(wait_status(pid)));
    if (read(pipe_fds[0], text, sizeof text - 1) > 0)
        printf("%s\n", text);
}

int main(void)
{
    int ended = 0;

    (void)setvbuf(stdout, NULL, _IONBF, 0);
    printf("chain: %d\n", chain(CHAIN));
    test_threads();
    test_vfork();
    test_leader_first();
    test_births();
    test_clone(0, "clone");
    test_clone(CLONE_UNTRACED, "clone, untraced");
    test_clone3();
    test_orphan();
    for (int i = 0; i < SHORT; i++) {
        const pid_t pid = fork();

        if (pid == 0)
            _exit(0);
        ended += wait_status(pid) == 0;
    }
    printf("short ones: %d\n", ended);
    return 23;
}
