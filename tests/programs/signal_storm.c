/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that never fail with EINTR by themselves, in PROCESSES processes under a storm of two
 * signals whose handlers are set without SA_RESTART, interrupt each other, and make such calls as
 * well. Meanwhile BUSY more processes, without signals, open a path that takes long to look up.
 * Prints how many calls did fail so; how many of those that were made through syscall(3) did, where
 * the number of the call is in no instruction; how often out of WAITS a call that waits was
 * interrupted as it should; and how many signals came.
 *
 *     signal_storm PROCESSES CALLS INTERVAL-IN-MICROSECONDS BUSY
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct Count {
    int interrupted;
    int hidden;
    int waits;
    int signals;
} Count;

enum { WAITS = 10 };

static volatile sig_atomic_t signals;
static volatile sig_atomic_t interrupted_within;

static void on_alarm(int number)
{
    const int error = errno;

    signals++;
    if (number == SIGUSR1 && getppid() < 0)
        interrupted_within++;
    errno = error;
}

static timer_t start_timer(long interval)
{
    const long other = interval + interval / 3;
    const struct itimerspec times = {{0, other * 1000}, {0, other * 1000}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t timer;

    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &times, NULL);
    return timer;
}

static Count storm(long calls, long interval)
{
    const struct itimerval timer = {{0, interval}, {0, interval}};
    const struct itimerval none = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = on_alarm};
    int interrupted = 0;
    int hidden = 0;

    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    const timer_t other = start_timer(interval);
    setitimer(ITIMER_REAL, &timer, NULL);
    for (long i = 0; i < calls; i++) {
        interrupted += getppid() < 0;
        hidden += syscall(SYS_getppid) < 0;
        const int fd = open("/dev/null", O_RDONLY);
        interrupted += fd < 0 && errno == EINTR;
        interrupted += fd >= 0 && close(fd) < 0;
        if (i % 64 == 0) {
            const pid_t child = fork();
            if (child == 0)
                _exit(0);
            interrupted += child < 0 && errno == EINTR;
            while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
                ;
        }
    }
    while (timer_delete(other) < 0 && errno == EINTR)
        ;
    while (setitimer(ITIMER_REAL, &none, NULL) < 0)
        ;
    return (Count){interrupted + interrupted_within, hidden, 0, signals};
}

/* If such calls were made again they would not come to an end. */
static int wait_interrupted(const char *path)
{
    const struct itimerval timer = {{0, 20000}, {0, 20000}};
    const struct itimerval none = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = on_alarm};
    int interrupted = 0;

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    for (int i = 0; i < WAITS; i++)
        interrupted += open(path, O_RDONLY) < 0 && errno == EINTR;
    while (setitimer(ITIMER_REAL, &none, NULL) < 0)
        ;
    return interrupted;
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
    char path[64];
    int result[2];
    Count total = {0}, one;

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
    (void)snprintf(path, sizeof path, "/tmp/signal-storm-%d", (int)getpid());
    if (mkfifo(path, 0600) < 0)
        return 2;
    if (fork() == 0) {
        one = (Count){.waits = wait_interrupted(path)};
        while (write(result[1], &one, sizeof one) < 0 && errno == EINTR)
            ;
        _exit(0);
    }
    close(result[1]);
    while (read(result[0], &one, sizeof one) == (ssize_t)sizeof one) {
        total.interrupted += one.interrupted;
        total.hidden += one.hidden;
        total.waits += one.waits;
        total.signals += one.signals;
    }
    unlink(path);
    for (long i = 0; i < busy_count && i < 16; i++) {
        if (busy[i] > 0)
            kill(busy[i], SIGKILL);
    }
    while (wait(NULL) > 0 || errno == EINTR)
        ;
    printf("%d %d %d %d\n", total.interrupted, total.hidden, total.waits, total.signals);
    return 0;
}
