/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/oci_version.h"

#include "base/buffer.h"
#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES_MAX = 16 * 1024 };

/* Starts `RUNTIME --version`. Its process id, or a negative errno; *RET_OUTPUT is to be read. */
static pid_t start(const char *runtime, int *ret_output)
{
    char *const arguments[] = {(char *)(uintptr_t)runtime, (char *)(uintptr_t) "--version", NULL};
    posix_spawn_file_actions_t actions;
    int output[2];
    pid_t pid = -1;

    if (pipe2(output, O_CLOEXEC) < 0)
        return -errno;
    int r = posix_spawn_file_actions_init(&actions);
    if (r == 0) {
        r = posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
        if (r == 0)
            r = posix_spawn(&pid, runtime, &actions, NULL, arguments, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    fd_close(&output[1]);
    if (r != 0) {
        fd_close(&output[0]);
        return -r;
    }
    *ret_output = output[0];
    return pid;
}

/* "runc version 1.1.5", "crun version 1.8.1" */
static void find(const char *text, char *out, size_t size)
{
    static const char before[] = " version ";
    const char *found = strstr(text, before);

    if (!found)
        return;
    found += strlen(before);
    const size_t length = strcspn(found, " \t\r\n");
    if (length < size) {
        memcpy(out, found, length);
        out[length] = '\0';
    }
}

void oci_version(const char *runtime, char *out, size_t size)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(fd_close) int output = -1;

    out[0] = '\0';
    const pid_t pid = start(runtime, &output);
    if (pid < 0)
        return;
    if (read_fd(output, &text, BYTES_MAX) == 0)
        find(buffer_text(&text), out, size);
    fd_close(&output);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}
