/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server of sorts, to be joined while it runs: threads in a loop of calls, a thread that waits in
 * a call all the time, a child, and children that come and go; until the file named by its argument
 * is there. Says then what went wrong.
 *
 *     ptrace_busy FILE
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3 };

static atomic_int ended;
static atomic_int failures;

static void *work(void *data)
{
    (void)data;
    while (!ended) {
        if (access("/etc/passwd", R_OK) < 0)
            failures++;
        (void)usleep(2000);
    }
    return NULL;
}

static void *wait_in_call(void *data)
{
    const int *pipe_fds = data;
    char byte;

    if (read(pipe_fds[0], &byte, 1) != 1)
        failures++;
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS + 1];
    int pipe_fds[2];
    int status;
    pid_t child;

    if (argc != 2 || pipe(pipe_fds) < 0)
        return 2;
    child = fork();
    if (child == 0) {
        char byte;

        (void)close(pipe_fds[1]);
        _exit(read(pipe_fds[0], &byte, 1) == 0 ? 0 : 1);
    }
    for (int i = 0; i < THREADS; i++)
        (void)pthread_create(&threads[i], NULL, work, NULL);
    {
        int own[2];

        if (pipe(own) < 0)
            return 2;
        (void)pthread_create(&threads[THREADS], NULL, wait_in_call, own);
        while (access(argv[1], F_OK) < 0) {
            const pid_t pid = fork();

            if (pid == 0)
                _exit(7);
            if (waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7)
                failures++;
            (void)usleep(10000);
        }
        ended = 1;
        if (write(own[1], "e", 1) != 1)
            failures++;
        for (int i = 0; i <= THREADS; i++)
            (void)pthread_join(threads[i], NULL);
    }
    (void)close(pipe_fds[1]);
    if (waitpid(child, &status, 0) != child || status != 0)
        failures++;
    printf("failures: %d\n", failures);
    return failures != 0;
}
