/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of calls that are over are looked up: from the folder that the kernel side told, in the
 * root that the process had, if there is a way to it still. Else they are completed as text.
 */
#include "tracer/capture_paths_private.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

const struct file_blob *captured_folder(const Captured *captured, const PathQuery *query,
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
    const struct file_blob *folder = captured_folder(captured, query, &told);
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

const struct file_blob *captured_through_descriptor(const Captured *captured, const char *raw,
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

/* RAW without the "." and ".." that it starts with, which FOLDER, canonical, is left by. */
static const char *step_out(const char *raw, char *folder)
{
    for (;;) {
        const size_t length = strcspn(raw, "/");
        char *slash = strrchr(folder, '/');

        if (length > 2 || strncmp(raw, "..", length) != 0)
            return raw;
        if (length == 2 && slash)
            *slash = '\0';
        raw += length + strspn(raw + length, "/");
        if (*raw == '\0')
            return raw;
    }
}

/* Its path is where something is mounted, or was, and still leads there. */
static bool is_of_mounts(const Captured *captured)
{
    static const char *const names[] = {"mount", "umount", "umount2"};

    for (size_t i = 0; captured->syscall && i < ARRAY_LENGTH(names); i++) {
        if (strcmp(names[i], captured->syscall->name) == 0)
            return !capture_moves_root(captured);
    }
    return false;
}

static void look_up_in(Resolver *resolver, const Tracee *tracee, const Root *root,
                       const PathQuery *query, const char *path, Slot *slot, PathResult *result)
{
    const int base = root->own ? AT_FDCWD : root->fd;

    /* What is held open cannot be unmounted, which may be just what comes next: if it is no link,
     * its folder tells its name. */
    if (is_of_mounts(tracee->captured))
        resolver_look_up(resolver, tracee, root, slot, base, path, PATH_FINAL_PARENT, result);
    if (!result->has_stat || S_ISLNK(result->st.st_mode)) {
        fd_close(&slot->fd);
        *result = (PathResult){.is_path = true, .mount = ""};
        resolver_look_up(resolver, tracee, root, slot, base, path, query->final, result);
    }
    if (!root->own)
        undo_move(root, slot, result);
    /* Found or not: the process that it is about may be gone. */
    if (result->text && strcmp(result->mount, "proc") == 0)
        path_hide_numbers(tracee->process, root->own, root->prefix, slot->text);
}

/* ---- calls that move what is looked into ----------------------------------------------------- */

/* The last of the paths of a call. */
static bool is_last(const Captured *captured, const PathQuery *query)
{
    for (unsigned i = (unsigned)query->argument + 1; i < SYSCALL_ARGS; i++) {
        if (captured->syscall->args[i].role == ROLE_PATH)
            return false;
    }
    return true;
}

/*
 * After pivot_root() and after a mount was moved, PATH from START's root may lead elsewhere than
 * before, and RESULT tells only that. What the call was about is the same as without it where there
 * was no link on the way: the folder that it started from, which is all of it if ITSELF, is
 * canonical, and of what was met before it is known what it was. Where that is not known, RESULT
 * becomes that of a path that could not be worked out.
 */
static void settle_moved(const Captured *captured, const PathQuery *query, const Start *start,
                         const char *path, bool itself, Slot *slot, PathResult *result)
{
    char text[PATH_MAX];

    const int n = snprintf(text, sizeof text, "%s%s", start->root ? start->root->prefix : "", path);
    if (n < 0 || (size_t)n >= sizeof text)
        return;
    if (n <= 1)
        (void)snprintf(text, sizeof text, "/");
    else
        path_simplify(text + 1);
    const bool sure = itself || is_sure(captured, query, text);
    /* Found, by the same name. Where a mount was moved to is where the path still leads. */
    if (!sure && result->text && result->has_stat &&
        ((is_last(captured, query) && strcmp(captured->syscall->name, "pivot_root") != 0) ||
         strcmp(result->text, text) == 0))
        return;
    *result = (PathResult){
        .mount = "", .text = sure ? slot->text : NULL, .error = sure ? ENOENT : 0, .is_path = sure};
    (void)snprintf(slot->text, PATH_MAX, "%s", text);
}

/* openat2() with RESOLVE_IN_ROOT: no link and no ".." leads out of the folder it starts from. */
static void look_up_below(Resolver *resolver, const Tracee *tracee, const PathQuery *query,
                          const Start *start, Slot *slot, PathResult *result)
{
    const Root *root = start->root;
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_IN_ROOT};
    const char *folder = *start->folder ? start->folder : "/";
    char path[PATH_MAX];
    char below[PATH_MAX];

    CLEANUP(fd_close) int top = root && root->own ? open("/", O_PATH | O_CLOEXEC) : -1;
    const int from = root && !root->own ? root->fd : top;
    CLEANUP(fd_close)
    int fd = root ? (int)syscall(SYS_openat2, from, folder, &how, sizeof how) : -1;
    if (fd >= 0) {
        resolver_look_up_below(resolver, tracee, root, slot, fd, query->raw, query->final, result);
        if (!root->own)
            undo_move(root, slot, result);
        return;
    }
    (void)snprintf(below, sizeof below, "%s", query->raw);
    path_simplify(below);
    const int n = snprintf(path, sizeof path, "%s/%s", start->folder, below);
    if (n < 0 || (size_t)n >= sizeof path) {
        result->error = ENAMETOOLONG;
        return;
    }
    name_only(path, slot, result);
    result->unsure = !is_sure(tracee->captured, query, slot->text);
}

void captured_look_up(Resolver *resolver, const Tracee *tracee, const PathQuery *query, Slot *slot,
                      PathResult *result)
{
    const Captured *captured = tracee->captured;
    Start start;
    char folder[PATH_MAX];
    char path[PATH_MAX];

    const int error = find_start(resolver, captured, query, &start);
    if (error != 0) {
        /* Without text and error it is a path that could not be worked out, which is a loss. */
        result->error = error > 0 ? error : 0;
        return;
    }
    if (query->in_root) {
        look_up_below(resolver, tracee, query, &start, slot, result);
        return;
    }
    const char *rest = query->raw;
    const struct file_blob *through = captured_through_descriptor(captured, query->raw, &rest);
    if (through && rest[strspn(rest, "/")] != '\0' && !(through->flags & FILE_NAMELESS))
        start.folder = captured_file_text(through);
    else
        rest = query->raw;
    rest += strspn(rest, "/");
    (void)snprintf(folder, sizeof folder, "%s", start.folder);
    const char *names = step_out(rest, folder);
    const bool itself = *names == '\0';
    /* To some calls dots are no name, which the look-up knows. */
    const int n = itself && query->final == PATH_FINAL_PARENT
                      ? snprintf(path, sizeof path, "%s/%s", start.folder, rest)
                      : snprintf(path, sizeof path, "%s/%s", folder, itself ? "." : names);
    if (n < 0 || (size_t)n >= sizeof path) {
        result->error = ENAMETOOLONG;
        return;
    }
    if (!start.root) {
        name_only(path, slot, result);
        result->unsure = !is_sure(captured, query, slot->text);
    } else {
        look_up_in(resolver, tracee, start.root, query, path, slot, result);
    }
    if (capture_moves_root(captured))
        settle_moved(captured, query, &start, itself ? folder : path, itself, slot, result);
}
