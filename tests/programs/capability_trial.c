/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capability_trial --list                          the actions: name, capability, alternative
 * capability_trial [--drop N,N… | --only N,N…] ACTION   does one in the working folder, as root
 *
 * Exits 0 if the action worked, 1 if it was refused, 77 if this machine cannot show. Everything
 * before the action itself runs with all capabilities; --drop and --only change the effective and
 * permitted sets just before it.
 */
#include "capability_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t keep = UINT64_MAX;

void check(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "capability_trial: %s: %s\n", what, strerror(errno));
    exit(CANNOT);
}

Outcome outcome(bool worked)
{
    return worked ? WORKED : REFUSED;
}

Outcome cannot(const char *why)
{
    fprintf(stderr, "capability_trial: %s\n", why);
    return CANNOT;
}

/* Keeps of the effective and permitted sets what is in MASK, and raises all that is permitted. */
static void restrict_to(uint64_t mask)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    check(syscall(SYS_capget, &header, data) == 0, "capget");
    for (unsigned i = 0; i < 2; i++) {
        data[i].permitted &= (uint32_t)(mask >> (32 * i));
        data[i].effective = data[i].permitted;
        data[i].inheritable &= data[i].permitted;
    }
    check(syscall(SYS_capset, &header, data) == 0, "capset");
}

void begin(void)
{
    static const char label[] = "action";

    /* As `whittle mark` does; without a recorder it fails, and that is well. Of the answer by a
     * signal nothing is left for the action to meet. */
    (void)signal(37, SIG_IGN);
    (void)prctl(0x5754484c, label, sizeof label - 1, 0, 0);
    if (keep != UINT64_MAX)
        restrict_to(keep);
}

const char *at(const char *path)
{
    char folder[4096], *all;

    check(getcwd(folder, sizeof folder) != NULL, "getcwd");
    check(asprintf(&all, "%s/%s", folder, path) >= 0, "asprintf");
    return all;
}

static const char *finish(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    check(lchown(path, uid, gid) == 0, "lchown");
    check(chmod(path, mode) == 0, "chmod");
    return path;
}

const char *make_file(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    const char *all = at(path);
    int fd;

    (void)unlink(all);
    fd = open(all, O_WRONLY | O_CREAT | O_EXCL, 0600);
    check(fd >= 0 && write(fd, "content\n", 8) == 8 && close(fd) == 0, all);
    return finish(all, mode, uid, gid);
}

const char *make_folder(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    const char *all = at(path);

    check(mkdir(all, 0700) == 0 || errno == EEXIST, all);
    return finish(all, mode, uid, gid);
}

void become_user(void)
{
    gid_t group = USER_GROUP;

    check(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0, "keepcaps");
    check(setgroups(1, &group) == 0, "setgroups");
    check(setresgid(USER_ID, USER_ID, USER_ID) == 0, "setresgid");
    check(setresuid(USER_ID, USER_ID, USER_ID) == 0, "setresuid");
    check(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0, "dumpable");
    restrict_to(UINT64_MAX);
}

/* PR_SET_PDEATHSIG would not do: that signal too is subject to permission. */
pid_t other_process(void)
{
    int ready[2], life[2];
    char byte;
    pid_t pid;

    check(pipe(ready) == 0 && pipe(life) == 0, "pipe");
    pid = fork();
    check(pid >= 0, "fork");
    if (pid == 0) {
        check(setgroups(0, NULL) == 0 && setresgid(OTHER_ID, OTHER_ID, OTHER_ID) == 0 &&
                  setresuid(OTHER_ID, OTHER_ID, OTHER_ID) == 0,
              "ids");
        check(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0, "prctl");
        check(close(life[1]) == 0 && write(ready[1], "", 1) == 1, "write");
        (void)!read(life[0], &byte, 1);
        _exit(0);
    }
    check(read(ready[0], &byte, 1) == 1, "read");
    return pid;
}

long read_sysctl(const char *name)
{
    char path[256];
    long value = -1;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/sys/%s", name);
    file = fopen(path, "re");
    if (file) {
        if (fscanf(file, "%ld", &value) != 1)
            value = -1;
        (void)fclose(file);
    }
    return value;
}

static const Action *const tables[] = {file_actions, process_actions, system_actions,
                                       namespace_actions, probe_actions};

static uint64_t parse_mask(const char *text)
{
    uint64_t mask = 0;

    while (*text) {
        char *end;
        unsigned long number = strtoul(text, &end, 10);

        check(end != text && number < 64, "bad list of capabilities");
        mask |= UINT64_C(1) << number;
        text = *end == ',' ? end + 1 : end;
    }
    return mask;
}

int main(int argc, char **argv)
{
    const char *name = argv[argc - 1];

    if (argc == 4 && strcmp(argv[1], "--drop") == 0)
        keep = ~parse_mask(argv[2]);
    else if (argc == 4 && strcmp(argv[1], "--only") == 0)
        keep = parse_mask(argv[2]);
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (const Action *action = tables[t]; action->name; action++) {
            if (argc == 2 && strcmp(name, "--list") == 0)
                printf("%s %s %s\n", action->name, action->capability, action->alternative);
            else if (strcmp(name, action->name) == 0)
                return action->act();
        }
    }
    return argc == 2 && strcmp(name, "--list") == 0 ? 0 : 2;
}
