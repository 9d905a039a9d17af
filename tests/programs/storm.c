/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     storm threads N   starts and joins N threads, 50 at a time, each making some calls
 *     storm forks N     as many processes, 50 at a time, some by vfork() and posix_spawn()
 *     storm exec        a thread that is not the leader executes /bin/echo
 */
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BATCH = 50 };

extern char **environ;

static void *work(void *data)
{
    for (int i = 0; i < 5; i++)
        (void)syscall(SYS_getppid);
    return data;
}

static void *execute(void *data)
{
    char *arguments[] = {"echo", "executed", NULL};

    (void)data;
    execve("/bin/echo", arguments, environ);
    _exit(1);
}

static int start(int i)
{
    char *arguments[] = {"true", NULL};
    pid_t pid;

    if (i % 10 == 1) {
        pid = vfork();
        if (pid == 0)
            _exit(0);
    } else if (i % 25 == 2) {
        if (posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ) != 0)
            return 1;
    } else {
        pid = fork();
        if (pid == 0) {
            (void)syscall(SYS_getppid);
            _exit(0);
        }
    }
    return pid < 0;
}

int main(int argc, char **argv)
{
    const int count = argc > 2 ? atoi(argv[2]) : 0;
    pthread_t threads[BATCH];
    int failures = 0;
    int done = 0;

    if (argc > 1 && strcmp(argv[1], "exec") == 0) {
        if (pthread_create(&threads[0], NULL, execute, NULL) == 0)
            pthread_join(threads[0], NULL);
        return 1;
    }
    for (int i = 0; i < count; i += BATCH) {
        for (int k = 0; k < BATCH; k++) {
            if (argv[1][0] == 't')
                failures += pthread_create(&threads[k], NULL, work, NULL) != 0;
            else
                failures += start(i + k);
        }
        for (int k = 0; k < BATCH; k++) {
            int status;
            if (argv[1][0] == 't')
                done += pthread_join(threads[k], NULL) == 0;
            else
                done += wait(&status) > 0 && status == 0;
        }
    }
    printf("%d done, %d failures\n", done, failures);
    return failures != 0;
}
