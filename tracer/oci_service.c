/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/oci_service.h"

#include "base/buffer.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64, PATIENCE_SECONDS = 10 };

static const char ask_to_be_added = 'a';

/* ---- where ----------------------------------------------------------------------------------- */

/* The folder, made if need be and MAKE; nobody else may have made it. */
static int service_folder(bool make, Buffer *out, Error *err)
{
    const char *base = getuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");
    struct stat st;

    if (!base || *base != '/')
        return error_set(err, -ENOENT, "XDG_RUNTIME_DIR does not name a folder");
    const int r = buffer_printf(out, "%s/whittle", base);
    if (r < 0)
        return r;
    const char *folder = buffer_text(out);
    if (make && mkdir(folder, 0700) < 0 && errno != EEXIST)
        return error_errno(err, errno, "cannot make the folder %s", folder);
    if (lstat(folder, &st) < 0)
        return error_errno(err, errno, "%s", folder);
    if (!S_ISDIR(st.st_mode) || st.st_uid != getuid() || (st.st_mode & 077) != 0)
        return error_set(err, -EPERM, "%s must be a folder that only its owner, user %u, may enter",
                         folder, getuid());
    return 0;
}

/* Ids may be longer than the name of a socket. */
static int service_address(const char *root, const char *id, bool make, struct sockaddr_un *address,
                           Error *err)
{
    CLEANUP(buffer_deinit) Buffer folder = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer what = BUFFER_INIT;
    /* Who chooses both is who runs whittle-oci: the same name must come out each time. */
    const HashKey keys[] = {{{1, 2}}, {{3, 4}}};

    int r = service_folder(make, &folder, err);
    if (r == 0)
        r = buffer_printf(&what, "%s\n%s", root ? root : "", id);
    if (r < 0)
        return r;
    const int length =
        snprintf(address->sun_path, sizeof address->sun_path, "%s/%016" PRIx64 "%016" PRIx64,
                 buffer_text(&folder), hash_bytes(&keys[0], what.data, what.length),
                 hash_bytes(&keys[1], what.data, what.length));
    address->sun_family = AF_UNIX;
    if (length < 0 || (size_t)length >= sizeof address->sun_path)
        return error_set(err, -ENAMETOOLONG, "the path of the folder %s is too long for a socket",
                         buffer_text(&folder));
    return 0;
}

/* ---- the recorder ---------------------------------------------------------------------------- */

int oci_service_open(const char *root, const char *id, char **ret_path, Error *err)
{
    struct sockaddr_un address = {0};
    int r = service_address(root, id, true, &address, err);

    if (r < 0)
        return r;
    CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_errno(err, errno, "cannot make a socket");
    /* That of an earlier container of this id. */
    (void)unlink(address.sun_path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BACKLOG) < 0)
        return error_errno(err, errno, "cannot listen at %s", address.sun_path);
    char *path = strdup(address.sun_path);
    if (!path) {
        (void)unlink(address.sun_path);
        return error_errno(err, ENOMEM, "cannot listen at %s", address.sun_path);
    }
    *ret_path = path;
    r = fd;
    fd = -1;
    return r;
}

void oci_service_close(char *path)
{
    if (path)
        (void)unlink(path);
    free(path);
}

void oci_request_deinit(OciRequest *request)
{
    fd_close(&request->socket);
}

static int peer_of(int socket, struct ucred *peer)
{
    socklen_t size = sizeof *peer;

    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, peer, &size) < 0 ? -errno : 0;
}

static int be_patient(int socket)
{
    const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};

    return setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ? -errno : 0;
}

int oci_service_accept(int service, OciRequest *ret_request)
{
    CLEANUP(fd_close) int socket = accept4(service, NULL, NULL, SOCK_CLOEXEC);
    struct ucred peer;
    char what;

    if (socket < 0)
        return -errno;
    int r = peer_of(socket, &peer);
    if (r == 0)
        r = be_patient(socket);
    if (r < 0)
        return r;
    /* Who only waits for the end says nothing. */
    if (recv(socket, &what, 1, 0) != 1 || what != ask_to_be_added || peer.pid <= 0)
        return -ENOMSG;
    ret_request->socket = socket;
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
static int service_connect(const char *root, const char *id, Error *err)
{
    struct sockaddr_un address = {0};
    int r = service_address(root, id, false, &address, err);

    if (r < 0)
        return r;
    CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_errno(err, errno, "cannot make a socket");
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return error_errno(err, errno == ECONNREFUSED ? ENOENT : errno, "%s", address.sun_path);
    r = fd;
    fd = -1;
    return r;
}

int oci_service_ask(const char *root, const char *id, Error *err)
{
    CLEANUP(fd_close) int fd = service_connect(root, id, err);
    int32_t answer;

    if (fd < 0)
        return fd;
    if (be_patient(fd) < 0 || send(fd, &ask_to_be_added, 1, MSG_NOSIGNAL) != 1)
        return error_errno(err, errno, "cannot ask the container's recorder");
    const ssize_t n = recv(fd, &answer, sizeof answer, 0);
    if (n != sizeof answer)
        return error_errno(err, n < 0 ? errno : ECONNRESET,
                           "the container's recorder does not answer");
    return answer == 0 ? 0 : error_errno(err, answer, "the container's recorder cannot join");
}

int oci_service_await_end(const char *root, const char *id, int milliseconds)
{
    CLEANUP(fd_close) int fd = service_connect(root, id, NULL);
    CLEANUP(fd_close) int recorder = -1;
    struct ucred peer;

    if (fd < 0 || peer_of(fd, &peer) < 0)
        return 0;
    recorder = (int)syscall(SYS_pidfd_open, peer.pid, 0);
    if (recorder < 0)
        return 0;
    fd_close(&fd);
    struct pollfd ended = {.fd = recorder, .events = POLLIN};
    return poll(&ended, 1, milliseconds) == 0 ? -ETIMEDOUT : 0;
}
