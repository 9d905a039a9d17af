/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/launch.h"

#include "base/memory.h"

#include <errno.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static int exec_by_shell(const Launch *launch)
{
    size_t count = 0;

    while (launch->argv[count])
        count++;
    CLEANUP(free_pointer) char **argv = calloc(count + 2, sizeof *argv);
    if (!argv)
        return -ENOMEM;
    argv[0] = (char[]){"/bin/sh"};
    argv[1] = strdup(launch->path);
    for (size_t i = 1; i < count; i++)
        argv[i + 1] = launch->argv[i];
    if (argv[1])
        (void)execve("/bin/sh", argv, environ);
    free(argv[1]);
    return -errno;
}

int launch_exec(const Launch *launch)
{
    if (sigprocmask(SIG_SETMASK, &launch->signal_mask, NULL) < 0)
        return -errno;
    (void)execve(launch->path, launch->argv, environ);
    return errno == ENOEXEC ? exec_by_shell(launch) : -errno;
}

bool may_filter_with_privileges(void)
{
    cap_flag_value_t value = CAP_CLEAR;
    cap_t own = cap_get_proc();

    if (!own)
        return false;
    const bool may =
        cap_get_flag(own, CAP_SYS_ADMIN, CAP_EFFECTIVE, &value) == 0 && value == CAP_SET;
    (void)cap_free(own);
    return may;
}

static void keep_capability(cap_t own, cap_t less, cap_value_t capability)
{
    cap_flag_value_t value = CAP_CLEAR;

    (void)cap_get_flag(own, capability, CAP_PERMITTED, &value);
    if (value != CAP_SET)
        return;
    (void)cap_set_flag(less, CAP_PERMITTED, 1, &capability, CAP_SET);
    (void)cap_set_flag(less, CAP_EFFECTIVE, 1, &capability, CAP_SET);
}

/* What stays: reading other users' processes, looking names up in their folders, forwarding signals
 * to them, and COUNT more. */
static void drop_privileges(const int *more, size_t count)
{
    static const cap_value_t kept[] = {CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_KILL};
    cap_t own = cap_get_proc();
    cap_t less = cap_init();

    for (size_t i = 0; own && less && i < ARRAY_LENGTH(kept); i++)
        keep_capability(own, less, kept[i]);
    for (size_t i = 0; own && less && i < count; i++)
        keep_capability(own, less, more[i]);
    if (own && less)
        (void)cap_set_proc(less);
    if (own)
        (void)cap_free(own);
    if (less)
        (void)cap_free(less);
    /* Nor does a program that it might be made to run bring any back. */
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* A descriptor a process is needed; the workload keeps the limit it was given. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void recorder_step_aside_keeping(const int *capabilities, size_t count)
{
    (void)setsid();
    raise_descriptor_limit();
    drop_privileges(capabilities, count);
}

void recorder_step_aside(void)
{
    recorder_step_aside_keeping(NULL, 0);
}

void recorder_step_aside_in_session(void)
{
    (void)setpgid(0, 0);
    raise_descriptor_limit();
    drop_privileges(NULL, 0);
}

/* 0 if PATH can be run. A folder or a file without x bit is -EACCES. */
static int check_program(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || access(path, X_OK) < 0)
        return -EACCES;
    return 0;
}

static int search_path(const char *name, char **ret_path)
{
    const char *path = getenv("PATH");
    int result = -ENOENT;

    if (!path)
        path = "/usr/local/bin:/bin:/usr/bin";
    for (;;) {
        const size_t length = strcspn(path, ":");
        char *candidate;
        if (asprintf(&candidate, "%.*s%s%s", (int)length, path, length ? "/" : "", name) < 0)
            return -ENOMEM;
        const int r = check_program(candidate);
        if (r == 0) {
            *ret_path = candidate;
            return 0;
        }
        free(candidate);
        if (r == -EACCES)
            result = r;
        if (path[length] == '\0')
            return result;
        path += length + 1;
    }
}

int launch_resolve(const char *name, char **ret_path, Error *err)
{
    char *path = NULL;
    int r;

    if (strchr(name, '/')) {
        r = check_program(name);
        if (r == 0) {
            path = strdup(name);
            r = path ? 0 : -ENOMEM;
        }
    } else {
        r = *name ? search_path(name, &path) : -ENOENT;
    }
    if (r == 0) {
        *ret_path = path;
        return 0;
    }
    if (r == -EACCES)
        return error_set(err, r, "cannot run %s: it is not an executable file", name);
    if (r == -ENOENT)
        return error_set(err, r, "cannot find %s%s", *name ? name : "a command without a name",
                         strchr(name, '/') ? "" : " in $PATH");
    return error_errno(err, r, "cannot run %s", name);
}
