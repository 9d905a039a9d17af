/* SPDX-License-Identifier: Apache-2.0 */
/* The options of runc 1.0 to 1.3 and crun 0.x to 1.2x, united. */
#include "tracer/oci_options.h"

#include "base/memory.h"

#include <stdint.h>

#define ANYWHERE                                                                                   \
    {"help", 'h', TAKES_NOTHING, KEEP_HELP}, {"usage", 0, TAKES_NOTHING, KEEP_HELP},               \
    {                                                                                              \
        NULL, '?', TAKES_NOTHING, KEEP_HELP                                                        \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, 0, TAKES_NOTHING, KEEP_NOTHING                                                       \
    }

const OciOption oci_global_options[] = {
    ANYWHERE,
    {"cgroup-manager", 0, TAKES_VALUE, KEEP_CGROUP_MANAGER},
    {"criu", 0, TAKES_VALUE, KEEP_NOTHING},
    {"debug", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"log", 0, TAKES_VALUE, KEEP_LOG},
    {"log-format", 0, TAKES_VALUE, KEEP_LOG_FORMAT},
    {"log-level", 0, TAKES_VALUE, KEEP_NOTHING},
    {"root", 0, TAKES_VALUE, KEEP_ROOT},
    {"rootless", 0, TAKES_VALUE, KEEP_NOTHING},
    {"systemd-cgroup", 0, TAKES_NOTHING, KEEP_SYSTEMD_CGROUP},
    {"version", 'v', TAKES_NOTHING, KEEP_HELP},
    {NULL, 'V', TAKES_NOTHING, KEEP_HELP},
    END,
};

static const OciOption no_options[] = {ANYWHERE, END};

static const OciOption create_options[] = {
    ANYWHERE,
    {"bundle", 'b', TAKES_VALUE, KEEP_BUNDLE},
    {"config", 'f', TAKES_VALUE, KEEP_CONFIG},
    {"console-socket", 0, TAKES_VALUE, KEEP_NOTHING},
    {"detach", 'd', TAKES_NOTHING, KEEP_DETACH}, /* run only */
    {"keep", 0, TAKES_NOTHING, KEEP_NOTHING},    /* run only */
    {"no-new-keyring", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"no-pivot", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"no-subreaper", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"pid-file", 0, TAKES_VALUE, KEEP_PID_FILE},
    {"pidfd-socket", 0, TAKES_VALUE, KEEP_NOTHING},
    {"preserve-fds", 0, TAKES_VALUE, KEEP_NOTHING},
    END,
};

static const OciOption criu_options[] = {
    ANYWHERE,
    {"auto-dedup", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"bundle", 'b', TAKES_VALUE, KEEP_BUNDLE}, /* from here to detach: restore only */
    {"console-socket", 0, TAKES_VALUE, KEEP_NOTHING},
    {"detach", 'd', TAKES_NOTHING, KEEP_DETACH},
    {"empty-ns", 0, TAKES_VALUE, KEEP_NOTHING},
    {"ext-unix-sk", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"file-locks", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"image-path", 0, TAKES_VALUE, KEEP_NOTHING},
    {"lazy-pages", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"leave-running", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"lsm-mount-context", 0, TAKES_VALUE, KEEP_NOTHING},
    {"lsm-profile", 0, TAKES_VALUE, KEEP_NOTHING},
    {"manage-cgroups-mode", 0, TAKES_VALUE, KEEP_NOTHING},
    {"no-pivot", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"no-subreaper", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"page-server", 0, TAKES_VALUE, KEEP_NOTHING},
    {"parent-path", 0, TAKES_VALUE, KEEP_NOTHING},
    {"pid-file", 0, TAKES_VALUE, KEEP_PID_FILE},
    {"pre-dump", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"shell-job", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"status-fd", 0, TAKES_VALUE, KEEP_NOTHING},
    {"tcp-established", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"work-path", 0, TAKES_VALUE, KEEP_NOTHING},
    END,
};

static const OciOption exec_options[] = {
    ANYWHERE,
    {"additional-gids", 'g', TAKES_VALUE, KEEP_NOTHING},
    {"apparmor", 0, TAKES_VALUE, KEEP_NOTHING},
    {"cap", 'c', TAKES_VALUE, KEEP_NOTHING},
    {"cgroup", 0, TAKES_VALUE, KEEP_NOTHING},
    {"console-socket", 0, TAKES_VALUE, KEEP_NOTHING},
    {"cwd", 0, TAKES_VALUE, KEEP_NOTHING},
    {"detach", 'd', TAKES_NOTHING, KEEP_DETACH},
    {"env", 'e', TAKES_VALUE, KEEP_NOTHING},
    {"ignore-paused", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"no-new-privs", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"no-subreaper", 0, TAKES_NOTHING, KEEP_NOTHING},
    {"pid-file", 0, TAKES_VALUE, KEEP_PID_FILE},
    {"pidfd-socket", 0, TAKES_VALUE, KEEP_NOTHING},
    {"preserve-fds", 0, TAKES_VALUE, KEEP_NOTHING},
    {"process", 'p', TAKES_VALUE, KEEP_PROCESS},
    {"process-label", 0, TAKES_VALUE, KEEP_NOTHING},
    {"tty", 't', TAKES_ATTACHED, KEEP_NOTHING},
    {"user", 'u', TAKES_VALUE, KEEP_NOTHING},
    END,
};

static const OciOption signal_options[] = {
    ANYWHERE,
    {"all", 'a', TAKES_NOTHING, KEEP_NOTHING},
    {"force", 'f', TAKES_NOTHING, KEEP_NOTHING},
    {"regex", 'r', TAKES_NOTHING, KEEP_NOTHING},
    END,
};

static const OciOption events_options[] = {
    ANYWHERE,
    {"interval", 0, TAKES_VALUE, KEEP_NOTHING},
    {"stats", 0, TAKES_NOTHING, KEEP_NOTHING},
    END,
};

static const OciOption list_options[] = {
    ANYWHERE,
    {"format", 'f', TAKES_VALUE, KEEP_NOTHING},
    {"quiet", 'q', TAKES_NOTHING, KEEP_NOTHING},
    END,
};

static const OciOption spec_options[] = {
    ANYWHERE,
    {"bundle", 'b', TAKES_VALUE, KEEP_NOTHING},
    {"file", 'f', TAKES_VALUE, KEEP_NOTHING},
    {"rootless", 0, TAKES_NOTHING, KEEP_NOTHING},
    END,
};

static const OciOption update_options[] = {
    ANYWHERE,
    {"blkio-weight", 0, TAKES_VALUE, KEEP_NOTHING},
    {"cpu-burst", 0, TAKES_VALUE, KEEP_NOTHING},
    {"cpu-idle", 0, TAKES_VALUE, KEEP_NOTHING},
    {"cpu-period", 0, TAKES_VALUE, KEEP_NOTHING},
    {"cpu-quota", 0, TAKES_VALUE, KEEP_NOTHING},
    {"cpu-rt-period", 0, TAKES_VALUE, KEEP_NOTHING},
    {"cpu-rt-runtime", 0, TAKES_VALUE, KEEP_NOTHING},
    {"cpu-share", 0, TAKES_VALUE, KEEP_NOTHING},
    {"cpuset-cpus", 0, TAKES_VALUE, KEEP_NOTHING},
    {"cpuset-mems", 0, TAKES_VALUE, KEEP_NOTHING},
    {"kernel-memory", 0, TAKES_VALUE, KEEP_NOTHING},
    {"kernel-memory-tcp", 0, TAKES_VALUE, KEEP_NOTHING},
    {"l3-cache-schema", 0, TAKES_VALUE, KEEP_NOTHING},
    {"mem-bw-schema", 0, TAKES_VALUE, KEEP_NOTHING},
    {"memory", 0, TAKES_VALUE, KEEP_NOTHING},
    {"memory-reservation", 0, TAKES_VALUE, KEEP_NOTHING},
    {"memory-swap", 0, TAKES_VALUE, KEEP_NOTHING},
    {"pids-limit", 0, TAKES_VALUE, KEEP_NOTHING},
    {"resources", 'r', TAKES_VALUE, KEEP_NOTHING},
    END,
};

enum { ANY_NUMBER = UINT32_MAX };

/* name, options, words, in order, has a bundle, has a container */
static const OciCommand commands[] = {
    {"checkpoint", criu_options, 1, false, false, true},
    {"create", create_options, 1, false, true, true},
    {"delete", signal_options, 1, false, false, true},
    {"events", events_options, 1, false, false, true},
    {"exec", exec_options, ANY_NUMBER, true, false, true},
    {"features", no_options, 0, false, false, false},
    {"kill", signal_options, 2, false, false, true},
    {"list", list_options, 0, false, false, false},
    {"mounts", no_options, ANY_NUMBER, false, false, false},
    {"pause", no_options, 1, false, false, true},
    {"ps", list_options, ANY_NUMBER, true, false, true},
    {"restore", criu_options, 1, false, true, true},
    {"resume", no_options, 1, false, false, true},
    {"run", create_options, 1, false, true, true},
    {"spec", spec_options, 0, false, false, false},
    {"start", no_options, 1, false, false, true},
    {"state", no_options, 1, false, false, true},
    {"update", update_options, 1, false, false, true},
};

const OciCommand oci_command_other = {"", no_options, ANY_NUMBER, true, false, false};

const OciCommand *oci_command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

const OciOption *oci_option_by_letter(const OciOption *options, char letter)
{
    for (const OciOption *option = options; option->name || option->letter; option++) {
        if (option->letter == letter)
            return option;
    }
    return NULL;
}

const OciOption *oci_option_by_name(const OciOption *options, const char *name, size_t length,
                                    bool may_be_cut)
{
    const OciOption *found = NULL;
    unsigned count = 0;

    for (const OciOption *option = options; option->name || option->letter; option++) {
        if (!option->name || strncmp(option->name, name, length) != 0)
            continue;
        if (option->name[length] == '\0')
            return option;
        found = option;
        count++;
    }
    return may_be_cut && length > 0 && count == 1 ? found : NULL;
}
