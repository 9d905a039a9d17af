/* SPDX-License-Identifier: Apache-2.0 */
/* Path arguments, by the roles in the tables: what each call does to the file it names. */
#include "tracer/observer_private.h"
#include "tracer/path_predictions.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/mount.h>

typedef struct PathArgs {
    int dirfd;
    uint64_t at_flags;
    uint64_t open_flags;
    uint64_t resolve; /* RESOLVE_* of openat2(2) */
    bool has_open_flags;
} PathArgs;

static void read_open_how(Tracee *tracee, const Call *call, unsigned index, PathArgs *args)
{
    struct open_how how = {0};

    if (tracee_read(tracee, call->args[index], &how, sizeof how) == 0) {
        args->open_flags = how.flags;
        args->resolve = how.resolve;
        args->has_open_flags = true;
    }
}

static void collect_flags(Tracee *tracee, const Call *call, PathArgs *args)
{
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        const ArgRole role = call->syscall->args[i].role;
        if (role == ROLE_AT_FLAGS) {
            args->at_flags = (uint32_t)call->args[i];
        } else if (role == ROLE_OPEN_FLAGS) {
            args->open_flags = (uint32_t)call->args[i];
            args->has_open_flags = true;
        } else if (role == ROLE_OPEN_HOW) {
            read_open_how(tracee, call, i, args);
        }
    }
}

static PathFinal final_component(const PathOperation *operation, const PathArgs *args)
{
    if (args->has_open_flags) {
        if ((args->open_flags & O_CREAT) && (args->open_flags & O_EXCL))
            return PATH_FINAL_PARENT;
        return args->open_flags & O_NOFOLLOW ? PATH_FINAL_NOFOLLOW : PATH_FINAL_FOLLOW;
    }
    if (operation->final == PATH_FINAL_FOLLOW && (args->at_flags & AT_SYMLINK_NOFOLLOW))
        return PATH_FINAL_NOFOLLOW;
    if (operation->final == PATH_FINAL_NOFOLLOW && (args->at_flags & AT_SYMLINK_FOLLOW))
        return PATH_FINAL_FOLLOW;
    return operation->final;
}

uint32_t open_access(uint64_t flags, const PathResult *path)
{
    static const uint32_t modes[] = {[O_RDONLY] = ACCESS_READ,
                                     [O_WRONLY] = ACCESS_WRITE,
                                     [O_RDWR] = ACCESS_READ | ACCESS_WRITE,
                                     [O_ACCMODE] = ACCESS_READ | ACCESS_WRITE};
    uint32_t access = modes[flags & O_ACCMODE];

    if (flags & O_PATH)
        return ACCESS_STAT;
    if ((access & ACCESS_WRITE) && (flags & O_APPEND) && !(flags & O_TRUNC))
        access = (access & ~(uint32_t)ACCESS_WRITE) | ACCESS_APPEND;
    if (flags & O_TRUNC)
        access |= ACCESS_TRUNCATE;
    if ((flags & O_CREAT) && (path->error == ENOENT || path->served))
        access |= ACCESS_CREATE;
    return access;
}

/* O_TMPFILE makes a file without a name; an LSM sees it as FOLDER/#INODE. */
static void draft_tmpfile(Observer *observer, Tracee *tracee, Pending *pending,
                          const PathResult *folder, uint32_t access)
{
    PathResult file = *folder;

    if (!folder->text)
        return;
    CLEANUP(free_pointer) char *name = NULL;
    if (asprintf(&name, "%s/#[inode]", strcmp(folder->text, "/") == 0 ? "" : folder->text) < 0) {
        name = NULL;
        return;
    }
    file.text = name;
    file.has_stat = false;
    draft_file(observer, tracee, pending, &file, access | ACCESS_CREATE, DRAFT_ALWAYS);
}

static void keep_for_rules(Observer *observer, Pending *pending, unsigned argument,
                           const PathOperation *operation, const char *raw, const PathResult *path)
{
    ResolvedPath *kept = &pending->call.paths[pending->call.paths_count];

    *kept = (ResolvedPath){
        .argument = argument,
        .operation = operation,
        .raw = raw,
        .text = path->text && path->is_path ? observer_intern(observer, path->text) : NULL,
        .error = path->error,
        .has_stat = path->has_stat,
        .has_parent = path->has_parent,
        .st = path->st,
        .parent = path->parent,
        .mount = path->mount,
        .served = path->served};
    pending->paths[pending->call.paths_count] = *path;
    pending->call.paths_count++;
}

/* A mount's source may be a word ("proc", "none"), or nothing behind a descriptor. */
static bool is_mount_source_path(const Call *call, const char *raw)
{
    enum { FLAGS = 3 /* of mount(); of move_mount() another path */ };
    const bool has_flags = call->syscall->args[FLAGS].role == ROLE_SELECTOR;
    const uint64_t flags = call->args[FLAGS];

    return raw[0] == '/' ||
           (raw[0] != '\0' &&
            (!has_flags || (flags & (MS_BIND | MS_MOVE) && !(flags & MS_REMOUNT))));
}

/*
 * Reads and resolves path argument ARGUMENT. False where the call names no path by it: a word
 * instead of a path, a null pointer, memory that cannot be read.
 */
static bool resolve_argument(Observer *observer, Tracee *tracee, Pending *pending,
                             unsigned argument, const PathArgs *args, PathResult *path)
{
    const PathOperation *operation = pending->call.syscall->args[argument].operation;
    const uint64_t address = pending->call.args[argument];
    const unsigned slot = (unsigned)pending->call.paths_count;
    const bool empty_ok = (args->at_flags & AT_EMPTY_PATH) != 0;
    char *raw = pending->raw[slot];

    raw[0] = '\0';
    if (address != 0 && !read_text_argument(observer, tracee, address, raw,
                                            sizeof pending->raw[slot], "path argument"))
        return false;
    if (operation == observer->mount_source && !is_mount_source_path(&pending->call, raw))
        return false;
    PathQuery query = {
        .argument = (int)argument,
        .dirfd = args->dirfd,
        .raw = raw,
        .final = final_component(operation, args),
        .empty_ok = empty_ok,
        .opens = args->has_open_flags ? (args->open_flags & O_TMPFILE) != O_TMPFILE
                                      : operation == observer->creat,
        .access = operation->access,
    };
    if (address == 0 || (raw[0] == '\0' && empty_ok)) {
        /* utimensat(fd, NULL, …), fstatat(fd, "", …, AT_EMPTY_PATH): on the descriptor itself,
         * which may be looked at without permission. */
        if (args->dirfd == AT_FDCWD || operation->access == ACCESS_STAT)
            return false;
        query.empty_ok = true;
    } else if (args->resolve & RESOLVE_IN_ROOT) {
        query.raw += strspn(query.raw, "/");
        query.raw = *query.raw ? query.raw : ".";
        query.in_root = true;
    }
    resolver_resolve(observer->resolver, tracee, &query, slot, path);
    return true;
}

/* What was renamed is looked at where it is now, if that comes after the call. */
static void name_type_gone(Pending *pending, const PathResult *now)
{
    Fact *fact = &pending->drafts[0].fact;

    if (pending->count < 2 || pending->paths[0].has_stat || fact->kind != FACT_FILE ||
        !pending->call.has_result || pending->call.result < 0)
        return;
    fact_set_text(fact, FIELD_FILE_TYPE, file_type_name(now->st.st_mode));
    if (fact_has(&pending->drafts[1].fact, FIELD_OWNER))
        fact_set_number(fact, FIELD_OWNER, fact_number(&pending->drafts[1].fact, FIELD_OWNER, 0));
}

/* What mkdir() and rename() are about to put where nothing is yet; what open() takes for a folder
 * on a served file system. */
static void name_type_to_come(const Observer *observer, Pending *pending,
                              const PathOperation *operation, const PathResult *path,
                              bool is_folder)
{
    Fact *fact = pending->count > 0 ? &pending->drafts[pending->count - 1].fact : NULL;

    if (!fact || fact->kind != FACT_FILE)
        return;
    if (path->has_stat) {
        if (operation == observer->rename_to)
            name_type_gone(pending, path);
        return;
    }
    if (operation == observer->mkdir || is_folder)
        fact_set_text(fact, FIELD_FILE_TYPE, "directory");
    else if (operation == observer->rename_to && pending->paths[0].has_stat)
        fact_set_text(fact, FIELD_FILE_TYPE, file_type_name(pending->paths[0].st.st_mode));
}

/* openat2() may refuse a path that is there. */
static int confined(const Observer *observer, Tracee *tracee, const PathArgs *args, const char *raw,
                    PathFinal final)
{
    const PathQuery query = {.argument = -1, .dirfd = args->dirfd, .raw = raw, .final = final};

    return resolver_confined(observer->resolver, tracee, &query, args->resolve);
}

static void look_at_path(Observer *observer, Tracee *tracee, Pending *pending, unsigned argument,
                         const PathArgs *args)
{
    const PathOperation *operation = pending->call.syscall->args[argument].operation;
    const char *raw = pending->raw[pending->call.paths_count];
    const bool is_open = args->has_open_flags;
    PathResult path;

    if (!resolve_argument(observer, tracee, pending, argument, args, &path))
        return;
    const uint32_t access = is_open ? open_access(args->open_flags, &path) : operation->access;
    const Prediction prediction = {.path = &path,
                                   .first =
                                       pending->call.paths_count > 0 ? &pending->paths[0] : NULL,
                                   .operation = operation,
                                   .raw = raw,
                                   .final = final_component(operation, args),
                                   .access = access,
                                   .opens = is_open,
                                   .flags = is_open ? args->open_flags : args->at_flags};
    int predicted = path_predict(tracee, &prediction);
    if (path.served) /* nothing is known of it */
        predicted = RESULT_UNKNOWN;
    else if (args->resolve != 0 && predicted == RESULT_OK)
        predicted = confined(observer, tracee, args, raw, prediction.final);
    if (pending->predicted == RESULT_UNKNOWN || predicted != RESULT_OK)
        pending->predicted = predicted;
    keep_for_rules(observer, pending, argument, operation, raw, &path);
    if (is_open && (args->open_flags & O_TMPFILE) == O_TMPFILE)
        draft_tmpfile(observer, tracee, pending, &path, access);
    else
        draft_file(observer, tracee, pending, &path, access, DRAFT_ALWAYS);
    name_type_to_come(observer, pending, operation, &path,
                      path.served && is_open && (args->open_flags & O_DIRECTORY));
    /* What is only looked at needs no permission: then the exact name does not matter. */
    if ((!path.text && path.error == 0) || (path.unsure && access != ACCESS_STAT))
        tracee_loss(observer, tracee, "unresolved-path", raw);
}

void observe_paths(Observer *observer, Tracee *tracee, Pending *pending)
{
    PathArgs args = {.dirfd = AT_FDCWD};
    const Call *call = &pending->call;

    collect_flags(tracee, call, &args);
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        const ArgRole role = call->syscall->args[i].role;
        if (role == ROLE_DIRFD)
            args.dirfd = arg_int(call, i);
        if (role != ROLE_PATH)
            continue;
        if (pending->call.paths_count < CALL_PATHS_MAX && call->syscall->args[i].operation)
            look_at_path(observer, tracee, pending, i, &args);
        args.dirfd = AT_FDCWD;
    }
}
