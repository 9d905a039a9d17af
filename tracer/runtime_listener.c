/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/runtime_listener.h"

#include "base/io.h"
#include "base/memory.h"
#include "base/procfs.h"
#include "tracer/oci_json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/kcmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

enum { STATE_MAX = 64 * 1024, FDS_MAX = 4, SECONDS_FOR_STATE = 5 };

/* A runtime has a few descendants; whoever has more is not one. */
enum { PROCESSES_MAX = 64 };

#define LISTENER "anon_inode:seccomp notify"

/* ---- what a runtime sends -------------------------------------------------------------------- */

/* The first descriptor that came, if there was none yet; the others are closed. */
static void take_fds(const struct msghdr *header, int *fd)
{
    struct msghdr copy = *header;

    for (struct cmsghdr *part = CMSG_FIRSTHDR(&copy); part; part = CMSG_NXTHDR(&copy, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int one;
            memcpy(&one, CMSG_DATA(part) + i * sizeof one, sizeof one);
            if (*fd < 0)
                *fd = one;
            else
                (void)close(one);
        }
    }
}

/* The rest of the state behind what is in TEXT, and the descriptor that comes with it. True: go on.
 */
static bool receive_part(int connection, Buffer *text, int *fd)
{
    char bytes[4096];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * FDS_MAX)];
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = sizeof control};
    const ssize_t n = recvmsg(connection, &header, MSG_CMSG_CLOEXEC);

    if (n < 0)
        return errno == EINTR;
    take_fds(&header, fd);
    return n > 0 && text->length < STATE_MAX && buffer_append(text, bytes, (size_t)n) == 0;
}

/* The process that STATE is of, 0 if that does not say, which crun's does not; -1: it is not whole
 * yet. */
static pid_t process_in(const Buffer *state)
{
    CLEANUP(oci_json_drop) json_t *json = NULL;

    if (oci_json_parse("state", buffer_text(state), state->length, &json, NULL) < 0)
        return -1;
    const double pid = json_real_value(json_object_get(json, "pid"));
    return pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

int listener_receive(int agent, pid_t *ret_process)
{
    const struct timeval patience = {.tv_sec = SECONDS_FOR_STATE};
    CLEANUP(buffer_deinit) Buffer state = BUFFER_INIT;
    CLEANUP(fd_close) int connection = accept4(agent, NULL, NULL, SOCK_CLOEXEC);
    int fd = -1;
    pid_t process = -1;

    if (connection < 0)
        return -errno;
    (void)setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while ((fd < 0 || process < 0) && receive_part(connection, &state, &fd))
        process = process_in(&state);
    *ret_process = process > 0 ? process : 0;
    return fd < 0 ? -EPROTO : fd;
}

/* ---- what a runtime has not sent ---------------------------------------------------------------
 */

typedef struct Processes {
    pid_t pids[PROCESSES_MAX];
    size_t count;
} Processes;

static DIR *open_folder(pid_t pid, const char *name)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return opendir(path);
}

/* The children of one thread. */
static void add_children(pid_t pid, const char *tid, Processes *processes)
{
    char path[64];
    char text[1024];
    char *at = text;
    char *end;

    (void)snprintf(path, sizeof path, "/proc/%d/task/%.16s/children", (int)pid, tid);
    if (procfs_read(path, text, sizeof text) < 0)
        return;
    for (long child = strtol(at, &end, 10);
         end != at && child > 0 && processes->count < PROCESSES_MAX; child = strtol(at, &end, 10)) {
        processes->pids[processes->count++] = (pid_t)child;
        at = end;
    }
}

static void add_all_children(pid_t pid, Processes *processes)
{
    CLEANUP(folder_close) DIR *threads = open_folder(pid, "task");
    const struct dirent *entry;

    while (threads && (entry = readdir(threads))) {
        if (*entry->d_name != '.')
            add_children(pid, entry->d_name, processes);
    }
}

/* The number of a descriptor of PID that is a listener; -1 if it has none. */
static int listener_of(pid_t pid)
{
    CLEANUP(folder_close) DIR *folder = open_folder(pid, "fd");
    const struct dirent *entry;
    char target[sizeof LISTENER];

    while (folder && (entry = readdir(folder))) {
        const ssize_t n = readlinkat(dirfd(folder), entry->d_name, target, sizeof target);
        if (n == (ssize_t)strlen(LISTENER) && memcmp(target, LISTENER, (size_t)n) == 0)
            return atoi(entry->d_name);
    }
    return -1;
}

static int copy_of(pid_t pid, int number)
{
    CLEANUP(fd_close) int process = (int)syscall(SYS_pidfd_open, pid, 0);

    if (process < 0)
        return -errno;
    const int fd = (int)syscall(SYS_pidfd_getfd, process, number, 0);
    return fd < 0 ? -errno : fd;
}

int listener_find(pid_t runtime, pid_t *ret_process)
{
    Processes processes = {.pids = {runtime}, .count = 1};

    for (size_t i = 0; i < processes.count; i++) {
        const pid_t pid = processes.pids[i];
        const int number = i > 0 ? listener_of(pid) : -1;
        if (number < 0) {
            add_all_children(pid, &processes);
            continue;
        }
        const int fd = copy_of(pid, number);
        if (fd < 0)
            return fd;
        *ret_process = pid;
        return fd;
    }
    return -ENOENT;
}

/* ---- copies ------------------------------------------------------------------------------------
 */

/* 0 for the same, 1 or 2 for others, -1 where it cannot be told. */
static long compare(int one, int other)
{
    const pid_t self = getpid();

    return syscall(SYS_kcmp, self, self, KCMP_FILE, one, other);
}

bool listener_is_same(int one, int other)
{
    return compare(one, other) == 0;
}

bool listener_can_compare(void)
{
    CLEANUP(fd_close) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    return fd >= 0 && compare(fd, fd) == 0;
}
