/* SPDX-License-Identifier: Apache-2.0 */
/* Mounting in both interfaces: mount(2) and its family, and the descriptors of fsopen(2). */
#include "tracer/observer_private.h"

#include "base/memory.h"
#include "tracer/served.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>

enum { MOUNT_TEXT_MAX = 4096 };

static Fact *draft_mount(Observer *observer, Tracee *tracee, Pending *pending,
                         const char *operation)
{
    return pending_draft(observer, tracee, pending, FACT_MOUNT, operation, DRAFT_ALWAYS);
}

/* Path argument ARGUMENT; NULL where it is none. */
static const ResolvedPath *path_argument(const Pending *pending, unsigned argument)
{
    for (size_t i = 0; i < pending->call.paths_count; i++) {
        if (pending->call.paths[i].argument == argument)
            return &pending->call.paths[i];
    }
    return NULL;
}

/* Where it leads; NULL if it is none, or could not be worked out and is no full path. */
static const char *path_text(const Pending *pending, unsigned argument)
{
    const ResolvedPath *path = path_argument(pending, argument);

    if (!path || path->text)
        return path ? path->text : NULL;
    return path->raw && path->raw[0] == '/' ? path->raw : NULL;
}

/* A string argument, kept; NULL for a null pointer or one that cannot be read. */
static const char *text_argument(Observer *observer, Tracee *tracee, const Pending *pending,
                                 unsigned argument)
{
    char text[MOUNT_TEXT_MAX];

    if (pending->call.args[argument] == 0 ||
        !read_text_argument(observer, tracee, pending->call.args[argument], text, sizeof text,
                            "mount argument"))
        return NULL;
    return observer_intern(observer, text);
}

/* A file system that the workload may serve is about to be mounted. */
static void expect_served(const Observer *observer, const char *fstype)
{
    if (fstype && served_type(fstype))
        resolver_expect_served(observer->resolver);
}

static void enter_mount(Observer *observer, Tracee *tracee, Pending *pending)
{
    static const struct {
        uint64_t flag;
        const char *operation;
    } operations[] = {{MS_REMOUNT, "remount"},
                      {MS_BIND, "bind"},
                      {MS_MOVE, "move"},
                      {MS_SHARED, "make-shared"},
                      {MS_PRIVATE, "make-private"},
                      {MS_SLAVE, "make-slave"},
                      {MS_UNBINDABLE, "make-unbindable"}};
    static const uint64_t option_bits = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC |
                                        MS_SYNCHRONOUS | MS_REC | MS_NOATIME | MS_NODIRATIME |
                                        MS_RELATIME | MS_STRICTATIME;
    const uint64_t flags = pending->call.args[3];
    const char *operation = "mount";
    char flags_text[256];

    for (size_t i = 0; i < ARRAY_LENGTH(operations); i++) {
        if (flags & operations[i].flag) {
            operation = operations[i].operation;
            break;
        }
    }
    const char *source = text_argument(observer, tracee, pending, 0);
    const char *fstype = text_argument(observer, tracee, pending, 2);
    expect_served(observer, fstype);
    Fact *fact = draft_mount(observer, tracee, pending, operation);
    if (!fact)
        return;
    fact_set_text(fact, FIELD_TARGET, path_text(pending, 1));
    /* Where it is no path the source may be any text. */
    fact_set_text(fact, FIELD_SOURCE, path_argument(pending, 0) ? path_text(pending, 0) : source);
    fact_set_text(fact, FIELD_FSTYPE, fstype);
    const FlagFamily *family = flag_family("mount_flags");
    if (family && (flags & option_bits))
        fact_set_text(fact, FIELD_FLAGS,
                      observer_intern(observer, flag_text(family, flags & option_bits, flags_text,
                                                          sizeof flags_text)));
}

static void enter_umount(Observer *observer, Tracee *tracee, Pending *pending)
{
    Fact *fact = draft_mount(observer, tracee, pending, "umount");

    if (fact)
        fact_set_text(fact, FIELD_TARGET, path_text(pending, 0));
}

static void enter_pivot_root(Observer *observer, Tracee *tracee, Pending *pending)
{
    Fact *fact = draft_mount(observer, tracee, pending, "pivot_root");

    if (!fact)
        return;
    fact_set_text(fact, FIELD_SOURCE, path_text(pending, 0));
    fact_set_text(fact, FIELD_TARGET, path_text(pending, 1));
}

static void enter_move_mount(Observer *observer, Tracee *tracee, Pending *pending)
{
    Fact *fact = draft_mount(observer, tracee, pending, "move");

    if (!fact)
        return;
    fact_set_text(fact, FIELD_SOURCE, path_text(pending, 1));
    fact_set_text(fact, FIELD_TARGET, path_text(pending, 3));
}

static void enter_fsopen(Observer *observer, Tracee *tracee, Pending *pending)
{
    const char *fstype = text_argument(observer, tracee, pending, 0);
    expect_served(observer, fstype);
    Fact *fact = draft_mount(observer, tracee, pending, "fsopen");

    if (fact)
        fact_set_text(fact, FIELD_FSTYPE, fstype);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

const CallHandler mount_handlers[] = {
    {NAMES("mount"), enter_mount, true},           {NAMES("umount", "umount2"), enter_umount, true},
    {NAMES("pivot_root"), enter_pivot_root, true}, {NAMES("move_mount"), enter_move_mount, true},
    {NAMES("fsopen"), enter_fsopen, true},         {NULL, NULL, false},
};
