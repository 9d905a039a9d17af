/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meaning decides, the text is git's where it says the same: `git merge-file` keeps the
 * comments of both sides. First as it is; then with the lines of both where both added some at one
 * place; then rule by rule into our own text. Each result is parsed and must be what the rules of
 * the two come to.
 */
#include "cli/merge_git.h"

#include "base/io.h"
#include "base/memory.h"
#include "cli/command.h"
#include "generator/policy_merge.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLICY_MAX ((size_t)256 << 20)

/* `git merge-file -p [--union] OURS BASE THEIRS`: its output. The number of conflicts, or a
 * negative errno. */
static int merge_lines(char *const *paths, bool both, Buffer *out)
{
    char git[] = "git", command[] = "merge-file", print[] = "-p", quiet[] = "-q";
    char keep_both[] = "--union";
    char *arguments[9] = {git, command, print, quiet};
    posix_spawn_file_actions_t actions;
    int pipes[2], status;
    size_t at = 4;
    pid_t pid;

    if (both)
        arguments[at++] = keep_both;
    arguments[at++] = paths[1];
    arguments[at++] = paths[0];
    arguments[at] = paths[2];
    if (pipe2(pipes, O_CLOEXEC) < 0)
        return -errno;
    int r = -posix_spawn_file_actions_init(&actions);
    if (r == 0)
        r = -posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
    if (r == 0)
        r = -posix_spawnp(&pid, "git", &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    fd_close(&pipes[1]);
    if (r == 0) {
        r = read_fd(pipes[0], out, POLICY_MAX);
        fd_close(&pipes[0]); /* if not all was read git must not wait */
        if (waitpid(pid, &status, 0) < 0)
            return -errno;
        if (r == 0)
            r = WIFEXITED(status) && WEXITSTATUS(status) < 128 ? WEXITSTATUS(status) : -EIO;
    }
    fd_close(&pipes[0]);
    return r;
}

/* TEXT is what the merge came to. */
static bool is_right(const PolicyMerge *merge, const Buffer *text)
{
    CLEANUP(policy_cleanup) Policy *policy = NULL;

    if (policy_parse("merged", buffer_text(text), text->length, &policy, NULL) < 0)
        return false;
    policy_sort(policy);
    return policy_merge_is(merge, policy) > 0;
}

/* Into OUT. 0, 1 in conflict, or a negative errno. */
static int unite(char *const *paths, const PolicyMerge *merge, PolicyText *ours, Buffer *out)
{
    CLEANUP(buffer_deinit) Buffer marked = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer both = BUFFER_INIT;
    const bool clean = merge->conflicts.length == 0;
    const int conflicts = merge_lines(paths, false, &marked);

    if (conflicts < 0)
        return conflicts;
    if (clean && conflicts == 0 && is_right(merge, &marked))
        return buffer_append(out, buffer_text(&marked), marked.length);
    if (clean && merge_lines(paths, true, &both) >= 0 && is_right(merge, &both))
        return buffer_append(out, buffer_text(&both), both.length);
    if (clean && merge->settings_of == policy_text_policy(ours)) {
        CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
        if (policy_merge_apply(merge, ours) == 0 && policy_text_print(ours, &text) == 0 &&
            is_right(merge, &text))
            return buffer_append(out, buffer_text(&text), text.length);
    }
    const int r = buffer_append(out, buffer_text(&marked), marked.length);
    return r < 0 ? r : 1;
}

/* A conflict that git's lines do not show, for instance a rule twice, is told all the same. */
static void tell(const char *name, const PolicyMerge *merge)
{
    message("%s: both sides changed the same, each otherwise; what is to be allowed?", name);
    for (const char *at = buffer_text(&merge->conflicts); *at;) {
        const size_t length = strcspn(at, "\n");
        message("  %.*s", (int)length, at);
        at += length + (at[length] == '\n');
    }
}

int merge_git(char *const *paths, int count)
{
    CLEANUP(policy_text_cleanup) PolicyText *ours = NULL;
    CLEANUP(policy_cleanup) Policy *base = NULL;
    CLEANUP(policy_cleanup) Policy *theirs = NULL;
    __attribute__((cleanup(policy_merge_deinit))) PolicyMerge merge = {0};
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    const char *name = count > 3 ? paths[3] : paths[1];
    Error err = {0};
    int r = policy_text_read(paths[1], &ours, &err);

    if (r == 0)
        r = policy_read(paths[0], &base, &err);
    if (r == 0)
        r = policy_read(paths[2], &theirs, &err);
    if (r < 0) {
        /* no policies, or not any more: as git itself merges */
        const int conflicts = merge_lines(paths, false, &out);
        if (conflicts < 0 || write_file_atomic(paths[1], buffer_text(&out), out.length, NULL) < 0)
            return fail(EXIT_USAGE, &err);
        message("%s: merged as text: %s", name, err.text);
        return conflicts ? EXIT_NO : EXIT_YES;
    }
    policy_sort(base);
    policy_sort(theirs);
    r = policy_merge_three(base, policy_text_policy(ours), theirs, &merge);
    if (r == 0)
        r = unite(paths, &merge, ours, &out);
    if (r >= 0 && write_file_atomic(paths[1], buffer_text(&out), out.length, &err) < 0)
        return fail(EXIT_USAGE, &err);
    if (r < 0) {
        (void)error_errno(&err, r, "%s: cannot merge", name);
        return fail(EXIT_USAGE, &err);
    }
    if (r > 0)
        tell(name, &merge);
    return r > 0 ? EXIT_NO : EXIT_YES;
}
