/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/oci_service.h"

#include "base/buffer.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/memory.h"
#include "tracer/oci_socket.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NAME_SIZE = 48 };

/* Ids may be longer than the name of a socket. */
static int name_as(const char *kind, const char *root, const char *id, char *out)
{
    CLEANUP(buffer_deinit) Buffer what = BUFFER_INIT;
    /* Who chooses both is who runs whittle-oci, and the same name must come out each time. */
    const HashKey keys[] = {{{1, 2}}, {{3, 4}}};

    const int r = buffer_printf(&what, "%s\n%s", root ? root : "", id);
    if (r < 0)
        return r;
    (void)snprintf(out, NAME_SIZE, "%s-%016" PRIx64 "%016" PRIx64, kind,
                   hash_bytes(&keys[0], what.data, what.length),
                   hash_bytes(&keys[1], what.data, what.length));
    return 0;
}

static int name_of(const char *root, const char *id, char *out)
{
    return name_as("container", root, id, out);
}

/* ---- the recorder ---------------------------------------------------------------------------- */

int oci_service_open(const char *root, const char *id, char **ret_path, Error *err)
{
    char name[NAME_SIZE];
    const int r = name_of(root, id, name);

    return r < 0 ? error_errno(err, r, "cannot name a socket")
                 : oci_socket_listen(name, ret_path, err);
}

int oci_service_agent_path(const char *root, const char *id, char **ret_path, Error *err)
{
    char name[NAME_SIZE];
    const int r = name_as("listener", root, id, name);

    return r < 0 ? error_errno(err, r, "cannot name a socket")
                 : oci_socket_path(name, ret_path, err);
}

int oci_service_open_agent(const char *root, const char *id, char **ret_path, Error *err)
{
    char name[NAME_SIZE];
    const int r = name_as("listener", root, id, name);

    return r < 0 ? error_errno(err, r, "cannot name a socket")
                 : oci_socket_listen_stream(name, ret_path, err);
}

void oci_request_deinit(OciRequest *request)
{
    fd_close(&request->socket);
}

int oci_service_accept(int service, OciRequest *ret_request)
{
    struct ucred peer;
    CLEANUP(fd_close) int socket = oci_socket_accept(service, &peer);
    char what;

    if (socket < 0)
        return socket;
    if (recv(socket, &what, 1, 0) != 1 || (what != OCI_ASK_JOIN && what != OCI_ASK_ALIVE) ||
        peer.pid <= 0)
        return -ENOMSG;
    ret_request->socket = socket;
    ret_request->what = (OciAsk)what;
    ret_request->runtime = peer.pid;
    socket = -1;
    return 0;
}

void oci_request_answer(const OciRequest *request, int code)
{
    const int32_t answer = code;

    (void)send(request->socket, &answer, sizeof answer, MSG_NOSIGNAL);
}

/* ---- the runtime ----------------------------------------------------------------------------- */

/* A descriptor; -ENOENT: there is no recorder. */
static int connect_to(const char *root, const char *id, struct ucred *ret_recorder, Error *err)
{
    char name[NAME_SIZE];
    const int r = name_of(root, id, name);

    return r < 0 ? error_errno(err, r, "cannot name a socket")
                 : oci_socket_connect(name, ret_recorder, err);
}

/* The answer to WHAT, into RET_ANSWER. 0 or a negative errno. */
static int ask(int socket, OciAsk what, int32_t *ret_answer)
{
    const char word = (char)what;
    int32_t answer = 0;

    if (send(socket, &word, 1, MSG_NOSIGNAL) != 1)
        return -errno;
    const ssize_t n = recv(socket, &answer, sizeof answer, 0);
    if (n != sizeof answer)
        return n < 0 ? -errno : -ECONNRESET;
    *ret_answer = answer;
    return 0;
}

int oci_service_ask(const char *root, const char *id, Error *err)
{
    struct ucred recorder;
    CLEANUP(fd_close) int fd = connect_to(root, id, &recorder, err);
    int32_t answer = -ECONNRESET;

    if (fd < 0)
        return fd;
    const int r = ask(fd, OCI_ASK_JOIN, &answer);
    /* It ended while it was asked: as if it had before. */
    if (r == -ECONNRESET || r == -EPIPE)
        return error_set(err, -ENOENT, "the container's recorder has ended");
    if (r < 0)
        return error_errno(err, r, "the container's recorder does not answer");
    return answer == 0 ? 0 : error_errno(err, answer, "the container's recorder cannot join");
}

int oci_service_await_end(const char *root, const char *id, int milliseconds)
{
    struct ucred recorder;
    CLEANUP(fd_close) int fd = connect_to(root, id, &recorder, NULL);
    CLEANUP(fd_close) int process = -1;
    int32_t alive = 0;

    if (fd < 0)
        return 0;
    process = (int)syscall(SYS_pidfd_open, recorder.pid, 0);
    if (process < 0)
        return 0;
    /* A recorder that is about to end does not answer any more. */
    if (ask(fd, OCI_ASK_ALIVE, &alive) == 0 && alive)
        return 0;
    fd_close(&fd);
    struct pollfd ended = {.fd = process, .events = POLLIN};
    return poll(&ended, 1, milliseconds) == 0 ? -ETIMEDOUT : 0;
}
