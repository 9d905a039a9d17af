/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle show FILE`: what a recording holds. */
#include "base/io.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/show_recording.h"
#include "model/recording.h"

#include <errno.h>
#include <unistd.h>

static void recording_drop(Recording **recording)
{
    *recording = recording_free(*recording);
}

/* Replaces *RECORDING by what --kind and --subject leave of it. */
static int select_facts(const Parsed *parsed, Recording **recording, Error *err)
{
    const char *kind = parsed_value(parsed, "kind", NULL);
    const char *subject = parsed_value(parsed, "subject", NULL);
    Recording *selected = NULL;
    int r;

    if (!kind && !subject)
        return 0;
    r = recording_select(*recording, kind ? fact_kind_from_name(kind) : -1, subject, &selected);
    if (r < 0)
        return error_errno(err, r, "cannot select from the recording");
    recording_free(*recording);
    *recording = selected;
    return 0;
}

static int run(const Parsed *parsed)
{
    CLEANUP(recording_drop) Recording *recording = NULL;
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    Error err = {0};
    ShowOptions options = {
        .path = parsed->arguments[0],
        .coloured = *colour(STDOUT_FILENO, COLOUR_BOLD) != '\0',
    };
    int r;

    if (recording_read(parsed->arguments[0], &recording, &err) < 0 ||
        select_facts(parsed, &recording, &err) < 0)
        return fail(EXIT_USAGE, &err);
    if (parsed_flag(parsed, "json"))
        r = recording_print_document(recording, &out);
    else
        r = show_recording(recording, &options, &out);
    if (r < 0) {
        error_errno(&err, r, "cannot show %s", parsed->arguments[0]);
        return fail(EXIT_USAGE, &err);
    }
    if (output_buffer(&out, &err) < 0)
        return fail(EXIT_USAGE, &err);
    return EXIT_YES;
}

static const Option options[] = {
    {"json", 'j', VALUE_NONE, NULL, NULL, "print one JSON document, docs/FORMATS.md"},
    {"kind", 'k', VALUE_WORDS, "KIND",
     "syscall file exec capability network unix signal ptrace mount io_uring resource",
     "show only facts of this kind"},
    {"subject", 's', VALUE_FILE, "EXE", NULL, "show only what the executable EXE did"},
    {0},
};

const Command command_show = {
    .name = "show",
    .summary = "Summarise a recording",
    .usage = "[--json] [--kind KIND] [--subject EXE] FILE",
    .options = options,
    .details = "Whether anything was lost comes first. Then: what was run and how, how many facts "
               "there are of "
               "each kind, and the facts: a line for each system call, file, and so on, with what "
               "it was used "
               "for, how often, and the errors it met. `-` is standard input.",
    .arguments = VALUE_FILE,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
