/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: the kernel's generic_permission() (fs/namei.c) replayed
 * on mode bits. Reading a file and reading or searching a folder is granted by either of the two,
 * all else by CAP_DAC_OVERRIDE alone, and executing a file only if any of its x bits is set.
 */
#include "tracer/capability_internal.h"

#include "base/memory.h"
#include "model/fact.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

/* Those of the generic ABI, which all architectures of the tables share for these bits. */
enum {
    OPEN_ACCESS_MODE = 00000003,
    OPEN_CREATE = 00000100,
    OPEN_EXCLUSIVE = 00000200,
    OPEN_TRUNCATE = 00001000,
    OPEN_PATH = 010000000,
    OPEN_TEMPORARY = 020000000,
};

/* A prefix each: file systems that may ask a server who may do what. */
static const char *const own_checks[] = {
    "fuse", "nfs", "cifs", "smb3", "9p", "afs", "ceph", "gfs2", "ocfs2", "lustre", "orangefs",
};

/* What of procfs has a check of its own: sysctl files know no capability, and a process may look at
 * these of its own threads whatever their modes say. */
static const char *const own_proc_checks[] = {"/fd", "/fdinfo", "/map_files", "/comm"};

static bool proc_follows_modes(const char *path)
{
    size_t length = path ? strlen(path) : 0;

    if (!path || strncmp(path, "/proc/sys/", 10) == 0)
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(own_proc_checks); i++) {
        const char *found = strstr(path, own_proc_checks[i]);
        size_t n = strlen(own_proc_checks[i]);

        if (found && (found[n] == '/' || found + n == path + length))
            return false;
    }
    return true;
}

bool cap_follows_modes(const ResolvedPath *path)
{
    const char *mount = path->mount;

    if (mount && strcmp(mount, "proc") == 0)
        return proc_follows_modes(path->text);
    for (size_t i = 0; mount && i < ARRAY_LENGTH(own_checks); i++)
        if (strncmp(mount, own_checks[i], strlen(own_checks[i])) == 0)
            return false;
    return true;
}

int cap_mode_allows(const CapabilityContext *context, const struct stat *st, const char *path,
                    unsigned mask)
{
    const CapabilityQueries *queries = context->queries;
    int member;

    if (context->credentials->fsuid == st->st_uid)
        return ((st->st_mode >> 6) & mask) == mask;
    /* An ACL, if any, shows in the group bits as its mask. */
    if ((st->st_mode & S_IRWXG) && !S_ISLNK(st->st_mode) &&
        (!path || !queries->has_acl || queries->has_acl(context->data, path) != 0))
        return -ENODATA;
    member = cap_in_group(context, st->st_gid);
    if (member < 0) {
        unsigned both = ((st->st_mode >> 3) ^ st->st_mode) & mask;

        /* Not knowing which of them counts does no harm where they say the same. */
        if (both)
            return member;
    }
    return ((member > 0 ? st->st_mode >> 3 : st->st_mode) & mask) == mask;
}

/* The smallest capability that gives MASK on a file of that mode, or -1. */
static int override_for(const struct stat *st, unsigned mask)
{
    if (S_ISDIR(st->st_mode))
        return mask & CAP_MAY_WRITE ? CAP_DAC_OVERRIDE : CAP_DAC_READ_SEARCH;
    if (mask == CAP_MAY_READ)
        return CAP_DAC_READ_SEARCH;
    if (!(mask & CAP_MAY_EXEC) || (st->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
        return CAP_DAC_OVERRIDE;
    return -1;
}

/* Mode bits deny MASK, and the rule's capability is what then grants it. */
static bool denied(const CapabilityContext *context, const CapabilityRule *rule,
                   const struct stat *st, const char *path, unsigned mask)
{
    return mask && override_for(st, mask) == rule->capability &&
           cap_mode_allows(context, st, path, mask) == 0;
}

bool cap_open_flags(const CapabilityContext *context, uint64_t *ret_flags)
{
    const Call *call = context->call;

    if (cap_call_is(context, "open")) {
        *ret_flags = (uint32_t)call->args[1];
    } else if (cap_call_is(context, "openat")) {
        *ret_flags = (uint32_t)call->args[2];
    } else if (cap_call_is(context, "creat")) {
        *ret_flags = OPEN_CREATE | OPEN_TRUNCATE | O_WRONLY;
    } else if (cap_call_is(context, "openat2")) {
        return cap_read(context, cap_arg_long(context, 2), ret_flags, sizeof *ret_flags) == 0;
    } else {
        return false;
    }
    return true;
}

/* What open(2) with FLAGS checks on a file that is there: build_open_flags() and may_open(). */
static unsigned open_mask(uint64_t flags)
{
    static const unsigned char modes[] = {CAP_MAY_READ, CAP_MAY_WRITE, CAP_MAY_READ | CAP_MAY_WRITE,
                                          CAP_MAY_READ | CAP_MAY_WRITE};
    unsigned mask = modes[flags & OPEN_ACCESS_MODE];

    if (flags & OPEN_PATH)
        return 0;
    /* O_TMPFILE makes a file in the folder that the path names. */
    if (flags & OPEN_TEMPORARY)
        return CAP_MAY_WRITE | CAP_MAY_EXEC;
    return flags & OPEN_TRUNCATE ? mask | CAP_MAY_WRITE : mask;
}

static bool needs_open(const CapabilityContext *context, const CapabilityRule *rule,
                       CapabilityMatch *match)
{
    const ResolvedPath *path = &context->call->paths[0];
    uint64_t flags;
    unsigned mask;

    if (context->call->paths_count == 0 || !path->has_stat || S_ISLNK(path->st.st_mode) ||
        !cap_follows_modes(path) || !cap_open_flags(context, &flags))
        return false;
    mask = open_mask(flags);
    if (S_ISDIR(path->st.st_mode) && (mask & CAP_MAY_WRITE) && !(flags & OPEN_TEMPORARY))
        return false; /* EISDIR */
    match->object = path->text;
    return denied(context, rule, &path->st, path->text, mask);
}

/* The parameter is the mask that the call checks on its first path. */
static bool needs_access(const CapabilityContext *context, const CapabilityRule *rule,
                         CapabilityMatch *match)
{
    const ResolvedPath *path = &context->call->paths[0];

    if (context->call->paths_count == 0 || !path->has_stat || !cap_follows_modes(path))
        return false;
    match->object = path->text;
    return denied(context, rule, &path->st, path->text, rule->parameter);
}

/* xattr_permission() (fs/xattr.c): only user.* asks for the file's own permission. The parameter is
 * the argument that is the attribute's name; reading ones are the rule of CAP_DAC_READ_SEARCH. */
static bool needs_xattr(const CapabilityContext *context, const CapabilityRule *rule,
                        CapabilityMatch *match)
{
    unsigned mask = rule->capability == CAP_DAC_OVERRIDE ? CAP_MAY_WRITE : CAP_MAY_READ;
    char name[256];
    struct stat st;

    if (!cap_xattr_name(context, rule->parameter, name) || strncmp(name, "user.", 5) != 0 ||
        !cap_subject(context, &st, &match->object) ||
        (context->call->paths_count > 0 && !cap_follows_modes(&context->call->paths[0])))
        return false;
    return denied(context, rule, &st, match->object, mask);
}

static bool is_rename(const CapabilityContext *context)
{
    return strncmp(context->call->syscall->name, "rename", 6) == 0;
}

static bool changes_folder(const CapabilityContext *context, const ResolvedPath *path)
{
    uint64_t flags;

    if (cap_open_flags(context, &flags))
        return (flags & OPEN_CREATE) && !(flags & OPEN_PATH) && !path->has_stat;
    if (strncmp(context->call->syscall->name, "link", 4) == 0)
        return path == &context->call->paths[1];
    return true;
}

/* The name of the folder that holds PATH, or NULL where it does not fit. */
static const char *folder_of(const char *path, char *out, size_t size)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    size_t length = slash ? (size_t)(slash - path) : 0;

    if (!slash || length + 2 > size)
        return NULL;
    memcpy(out, path, length + 1);
    out[length ? length : 1] = '\0';
    return out;
}

/* vfs_rename(): a folder that changes its parent has its ".." rewritten, which is a write to it. */
static bool moves_folder(const CapabilityContext *context, const ResolvedPath *path)
{
    enum { EXCHANGE = 2 };
    const ResolvedPath *paths = context->call->paths;
    bool exchange = cap_call_is(context, "renameat2") && (cap_arg_u32(context, 4) & EXCHANGE);

    return is_rename(context) && context->call->paths_count == 2 && path->has_stat &&
           S_ISDIR(path->st.st_mode) && paths[0].has_parent && paths[1].has_parent &&
           (paths[0].parent.st_ino != paths[1].parent.st_ino ||
            paths[0].parent.st_dev != paths[1].parent.st_dev) &&
           (path == &paths[0] || exchange);
}

static bool folder_denied(const CapabilityContext *context, const CapabilityRule *rule,
                          const ResolvedPath *path)
{
    char folder[PATH_MAX];

    if (!path->has_parent || !cap_follows_modes(path) || !changes_folder(context, path))
        return false;
    return denied(context, rule, &path->parent, folder_of(path->text, folder, sizeof folder),
                  CAP_MAY_WRITE | CAP_MAY_EXEC) ||
           (moves_folder(context, path) &&
            denied(context, rule, &path->st, path->text, CAP_MAY_WRITE));
}

static bool needs_folder(const CapabilityContext *context, const CapabilityRule *rule,
                         CapabilityMatch *match)
{
    for (size_t i = 0; i < context->call->paths_count; i++) {
        const ResolvedPath *path = &context->call->paths[i];

        if (folder_denied(context, rule, path)) {
            match->object = path->text;
            return true;
        }
    }
    return false;
}

typedef struct Search {
    const CapabilityContext *context;
    const CapabilityRule *rule;
} Search;

static int visit_folder(void *data, const struct stat *st, const char *path)
{
    const Search *search = data;

    if (!S_ISDIR(st->st_mode))
        return 0;
    return denied(search->context, search->rule, st, path, CAP_MAY_EXEC);
}

static bool needs_search(const CapabilityContext *context, const CapabilityRule *rule,
                         CapabilityMatch *match)
{
    Search search = {.context = context, .rule = rule};
    const CapabilityQueries *queries = context->queries;

    /* access(2) asks with the real ids, of which the walk knows nothing. */
    if (!queries->ancestors || (strncmp(context->call->syscall->name, "access", 6) == 0 &&
                                context->credentials->uid != context->credentials->fsuid))
        return false;
    for (size_t i = 0; i < context->call->paths_count; i++) {
        const ResolvedPath *path = &context->call->paths[i];

        if (!path->text || !path->raw || !path->raw[0] || !cap_follows_modes(path))
            continue;
        if (queries->ancestors(context->data, path, visit_folder, &search) == 1) {
            match->object = path->text;
            return true;
        }
    }
    return false;
}

static bool path_promises_success(const CapabilityContext *context, size_t index)
{
    const ResolvedPath *path = &context->call->paths[index];
    uint32_t access = path->operation ? path->operation->access : 0;
    bool target = is_rename(context) && index == 1;
    bool creates = (access & ACCESS_CREATE) || target;
    uint64_t flags;

    if (cap_open_flags(context, &flags)) {
        bool exclusive = (flags & OPEN_CREATE) && (flags & OPEN_EXCLUSIVE);

        return path->error == 0 ? !exclusive : path->error == ENOENT && (flags & OPEN_CREATE);
    }
    if (path->error)
        return path->error == ENOENT && creates;
    /* A name that is to be made and is there gives EEXIST, but for a rename, which replaces it. */
    return !(creates && !is_rename(context) && path->operation &&
             path->operation->final == PATH_FINAL_PARENT && path->has_stat);
}

bool cap_paths_promise_success(const CapabilityContext *context)
{
    for (size_t i = 0; i < context->call->paths_count; i++)
        if (!path_promises_success(context, i))
            return false;
    return true;
}

#define READING CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE
#define WRITING CAP_DAC_OVERRIDE, NO_ALTERNATIVE

const CapabilityRule capability_rules_access[] = {
    {"dac-open-read", READING, "open openat openat2", needs_open, 0},
    {"dac-open-write", WRITING, "open openat openat2 creat", needs_open, 0},
    {"dac-truncate", WRITING, "truncate truncate64", needs_access, CAP_MAY_WRITE},
    {"dac-exec", WRITING, "execve execveat", needs_access, CAP_MAY_EXEC},
    {"dac-chdir", READING, "chdir chroot", needs_access, CAP_MAY_EXEC},
    {"dac-watch", READING, "inotify_add_watch", needs_access, CAP_MAY_READ},
    {"dac-connect", WRITING, "connect", needs_access, CAP_MAY_WRITE},
    {"dac-xattr-read", READING, "getxattr lgetxattr", needs_xattr, 1},
    {"dac-xattr-write", WRITING,
     "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr", needs_xattr, 1},
    {"dac-folder-write", WRITING,
     "open openat openat2 creat mkdir mkdirat mknod mknodat symlink symlinkat link linkat unlink "
     "unlinkat rmdir rename renameat renameat2 bind",
     needs_folder, 0},
    {"dac-search", READING, NULL, needs_search, 0},
    {NULL, 0, 0, NULL, NULL, 0},
};
