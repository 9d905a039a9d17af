/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end is a record of the caller's own, with a random word in it: the kernel's queue keeps the
 * order, so what was before it has been read by then. The SYSCALL and PROCTITLE records behind one
 * that was taken have its number.
 */
#include "tracer/audit_reader.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SOCKET_BUFFER = 32 << 20,
    RECORD_MAX = 16384,
    TAKEN_MAX = 32 << 20,
    PATIENCE_MS = 10000, /* for the end, once it was sent */
};

typedef struct Taking {
    char mark[300]; /* profile="NAME" */
    const char *end;
    char id[64]; /* of the event taken last, "audit(1700000000.123:45)" */
    size_t bytes;
    bool lost;
} Taking;

static int open_socket(unsigned groups)
{
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
    const int size = SOCKET_BUFFER;
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        const int error = errno;
        (void)close(fd);
        return -error;
    }
    return fd;
}

/* ---- the reader ----------------------------------------------------------------------------- */

static const char *name_of(unsigned type)
{
    static const struct {
        unsigned type;
        const char *name;
    } names[] = {{AUDIT_AVC, "AVC"}, {AUDIT_SYSCALL, "SYSCALL"}, {AUDIT_PROCTITLE, "PROCTITLE"}};

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (names[i].type == type)
            return names[i].name;
    }
    return NULL;
}

/* Is the record TEXT one of the profile's, or of the same event? */
static bool is_wanted(Taking *taking, unsigned type, const char *text)
{
    const size_t length = strcspn(text, ")");

    if (type != AUDIT_AVC)
        return taking->id[0] && strncmp(text, taking->id, strlen(taking->id)) == 0;
    if (!strstr(text, taking->mark) || length >= sizeof taking->id)
        return false;
    (void)snprintf(taking->id, sizeof taking->id, "%.*s", (int)length, text);
    return true;
}

/* False at the end. */
static bool take(Taking *taking, const struct nlmsghdr *header, const char *text, FILE *out)
{
    const char *name = name_of(header->nlmsg_type);

    if (header->nlmsg_type == AUDIT_USER_AVC && strstr(text, taking->end))
        return false;
    if (!name || !is_wanted(taking, header->nlmsg_type, text))
        return true;
    taking->bytes += strlen(text);
    if (taking->bytes > TAKEN_MAX)
        taking->lost = true;
    else
        (void)fprintf(out, "type=%s msg=%s\n", name, text);
    return true;
}

__attribute__((noreturn)) static void read_along(int socket, FILE *out, Taking *taking)
{
    static union {
        struct nlmsghdr header;
        char bytes[RECORD_MAX + 1];
    } message;
    bool more = true;

    (void)prctl(PR_SET_NAME, "whittle-audit");
    while (more) {
        const ssize_t n = recv(socket, message.bytes, RECORD_MAX, 0);
        if (n < 0 && errno != EINTR) {
            taking->lost = true;
            if (errno != ENOBUFS)
                break;
        }
        if (n < (ssize_t)sizeof message.header)
            continue;
        message.bytes[n] = '\0';
        more = take(taking, &message.header, message.bytes + NLMSG_HDRLEN, out);
    }
    const bool whole = fflush(out) == 0 && !taking->lost;
    _exit(whole ? 0 : 1);
}

/* ---- the caller ----------------------------------------------------------------------------- */

static int start(const char *profile, AuditReader *reader, Error *err)
{
    Taking taking = {.end = reader->end};
    uint64_t random[2];
    CLEANUP(fd_close) int output = memfd_create("audit", MFD_CLOEXEC);
    CLEANUP(fd_close) int socket = open_socket(1u << (AUDIT_NLGRP_READLOG - 1));

    if (output < 0 || getrandom(random, sizeof random, 0) != sizeof random)
        return error_errno(err, errno, "reading the audit log along");
    if (socket < 0)
        return error_errno(err, socket, "reading the audit log along takes CAP_AUDIT_READ");
    (void)snprintf(reader->end, sizeof reader->end, "whittle-%016" PRIx64 "%016" PRIx64, random[0],
                   random[1]);
    (void)snprintf(taking.mark, sizeof taking.mark, "profile=\"%s", profile);
    (void)fflush(NULL);
    reader->pid = fork();
    if (reader->pid < 0)
        return error_errno(err, errno, "cannot start a process");
    if (reader->pid == 0) {
        FILE *out = fdopen(output, "w");
        if (!out)
            _exit(1);
        output = -1;
        read_along(socket, out, &taking);
    }
    reader->output = output;
    output = -1;
    return 0;
}

int audit_reader_start(const char *profile, AuditReader *reader, Error *err)
{
    AuditReader started = AUDIT_READER_NONE;
    const int r = start(profile, &started, err);

    if (r == 0)
        *reader = started;
    return r;
}

static int send_end(const char *end)
{
    struct {
        struct nlmsghdr header;
        char text[64];
    } message = {.header = {.nlmsg_type = AUDIT_USER_AVC, .nlmsg_flags = NLM_F_REQUEST}};
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    CLEANUP(fd_close) int socket = open_socket(0);

    if (socket < 0)
        return socket;
    (void)snprintf(message.text, sizeof message.text, "%s", end);
    message.header.nlmsg_len = (uint32_t)(NLMSG_LENGTH(0) + strlen(message.text) + 1);
    const ssize_t n = sendto(socket, &message, message.header.nlmsg_len, 0,
                             (const struct sockaddr *)&kernel, sizeof kernel);
    return n < 0 ? -errno : 0;
}

/* Waits for the reader; kills it when it takes too long. Its wait status. */
static int await_reader(pid_t pid)
{
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    int status = -1;

    for (int waited = 0; waited < PATIENCE_MS; waited += 5) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
        (void)nanosleep(&pause, NULL);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return status;
}

int audit_reader_finish(AuditReader *reader, Buffer *records, bool *ret_lost, Error *err)
{
    if (reader->pid < 0)
        return 0;
    int r = send_end(reader->end);
    if (r < 0)
        (void)kill(reader->pid, SIGKILL);
    const int status = await_reader(reader->pid);
    CLEANUP(fd_close) int output = reader->output;
    *reader = AUDIT_READER_NONE;
    if (r < 0)
        return error_errno(err, r, "writing into the audit log");
    if (lseek(output, 0, SEEK_SET) < 0)
        return error_errno(err, errno, "reading audit records");
    r = read_fd(output, records, TAKEN_MAX * 2);
    if (r < 0)
        return error_errno(err, r, "reading audit records");
    *ret_lost = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    return 0;
}
