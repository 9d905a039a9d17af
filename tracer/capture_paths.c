/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/capture_paths_private.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void captured_remember(const Captured *captured, const PathResult *path)
{
    if (path->text && path->is_path && path->has_stat)
        seen_file_put(captured->seen, captured->event->mount_namespace, path->text, &path->st);
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
    captured_remember(captured, result);
    remember_folder(captured, slot->text);
}

static bool gave_away(const Captured *captured)
{
    static const char *const names[] = {"fchown", "fchown32"};
    const char *name = captured->syscall ? captured->syscall->name : "";
    bool found = false;

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        found |= strcmp(names[i], name) == 0;
    return found && captured_succeeded(captured) && (uid_t)captured->event->args[1] != (uid_t)-1;
}

void captured_resolve_descriptor(const Tracee *tracee, int fd, Slot *slot, PathResult *result)
{
    const Captured *captured = tracee->captured;
    const struct file_blob *file = fd == AT_FDCWD
                                       ? captured_file(captured, BLOB_FOLDER, CAPTURED_ANY)
                                       : captured_descriptor(captured, fd);
    struct stat before = {.st_uid = (uid_t)-1};

    if (!file) {
        result->error = EBADF;
        return;
    }
    const bool other_owner = gave_away(captured);
    if (other_owner)
        (void)seen_file_get(captured->seen, captured->event->mount_namespace,
                            captured_file_text(file), &before);
    captured_describe(tracee, file, slot, result);
    /* The kernel told the new owner; the old one, if it is not known, is nobody that a rule could
     * count on. */
    if (other_owner && result->has_stat)
        result->st.st_uid = before.st_ino == result->st.st_ino ? before.st_uid : (uid_t)-1;
}

void captured_mapping(const Tracee *tracee, Slot *slot, PathResult *result)
{
    const struct file_blob *file = captured_file(tracee->captured, BLOB_VMA, CAPTURED_ANY);

    if (!file)
        return;
    result->error = 0;
    captured_describe(tracee, file, slot, result);
}

/* ---- the resolver --------------------------------------------------------------------------- */

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
        answer = captured_through_descriptor(captured, query->raw, &rest);
        if (answer && *rest != '\0')
            answer = NULL;
    }
    /* What execveat() was given as a descriptor, in the kernel's own words, where that is closed by
     * now; and the caller's own program, which it may be too late to ask for. Neither is a script.
     */
    if (!answer && captured->event->type == EVENT_EXEC &&
        ((strncmp(query->raw, "/dev/fd/", 8) == 0 &&
          !captured_through_descriptor(captured, query->raw, &rest)) ||
         strcmp(query->raw, "/proc/self/exe") == 0))
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
        answer = query->empty_ok ? captured_folder(captured, query, &told) : NULL;
        if (!answer) {
            result->error = !query->empty_ok ? ENOENT : told ? EBADF : 0;
            return;
        }
    }
    if (!answer) {
        captured_look_up(resolver, tracee, query, slot, result);
        if (result->text && may_have_made(captured, query)) {
            result->has_stat = false;
            result->error = ENOENT;
        } else if (result->text) {
            captured_as_it_was(captured, query, result);
        }
        return;
    }
    captured_describe(tracee, answer, slot, result);
    /* What was renamed counts, not what made way for it. */
    if ((answer->flags & FILE_BEFORE) && (query->access & ACCESS_RENAME) &&
        (query->access & ACCESS_CREATE))
        result->has_stat = false;
    captured_as_it_was(captured, query, result);
    if (query->opens && (answer->flags & FILE_CREATED)) {
        result->has_stat = false;
        result->error = ENOENT;
    }
}
