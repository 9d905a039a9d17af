/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program can see of signals: EINTR and SA_RESTART, restart after a stop, siginfo of queued
 * signals, SIGTRAP of its own, job control of a child, ends by signal.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t got;
static volatile sig_atomic_t got_value;
static volatile sig_atomic_t got_code;

static void handle(int number, siginfo_t *info, void *context)
{
    (void)context;
    got = number;
    got_value = info->si_value.sival_int;
    got_code = info->si_code;
}

static void set_handler(int number, int flags)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | flags};

    (void)sigaction(number, &action, NULL);
}

static void alarm_in_ms(int ms)
{
    const struct itimerval timer = {.it_value = {0, ms * 1000}};

    got = 0;
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

/* A child that writes to FD after 200 ms: what a restarted read() gets. */
static pid_t writer(int fd)
{
    const pid_t pid = fork();

    if (pid == 0) {
        (void)usleep(200000);
        _exit(write(fd, "w", 1) != 1);
    }
    return pid;
}

static void test_read(int flags, const char *name)
{
    int pipe_fds[2];
    char byte;
    ssize_t n;
    pid_t pid;

    if (pipe(pipe_fds) < 0)
        return;
    set_handler(SIGALRM, flags);
    pid = writer(pipe_fds[1]);
    alarm_in_ms(50);
    n = read(pipe_fds[0], &byte, 1);
    printf("read, %s: %zd %s, signal %d\n", name, n, n < 0 ? strerror(errno) : "-", (int)got);
    (void)waitpid(pid, NULL, 0);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
}

static void test_waits(void)
{
    struct timespec request = {0, 300000000};
    struct timespec rest = {0};
    int r;

    set_handler(SIGALRM, SA_RESTART);
    alarm_in_ms(50);
    r = poll(NULL, 0, 300);
    printf("poll: %d %s\n", r, r < 0 ? strerror(errno) : "-");
    alarm_in_ms(50);
    r = nanosleep(&request, &rest);
    printf("nanosleep: %d %s, rest %d\n", r, r < 0 ? strerror(errno) : "-", rest.tv_nsec > 0);
    alarm_in_ms(50);
    r = pause();
    printf("pause: %d %s\n", r, strerror(errno));
}

static void test_queue(void)
{
    const union sigval value = {.sival_int = 1234};

    set_handler(SIGRTMIN + 3, 0);
    (void)sigqueue(getpid(), SIGRTMIN + 3, value);
    printf("queued: %d, value %d, code %d\n", got == SIGRTMIN + 3, (int)got_value, (int)got_code);
    set_handler(SIGTRAP, 0);
    (void)raise(SIGTRAP);
    printf("trap: %d\n", got == SIGTRAP);
    got = 0;
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("int3");
#else
    (void)raise(SIGTRAP);
#endif
    printf("breakpoint: %d\n", got == SIGTRAP);
}

/* A child sleeps, is stopped and continued, and must sleep on. */
static void test_job_control(int stop_signal)
{
    int status;
    const pid_t pid = fork();

    if (pid == 0) {
        struct timespec request = {0, 400000000};
        int r;

        (void)signal(SIGTSTP, SIG_DFL);
        r = nanosleep(&request, NULL);
        _exit(r == 0 ? 7 : 8);
    }
    (void)usleep(50000);
    (void)kill(pid, stop_signal);
    (void)waitpid(pid, &status, WUNTRACED);
    printf("stopped: %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status) == stop_signal);
    (void)usleep(50000);
    printf("still stopped: %d\n", waitpid(pid, &status, WNOHANG | WUNTRACED | WCONTINUED) == 0);
    (void)kill(pid, SIGCONT);
    (void)waitpid(pid, &status, WCONTINUED);
    printf("continued: %d\n", WIFCONTINUED(status));
    (void)waitpid(pid, &status, 0);
    printf("ended: %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void test_kill_stopped(void)
{
    int status;
    const pid_t pid = fork();

    if (pid == 0) {
        (void)raise(SIGSTOP);
        _exit(0);
    }
    (void)waitpid(pid, &status, WUNTRACED);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    printf("killed while stopped: %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : -1);
}

int main(void)
{
    (void)setvbuf(stdout, NULL, _IONBF, 0);
    test_read(0, "no SA_RESTART");
    test_read(SA_RESTART, "SA_RESTART");
    test_waits();
    test_queue();
    test_job_control(SIGSTOP);
    test_job_control(SIGTSTP);
    test_kill_stopped();
    (void)signal(SIGUSR1, SIG_DFL);
    (void)raise(SIGUSR1);
    return 1;
}
