/* SPDX-License-Identifier: Apache-2.0 */
#include "base/procfs.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

ssize_t procfs_read(const char *path, char *text, size_t size)
{
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    const ssize_t n = read(fd, text, size - 1);
    if (n < 0)
        return -errno;
    text[n] = '\0';
    return n;
}

ssize_t procfs_read_task(pid_t tid, const char *name, char *text, size_t size)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%d/%s", tid, name);
    return procfs_read(path, text, size);
}

int procfs_stat(pid_t pid, char *ret_state, pid_t *ret_parent)
{
    char text[512];
    char state;
    int parent;
    const ssize_t n = procfs_read_task(pid, "stat", text, sizeof text);

    if (n < 0)
        return (int)n;
    /* The name before it may contain anything, blanks and parentheses too. */
    const char *end = strrchr(text, ')');
    if (!end || sscanf(end + 1, " %c %d", &state, &parent) != 2)
        return -EINVAL;
    *ret_state = state;
    *ret_parent = parent;
    return 0;
}

int procfs_stat_number(pid_t pid, int field, long long *ret_number)
{
    enum { FIELD_NAME = 2 };
    char text[1024];
    const ssize_t n = procfs_read_task(pid, "stat", text, sizeof text);

    if (n < 0)
        return (int)n;
    const char *at = strrchr(text, ')'); /* the name before may have any bytes */
    for (int i = FIELD_NAME; at && i < field; i++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    if (!at)
        return -EINVAL;
    *ret_number = strtoll(at, NULL, 10);
    return 0;
}

const char *procfs_field(const char *text, const char *field)
{
    const size_t length = strlen(field);

    while (strncmp(text, field, length) != 0 || text[length] != ':') {
        text = strchr(text, '\n');
        if (!text)
            return NULL;
        text++;
    }
    return text + length + 1;
}

pid_t procfs_innermost(const char *text, const char *field)
{
    const char *numbers = procfs_field(text, field);

    if (!numbers)
        return 0;
    const char *last = numbers + strcspn(numbers, "\n");
    while (last > numbers && last[-1] != '\t' && last[-1] != ' ')
        last--;
    return (pid_t)strtol(last, NULL, 10);
}
