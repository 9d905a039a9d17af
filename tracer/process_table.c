/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/process_table.h"
#include "tracer/served.h"

#include "base/escape.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PROC_PATH_MAX = 64, COMMAND_MAX = 256, LINK_MAX_BYTES = PATH_MAX + 16 };

/* The inode number of a namespace file, 0 if it cannot be read. */
static uint64_t namespace_inode(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

int process_table_init(ProcessTable *table, StringSet *strings, bool watch_exits)
{
    struct stat st;

    *table = (ProcessTable){.strings = strings, .exit_fd = -1, .root_epoch = 1};
    table->own_root = (Root){.refs = 1, .fd = -1, .own = true};
    table->own_root.prefix = strdup("");
    if (!table->own_root.prefix)
        return -ENOMEM;
    if (stat("/proc/self/exe", &st) == 0) {
        table->own_exe_dev = st.st_dev;
        table->own_exe_ino = st.st_ino;
    }
    table->own_mount_namespace = namespace_inode("/proc/self/ns/mnt");
    table->own_user_namespace = namespace_inode("/proc/self/ns/user");
    if (watch_exits) {
        table->exit_fd = epoll_create1(EPOLL_CLOEXEC);
        if (table->exit_fd < 0) {
            free(table->own_root.prefix);
            return -errno;
        }
    }
    return 0;
}

static Root *root_unref(Root *root)
{
    if (!root || --root->refs > 0)
        return NULL;
    fd_close(&root->fd);
    free(root->prefix);
    free(root);
    return NULL;
}

static void root_release(ProcessTable *table, Process *process)
{
    if (!process->root)
        return;
    if (process->root == &table->own_root)
        table->own_root.refs--;
    else
        process->root = root_unref(process->root);
    process->root = NULL;
}

static void process_free(ProcessTable *table, Process *process)
{
    root_release(table, process);
    fd_close(&process->pidfd);
    free(process);
}

static void tracee_free(ProcessTable *table, Tracee *tracee)
{
    HASH_DEL(table->tracees, tracee);
    if (table->tracee_gone)
        table->tracee_gone(table->tracee_gone_data, tracee);
    free(tracee);
}

void process_table_deinit(ProcessTable *table)
{
    Process *process;
    Process *next;

    HASH_ITER (hh, table->processes, process, next) {
        process_table_drop_process(table, process);
    }
    for (size_t i = 0; i < table->lineages_count; i++)
        free(table->lineages[i]);
    free(table->lineages);
    fd_close(&table->exit_fd);
    free(table->own_root.prefix);
    *table = (ProcessTable){.exit_fd = -1};
}

Tracee *process_table_find(const ProcessTable *table, pid_t tid)
{
    Tracee *tracee;

    HASH_FIND_INT(table->tracees, &tid, tracee);
    return tracee;
}

Process *process_table_find_process(const ProcessTable *table, pid_t pid)
{
    Process *process;

    HASH_FIND_INT(table->processes, &pid, process);
    return process;
}

static const Lineage *lineage_new(ProcessTable *table, const char *subject, const Lineage *parent)
{
    /* The same program started by itself (a worker of a server) is one step, not a hundred. */
    if (parent && parent->subject == subject)
        return parent;
    for (size_t i = table->lineages_count; i-- > 0;) {
        Lineage *known = table->lineages[i];
        if (known->subject == subject && known->parent == parent)
            return known;
    }
    if (array_reserve(&table->lineages, &table->lineages_capacity, table->lineages_count,
                      sizeof *table->lineages) < 0)
        return parent;
    Lineage *lineage = malloc(sizeof *lineage);
    if (!lineage)
        return parent;
    *lineage = (Lineage){.subject = subject, .parent = parent};
    table->lineages[table->lineages_count++] = lineage;
    return lineage;
}

/* The second word of the command line is WORD. */
static bool has_subcommand(pid_t pid, const char *word)
{
    char text[PATH_MAX + 64];
    const ssize_t n = procfs_read_task(pid, "cmdline", text, sizeof text);

    if (n <= 0)
        return false;
    const size_t first = strlen(text) + 1;
    return first < (size_t)n && strcmp(text + first, word) == 0;
}

static uint64_t ticks_now(void)
{
    const uint64_t a_second = (uint64_t)sysconf(_SC_CLK_TCK);
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * a_second + (uint64_t)now.tv_nsec * a_second / 1000000000;
}

/* When PID was started, 0 if that cannot be read. */
static uint64_t ticks_of_start(pid_t pid)
{
    enum { FIELD_START = 22 };
    long long ticks;

    return procfs_stat_number(pid, FIELD_START, &ticks) == 0 ? (uint64_t)ticks : 0;
}

/*
 * A process that was killed before its first call was looked at has no program in /proc any more.
 * It has called no execve(), which would have been looked at: so it runs what its parent ran when
 * it was started. That is what the parent runs now unless it changed that since.
 */
static void take_after_parent(const ProcessTable *table, Process *process)
{
    const Process *parent = process_table_find_process(table, process->parent);

    if (!parent || parent->launching ||
        (parent->programs > 1 && ticks_of_start(process->pid) <= parent->programs_age))
        return;
    process->subject = parent->subject;
    process->command = parent->command;
    process->lineage = parent->lineage;
    process->is_mark = parent->is_mark;
}

void process_identify(ProcessTable *table, Process *process)
{
    char path[PROC_PATH_MAX];
    char link[LINK_MAX_BYTES];
    struct stat st;

    (void)snprintf(path, sizeof path, "/proc/%d/exe", process->pid);
    const ssize_t length = readlink(path, link, sizeof link - 1);
    if (length <= 0 || (size_t)length >= sizeof link - 1) {
        if (!process->subject)
            take_after_parent(table, process);
        if (!process->subject)
            process->subject = strset_add(table->strings, "unknown");
        return;
    }
    link[length] = '\0';
    process->programs++;
    process->programs_age = ticks_now();
    process->is_mark = served_stat(AT_FDCWD, path, 0, &st) == 0 &&
                       st.st_dev == table->own_exe_dev && st.st_ino == table->own_exe_ino &&
                       has_subcommand(process->pid, "mark");
    process->subject = strset_add(table->strings, link);
    process->command = NULL;

    const Process *parent = process_table_find_process(table, process->parent);
    const Lineage *above = process->lineage ? process->lineage : NULL;
    if (parent && parent != process)
        above = parent->lineage;
    process->lineage = lineage_new(table, process->subject, above);
}

const char *process_command(ProcessTable *table, Process *process)
{
    char text[COMMAND_MAX + 1];

    if (process->command)
        return process->command;
    process->command = "";
    const ssize_t length = procfs_read_task(process->pid, "cmdline", text, sizeof text);
    if (length <= 0)
        return process->command;
    size_t end = (size_t)length;
    while (end > 0 && (text[end - 1] == '\0' || text[end - 1] == ' '))
        end--;
    for (size_t i = 0; i < end; i++) {
        if (text[i] == '\0')
            text[i] = ' ';
    }
    const char *kept = strset_add_bytes(table->strings, text, end);
    if (kept)
        process->command = kept;
    return process->command;
}

pid_t process_own_pid(Process *process)
{
    char status[4096];

    if (process->own_pid != 0)
        return process->own_pid;
    process->own_pid = process->pid;
    if (procfs_read_task(process->pid, "status", status, sizeof status) < 0)
        return process->own_pid;
    const pid_t inner = procfs_innermost(status, "NStgid");
    if (inner > 0)
        process->own_pid = inner;
    return process->own_pid;
}

/* Tgid and PPid of a task. */
static int read_ids(pid_t tid, pid_t *ret_pid, pid_t *ret_parent)
{
    char text[1024];
    const ssize_t length = procfs_read_task(tid, "status", text, sizeof text);

    if (length < 0)
        return (int)length;
    const char *tgid = procfs_field(text, "Tgid");
    const char *ppid = procfs_field(text, "PPid");
    if (!tgid || !ppid)
        return -ESRCH;
    *ret_pid = (pid_t)strtol(tgid, NULL, 10);
    *ret_parent = (pid_t)strtol(ppid, NULL, 10);
    return *ret_pid > 0 ? 0 : -ESRCH;
}

static void watch_exit(const ProcessTable *table, Process *process)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = process->pid};

    if (table->exit_fd < 0)
        return;
    process->pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    if (process->pidfd >= 0 && epoll_ctl(table->exit_fd, EPOLL_CTL_ADD, process->pidfd, &event) < 0)
        fd_close(&process->pidfd);
}

static Process *process_new(ProcessTable *table, pid_t pid, pid_t parent)
{
    Process *process = calloc(1, sizeof *process);

    if (!process)
        return NULL;
    process->pid = pid;
    process->parent = parent;
    const Process *starter = process_table_find_process(table, parent);
    process->phase = starter ? starter->phase : PHASE_RUN;
    process->pidfd = -1;
    watch_exit(table, process);
    process_identify(table, process);
    if (!process->subject) {
        process_free(table, process);
        return NULL;
    }
    HASH_ADD_INT(table->processes, pid, process);
    const size_t alive = HASH_COUNT(table->processes);
    if (alive > table->processes_peak)
        table->processes_peak = alive;
    return process;
}

Tracee *process_table_get(ProcessTable *table, pid_t tid, pid_t parent)
{
    pid_t pid = 0;
    pid_t ppid = 0;
    Tracee *tracee = process_table_find(table, tid);

    if (tracee)
        return tracee;
    if (read_ids(tid, &pid, &ppid) < 0)
        return NULL;
    Process *process = process_table_find_process(table, pid);
    if (!process)
        process = process_new(table, pid, parent ? parent : ppid);
    if (!process)
        return NULL;
    tracee = calloc(1, sizeof *tracee);
    if (!tracee)
        return NULL;
    tracee->tid = tid;
    tracee->process = process;
    process->threads++;
    HASH_ADD_INT(table->tracees, tid, tracee);
    return tracee;
}

void process_table_drop_thread(ProcessTable *table, Tracee *tracee)
{
    Process *process = tracee->process;

    tracee_free(table, tracee);
    if (--process->threads == 0) {
        HASH_DEL(table->processes, process);
        process_free(table, process);
    }
}

static void drop_threads(ProcessTable *table, Process *process, pid_t keep)
{
    Tracee *tracee;
    Tracee *next;

    if (process->threads == 0)
        return;
    HASH_ITER (hh, table->tracees, tracee, next) {
        if (tracee->process == process && tracee->tid != keep) {
            tracee_free(table, tracee);
            process->threads--;
        }
    }
}

void process_table_keep_leader(ProcessTable *table, Process *process)
{
    const Tracee *leader = process_table_find(table, process->pid);

    if (process->threads > (leader ? 1 : 0))
        drop_threads(table, process, process->pid);
}

void process_table_drop_process(ProcessTable *table, Process *process)
{
    Tracee *only = process_table_find(table, process->pid);

    if (only && process->threads == 1) {
        tracee_free(table, only);
        process->threads = 0;
    }
    drop_threads(table, process, 0);
    HASH_DEL(table->processes, process);
    process_free(table, process);
}

void process_table_reap(ProcessTable *table)
{
    struct epoll_event events[64];
    int n;

    do {
        n = epoll_wait(table->exit_fd, events, ARRAY_LENGTH(events), 0);
        for (int i = 0; i < n; i++) {
            Process *process = process_table_find_process(table, events[i].data.fd);
            if (process)
                process_table_drop_process(table, process);
        }
    } while (n == ARRAY_LENGTH(events));
}

static Root *root_open(ProcessTable *table, const Process *process)
{
    char path[PROC_PATH_MAX];
    char link[LINK_MAX_BYTES];
    struct stat st;
    struct stat own;

    (void)snprintf(path, sizeof path, "/proc/%d/ns/mnt", process->pid);
    const uint64_t namespace = namespace_inode(path);
    (void)snprintf(path, sizeof path, "/proc/%d/root", process->pid);
    CLEANUP(fd_close) int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || served_stat(fd, "", AT_EMPTY_PATH, &st) < 0 || stat("/", &own) < 0)
        return NULL;
    if (st.st_dev == own.st_dev && st.st_ino == own.st_ino && namespace != 0 &&
        namespace == table->own_mount_namespace) {
        table->own_root.refs++;
        return &table->own_root;
    }
    const ssize_t length = readlink(path, link, sizeof link - 1);
    if (length <= 0 || (size_t)length >= sizeof link - 1)
        return NULL;
    link[length] = '\0';
    CLEANUP(free_pointer) char *prefix = strdup(strcmp(link, "/") == 0 ? "" : link);
    Root *root = calloc(1, sizeof *root);
    if (!prefix || !root) {
        free(root);
        return NULL;
    }
    root->refs = 1;
    root->prefix = TAKE(prefix);
    root->fd = fd;
    fd = -1;
    return root;
}

const Root *process_root(ProcessTable *table, Process *process)
{
    if (process->root && process->root_epoch == table->root_epoch)
        return process->root;
    root_release(table, process);
    process->root = root_open(table, process);
    process->root_epoch = table->root_epoch;
    return process->root;
}

bool root_strip(const Root *root, char *path)
{
    const size_t length = strlen(root->prefix);

    if (length == 0)
        return path[0] == '/';
    if (strncmp(path, root->prefix, length) != 0)
        return false;
    if (path[length] == '\0') {
        path[0] = '/';
        path[1] = '\0';
        return true;
    }
    if (path[length] != '/')
        return false;
    memmove(path, path + length, strlen(path + length) + 1);
    return true;
}
