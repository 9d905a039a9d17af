/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/capture_roots.h"

#include "base/io.h"
#include "base/memory.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROOTS_KEPT = 32, NAMESPACES_HELD = 64, TICKS_KEPT = 2 };

typedef struct KnownRoot {
    uint32_t mount_namespace; /* 0: free */
    unsigned idle;            /* ticks since it was used */
    bool moved;               /* there may be another root by now */
    char *text;
    Root root;
} KnownRoot;

/* A mount namespace that recorded tasks are in, or were when events were told that wait. While it
 * is held what is mounted there stays mounted. */
typedef struct HeldNamespace {
    uint32_t inode; /* 0: free */
    uint32_t task;  /* that came there first */
    int fd;
} HeldNamespace;

struct CaptureRoots {
    ProcessTable *table;
    KnownRoot known[ROOTS_KEPT];
    HeldNamespace held[NAMESPACES_HELD];
    size_t next_held;
};

CaptureRoots *capture_roots_new(ProcessTable *table)
{
    CaptureRoots *roots = calloc(1, sizeof *roots);

    if (!roots)
        return NULL;
    roots->table = table;
    for (size_t i = 0; i < ROOTS_KEPT; i++)
        roots->known[i] = (KnownRoot){.root.fd = -1};
    for (size_t i = 0; i < NAMESPACES_HELD; i++)
        roots->held[i] = (HeldNamespace){.fd = -1};
    return roots;
}

static void forget(KnownRoot *known)
{
    fd_close(&known->root.fd);
    free(known->text);
    *known = (KnownRoot){.root.fd = -1};
}

CaptureRoots *capture_roots_free(CaptureRoots *roots)
{
    if (!roots)
        return NULL;
    for (size_t i = 0; i < ROOTS_KEPT; i++)
        forget(&roots->known[i]);
    for (size_t i = 0; i < NAMESPACES_HELD; i++)
        fd_close(&roots->held[i].fd);
    free(roots);
    return NULL;
}

void capture_roots_tick(CaptureRoots *roots)
{
    for (size_t i = 0; i < ROOTS_KEPT; i++) {
        if (roots->known[i].mount_namespace != 0 && ++roots->known[i].idle > TICKS_KEPT)
            forget(&roots->known[i]);
    }
}

const char *capture_root_text(const Captured *captured)
{
    const struct file_blob *file = captured->event->flags & EVENT_ROOT_CHANGED
                                       ? captured_file(captured, BLOB_ROOT, CAPTURED_ANY)
                                       : NULL;
    const char *text = file ? captured_file_text(file) : "";

    return strcmp(text, "/") == 0 ? "" : text;
}

bool capture_namespace_is_own(const CaptureRoots *roots, const Captured *captured)
{
    return captured->event->mount_namespace == roots->table->own_mount_namespace;
}

bool capture_root_is_own(const CaptureRoots *roots, const Captured *captured)
{
    return capture_namespace_is_own(roots, captured) && capture_root_text(captured)[0] == '\0';
}

/* The mount namespace of TASK, if that is the one: a descriptor or -1. */
static int open_namespace_of(uint32_t task, uint32_t mount_namespace)
{
    char path[64];
    struct stat st;

    (void)snprintf(path, sizeof path, "/proc/%u/ns/mnt", task);
    if (task == 0)
        return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_ino != mount_namespace))
        fd_close(&fd);
    return fd;
}

/* The root of TASK, if that is the one: a descriptor or -1. */
static int open_root_of(uint32_t task, const char *text)
{
    char path[64];
    char link[PATH_MAX + 1];

    (void)snprintf(path, sizeof path, "/proc/%u/root", task);
    const ssize_t n = readlink(path, link, sizeof link - 1);
    if (n <= 0 || (size_t)n >= sizeof link - 1)
        return -1;
    link[n] = '\0';
    if (strcmp(strcmp(link, "/") == 0 ? "" : link, text) != 0)
        return -1;
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static const HeldNamespace *find_held(const CaptureRoots *roots, uint32_t mount_namespace)
{
    for (size_t i = 0; i < NAMESPACES_HELD; i++) {
        if (roots->held[i].inode == mount_namespace)
            return &roots->held[i];
    }
    return NULL;
}

/* The namespace's own root, if that is known. */
static KnownRoot *find_top(CaptureRoots *roots, uint32_t mount_namespace)
{
    for (size_t i = 0; i < ROOTS_KEPT; i++) {
        KnownRoot *known = &roots->known[i];
        if (known->mount_namespace == mount_namespace && known->text[0] == '\0' &&
            known->root.fd >= 0 && !known->moved)
            return known;
    }
    return NULL;
}

/* The folder TEXT of a namespace whose own root is known. */
static int open_below(CaptureRoots *roots, uint32_t mount_namespace, const char *text)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};
    KnownRoot *top = find_top(roots, mount_namespace);

    if (!top)
        return -1;
    top->idle = 0;
    return (int)syscall(SYS_openat2, top->root.fd, text, &how, sizeof how);
}

/* That root, from that of its namespace, or by anyone who is still there to be asked. */
static int open_root(CaptureRoots *roots, const Captured *captured, const char *text)
{
    const int below =
        text[0] == '\0' ? -1 : open_below(roots, captured->event->mount_namespace, text);
    if (below >= 0)
        return below;
    const struct event *event = captured->event;
    const HeldNamespace *held = find_held(roots, event->mount_namespace);
    const uint32_t tasks[] = {event->tid, event->tgid, event->parent, held ? held->task : 0};

    for (size_t i = 0; i < ARRAY_LENGTH(tasks); i++) {
        CLEANUP(fd_close) int namespace_fd = open_namespace_of(tasks[i], event->mount_namespace);
        const int fd = namespace_fd < 0 ? -1 : open_root_of(tasks[i], text);
        if (fd >= 0)
            return fd;
    }
    return -1;
}

/* The entry of that root, or the one to be used for it. */
static KnownRoot *entry_for(CaptureRoots *roots, uint32_t mount_namespace, const char *text)
{
    KnownRoot *oldest = &roots->known[0];

    for (size_t i = 0; i < ROOTS_KEPT; i++) {
        KnownRoot *known = &roots->known[i];
        if (known->mount_namespace == mount_namespace && strcmp(known->text, text) == 0)
            return known;
        if (oldest->mount_namespace != 0 &&
            (known->mount_namespace == 0 || known->idle > oldest->idle))
            oldest = known;
    }
    forget(oldest);
    char *copy = strdup(text);
    if (!copy)
        return NULL;
    *oldest = (KnownRoot){
        .mount_namespace = mount_namespace, .text = copy, .root = {.fd = -1, .prefix = copy}};
    return oldest;
}

/*
 * A mount namespace that lived too short to be asked for its root is most often a copy of
 * whittle's, and that shows: the files that the event tells of are the same ones here, under the
 * same names.
 */
static bool is_same_tree(const Captured *captured)
{
    unsigned same = 0;

    for (size_t i = 0; i < captured->count; i++) {
        const struct file_blob *file = captured->blobs[i].file;
        const bool named =
            captured->blobs[i].kind == BLOB_FOLDER || captured->blobs[i].kind == BLOB_PROGRAM;
        struct stat st;
        struct stat told;
        if (!named || (file->flags & (FILE_NONE | FILE_NAMELESS | FILE_DELETED | FILE_CUT)))
            continue;
        captured_file_stat(file, &told);
        if (stat(captured_file_text(file), &st) < 0 || st.st_ino != told.st_ino ||
            st.st_dev != told.st_dev)
            return false;
        same++;
    }
    return same > 0;
}

const Root *capture_root(CaptureRoots *roots, const Captured *captured)
{
    const uint32_t namespace = captured->event->mount_namespace;
    const char *text = capture_root_text(captured);
    const bool own = capture_namespace_is_own(roots, captured);

    if (namespace == 0)
        return NULL;
    if (capture_root_is_own(roots, captured))
        return &roots->table->own_root;
    KnownRoot *known = entry_for(roots, namespace, text);
    if (!known)
        return NULL;
    /* In whittle's own namespace the path leads to it at any time, and it is open for one event. In
     * another one, what is there to be asked may be further than the event: so a root that is in
     * use is kept until one is told of that changes it. */
    const bool keep = known->root.fd >= 0 && !known->moved && (own || known->idle <= 1);
    const int fd = keep  ? -1
                   : own ? open(text, O_PATH | O_DIRECTORY | O_CLOEXEC)
                         : open_root(roots, captured, text);
    if (fd >= 0 || known->moved) {
        fd_close(&known->root.fd);
        known->root.fd = fd;
    }
    known->moved = false;
    known->idle = 0;
    if (known->root.fd >= 0)
        return &known->root;
    return text[0] == '\0' && is_same_tree(captured) ? &roots->table->own_root : NULL;
}

void capture_roots_release(CaptureRoots *roots)
{
    for (size_t i = 0; i < ROOTS_KEPT; i++) {
        KnownRoot *known = &roots->known[i];
        if (known->mount_namespace == roots->table->own_mount_namespace ||
            (known->mount_namespace != 0 && known->text[0] != '\0' &&
             find_top(roots, known->mount_namespace)))
            forget(known);
    }
}

bool capture_moves_root(const Captured *captured)
{
    static const char *const names[] = {"pivot_root", "move_mount", "mount"};
    const char *name = captured->syscall ? captured->syscall->name : "";

    if (captured->event->type != EVENT_CALL || !captured_succeeded(captured))
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(names[i], name) == 0)
            return strcmp(name, "mount") != 0 || (captured->event->args[3] & MS_MOVE);
    }
    return false;
}

void capture_roots_moved(CaptureRoots *roots, uint32_t mount_namespace)
{
    for (size_t i = 0; i < ROOTS_KEPT; i++) {
        if (roots->known[i].mount_namespace == mount_namespace)
            roots->known[i].moved = true;
    }
}

void capture_roots_entered(CaptureRoots *roots, const Captured *captured)
{
    const uint32_t inode = captured->event->mount_namespace;
    HeldNamespace *held = &roots->held[roots->next_held];

    capture_roots_left(roots, inode);
    roots->next_held = (roots->next_held + 1) % NAMESPACES_HELD;
    fd_close(&held->fd);
    *held = (HeldNamespace){.inode = inode,
                            .task = captured->event->tid,
                            .fd = open_namespace_of(captured->event->tid, inode)};
    /* What an earlier event from there led to need not be its root any more. */
    capture_roots_moved(roots, inode);
    (void)capture_root(roots, captured);
}

void capture_roots_left(CaptureRoots *roots, uint32_t mount_namespace)
{
    for (size_t i = 0; i < NAMESPACES_HELD; i++) {
        if (roots->held[i].inode != mount_namespace)
            continue;
        fd_close(&roots->held[i].fd);
        roots->held[i].inode = 0;
    }
}
