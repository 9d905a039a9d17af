/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/capture_stacks.h"

#include "base/buffer.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_MAX = 64, ASKED_MAX = 64, STACK_START = 28 /* proc_pid_stat(5): startstack */ };
#define MAPS_MAX   ((size_t)4 * 1024 * 1024)
#define KEPT_BYTES ((size_t)256 * 1024) /* longer ones are for the moment only */

typedef struct KnownMaps {
    uint64_t start; /* 0: none */
    uint64_t used;  /* when */
    Buffer text;
} KnownMaps;

struct CaptureStacks {
    uint64_t clock;
    Buffer now;
    KnownMaps known[KEPT_MAX];
    struct event *asked[ASKED_MAX]; /* each NULL or an EVENT_STACK; the oldest is at `asked_next` */
    size_t asked_next;
    struct event *asked_now; /* that of `asking` */
    Captured asking;
};

CaptureStacks *capture_stacks_new(void)
{
    return calloc(1, sizeof(CaptureStacks));
}

CaptureStacks *capture_stacks_free(CaptureStacks *stacks)
{
    if (!stacks)
        return NULL;
    for (size_t i = 0; i < KEPT_MAX; i++)
        buffer_deinit(&stacks->known[i].text);
    for (size_t i = 0; i < ASKED_MAX; i++)
        free(stacks->asked[i]);
    free(stacks->asked_now);
    buffer_deinit(&stacks->now);
    free(stacks);
    return NULL;
}

/* The file is that of the memory at the moment when it was opened: what is asked afterwards tells
 * whose that was. */
static bool read_now(Buffer *out, pid_t tid, uint64_t start)
{
    char path[64];
    long long start_now = 0;

    buffer_clear(out);
    (void)snprintf(path, sizeof path, "/proc/%d/maps", (int)tid);
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read_fd(fd, out, MAPS_MAX) == 0 && out->length > 0 &&
           procfs_stat_number(tid, STACK_START, &start_now) == 0 && (uint64_t)start_now == start;
}

/* Those of START, or the place for them. */
static KnownMaps *find(CaptureStacks *stacks, uint64_t start)
{
    KnownMaps *oldest = &stacks->known[0];

    for (size_t i = 0; i < KEPT_MAX; i++) {
        if (stacks->known[i].start == start)
            return &stacks->known[i];
        if (stacks->known[i].used < oldest->used)
            oldest = &stacks->known[i];
    }
    return oldest;
}

const char *capture_stacks_maps(CaptureStacks *stacks, pid_t tid, uint64_t start, bool *ret_now)
{
    *ret_now = false;
    if (start == 0)
        return NULL;
    KnownMaps *known = find(stacks, start);
    if (!read_now(&stacks->now, tid, start)) {
        if (known->start != start)
            return NULL;
        known->used = ++stacks->clock;
        return buffer_text(&known->text);
    }
    *ret_now = true;
    if (stacks->now.length > KEPT_BYTES)
        return buffer_text(&stacks->now);
    buffer_clear(&known->text);
    known->start = 0;
    if (buffer_append(&known->text, stacks->now.data, stacks->now.length) < 0)
        return buffer_text(&stacks->now);
    known->start = start;
    known->used = ++stacks->clock;
    return buffer_text(&known->text);
}

int capture_stacks_note(CaptureStacks *stacks, const Captured *captured)
{
    const struct event *event = captured->event;
    const CapturedBlob *kept = captured_blob(captured, BLOB_REGISTERS, CAPTURED_ANY);
    struct event *copy = malloc(event->size);

    if (!copy)
        return -ENOMEM;
    memcpy(copy, event, event->size);
    free(stacks->asked[stacks->asked_next]);
    stacks->asked[stacks->asked_next] = copy;
    stacks->asked_next = (stacks->asked_next + 1) % ASKED_MAX;
    /* Soon that memory is gone. */
    bool now;
    if (kept)
        (void)capture_stacks_maps(stacks, (pid_t)event->tid, kept->address, &now);
    return 0;
}

const Captured *capture_stacks_asked(CaptureStacks *stacks, const struct event *exec)
{
    for (size_t i = 1; i <= ASKED_MAX; i++) {
        struct event **asked = &stacks->asked[(stacks->asked_next + ASKED_MAX - i) % ASKED_MAX];
        if (!*asked || (*asked)->tgid != exec->tgid || (*asked)->program != exec->program)
            continue;
        free(stacks->asked_now);
        stacks->asked_now = TAKE(*asked);
        if (captured_parse(stacks->asked_now, stacks->asked_now->size, &stacks->asking) < 0)
            return NULL;
        return &stacks->asking;
    }
    return NULL;
}
