/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads, some with a folder of their own, one that calls execve(). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void *work(void *data)
{
    char name[64];
    const long n = (long)data;

    if (n % 4 == 0 && unshare(CLONE_FS) == 0) {
        snprintf(name, sizeof name, "own%ld", n % 16);
        mkdir(name, 0755);
        if (chdir(name) < 0)
            abort();
    }
    snprintf(name, sizeof name, "file%ld", n % 16);
    int fd = open(name, O_CREAT | O_WRONLY, 0644);
    if (fd < 0 || write(fd, "x", 1) != 1)
        abort();
    close(fd);
    return NULL;
}

static void *leave(void *data)
{
    char *argv[] = {"sh", "-c", "echo from a thread; exit 4", NULL};

    (void)data;
    execv("/bin/sh", argv);
    abort();
}

int main(void)
{
    pthread_t threads[50];

    for (int round = 0; round < 4; round++) {
        for (long i = 0; i < 50; i++)
            pthread_create(&threads[i], NULL, work, (void *)i);
        for (int i = 0; i < 50; i++)
            pthread_join(threads[i], NULL);
    }
    pthread_create(&threads[0], NULL, leave, NULL);
    pause();
    return 1;
}
