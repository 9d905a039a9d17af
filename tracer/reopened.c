/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/reopened.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

/* An open() that found what it asked for under the very name that it gave. */
typedef struct Opened {
    const StoredFact *call; /* of whom, in which phase; NULL: the place is free */
    StoredFact *file;
    const char *name; /* interned */
    uint64_t flags;
    uid_t fsuid;
    /* What the facts and the prediction of the outcome hang on. */
    dev_t device;
    ino_t inode;
    dev_t special;
    mode_t mode;
    uid_t owner;
} Opened;

enum { PLACES = 1024 };

struct Reopened {
    HashKey key;
    Opened places[PLACES];
};

/* The arguments of an open(). */
typedef struct Names {
    int path;
    int flags;
} Names;

Reopened *reopened_new(const ObserverOptions *options)
{
    if (!options->known.no_capabilities || options->known.enforcement || options->sees_results)
        return NULL;
    Reopened *reopened = calloc(1, sizeof *reopened);
    if (reopened)
        hash_key_init(&reopened->key);
    return reopened;
}

Reopened *reopened_free(Reopened *reopened)
{
    free(reopened);
    return NULL;
}

void reopened_forget(Reopened *reopened)
{
    if (reopened)
        memset(reopened->places, 0, sizeof reopened->places);
}

/* False if SYSCALL is none of those that open one file as their arguments say. */
static bool names_of(const Syscall *syscall, Names *ret_names)
{
    Names names = {.path = -1, .flags = -1};

    for (int i = 0; i < SYSCALL_ARGS; i++) {
        if (syscall->args[i].role == ROLE_PATH)
            names.path = i;
        if (syscall->args[i].role == ROLE_OPEN_FLAGS)
            names.flags = i;
    }
    *ret_names = names;
    return names.path >= 0 && names.flags >= 0;
}

static Opened *place_of(Reopened *reopened, const StoredFact *call, const char *name)
{
    const uint64_t h = hash_u64(hash_bytes(&reopened->key, name, strlen(name)), (uintptr_t)call);

    return &reopened->places[h % PLACES];
}

static bool is_same_file(const Opened *opened, const struct stat *st)
{
    return st->st_dev == opened->device && st->st_ino == opened->inode &&
           st->st_rdev == opened->special && st->st_mode == opened->mode &&
           st->st_uid == opened->owner;
}

/* Without a link on the way, what is found has the name by which it was looked up. */
static bool leads_there(const Opened *opened)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
    struct stat st;
    CLEANUP(fd_close)
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, opened->name, &how, sizeof how);

    return fd >= 0 && fstat(fd, &st) == 0 && is_same_file(opened, &st);
}

/* Names mean for TRACEE what they mean for the recorder, and nobody has to be asked. */
static bool sees_the_same(Observer *observer, Tracee *tracee)
{
    const Root *root = process_root(&observer->table, tracee->process);

    return root && root->own && !resolver_expects_served(observer->resolver);
}

bool reopened_is_known(Observer *observer, Reopened *reopened, Tracee *tracee,
                       const Syscall *syscall, const SyscallStop *stop, const StoredFact *call)
{
    const Credentials *credentials;
    char name[PATH_MAX];
    Names names;

    if (!reopened || !call || !names_of(syscall, &names) || !sees_the_same(observer, tracee) ||
        tracee_read_string(tracee, stop->args[names.path], name, sizeof name) < 0)
        return false;
    const Opened *opened = place_of(reopened, call, name);
    if (opened->call != call || strcmp(opened->name, name) != 0 ||
        opened->flags != (uint32_t)stop->args[names.flags] ||
        tracee_credentials(tracee, &credentials) < 0 || credentials->fsuid != opened->fsuid ||
        !leads_there(opened))
        return false;
    (void)recording_add_count(observer->options.recording, opened->file, observer->options.run, 1);
    return true;
}

void reopened_note(Observer *observer, Reopened *reopened, Tracee *tracee, const Pending *pending)
{
    const Credentials *credentials;
    Names names;

    if (!reopened || !pending->syscall_fact || !names_of(pending->call.syscall, &names) ||
        pending->count != 1 || pending->predicted != RESULT_OK || pending->call.paths_count != 1)
        return;
    const PathResult *path = &pending->paths[0];
    const Fact *fact = &pending->drafts[0].fact;
    const char *name = pending->raw[0];
    /* A name that begins anywhere else, or goes through links, would be another. */
    if (fact->kind != FACT_FILE || strcmp(fact->name, name) != 0 || !path->has_stat ||
        path->served || !sees_the_same(observer, tracee) ||
        tracee_credentials(tracee, &credentials) < 0)
        return;
    StoredFact *file = recording_find(observer->options.recording, fact);
    if (!file)
        return;
    *place_of(reopened, pending->syscall_fact, name) =
        (Opened){.call = pending->syscall_fact,
                 .file = file,
                 .name = observer_intern(observer, name),
                 .flags = (uint32_t)pending->call.args[names.flags],
                 .fsuid = credentials->fsuid,
                 .device = path->st.st_dev,
                 .inode = path->st.st_ino,
                 .special = path->st.st_rdev,
                 .mode = path->st.st_mode,
                 .owner = path->st.st_uid};
}
