/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the questions of the capability rules about a real tracee, and drafts what they infer. */
#include "tracer/capability_rules.h"
#include "tracer/observer_private.h"

#include "base/io.h"
#include "base/memory.h"
#include "base/procfs.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

typedef struct Asked {
    Observer *observer;
    Tracee *tracee;
    Pending *pending;
} Asked;

static int ask_read(void *data, uint64_t address, void *bytes, size_t length)
{
    return tracee_read(((const Asked *)data)->tracee, address, bytes, length);
}

static int ask_fd_stat(void *data, int fd, struct stat *ret)
{
    return tracee_descriptor_stat(((const Asked *)data)->tracee, fd, ret);
}

static int pid_namespace(const char *process, struct stat *ret)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%.16s/ns/pid", process);
    return stat(path, ret);
}

static bool same_pid_namespace(const char *one, pid_t other)
{
    char number[16];
    struct stat a;
    struct stat b;

    (void)snprintf(number, sizeof number, "%d", (int)other);
    return pid_namespace(one, &a) == 0 && pid_namespace(number, &b) == 0 && a.st_ino == b.st_ino;
}

/* The task that the tracee calls PID, as whittle numbers it: where both count alike, or if it is a
 * process that is recorded, in the tracee's own namespace. */
static pid_t task_number(const Asked *asked, pid_t pid)
{
    const Tracee *tracee = asked->tracee;
    char number[16];

    if (pid == 0)
        return tracee->tid;
    if (same_pid_namespace("self", tracee->tid))
        return pid;
    const Process *meant = observe_process_meant(asked->observer, tracee, pid);
    if (!meant)
        return -1;
    (void)snprintf(number, sizeof number, "%d", (int)meant->pid);
    return same_pid_namespace(number, tracee->tid) ? meant->pid : -1;
}

/* A task in a user namespace above whittle's is beyond all capabilities here; its namespace cannot
 * be looked at, and so nothing is said of it. */
static int ask_task(void *data, pid_t pid, Credentials *ret)
{
    const pid_t number = task_number(data, pid);
    char path[64];
    struct stat own;
    struct stat other;

    if (number < 0)
        return -ESRCH;
    (void)snprintf(path, sizeof path, "/proc/%d/ns/user", number);
    if (stat("/proc/self/ns/user", &own) < 0 || stat(path, &other) < 0)
        return -errno;
    const int r = credentials_of_task(number, ret);
    if (r < 0)
        return r;
    ret->own_user_namespace = own.st_ino != other.st_ino;
    return 0;
}

static int ask_schedule(void *data, pid_t pid, CapabilitySchedule *ret)
{
    const pid_t number = task_number(data, pid);
    struct sched_param param;

    if (number < 0)
        return -ESRCH;
    const int policy = sched_getscheduler(number);
    if (policy < 0 || sched_getparam(number, &param) < 0)
        return -errno;
    /* The raw call: 40 … 1 for -20 … 19. */
    const long nice = syscall(SYS_getpriority, 0 /* PRIO_PROCESS */, number);
    if (nice < 0)
        return -errno;
    *ret = (CapabilitySchedule){.nice = 20 - (int)nice,
                                .policy = policy & ~0x40000000 /* SCHED_RESET_ON_FORK */,
                                .rt_priority = param.sched_priority};
    return 0;
}

static int ask_memory(void *data, CapabilityMemory *ret)
{
    const Asked *asked = data;
    char status[4096];
    const ssize_t n =
        procfs_read_task(asked->tracee->process->pid, "status", status, sizeof status);

    if (n < 0)
        return (int)n;
    const char *size = procfs_field(status, "VmSize");
    const char *locked = procfs_field(status, "VmLck");
    if (!size || !locked)
        return -ENODATA;
    *ret = (CapabilityMemory){.total = strtoull(size, NULL, 10) * 1024,
                              .locked = strtoull(locked, NULL, 10) * 1024};
    return 0;
}

static int ask_rlimit(void *data, int resource, struct rlimit *ret)
{
    const Asked *asked = data;
    struct rlimit limit;

    if (prlimit(asked->tracee->tid, (enum __rlimit_resource)resource, NULL, &limit) < 0)
        return -errno;
    *ret = limit;
    return 0;
}

static int ask_sysctl(void *data, const char *name, long *ret)
{
    const Asked *asked = data;
    char path[160];
    char text[64];

    /* /proc/sys/net shows the reader's own network namespace. */
    if (strncmp(name, "net/", 4) == 0) {
        struct stat own;
        struct stat other;
        (void)snprintf(path, sizeof path, "/proc/%d/ns/net", asked->tracee->tid);
        if (stat("/proc/self/ns/net", &own) < 0 || stat(path, &other) < 0 ||
            own.st_ino != other.st_ino)
            return -ENODATA;
    }
    (void)snprintf(path, sizeof path, "/proc/sys/%s", name);
    const ssize_t n = procfs_read(path, text, sizeof text);
    if (n < 0)
        return (int)n;
    *ret = strtol(text, NULL, 10);
    return 0;
}

/* PATH as whittle reaches it: the same where both have one root, else by the detour of /proc. */
static bool reachable(const Asked *asked, const char *path, char *out, size_t size)
{
    const Root *root = process_root(&asked->observer->table, asked->tracee->process);
    const bool own = root && root->own;
    const int n = own ? snprintf(out, size, "%s", path)
                      : snprintf(out, size, "/proc/%d/root%s", asked->tracee->process->pid, path);

    return n > 0 && (size_t)n < size;
}

static int ask_has_acl(void *data, const char *path)
{
    char real[PATH_MAX + 64];

    if (!reachable(data, path, real, sizeof real))
        return -ENAMETOOLONG;
    if (lgetxattr(real, "system.posix_acl_access", NULL, 0) >= 0)
        return 1;
    return errno == ENODATA || errno == ENOTSUP ? 0 : -errno;
}

static int ask_socket_info(void *data, int fd, int *domain, int *type, int *protocol)
{
    const Asked *asked = data;
    const SocketInfo *info = socket_table_get(&asked->observer->sockets, asked->tracee, fd);

    if (!info || info->domain < 0 || info->type < 0)
        return -ENODATA;
    *domain = info->domain;
    *type = info->type;
    *protocol = info->protocol;
    return 0;
}

/* RAW may lead through a magic link, behind which no folder on the way to TEXT was searched. */
static bool maybe_magic(const Asked *asked, const char *raw)
{
    char real[PATH_MAX + 64];
    char target[16];

    if (strncmp(raw, "/proc", 5) == 0 || strncmp(raw, "/dev", 4) == 0)
        return true;
    if (raw[0] != '/')
        return false;
    if (!reachable(asked, raw, real, sizeof real))
        return true;
    const ssize_t n = readlink(real, target, sizeof target);
    return (n >= 4 && memcmp(target, "/dev", 4) == 0) ||
           (n >= 5 && memcmp(target, "/proc", 5) == 0);
}

/* Where in TEXT the search began that the program asked for by RAW: 0 for the root, else the length
 * of the folder's name; negative where one cannot tell. */
static long search_start(const char *text, const char *raw)
{
    const size_t length = strlen(text);
    const size_t tail = strlen(raw);

    if (raw[0] == '/')
        return 0;
    /* Only where no link and no ".." was on the way. */
    if (tail + 1 > length || strcmp(text + length - tail, raw) != 0 ||
        text[length - tail - 1] != '/')
        return -1;
    return (long)(length - tail - 1);
}

/*
 * The folders from the start of the search to the one that holds the last name of the canonical
 * path: all of them were searched, whichever way the links led. Folders of links that lie elsewhere
 * are not seen.
 */
static int ask_ancestors(void *data, const ResolvedPath *path, CapabilityFolderVisit *visit,
                         void *visit_data)
{
    char folder[PATH_MAX];
    char real[PATH_MAX + 64];
    struct stat st;

    if (!path->text || !path->raw || path->served || strlen(path->text) >= sizeof folder ||
        strncmp(path->text, "/proc/", 6) == 0 || maybe_magic(data, path->raw))
        return -ENODATA;
    const long start = search_start(path->text, path->raw);
    if (start < 0)
        return -ENODATA;
    for (const char *slash = path->text + start; (slash = strchr(slash, '/')) != NULL; slash++) {
        const size_t length = slash == path->text ? 1 : (size_t)(slash - path->text);
        memcpy(folder, path->text, length);
        folder[length] = '\0';
        if (!reachable(data, folder, real, sizeof real))
            return -ENAMETOOLONG;
        if (stat(real, &st) < 0)
            return -errno;
        const int r = visit(visit_data, &st, folder);
        if (r != 0)
            return r;
    }
    return 0;
}

static void emit(void *data, int capability, const char *rule, const char *object)
{
    const Asked *asked = data;
    const Capability *known = capability_by_number(capability);

    if (!known)
        return;
    Fact *fact = pending_draft(asked->observer, asked->tracee, asked->pending, FACT_CAPABILITY,
                               known->name, DRAFT_IF_SUCCESS);
    if (!fact)
        return;
    fact->rule = rule;
    fact_set_text(fact, FIELD_SYSCALL, asked->pending->call.syscall->name);
    if (object)
        fact_set_text(fact, FIELD_OBJECT, observer_intern(asked->observer, object));
}

/*
 * What enforcement took from the thread, which it would have: it is the kernel's root with all that
 * was left to it. One that gave some of that away itself would have given the rest away too.
 */
static uint64_t withheld_from(const Observer *observer, const Credentials *credentials)
{
    const Enforcement *enforcement = observer_enforcement(observer);

    if (!enforcement || !enforcement->limits_capabilities || credentials->own_user_namespace ||
        credentials->euid != 0)
        return 0;
    const uint64_t left = credentials->bounding & enforcement->capabilities;
    return (credentials->effective & left) == left ? enforcement->withheld : 0;
}

void observe_capabilities(Observer *observer, Tracee *tracee, Pending *pending)
{
    static const CapabilityQueries queries = {
        .read = ask_read,
        .fd_stat = ask_fd_stat,
        .task = ask_task,
        .schedule = ask_schedule,
        .memory = ask_memory,
        .rlimit = ask_rlimit,
        .sysctl = ask_sysctl,
        .has_acl = ask_has_acl,
        .socket_info = ask_socket_info,
        .ancestors = ask_ancestors,
    };
    Asked asked = {.observer = observer, .tracee = tracee, .pending = pending};
    const Credentials *credentials;

    if (!pending->call.syscall ||
        !capability_rules_concern(observer->capability_rules, pending->call.syscall) ||
        tracee_credentials(tracee, &credentials) < 0)
        return;
    const CapabilityContext context = {.call = &pending->call,
                                       .credentials = credentials,
                                       .withheld = withheld_from(observer, credentials),
                                       .queries = &queries,
                                       .data = &asked};
    if (!observer->options.sees_results && pending->predicted == RESULT_OK &&
        !observed_before(observer, pending) &&
        capability_foresees_denial(observer->capability_rules, &context))
        pending->predicted = EACCES;
    capability_infer(observer->capability_rules, &context, emit, &asked);
}
