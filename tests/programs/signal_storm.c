/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that never fail with EINTR by themselves, in PROCESSES processes under a storm of signals
 * whose handler is set without SA_RESTART. Meanwhile BUSY more processes, without signals, open a
 * path that takes long to look up. Prints how many calls did fail so, and how many signals came.
 *
 *     signal_storm PROCESSES CALLS INTERVAL-IN-MICROSECONDS BUSY
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

typedef struct Count {
    int interrupted;
    int signals;
} Count;

static volatile sig_atomic_t signals;

static void on_alarm(int number)
{
    (void)number;
    signals++;
}

static Count storm(long calls, long interval)
{
    const struct itimerval timer = {{0, interval}, {0, interval}};
    const struct itimerval none = {{0, 0}, {0, 0}};
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
    while (setitimer(ITIMER_REAL, &none, NULL) < 0)
        ;
    return (Count){.interrupted = interrupted, .signals = signals};
}

static void be_busy(void)
{
    for (;;)
        close(open("/proc/self/root/proc/self/root/proc/self/root/proc/self/root/dev/null",
                   O_RDONLY));
}

int main(int argc, char **argv)
{
    pid_t busy[16];
    int result[2];
    Count total = {0, 0}, one;

    if (argc != 5 || pipe(result) < 0)
        return 2;
    const long busy_count = strtol(argv[4], NULL, 10);
    for (long i = 0; i < busy_count && i < 16; i++) {
        busy[i] = fork();
        if (busy[i] == 0) {
            close(result[1]);
            be_busy();
        }
    }
    for (long i = strtol(argv[1], NULL, 10); i > 0; i--) {
        if (fork() == 0) {
            one = storm(strtol(argv[2], NULL, 10), strtol(argv[3], NULL, 10));
            while (write(result[1], &one, sizeof one) < 0 && errno == EINTR)
                ;
            _exit(0);
        }
    }
    close(result[1]);
    while (read(result[0], &one, sizeof one) == (ssize_t)sizeof one) {
        total.interrupted += one.interrupted;
        total.signals += one.signals;
    }
    for (long i = 0; i < busy_count && i < 16; i++) {
        if (busy[i] > 0)
            kill(busy[i], SIGKILL);
    }
    while (wait(NULL) > 0 || errno == EINTR)
        ;
    printf("%d %d\n", total.interrupted, total.signals);
    return 0;
}
