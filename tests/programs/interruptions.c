/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a signal does to calls that wait, with handlers that restart calls and without. Prints a
 * line for each, the same with and without a recorder.
 */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int ends[2];
static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
    (void)number;
    /* The second one ends a call that was restarted. */
    if (++alarms == 2)
        (void)!write(ends[1], "x", 1);
}

static long do_read(void)
{
    char byte;
    return read(ends[0], &byte, 1);
}

static long do_nanosleep(void)
{
    struct timespec time = {.tv_nsec = 120000000};
    return nanosleep(&time, NULL);
}

static long do_poll(void)
{
    struct pollfd fd = {.fd = ends[0], .events = POLLIN};
    return poll(&fd, 1, 200);
}

static long do_select(void)
{
    struct timeval time = {.tv_usec = 200000};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    return select(ends[0] + 1, &set, NULL, NULL, &time);
}

static long do_epoll(void)
{
    struct epoll_event event;
    const int fd = epoll_create1(0);
    const long r = epoll_wait(fd, &event, 1, 200);
    const int error = errno;
    close(fd);
    errno = error;
    return r;
}

static long do_futex(void)
{
    static int word = 1;
    struct timespec time = {.tv_nsec = 200000000};
    return syscall(SYS_futex, &word, FUTEX_WAIT, 1, &time, NULL, 0);
}

static long do_wait(void)
{
    const pid_t child = fork();
    int status;
    if (child == 0) {
        struct timespec time = {.tv_nsec = 150000000};
        nanosleep(&time, NULL);
        _exit(0);
    }
    const long r = waitpid(child, &status, 0);
    const int error = errno;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    errno = error;
    return r < 0 ? r : 0;
}

static long do_pause(void)
{
    return pause();
}

static const struct {
    const char *name;
    long (*run)(void);
} calls[] = {
    {"read", do_read},   {"nanosleep", do_nanosleep}, {"poll", do_poll}, {"select", do_select},
    {"epoll", do_epoll}, {"futex", do_futex},         {"wait", do_wait}, {"pause", do_pause},
};

int main(void)
{
    for (int restart = 0; restart < 2; restart++) {
        for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
            struct sigaction action = {.sa_handler = on_alarm,
                                       .sa_flags = restart ? SA_RESTART : 0};
            struct itimerval timer = {{0, 30000}, {0, 30000}};
            if (pipe(ends) < 0)
                return 1;
            alarms = 0;
            sigaction(SIGALRM, &action, NULL);
            setitimer(ITIMER_REAL, &timer, NULL);
            errno = 0;
            const long r = calls[i].run();
            const int error = errno;
            memset(&timer, 0, sizeof timer);
            setitimer(ITIMER_REAL, &timer, NULL);
            printf("%s %s %ld %s\n", calls[i].name, restart ? "restart" : "plain", r,
                   r < 0 ? strerror(error) : "");
            close(ends[0]);
            close(ends[1]);
        }
    }
    return 0;
}
