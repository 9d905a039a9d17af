/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/oci_socket.h"

#include "base/buffer.h"
#include "base/io.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 64, PATIENCE_SECONDS = 10, RECENT_SECONDS = 60 };

/* Root of a user namespace alone (rootless Podman) has no /run either. */
static const char *base_folder(void)
{
    return getuid() == 0 && access("/run", W_OK) == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");
}

/* The folder, which nobody else may have made. */
static int own_folder(bool make, Buffer *out, Error *err)
{
    const char *base = base_folder();
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

static int address_of(const char *name, bool make, struct sockaddr_un *address, Error *err)
{
    CLEANUP(buffer_deinit) Buffer folder = BUFFER_INIT;

    const int r = own_folder(make, &folder, err);
    if (r < 0)
        return r;
    const int length =
        snprintf(address->sun_path, sizeof address->sun_path, "%s/%s", buffer_text(&folder), name);
    address->sun_family = AF_UNIX;
    if (length < 0 || (size_t)length >= sizeof address->sun_path)
        return error_set(err, -ENAMETOOLONG, "the path of the folder %s is too long for a socket",
                         buffer_text(&folder));
    return 0;
}

static int peer_of(int socket, struct ucred *ret_peer)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return -errno;
    *ret_peer = peer;
    return 0;
}

static int be_patient(int socket)
{
    const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};

    if (setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0)
        return -errno;
    return 0;
}

static int listen_at(const char *name, int type, char **ret_path, Error *err)
{
    struct sockaddr_un address = {0};
    int r = address_of(name, true, &address, err);

    if (r < 0)
        return r;
    CLEANUP(free_pointer) char *path = strdup(address.sun_path);
    CLEANUP(fd_close) int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (!path || fd < 0)
        return error_errno(err, path ? errno : ENOMEM, "cannot make a socket");
    (void)unlink(path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BACKLOG) < 0)
        return error_errno(err, errno, "cannot listen at %s", path);
    *ret_path = TAKE(path);
    r = fd;
    fd = -1;
    return r;
}

int oci_socket_listen(const char *name, char **ret_path, Error *err)
{
    return listen_at(name, SOCK_SEQPACKET, ret_path, err);
}

int oci_socket_listen_stream(const char *name, char **ret_path, Error *err)
{
    return listen_at(name, SOCK_STREAM, ret_path, err);
}

int oci_socket_path(const char *name, char **ret_path, Error *err)
{
    struct sockaddr_un address = {0};
    const int r = address_of(name, true, &address, err);

    if (r < 0)
        return r;
    char *path = strdup(address.sun_path);
    if (!path)
        return error_errno(err, -ENOMEM, "%s", name);
    *ret_path = path;
    return 0;
}

void oci_socket_remove(char *path)
{
    if (path)
        (void)unlink(path);
    free(path);
}

/* Nobody listens at the socket NAME in the folder FD. */
static bool is_abandoned(int fd, const char *path, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;

    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(st.st_mode) ||
        time(NULL) - st.st_mtim.tv_sec < RECENT_SECONDS)
        return false;
    const int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", path, name);
    if (length < 0 || (size_t)length >= sizeof address.sun_path)
        return false;
    CLEANUP(fd_close)
    int asked = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return asked >= 0 && connect(asked, (const struct sockaddr *)&address, sizeof address) < 0 &&
           errno == ECONNREFUSED;
}

void oci_socket_tidy(void)
{
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
    const struct dirent *entry;

    if (own_folder(false, &path, NULL) < 0)
        return;
    CLEANUP(folder_close) DIR *folder = opendir(buffer_text(&path));
    while (folder && (entry = readdir(folder)) != NULL) {
        if (is_abandoned(dirfd(folder), buffer_text(&path), entry->d_name))
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
}

int oci_socket_accept(int listener, struct ucred *ret_peer)
{
    CLEANUP(fd_close) int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return -errno;
    int r = peer_of(fd, ret_peer);
    if (r == 0)
        r = be_patient(fd);
    if (r < 0)
        return r;
    r = fd;
    fd = -1;
    return r;
}

int oci_socket_connect(const char *name, struct ucred *ret_peer, Error *err)
{
    struct sockaddr_un address = {0};
    int r = address_of(name, false, &address, err);

    if (r < 0)
        return r;
    CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_errno(err, errno, "cannot make a socket");
    r = be_patient(fd);
    if (r == 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        r = errno == ECONNREFUSED ? -ENOENT : -errno;
    if (r == 0)
        r = peer_of(fd, ret_peer);
    if (r < 0)
        return error_errno(err, r, "%s", address.sun_path);
    r = fd;
    fd = -1;
    return r;
}

int oci_socket_lock(const char *name, Error *err)
{
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;

    int r = own_folder(true, &path, err);
    if (r == 0)
        r = buffer_printf(&path, "/%s", name);
    if (r < 0)
        return r;
    CLEANUP(fd_close)
    int fd = open(buffer_text(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return error_errno(err, errno, "%s", buffer_text(&path));
    r = fd;
    fd = -1;
    return r;
}
