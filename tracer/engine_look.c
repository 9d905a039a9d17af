/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc says of how a container's process is confined. */
#include "base/memory.h"
#include "base/procfs.h"
#include "tracer/engine_run.h"

static uint64_t number_of(const char *status, const char *field, int base)
{
    const char *text = procfs_field(status, field);

    return text ? strtoull(text, NULL, base) : 0;
}

/* Its root file system is mounted read-only: the line of mountinfo whose mount point is "/". False
 * if there is none, for it has ended. */
static bool root_is_read_only(pid_t pid, bool *ret_read_only)
{
    CLEANUP(file_close) FILE *file = NULL;
    char line[4096];
    char path[64];
    bool found = false;

    (void)snprintf(path, sizeof path, "/proc/%d/mountinfo", pid);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        char point[2];
        char options[128];
        if (sscanf(line, "%*d %*d %*s %*s %1s%*1[ ]%127s", point, options) != 2)
            continue;
        found = true;
        *ret_read_only = strncmp(options, "ro", 2) == 0 && (options[2] == ',' || !options[2]);
    }
    return found;
}

bool engine_user_is_root(const char *user)
{
    const size_t length = strcspn(user, ":\n");

    return strspn(user, "0") == length || (length == 4 && strncmp(user, "root", length) == 0);
}

bool engine_look_at(EngineSeen *seen, pid_t pid)
{
    char status[8192];
    bool read_only;

    if (procfs_read_task(pid, "status", status, sizeof status) <= 0 ||
        !root_is_read_only(pid, &read_only))
        return false;
    seen->seccomp = (int)number_of(status, "Seccomp", 10);
    seen->no_new_privs = number_of(status, "NoNewPrivs", 10) == 1;
    seen->bounding = number_of(status, "CapBnd", 16);
    seen->effective = number_of(status, "CapEff", 16);
    seen->read_only = read_only;
    if (procfs_read_task(pid, "attr/current", seen->apparmor, sizeof seen->apparmor) < 0)
        seen->apparmor[0] = '\0';
    seen->apparmor[strcspn(seen->apparmor, "\n")] = '\0';
    seen->looked = true;
    return seen->seccomp == 2;
}
