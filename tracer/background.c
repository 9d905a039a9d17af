/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/background.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void report(Background *background, const Error *err)
{
    if (background->report < 0)
        return;
    (void)write_all(background->report, err, sizeof *err);
    fd_close(&background->report);
}

void background_ready(Background *background)
{
    const Error none = {0};

    report(background, &none);
}

void background_failed(Background *background, const Error *err)
{
    report(background, err);
}

/* Pipes of the caller's that others wait at must not stay open here. KEPT's new number, or a
 * negative errno. */
static int leave_everything(int kept)
{
    enum { REPORT = STDERR_FILENO + 1 };
    /* Above the numbers that are about to be given away. */
    const int above = fcntl(kept, F_DUPFD_CLOEXEC, REPORT + 1);
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int nothing = null < 0 ? -1 : fcntl(null, F_DUPFD, REPORT + 1);

    if (above < 0 || nothing < 0 || dup3(above, REPORT, O_CLOEXEC) < 0)
        return -errno;
    for (int fd = 0; fd < REPORT; fd++) {
        if (dup2(nothing, fd) < 0)
            return -errno;
    }
    if (syscall(SYS_close_range, REPORT + 1, ~0U, 0) < 0 || chdir("/") < 0)
        return -errno;
    return REPORT;
}

__attribute__((noreturn)) static void run_body(BackgroundBody *body, void *data, int pipe)
{
    Error err = {0};

    if (setsid() < 0 || fork() != 0)
        _exit(0);
    Background background = {.report = pipe};
    const int kept = leave_everything(pipe);
    if (kept < 0) {
        (void)error_errno(&err, kept, "cannot go to the background");
        background_failed(&background, &err);
        _exit(1);
    }
    background.report = kept;
    body(&background, data);
    _exit(0);
}

int background_await(int report, Error *err)
{
    Error said;
    size_t length = 0;

    while (length < sizeof said) {
        const ssize_t n = read(report, (char *)&said + length, sizeof said - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set(err, -ECHILD, "the recorder ended before it was ready");
        length += (size_t)n;
    }
    if (said.code >= 0)
        return 0;
    if (err)
        *err = said;
    return said.code;
}

int background_start(BackgroundBody *body, void *data, Error *err)
{
    int pipe[2];

    if (pipe2(pipe, O_CLOEXEC) < 0)
        return error_errno(err, errno, "cannot start a process in the background");
    CLEANUP(fd_close) int report = pipe[0];
    const pid_t pid = fork();
    if (pid == 0) {
        fd_close(&report);
        run_body(body, data, pipe[1]);
    }
    fd_close(&pipe[1]);
    if (pid < 0)
        return error_errno(err, errno, "cannot start a process in the background");
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return background_await(report, err);
}

typedef struct Program {
    const char *argument;
    char *const *environment;
} Program;

static void exec_itself(Background *background, void *data)
{
    const Program *program = data;
    const char *const arguments[] = {"whittle-oci", program->argument, NULL};

    background_ready(background);
    (void)execve("/proc/self/exe", (char *const *)(uintptr_t)arguments, program->environment);
}

int background_exec(const char *argument, char *const *environment)
{
    Program program = {argument, environment};

    return background_start(exec_itself, &program, NULL);
}
