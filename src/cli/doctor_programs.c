/* SPDX-License-Identifier: Apache-2.0 */
/* Finding other programs and asking for their versions. */
#include "base/io.h"
#include "base/memory.h"
#include "cli/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { VERSION_PATIENCE_MS = 2000 };

int program_find(const char *program, char *out, size_t size)
{
    /* sbin too: that is where apparmor_parser and runc may be for a user whose PATH lacks it. */
    const char *folders[] = {getenv("PATH"), "/usr/sbin:/sbin:/usr/local/sbin"};

    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
        for (const char *p = folders[i]; p && *p;) {
            size_t length = strcspn(p, ":");
            char path[PATH_MAX];
            struct stat st;
            int n = snprintf(path, sizeof path, "%.*s/%s", (int)length, p, program);

            if (length > 0 && n > 0 && (size_t)n < sizeof path && (size_t)n < size &&
                stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0) {
                memcpy(out, path, (size_t)n + 1);
                return 0;
            }
            p += length;
            p += *p == ':';
        }
    }
    return -ENOENT;
}

static long now_ms(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
        return 0;
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads until the end, until OUT is full, or until patience ends. */
static size_t read_some(int fd, char *out, size_t size)
{
    long end = now_ms() + VERSION_PATIENCE_MS;
    size_t length = 0;

    while (length + 1 < size) {
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        long left = end - now_ms();
        ssize_t n;

        if (left <= 0 || poll(&waiting, 1, (int)left) <= 0)
            break;
        n = read(fd, out + length, size - 1 - length);
        if (n <= 0)
            break;
        length += (size_t)n;
    }
    out[length] = '\0';
    return length;
}

static int spawn_reading(const char *path, const char *argument, int output, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    char *argv[] = {strdup(path), strdup(argument), NULL};
    int r = argv[0] && argv[1] ? posix_spawn_file_actions_init(&actions) : ENOMEM;

    if (r == 0) {
        r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (r == 0)
            r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        if (r == 0)
            r = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
        if (r == 0)
            r = posix_spawn(ret_pid, path, &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    free(argv[0]);
    free(argv[1]);
    return -r;
}

/* Warnings come before it: of a configuration that cannot be read, of an old name. */
static char *version_line(char *text)
{
    char *rest = text;

    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (strstr(line, " version "))
            return line;
    }
    return text; /* the first: strsep() has ended it */
}

int program_version(const char *path, const char *argument, char *out, size_t size)
{
    CLEANUP(fd_close) int reading = -1;
    int ends[2] = {-1, -1};
    char text[1024];
    size_t length;
    pid_t pid = -1;
    int r;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    reading = ends[0];
    r = spawn_reading(path, argument, ends[1], &pid);
    (void)close(ends[1]);
    if (r < 0)
        return r;
    length = read_some(reading, text, sizeof text);
    (void)kill(pid, SIGKILL); /* it has said what we wanted to know, or takes too long */
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    const char *line = version_line(text);
    if (length == 0 || !*line)
        return -ENODATA;
    (void)snprintf(out, size, "%s", line);
    return 0;
}
