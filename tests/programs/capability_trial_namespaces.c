/* SPDX-License-Identifier: Apache-2.0 */
/* What mapping ids into a user namespace needs in the one above. */
#include "capability_trial.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Writes TEXT to /proc/PID/NAME; PID 0 is this process. */
static bool put(pid_t pid, const char *name, const char *text)
{
    char path[64];
    const size_t length = strlen(text);
    int fd;

    if (pid == 0)
        (void)snprintf(path, sizeof path, "/proc/self/%s", name);
    else
        (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_WRONLY);
    return fd >= 0 && write(fd, text, length) == (ssize_t)length && close(fd) == 0;
}

/* A child in a user namespace of its own, which goes when this process does. */
static pid_t child_with_namespace(void)
{
    int ready[2], life[2];
    char byte;
    pid_t pid;

    check(pipe(ready) == 0 && pipe(life) == 0, "pipe");
    pid = fork();
    check(pid >= 0, "fork");
    if (pid == 0) {
        check(unshare(CLONE_NEWUSER) == 0 && close(life[1]) == 0, "unshare");
        check(write(ready[1], "", 1) == 1, "write");
        (void)!read(life[0], &byte, 1);
        _exit(0);
    }
    check(close(ready[1]) == 0, "close");
    if (read(ready[0], &byte, 1) != 1)
        _exit(cannot("no user namespaces here"));
    return pid;
}

static Outcome map_own(const char *map)
{
    begin();
    return outcome(unshare(CLONE_NEWUSER) == 0 && put(0, "uid_map", map));
}

static Outcome map_root(void)
{
    return map_own("0 0 1\n");
}

static Outcome map_user(void)
{
    become_user();
    return map_own("0 1000 1\n");
}

static Outcome map_group(void)
{
    become_user();
    begin();
    return outcome(unshare(CLONE_NEWUSER) == 0 && put(0, "setgroups", "deny") &&
                   put(0, "gid_map", "0 1000 1\n"));
}

static Outcome map_child(const char *name, const char *map)
{
    pid_t child = child_with_namespace();
    begin();
    return outcome(put(child, name, map));
}

static Outcome map_child_root(void)
{
    return map_child("uid_map", "0 0 1\n");
}

static Outcome map_child_users(void)
{
    return map_child("uid_map", "0 1000 10\n5000 3000 1\n");
}

static Outcome map_child_groups(void)
{
    return map_child("gid_map", "0 1000 10\n");
}

const Action namespace_actions[] = {
    {"map-root", "CAP_SETFCAP", "-", map_root},
    {"map-user", "-", "-", map_user},
    {"map-group", "-", "-", map_group},
    {"map-child-root", "CAP_SETFCAP", "-", map_child_root},
    {"map-child-users", "CAP_SETUID", "-", map_child_users},
    {"map-child-groups", "CAP_SETGID", "-", map_child_groups},
    {NULL, NULL, NULL, NULL},
};
