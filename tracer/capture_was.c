/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is found now is made into what it was when the call was made: by the call's own result, and
 * by what is remembered of files that changed hands or are gone.
 */
#include "tracer/capture_paths_private.h"

#include "base/memory.h"

#include <errno.h>
#include <stdio.h>

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
        captured_remember(captured, result);
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
    captured_remember(captured, &after);
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
        captured_remember(captured, result);
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

void captured_as_it_was(const Captured *captured, const PathQuery *query, PathResult *result)
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
