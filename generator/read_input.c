/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/read_input.h"

#include "base/io.h"
#include "base/memory.h"
#include "model/policy.h"

#include <errno.h>

enum { PEEK_SIZE = 4096 };
#define POLICY_MAX ((size_t)256 << 20)

int read_recording_or_policy(const char *path, Recording **all, PolicyTaker take, void *context,
                             Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(fd_close) int fd = open_and_peek(path, &text, PEEK_SIZE, err);

    if (fd < 0)
        return fd;
    if (recording_detect(buffer_text(&text), text.length))
        return recording_gather_read(all, path, buffer_text(&text), text.length, fd, err);
    const int r = read_fd(fd, &text, POLICY_MAX - text.length);
    if (r < 0)
        return error_errno(err, r, "%s: cannot read", path);
    if (policy_detect(buffer_text(&text), text.length))
        return take(context, path, &text, err);
    return error_set(err, -EINVAL,
                     "%s: neither a recording of `whittle record` nor a policy, which begins with "
                     "\"whittle: policy\"",
                     path);
}
