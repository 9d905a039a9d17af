/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/joining.h"

#include "base/memory.h"
#include "base/procfs.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

void joining_deinit(Joining *joining)
{
    for (size_t i = 0; i < joining->cgroups_count; i++)
        cgroup_deinit(&joining->cgroups[i]);
    joining->cgroups_count = 0;
    container_deinit(&joining->container);
}

/* It has no memory of its own, but has not ended. */
static bool is_kernel_thread(pid_t pid)
{
    char status[4096];

    if (procfs_read_task(pid, "status", status, sizeof status) <= 0 ||
        procfs_field(status, "VmSize"))
        return false;
    const char *state = procfs_field(status, "State");
    return state && !strchr("ZX", state[strspn(state, " \t")]);
}

/* 0, or the exit status of an error that was told. */
static int join_processes(const Parsed *parsed, Joining *joining)
{
    const char *value;

    while ((value = parsed_nth(parsed, "pid", joining->pids_count)) != NULL) {
        char *end;
        errno = 0;
        const long pid = strtol(value, &end, 10);
        if (errno != 0 || *end != '\0' || end == value || pid < 1 || pid > INT32_MAX)
            return usage_error(parsed->command, "%s is no process id", value);
        if (joining->pids_count == JOIN_MAX)
            return usage_error(parsed->command, "more than %d --pid", JOIN_MAX);
        if (is_kernel_thread((pid_t)pid)) {
            message("process %ld is a thread of the kernel, which makes no system calls", pid);
            return EXIT_RECORD_FAILED;
        }
        joining->pids[joining->pids_count++] = (pid_t)pid;
    }
    return 0;
}

static int join_cgroups(const Parsed *parsed, Joining *joining)
{
    CLEANUP(cgroup_mounts_deinit) CgroupMounts mounts = {0};
    Error err = {0};
    const char *value;

    if (cgroup_mounts_read(&mounts, &err) < 0)
        return fail(EXIT_RECORD_FAILED, &err);
    while ((value = parsed_nth(parsed, "cgroup", joining->cgroups_count)) != NULL) {
        if (joining->cgroups_count == CGROUPS_LIMIT)
            return usage_error(parsed->command, "more than %d --cgroup", CGROUPS_LIMIT);
        if (cgroup_find(&mounts, value, &joining->cgroups[joining->cgroups_count], &err) < 0)
            return fail(EXIT_RECORD_FAILED, &err);
        joining->cgroups_count++;
    }
    return 0;
}

/* NAME may be NULL: no container is asked for. */
static int join_container(const char *name, Joining *joining)
{
    CLEANUP(cgroup_mounts_deinit) CgroupMounts mounts = {0};
    CLEANUP(containers_deinit) Containers containers = {0};
    const Container *found = NULL;
    Error err = {0};

    if (!name)
        return 0;
    int r = cgroup_mounts_read(&mounts, &err);
    if (r == 0 && (r = containers_read(&mounts, &containers)) < 0)
        r = error_errno(&err, r, "cannot look for containers");
    if (r == 0)
        r = containers_find(&containers, name, &found, &err);
    if (r == 0)
        r = container_cgroup(&mounts, found, &joining->cgroups[0], &err);
    if (r < 0)
        return fail(EXIT_RECORD_FAILED, &err);
    joining->cgroups_count = 1;
    r = container_copy(found, &joining->container);
    if (r < 0) {
        message("no memory for a recording");
        return EXIT_RECORD_FAILED;
    }
    return 0;
}

int joining_find(const Parsed *parsed, Joining *joining)
{
    int status = join_processes(parsed, joining);

    if (status == 0)
        status = join_cgroups(parsed, joining);
    if (status == 0)
        status = join_container(parsed_value(parsed, "container", NULL), joining);
    return status;
}

Job joining_job(const Parsed *parsed)
{
    return parsed_flag(parsed, "pid") ? JOB_JOIN : JOB_JOIN_CGROUPS;
}

int joining_count_ways(const Parsed *parsed)
{
    static const char *const options_of_joining[] = {"pid", "cgroup", "container"};
    int count = parsed->arguments_count > 0;

    for (size_t i = 0; i < ARRAY_LENGTH(options_of_joining); i++)
        count += parsed_flag(parsed, options_of_joining[i]);
    return count;
}
