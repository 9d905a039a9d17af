/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/capture_roots.h"

#include "base/io.h"
#include "base/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { ROOTS_KEPT = 32, TICKS_KEPT = 2 };

typedef struct KnownRoot {
    uint32_t mount_namespace; /* 0: free */
    unsigned idle;            /* ticks since it was used */
    char *text;
    Root root;
} KnownRoot;

struct CaptureRoots {
    ProcessTable *table;
    KnownRoot known[ROOTS_KEPT];
};

CaptureRoots *capture_roots_new(ProcessTable *table)
{
    CaptureRoots *roots = calloc(1, sizeof *roots);

    if (!roots)
        return NULL;
    roots->table = table;
    for (size_t i = 0; i < ROOTS_KEPT; i++)
        roots->known[i].root.fd = -1;
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

/* The root of the task itself, if it still has the one it had. A descriptor or -1. */
static int open_root_of(const Captured *captured, const char *text)
{
    char path[64];
    char link[PATH_MAX + 1];
    struct stat st;

    (void)snprintf(path, sizeof path, "/proc/%u/ns/mnt", captured->event->tid);
    if (stat(path, &st) < 0 || st.st_ino != captured->event->mount_namespace)
        return -1;
    (void)snprintf(path, sizeof path, "/proc/%u/root", captured->event->tid);
    const ssize_t n = readlink(path, link, sizeof link - 1);
    if (n <= 0 || (size_t)n >= sizeof link - 1)
        return -1;
    link[n] = '\0';
    if (strcmp(strcmp(link, "/") == 0 ? "" : link, text) != 0)
        return -1;
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
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
    oldest->text = strdup(text);
    if (!oldest->text)
        return NULL;
    oldest->mount_namespace = mount_namespace;
    oldest->root.prefix = oldest->text;
    return oldest;
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
    known->idle = 0;
    /* Opened anew each time: there may be another folder of that name by now. */
    const int fd =
        own ? open(text, O_PATH | O_DIRECTORY | O_CLOEXEC) : open_root_of(captured, text);
    if (fd >= 0) {
        fd_close(&known->root.fd);
        known->root.fd = fd;
    }
    return known->root.fd >= 0 ? &known->root : NULL;
}
