/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle merge REC… -o REC`: the union of recordings, in canonical form. */
#include "base/io.h"
#include "base/memory.h"
#include "base/nameless.h"
#include "cli/command.h"
#include "cli/merge_git.h"
#include "model/recording.h"

#include <errno.h>
#include <unistd.h>

/* *INTO is NULL for the first one, which needs no copying. */
static int merge_file(Recording **into, const char *path, Error *err)
{
    CLEANUP(recording_cleanup) Recording *from = NULL;
    const int r = recording_read(path, &from, err);

    return r < 0 ? r : recording_gather(into, &from, path, err);
}

static int write_to(Recording *all, const char *path, Error *err)
{
    CLEANUP(fd_close) int fd = -1;
    int r;

    if (strcmp(path, "-") == 0) {
        r = recording_write(all, STDOUT_FILENO, true);
        return r < 0 ? error_errno(err, r, "cannot write to standard output") : 0;
    }
    r = nameless_check(path, err);
    if (r < 0)
        return r;
    fd = nameless_open(path);
    if (fd < 0)
        return error_errno(err, fd, "%s: cannot create a file beside it", path);
    r = recording_write(all, fd, true);
    return r < 0 ? error_errno(err, r, "%s: cannot write", path) : nameless_place(fd, path, err);
}

static int merge_all(const Parsed *parsed, bool *ret_complete, Error *err)
{
    CLEANUP(recording_cleanup) Recording *all = NULL;
    const char *output = parsed_value(parsed, "output", "-");

    const int writable = write_file_check(output, err);
    if (writable < 0)
        return writable;
    for (int i = 0; i < parsed->arguments_count; i++) {
        const int r = merge_file(&all, parsed->arguments[i], err);
        if (r < 0)
            return r;
    }
    *ret_complete = recording_is_complete(all);
    return write_to(all, output, err);
}

static int run(const Parsed *parsed)
{
    Error err = {0};
    bool complete = false;

    if (parsed_flag(parsed, "git")) {
        if (parsed->arguments_count != 3 && parsed->arguments_count != 4)
            return usage_error(parsed->command, "--git takes %%O %%A %%B and perhaps %%P from git");
        return merge_git(parsed->arguments, parsed->arguments_count);
    }
    if (merge_all(parsed, &complete, &err) < 0)
        return fail(EXIT_USAGE, &err);
    if (!complete)
        message("note: the merged recording is not complete; `whittle show` says what was lost");
    return EXIT_YES;
}

static const Option options[] = {
    {"output", 'o', VALUE_FILE, "REC", NULL,
     "write the result to REC (standard output if not given)"},
    {"git", 0, VALUE_NONE, NULL, NULL,
     "be git's merge driver for policies: the arguments are %O %A %B %P (docs/HOWTO_REVIEW.md)"},
    {0},
};

const Command command_merge = {
    .name = "merge",
    .summary = "Unite recordings, for instance those of all test shards",
    .usage = "REC… -o REC | --git BASE OURS THEIRS [PATH]",
    .options = options,
    .details = "The result holds every fact of every recording, and in how many runs each was "
               "seen. The order "
               "of the recordings does not matter, and merging the same one twice changes nothing. "
               "What one of "
               "them lost, the result has lost too. `-` is standard input.\n\n"
               "Example:\n"
               "  whittle merge shard-*.jsonl -o all.jsonl",
    .arguments = VALUE_FILE,
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run,
};
