/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle merge REC… -o REC`: the union of recordings, in canonical form. */
#include "base/io.h"
#include "base/memory.h"
#include "cli/command.h"
#include "model/recording.h"

#include <errno.h>

static void recording_drop(Recording **recording)
{
    *recording = recording_free(*recording);
}

static int merge_file(Recording *into, const char *path, Error *err)
{
    CLEANUP(recording_drop) Recording *from = NULL;
    int r = recording_read(path, &from, err);

    if (r < 0)
        return r;
    r = recording_merge(into, from);
    if (r < 0)
        return error_errno(err, r, "cannot merge %s", path);
    return 0;
}

static int merge_all(const Parsed *parsed, Buffer *out, bool *ret_complete, Error *err)
{
    CLEANUP(recording_drop) Recording *all = recording_new();
    int r;

    if (!all)
        return error_errno(err, -ENOMEM, "cannot merge");
    for (int i = 0; i < parsed->arguments_count; i++) {
        r = merge_file(all, parsed->arguments[i], err);
        if (r < 0)
            return r;
    }
    r = recording_print(all, out);
    if (r < 0)
        return error_errno(err, r, "cannot write the merged recording");
    *ret_complete = recording_is_complete(all);
    return 0;
}

static int run(const Parsed *parsed)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    Error err = {0};
    bool complete = false;

    if (merge_all(parsed, &out, &complete, &err) < 0)
        return fail(EXIT_USAGE, &err);
    if (write_file_atomic(parsed_value(parsed, "output", "-"), out.data, out.length, &err) < 0)
        return fail(EXIT_USAGE, &err);
    if (!complete)
        message("note: the merged recording is not complete; `whittle show` says what was lost");
    return EXIT_YES;
}

static const Option options[] = {
    {"output", 'o', VALUE_FILE, "REC", NULL,
     "write the result to REC (standard output if not given)"},
    {0},
};

const Command command_merge = {
    .name = "merge",
    .summary = "Unite recordings, for instance those of all test shards",
    .usage = "REC… -o REC",
    .options = options,
    .details = "The result holds every fact of every recording, and in how many runs each was "
               "seen. The order "
               "of the recordings does not matter, and merging the same one twice changes nothing. "
               "What one of "
               "them lost, the result has lost too. `-` is standard input.",
    .arguments = VALUE_FILE,
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run,
};
