/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/apparmor.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define KERNEL_FOLDER "/sys/kernel/security/apparmor"

enum { WORDS_MAX = 65536, NAME_SIZE = 256 };

/* Where it is, whatever PATH says: sbin is not in everybody's. */
static const char *find_parser(void)
{
    static const char *const paths[] = {"/usr/sbin/apparmor_parser", "/sbin/apparmor_parser"};

    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    }
    return NULL;
}

const char *apparmor_obstacle(void)
{
    if (access("/sys/module/apparmor", F_OK) < 0)
        return "this kernel runs without AppArmor";
    if (access(KERNEL_FOLDER, F_OK) < 0)
        return "securityfs is not mounted, or belongs to somebody else";
    if (access(KERNEL_FOLDER "/.replace", W_OK) < 0)
        return "loading AppArmor profiles takes root";
    if (!find_parser())
        return "apparmor_parser is missing: install the package apparmor";
    return NULL;
}

bool apparmor_has(const char *feature)
{
    char path[NAME_SIZE];

    return snprintf(path, sizeof path, KERNEL_FOLDER "/features/%s", feature) < (int)sizeof path &&
           access(path, F_OK) == 0;
}

/* ---- loading -------------------------------------------------------------------------------- */

/* A file without a name, from its start. -1 on failure, with errno. */
static int scratch_file(const char *bytes, size_t length)
{
    const int fd = memfd_create("apparmor", MFD_CLOEXEC);

    if (fd >= 0 && (write_all(fd, bytes, length) < 0 || lseek(fd, 0, SEEK_SET) < 0)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Starts it with INPUT to read and OUTPUT to write. 0 or a negative errno. */
static int start_parser(const char *path, int input, int output, pid_t *ret_pid)
{
    char *const argv[] = {(char[]){"apparmor_parser"},        (char[]){"--replace"},
                          (char[]){"--skip-cache"},           (char[]){"--warn=rule-not-enforced"},
                          (char[]){"--warn=rule-downgraded"}, NULL};
    char *const environment[] = {(char[]){"LC_ALL=C"}, NULL};
    posix_spawn_file_actions_t actions;

    int r = posix_spawn_file_actions_init(&actions);
    if (r != 0)
        return -r;
    r = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    if (r == 0)
        r = posix_spawn(ret_pid, path, &actions, NULL, argv, environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    return -r;
}

int apparmor_load(const Buffer *profile, Buffer *warnings, Error *err)
{
    CLEANUP(fd_close) int input = scratch_file(buffer_text(profile), profile->length);
    CLEANUP(fd_close) int output = scratch_file("", 0);
    CLEANUP(buffer_deinit) Buffer words = BUFFER_INIT;
    const char *path = find_parser();
    pid_t pid = -1;
    int status = 0;

    if (!path)
        return error_set(err, -ENOENT, "apparmor_parser is missing: install the package apparmor");
    if (input < 0 || output < 0)
        return error_errno(err, errno, "cannot give apparmor_parser its files");
    int r = start_parser(path, input, output, &pid);
    if (r < 0)
        return error_errno(err, r, "cannot run %s", path);
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return error_errno(err, errno, "waiting for %s", path);
    }
    if (lseek(output, 0, SEEK_SET) < 0 || read_fd(output, &words, WORDS_MAX) < 0)
        return error_errno(err, EIO, "cannot read what %s says", path);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return error_set(err, -EINVAL, "apparmor_parser does not load the profile: %.*s",
                         (int)strcspn(buffer_text(&words), "\n"), buffer_text(&words));
    r = words.length ? buffer_append(warnings, words.data, words.length) : 0;
    return r < 0 ? error_errno(err, r, "loading the profile") : 0;
}

/* One write is one command. */
static int write_once(const char *path, const char *text, size_t length)
{
    CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    const ssize_t n = write(fd, text, length);
    return n < 0 ? -errno : 0;
}

int apparmor_unload(const char *name)
{
    const int r = write_once(KERNEL_FOLDER "/.remove", name, strlen(name));

    return r == -ENOENT ? 0 : r;
}

/* ---- entering ------------------------------------------------------------------------------- */

int apparmor_enter_at_exec(const char *name)
{
    static const char *const paths[] = {"/proc/thread-self/attr/apparmor/exec",
                                        "/proc/thread-self/attr/exec"};
    char command[NAME_SIZE] = "exec ";
    int r = -ENOENT;

    if (strlen(name) >= sizeof command - strlen(command))
        return -ENAMETOOLONG;
    (void)strcat(command, name);
    for (size_t i = 0; i < ARRAY_LENGTH(paths) && r == -ENOENT; i++)
        r = write_once(paths[i], command, strlen(command));
    return r;
}
