/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/bpf_child.h"

#include "base/io.h"
#include "tracer/launch.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noreturn)) static void child_main(const Launch *launch, int socket)
{
    char go;
    ssize_t n;

    do {
        n = read(socket, &go, 1);
    } while (n < 0 && errno == EINTR);
    if (n == 1) { /* else the recorder is gone */
        const int32_t error = -launch_exec(launch);
        (void)!write(socket, &error, sizeof error);
    }
    _exit(127);
}

int bpf_child_start(const Launch *launch, BpfChild *ret_child, Error *err)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return error_errno(err, errno, "cannot make a socket pair");
    const pid_t pid = fork();
    if (pid == 0) {
        (void)close(pair[0]);
        child_main(launch, pair[1]);
    }
    const int code = errno;
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return error_errno(err, code, "cannot start a process");
    }
    *ret_child = (BpfChild){.pid = pid, .socket = pair[0]};
    return 0;
}

int bpf_child_go(const BpfChild *child)
{
    return write_all(child->socket, "g", 1);
}

int bpf_child_exec_error(const BpfChild *child)
{
    int32_t error;

    return recv(child->socket, &error, sizeof error, MSG_DONTWAIT) == sizeof error ? error : 0;
}

void bpf_child_deinit(BpfChild *child)
{
    /* It reads the end of file, if it still waits. */
    fd_close(&child->socket);
    child->pid = 0;
}
