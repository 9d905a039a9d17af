/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack behind a new fact: taken at most once a call, while the thread is in it, and only for
 * so many facts of a run: what a million file names have in common is their stack.
 */
#include "base/io.h"
#include "base/memory.h"
#include "tracer/observer_private.h"
#include "tracer/served.h"
#include "tracer/stack_registers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACKS_MAX = 16384 };
#define MAPS_MAX ((size_t)4 * 1024 * 1024)

typedef struct StackSource {
    Observer *observer;
    Tracee *tracee;
} StackSource;

static int read_memory(void *data, uint64_t address, void *bytes, size_t length)
{
    return tracee_read(((const StackSource *)data)->tracee, address, bytes, length);
}

/* Whoever asks a file system that the workload serves may wait for ever, and so for what is no
 * regular file. */
static int open_file(void *data, const char *path)
{
    const StackSource *source = data;
    Process *process = source->tracee->process;
    const Root *root = process_root(&source->observer->table, process);
    const struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                                 .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    char inside[PATH_MAX];
    char served[PATH_MAX];
    struct stat st;

    if (!root || strlen(path) >= sizeof inside)
        return -ENOENT;
    (void)snprintf(inside, sizeof inside, "%s", path);
    if (!root_strip(root, inside))
        (void)snprintf(inside, sizeof inside, "%s", path);
    if (served_path(source->tracee, root, AT_FDCWD, inside, false, served))
        return -EREMOTE;
    CLEANUP(fd_close) int top = root->fd >= 0 ? -1 : open("/", O_PATH | O_CLOEXEC);
    CLEANUP(fd_close)
    int named = (int)syscall(SYS_openat2, root->fd >= 0 ? root->fd : top, inside, &how, sizeof how);
    if (named < 0)
        return -errno;
    if (fstat(named, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -ENOEXEC;
    (void)snprintf(inside, sizeof inside, "/proc/self/fd/%d", named);
    const int fd = open(inside, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

static int read_maps(const Tracee *tracee, Buffer *out)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%d/maps", (int)tracee->tid);
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    const int r = read_fd(fd, out, MAPS_MAX);
    return r == 0 && out->length == 0 ? -ESRCH : r;
}

static int take(Observer *observer, Tracee *tracee, Buffer *out)
{
    CLEANUP(buffer_deinit) Buffer maps = BUFFER_INIT;
    StackSource source = {observer, tracee};
    StackRegisters registers;
    int r = observer->options.registers(tracee->tid, &registers);

    if (r == 0)
        r = read_maps(tracee, &maps);
    if (r < 0)
        return r;
    const StackRequest request = {.registers = &registers,
                                  .maps = buffer_text(&maps),
                                  .own_pid = process_own_pid(tracee->process),
                                  .read = read_memory,
                                  .open_file = open_file,
                                  .data = &source};
    return observer->options.stacks->take(observer->options.stacks, &request, out);
}

const char *observe_stack(Observer *observer, Tracee *tracee)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (!observer->options.stacks || !observer->options.registers ||
        observer->stacks_told >= STACKS_MAX)
        return NULL;
    if (!tracee->stack && take(observer, tracee, &text) < 0) {
        buffer_clear(&text);
        (void)buffer_puts(&text, "[gone]");
    }
    if (!tracee->stack)
        tracee->stack =
            strset_add(recording_strings(observer->options.recording), buffer_text(&text));
    observer->stacks_told++;
    return tracee->stack;
}
