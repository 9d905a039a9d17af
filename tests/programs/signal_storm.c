/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that never fail with EINTR by themselves, in PROCESSES processes under a storm of signals
 * whose handler is set without SA_RESTART. Prints how many calls did fail so.
 *
 *     signal_storm PROCESSES CALLS INTERVAL-IN-MICROSECONDS
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_alarm(int number)
{
    (void)number;
}

static int storm(long calls, long interval)
{
    const struct itimerval timer = {{0, interval}, {0, interval}};
    struct sigaction action = {.sa_handler = on_alarm};
    int interrupted = 0;

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    for (long i = 0; i < calls; i++) {
        interrupted += syscall(SYS_getppid) < 0;
        const int fd = open("/dev/null", O_RDONLY);
        interrupted += fd < 0 && errno == EINTR;
        if (fd >= 0)
            close(fd);
        if (i % 64 == 0) {
            const pid_t child = (pid_t)syscall(SYS_fork);
            if (child == 0)
                _exit(0);
            interrupted += child < 0 && errno == EINTR;
            while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
                ;
        }
    }
    return interrupted;
}

int main(int argc, char **argv)
{
    int result[2];
    int total = 0, one;

    if (argc != 4 || pipe(result) < 0)
        return 2;
    for (long i = strtol(argv[1], NULL, 10); i > 0; i--) {
        if (fork() == 0) {
            one = storm(strtol(argv[2], NULL, 10), strtol(argv[3], NULL, 10));
            while (write(result[1], &one, sizeof one) < 0 && errno == EINTR)
                ;
            _exit(0);
        }
    }
    close(result[1]);
    while (read(result[0], &one, sizeof one) == (ssize_t)sizeof one)
        total += one;
    printf("%d\n", total);
    return 0;
}
