/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack behind a new fact: taken at most once a call, while the thread is in it, and only for
 * so many facts of a run: what a million file names have in common is their stack.
 */
#include "base/io.h"
#include "base/memory.h"
#include "tracer/capture_roots.h"
#include "tracer/capture_stacks.h"
#include "tracer/observer_private.h"
#include "tracer/served.h"
#include "tracer/stack_maps.h"
#include "tracer/stack_registers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACKS_MAX = 16384 };
#define MAPS_MAX ((size_t)4 * 1024 * 1024)

typedef struct StackSource {
    Observer *observer;
    Tracee *tracee;
    const Root *root; /* NULL: not to be had */
    /* Of whom to ask what is mounted; of one that is captured, the numbers only. */
    Tracee reader;
    Process process;
} StackSource;

static int read_memory(void *data, uint64_t address, void *bytes, size_t length)
{
    return tracee_read(((const StackSource *)data)->tracee, address, bytes, length);
}

/* The event that TRACEE's stack was copied with: that of an exec is told before. */
static const Captured *copied_with(const Tracee *tracee)
{
    const Captured *captured = tracee->captured;

    return captured->event->type == EVENT_EXEC ? captured->asked : captured;
}

/* The same of what was copied: pieces that follow each other. */
static int read_copied(void *data, uint64_t address, void *bytes, size_t length)
{
    const Captured *captured = copied_with(((const StackSource *)data)->tracee);
    char *to = bytes;

    for (size_t i = 0; i < captured->count && length > 0; i++) {
        const CapturedBlob *blob = &captured->blobs[i];
        const uint64_t into = address - blob->address;
        if (blob->kind != BLOB_PIECE || blob->flags & BLOB_UNREADABLE || address < blob->address ||
            into >= blob->size)
            continue;
        const size_t size = blob->size - (size_t)into < length ? blob->size - (size_t)into : length;
        memcpy(to, blob->bytes + into, size);
        to += size;
        address += size;
        length -= size;
    }
    return length == 0 ? 0 : -EFAULT;
}

/* Whoever asks a file system that the workload serves may wait for ever, and so for what is no
 * regular file. */
static int open_file(void *data, const char *path)
{
    const StackSource *source = data;
    const Root *root = source->root;
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
    if (served_path(&source->reader, root, AT_FDCWD, inside, false, served))
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
    StackSource source = {.observer = observer,
                          .tracee = tracee,
                          .root = process_root(&observer->table, tracee->process),
                          .reader = *tracee};
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

/* MAPS are of before PC's code was loaded: -ESRCH. */
static int check_maps(const char *text, uint64_t pc)
{
    CLEANUP(free_pointer) StackMap *maps = NULL;
    size_t count = 0;
    const int r = stack_maps_parse(text, &maps, &count);

    if (r < 0)
        return r;
    return stack_maps_find(maps, count, pc) ? 0 : -ESRCH;
}

/* The same of a thread that went on since. */
static int take_captured(Observer *observer, Tracee *tracee, Buffer *out)
{
    const Captured *captured = tracee->captured;
    const Captured *copied = copied_with(tracee);
    const CapturedBlob *kept = copied ? captured_blob(copied, BLOB_REGISTERS, CAPTURED_ANY) : NULL;
    StackSource source = {.observer = observer, .tracee = tracee, .reader = {.tid = tracee->tid}};
    StackRegisters registers;

    if (!kept)
        return -ESRCH;
    bool now;
    const char *maps = capture_stacks_maps(captured->stacks, tracee->tid, kept->address, &now);
    int r = maps ? stack_registers_kept(kept->bytes, kept->size, &registers) : -ESRCH;
    if (r == 0 && !now)
        r = check_maps(maps, registers.pc);
    if (r < 0)
        return r;
    /* Whoever is gone cannot be asked what is mounted. */
    const bool gone = kill(tracee->tid, 0) < 0 && errno == ESRCH;
    source.reader.process = &source.process;
    source.process.pid = tracee->process->pid;
    if (gone && capture_namespace_is_own(captured->roots, captured))
        source.reader.tid = source.process.pid = getpid();
    if (!gone || source.reader.tid != tracee->tid)
        source.root = capture_root(captured->roots, captured);
    const StackRequest request = {.registers = &registers,
                                  .maps = maps,
                                  .own_pid = process_own_pid(tracee->process),
                                  .read = read_copied,
                                  .open_file = open_file,
                                  .data = &source};
    return observer->options.stacks->take(observer->options.stacks, &request, out);
}

/* What the kernel did by itself has none: the peak of memory, threads of io_uring. */
static bool has_stack(const Observer *observer, const Tracee *tracee)
{
    if (!tracee->captured)
        return observer->options.registers != NULL;
    return tracee->captured->event->type == EVENT_EXEC ||
           captured_blob(tracee->captured, BLOB_REGISTERS, CAPTURED_ANY);
}

const char *observe_stack(Observer *observer, Tracee *tracee)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (!observer->options.stacks || observer->stacks_told >= STACKS_MAX ||
        !has_stack(observer, tracee))
        return NULL;
    if (!tracee->stack && (tracee->captured ? take_captured(observer, tracee, &text)
                                            : take(observer, tracee, &text)) < 0) {
        buffer_clear(&text);
        (void)buffer_puts(&text, "[gone]");
    }
    if (!tracee->stack)
        tracee->stack =
            strset_add(recording_strings(observer->options.recording), buffer_text(&text));
    observer->stacks_told++;
    return tracee->stack;
}
