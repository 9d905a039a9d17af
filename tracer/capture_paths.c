/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/capture_paths.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void remember(const Captured *captured, const PathResult *path)
{
    if (path->text && path->is_path && path->has_stat)
        seen_file_put(captured->seen, captured->event->mount_namespace, path->text, &path->st);
}

static bool recall(const Captured *captured, PathResult *path)
{
    struct stat st;

    /* Of a folder that is only known as such (remember_folder) there is nothing to tell. */
    if (!path->text || !path->is_path ||
        !seen_file_get(captured->seen, captured->event->mount_namespace, path->text, &st) ||
        st.st_uid == (uid_t)-1)
        return false;
    path->st = st;
    path->has_stat = true;
    return true;
}

/* ---- what the kernel side told -------------------------------------------------------------- */

/* The folder of a path that the kernel told is a folder, whoever owns it. */
static void remember_folder(const Captured *captured, const char *path)
{
    const uint32_t namespace = captured->event->mount_namespace;
    const struct stat folder = {.st_mode = S_IFDIR, .st_uid = (uid_t)-1};
    const char *slash = strrchr(path, '/');
    char text[PATH_MAX];
    struct stat st;

    if (!slash || slash == path || (size_t)(slash - path) >= sizeof text)
        return;
    memcpy(text, path, (size_t)(slash - path));
    text[slash - path] = '\0';
    if (!seen_file_get(captured->seen, namespace, text, &st))
        seen_file_put(captured->seen, namespace, text, &folder);
}

void captured_describe(const Tracee *tracee, const struct file_blob *file, Slot *slot,
                       PathResult *result)
{
    const Captured *captured = tracee->captured;
    const char *text = captured_file_text(file);

    captured_file_stat(file, &result->st);
    result->has_stat = !(file->flags & FILE_BEFORE) || file->mode != 0;
    if (!result->has_stat)
        result->error = ENOENT;
    result->mount = filesystem_name(file->magic);
    if ((file->flags & FILE_CUT) || file->text_length >= PATH_MAX)
        return;
    memcpy(slot->text, text, (size_t)file->text_length + 1);
    result->text = slot->text;
    if ((file->flags & FILE_NAMELESS) || !path_is_named(slot->text)) {
        result->is_path = false;
        return;
    }
    if (strcmp(result->mount, "proc") == 0)
        path_hide_numbers(tracee->process, capture_root_is_own(captured->roots, captured),
                          capture_root_text(captured), slot->text);
    remember(captured, result);
    remember_folder(captured, slot->text);
}

void captured_resolve_descriptor(const Tracee *tracee, int fd, Slot *slot, PathResult *result)
{
    const Captured *captured = tracee->captured;
    const struct file_blob *file = fd == AT_FDCWD
                                       ? captured_file(captured, BLOB_FOLDER, CAPTURED_ANY)
                                       : captured_descriptor(captured, fd);

    if (file)
        captured_describe(tracee, file, slot, result);
    else
        result->error = EBADF;
}

void captured_mapping(const Tracee *tracee, Slot *slot, PathResult *result)
{
    const struct file_blob *file = captured_file(tracee->captured, BLOB_VMA, CAPTURED_ANY);

    if (!file)
        return;
    result->error = 0;
    captured_describe(tracee, file, slot, result);
}

/* ---- looking up afterwards ------------------------------------------------------------------ */

/* The number of the call's arguments that are paths. */
static unsigned paths_of(const Captured *captured)
{
    unsigned count = 0;

    for (unsigned i = 0; captured->syscall && i < SYSCALL_ARGS; i++)
        count += captured->syscall->args[i].role == ROLE_PATH;
    return count;
}

/*
 * Of a file that was met before, the owner at that time counts: since then only what events told
 * has changed it, while what is found now may have been changed by calls that are told later.
 */
static void settle_owner(const Captured *captured, PathResult *result)
{
    PathResult known = *result;

    if (!result->has_stat)
        (void)recall(captured, result);
    else if (recall(captured, &known) && known.st.st_ino == result->st.st_ino)
        result->st.st_uid = known.st.st_uid;
    else
        remember(captured, result);
}

/* The owner found is the new one; if the old one is not known, it is nobody that a rule could count
 * on. */
static void before_chown(const Captured *captured, const PathQuery *query, PathResult *result)
{
    const unsigned argument = (unsigned)query->argument + 1;
    const uid_t uid = argument < SYSCALL_ARGS ? (uid_t)captured->event->args[argument] : (uid_t)-1;

    if (uid == (uid_t)-1) {
        settle_owner(captured, result);
        return;
    }
    if (!recall(captured, result))
        result->st.st_uid = (uid_t)-1;
    PathResult after = *result;
    after.st.st_uid = uid;
    remember(captured, &after);
}

/* What a call made that is gone already. */
static void set_made(const Captured *captured, const PathQuery *query, PathResult *result)
{
    static const struct {
        const char *syscall;
        mode_t type; /* 0: that of the argument behind the path */
    } rows[] = {{"mkdir", S_IFDIR},     {"mkdirat", S_IFDIR}, {"symlink", S_IFLNK},
                {"symlinkat", S_IFLNK}, {"bind", S_IFSOCK},   {"mknod", 0},
                {"mknodat", 0}};
    const char *name = captured->syscall ? captured->syscall->name : "";
    const unsigned behind = (unsigned)query->argument + 1;
    const mode_t mode = behind < SYSCALL_ARGS ? (mode_t)captured->event->args[behind] & S_IFMT : 0;

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(rows[i].syscall, name) != 0)
            continue;
        const mode_t type = rows[i].type ? rows[i].type : mode ? mode : S_IFREG;
        result->st = (struct stat){.st_mode = type, .st_uid = captured->event->credentials.fsuid};
        result->has_stat = true;
    }
}

/* /proc/self/fd/3 of a process that is gone: what it led to, nobody knows any more, but it was not
 * what its name says. */
static void forget_descriptor(const PathQuery *query, PathResult *result)
{
    static const char *const folders[] = {"/proc/self/fd/", "/dev/fd/", "/proc/[pid]/fd/"};

    if (!result->text || query->final != PATH_FINAL_FOLLOW)
        return;
    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
        const size_t length = strlen(folders[i]);
        if (strncmp(result->text, folders[i], length) == 0 && result->text[length] != '\0') {
            result->text = NULL;
            /* Without an error that is a loss. */
            result->error = query->access == ACCESS_STAT ? ENOENT : 0;
            return;
        }
    }
}

static void after_success(const Captured *captured, const PathQuery *query, PathResult *result)
{
    const bool renames = query->access & ACCESS_RENAME;
    const bool makes = query->access & ACCESS_CREATE;

    result->error = 0;
    if (makes && !renames && query->final == PATH_FINAL_PARENT) {
        /* A link is what it links to. */
        if ((query->access & ACCESS_LINK) && result->text)
            seen_rename_to(captured->seen, captured->event->mount_namespace, result->text);
        if (!result->has_stat)
            set_made(captured, query, result);
        remember(captured, result);
        result->has_stat = false;
        result->error = ENOENT;
        return;
    }
    if (query->access & ACCESS_CHOWN) {
        before_chown(captured, query, result);
        return;
    }
    if (renames && makes && result->text)
        seen_rename_to(captured->seen, captured->event->mount_namespace, result->text);
    settle_owner(captured, result);
    if ((query->access & (ACCESS_RENAME | ACCESS_LINK)) && !makes && result->text)
        seen_rename_from(captured->seen, result->text);
    if (!result->has_stat)
        forget_descriptor(query, result);
}

/*
 * RESULT is how it is now; it becomes how it was when the call was made, as the call's own result
 * tells: what a successful call made was not there, what it used was.
 */
static void as_it_was(const Captured *captured, const PathQuery *query, PathResult *result)
{
    const int64_t error = -captured->event->result;
    const bool named = query->argument >= 0;

    if (!named)
        return;
    if (captured->event->flags & EVENT_NO_RESULT)
        return;
    if (captured_succeeded(captured)) {
        after_success(captured, query, result);
    } else if (error == ENOENT && paths_of(captured) <= 1) {
        result->has_stat = false;
        result->error = ENOENT;
    } else if (error == EEXIST && (query->access & ACCESS_CREATE)) {
        result->error = 0;
    }
}

static const struct file_blob *folder_of(const Captured *captured, const PathQuery *query,
                                         bool *ret_told)
{
    const int32_t number = captured->event->type == EVENT_EXEC ? 0 : query->argument;
    const CapturedBlob *blob =
        captured_blob(captured, BLOB_FOLDER, query->argument < 0 ? CAPTURED_ANY : number);

    *ret_told = blob != NULL;
    return blob && !(blob->file->flags & FILE_NONE) ? blob->file : NULL;
}

/* Where a path starts. */
typedef struct Start {
    const Root *root;   /* to look it up in; NULL: there is no way to it (any more) */
    const char *folder; /* from ROOT, or if there is none from that of the mount namespace */
} Start;

/* 0, or the error of a path that starts nowhere; -1: not told. */
static int find_start(const Resolver *resolver, const Captured *captured, const PathQuery *query,
                      Start *start)
{
    const char *prefix = capture_root_text(captured);
    const size_t length = strlen(prefix);
    bool told;

    start->root = capture_root(captured->roots, captured);
    start->folder = start->root ? "" : prefix;
    if (query->raw[0] == '/')
        return 0;
    const struct file_blob *folder = folder_of(captured, query, &told);
    if (!told || (folder && (folder->flags & FILE_CUT)))
        return -1;
    if (!folder)
        return EBADF;
    struct stat st;
    captured_file_stat(folder, &st);
    const bool itself = query->raw[0] == '.' && query->raw[1 + strspn(query->raw + 1, "/")] == '\0';
    if ((folder->flags & FILE_NAMELESS) || (itself && !S_ISDIR(st.st_mode)))
        return ENOTDIR;
    start->folder = captured_file_text(folder);
    if (folder->flags & FILE_DETACHED)
        start->root = NULL;
    if (length == 0 || !start->root)
        return 0;
    if (strncmp(start->folder, prefix, length) == 0 &&
        (start->folder[length] == '/' || start->folder[length] == '\0'))
        start->folder += length;
    else /* outside of its root */
        start->root =
            capture_namespace_is_own(captured->roots, captured) ? &resolver->table->own_root : NULL;
    return 0;
}

/* PATH as a name without look-up. */
static void name_only(const char *path, Slot *slot, PathResult *result)
{
    (void)snprintf(slot->text, PATH_MAX, "%s", path);
    if (slot->text[1] != '\0')
        path_simplify(slot->text + 1);
    result->text = slot->text;
    result->error = ENOENT;
}

static bool was_met(const Captured *captured, const char *path, mode_t *ret_mode)
{
    struct stat st;

    if (!seen_file_get(captured->seen, captured->event->mount_namespace, path, &st))
        return false;
    *ret_mode = st.st_mode;
    return true;
}

/*
 * TEXT, which could not be looked up, is canonical all the same: its folder is one that the kernel
 * told, or was met under that name, and the last component is no link that would be followed.
 */
static bool is_sure(const Captured *captured, const PathQuery *query, const char *text)
{
    char folder[PATH_MAX];
    char last[NAME_MAX + 1];
    mode_t mode;
    const size_t length = strcspn(query->raw, "/");
    const bool plain = length > 0 && query->raw[length + strspn(query->raw + length, "/")] == '\0';

    if (!path_split(query->raw, folder, last, sizeof last) || strstr(query->raw, ".."))
        return false;
    if (query->final == PATH_FINAL_FOLLOW && (!was_met(captured, text, &mode) || S_ISLNK(mode)))
        return false;
    if (plain)
        return true;
    (void)path_split(text, folder, last, sizeof last);
    const size_t end = strlen(folder);
    if (end > 1 && folder[end - 1] == '/')
        folder[end - 1] = '\0';
    return strcmp(folder, "/") == 0 || (was_met(captured, folder, &mode) && S_ISDIR(mode));
}

/* What was the root may be elsewhere by now (pivot_root): the name is what it was below it. */
static void undo_move(const Root *root, Slot *slot, PathResult *result)
{
    char path[48];
    char now[PATH_MAX];
    char rest[TEXT_MAX];

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", root->fd);
    const ssize_t n = readlink(path, now, sizeof now - 1);
    if (!result->text || !result->is_path || n <= 0)
        return;
    now[n] = '\0';
    const size_t length = strcmp(now, "/") == 0 ? 0 : (size_t)n;
    if (strncmp(now, root->prefix, length + 1) == 0 || (length == 0 && root->prefix[0] == '\0') ||
        strncmp(slot->text, now, length) != 0 ||
        (slot->text[length] != '/' && slot->text[length] != '\0'))
        return;
    (void)snprintf(rest, sizeof rest, "%s", slot->text + length);
    const int written = snprintf(slot->text, PATH_MAX, "%s%s", root->prefix, rest);
    if (written == 0)
        (void)snprintf(slot->text, PATH_MAX, "/");
}

/*
 * A path through the magic link of a descriptor of the process's own: what that refers to, and in
 * *RET_REST how the path goes on from there. NULL where RAW is none, or the kernel side told
 * nothing.
 */
static const struct file_blob *through_descriptor(const Captured *captured, const char *raw,
                                                  const char **ret_rest)
{
    static const char *const folders[] = {"/proc/self/fd/", "/dev/fd/", "/proc/thread-self/fd/"};

    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
        const size_t length = strlen(folders[i]);
        const size_t digits =
            strncmp(raw, folders[i], length) == 0 ? strspn(raw + length, "0123456789") : 0;
        if (digits == 0 || digits > 7)
            continue;
        *ret_rest = raw + length + digits;
        if (**ret_rest != '\0' && **ret_rest != '/')
            return NULL;
        return captured_descriptor(captured, (int)strtol(raw + length, NULL, 10));
    }
    return NULL;
}

static void look_up_late(Resolver *resolver, const Tracee *tracee, const PathQuery *query,
                         Slot *slot, PathResult *result)
{
    const Captured *captured = tracee->captured;
    Start start;
    char path[PATH_MAX];

    const int error = find_start(resolver, captured, query, &start);
    if (error != 0) {
        /* Without text and error it is a path that could not be worked out, which is a loss. */
        result->error = error > 0 ? error : 0;
        return;
    }
    const char *rest = query->raw;
    const struct file_blob *through = through_descriptor(captured, query->raw, &rest);
    if (through && rest[strspn(rest, "/")] != '\0' && !(through->flags & FILE_NAMELESS))
        start.folder = captured_file_text(through);
    else
        rest = query->raw;
    const int n = snprintf(path, sizeof path, "%s/%s", start.folder, rest + strspn(rest, "/"));
    if (n < 0 || (size_t)n >= sizeof path) {
        result->error = ENAMETOOLONG;
        return;
    }
    if (!start.root) {
        name_only(path, slot, result);
        result->unsure = !is_sure(captured, query, slot->text);
        return;
    }
    resolver_look_up(resolver, tracee, start.root, slot,
                     start.root->own ? AT_FDCWD : start.root->fd, path, query->final, result);
    if (!start.root->own)
        undo_move(start.root, slot, result);
    /* Found or not: the process that it is about may be gone. */
    if (result->text && strcmp(result->mount, "proc") == 0)
        path_hide_numbers(tracee->process, start.root->own, start.root->prefix, slot->text);
}

/* What an open() by io_uring led to was not told (a registered file, a result that nobody saw): it
 * counts as made by it where it may have been. */
static bool may_have_made(const Captured *captured, const PathQuery *query)
{
    const char *name = captured->syscall ? captured->syscall->name : "";
    uint64_t flags = captured->event->args[2];

    if (!query->opens || captured->event->type != EVENT_IO_URING ||
        (!captured_succeeded(captured) && captured_result(captured) != RESULT_UNKNOWN))
        return false;
    if (strcmp(name, "openat2") == 0 && captured_read(captured, flags, &flags, sizeof flags) < 0)
        return false;
    return (flags & O_CREAT) != 0;
}

/* What the kernel side told of what the path led to; NULL if nothing. */
static const struct file_blob *answer_to(const Captured *captured, const PathQuery *query)
{
    const struct file_blob *answer = NULL;

    if (query->argument < 0)
        return NULL;
    if (query->opens && captured_succeeded(captured))
        answer = captured_file(captured, BLOB_RESULT, CAPTURED_ANY);
    if (!answer)
        answer = captured_file(captured, BLOB_PATH, query->argument);
    const char *rest;
    if (!answer && query->final == PATH_FINAL_FOLLOW) {
        answer = through_descriptor(captured, query->raw, &rest);
        if (answer && *rest != '\0')
            answer = NULL;
    }
    /* What execveat() was given as a descriptor, in the kernel's own words; and the caller's own
     * program, which it may be too late to ask for. Neither is a script. */
    if (!answer && captured->event->type == EVENT_EXEC &&
        (strncmp(query->raw, "/dev/fd/", 8) == 0 || strcmp(query->raw, "/proc/self/exe") == 0))
        answer = captured_file(captured, BLOB_PROGRAM, CAPTURED_ANY);
    return answer;
}

void captured_resolve(Resolver *resolver, Tracee *tracee, const PathQuery *query, Slot *slot,
                      PathResult *result)
{
    const Captured *captured = tracee->captured;
    const struct file_blob *answer = answer_to(captured, query);
    bool told;

    if (!answer && query->raw[0] == '\0') {
        answer = query->empty_ok ? folder_of(captured, query, &told) : NULL;
        if (!answer) {
            result->error = !query->empty_ok ? ENOENT : told ? EBADF : 0;
            return;
        }
    }
    if (!answer) {
        look_up_late(resolver, tracee, query, slot, result);
        if (result->text && may_have_made(captured, query)) {
            result->has_stat = false;
            result->error = ENOENT;
        } else if (result->text) {
            as_it_was(captured, query, result);
        }
        return;
    }
    captured_describe(tracee, answer, slot, result);
    /* What was renamed counts, not what made way for it. */
    if ((answer->flags & FILE_BEFORE) && (query->access & ACCESS_RENAME) &&
        (query->access & ACCESS_CREATE))
        result->has_stat = false;
    as_it_was(captured, query, result);
    if (query->opens && (answer->flags & FILE_CREATED)) {
        result->has_stat = false;
        result->error = ENOENT;
    }
}
