/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle show FILE`: what a recording or a policy holds. */
#include "base/io.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/show_policy.h"
#include "cli/show_recording.h"
#include "model/policy.h"
#include "model/recording.h"

#include <errno.h>
#include <unistd.h>

#define FILE_MAX ((size_t)4 << 30)

static void recording_drop(Recording **recording)
{
    *recording = recording_free(*recording);
}

static void policy_drop(Policy **policy)
{
    *policy = policy_free(*policy);
}

static int show_as_recording(const Parsed *parsed, const Buffer *text, Buffer *out, Error *err)
{
    CLEANUP(recording_drop) Recording *recording = NULL;
    const char *kind = parsed_value(parsed, "kind", NULL);
    ShowOptions options = {
        .path = parsed->arguments[0],
        .coloured = *colour(STDOUT_FILENO, COLOUR_BOLD) != '\0',
        .kind = kind ? fact_kind_from_name(kind) : -1,
        .subject = parsed_value(parsed, "subject", NULL),
    };
    int r = recording_parse(options.path, buffer_text(text), text->length, &recording, err);

    if (r < 0)
        return r;
    if (parsed_flag(parsed, "json"))
        r = show_recording_json(recording, &options, out);
    else
        r = show_recording(recording, &options, out);
    if (r < 0)
        return error_errno(err, r, "cannot show %s", options.path);
    return 0;
}

static int show_as_policy(const Parsed *parsed, const Buffer *text, Buffer *out, Error *err)
{
    CLEANUP(policy_drop) Policy *policy = NULL;
    const char *path = parsed->arguments[0];
    int r;

    if (parsed_value(parsed, "kind", NULL) || parsed_value(parsed, "subject", NULL))
        return error_set(err, -EINVAL,
                         "%s: --kind and --subject select facts of a recording; this "
                         "is none",
                         path);
    r = policy_parse(path, buffer_text(text), text->length, &policy, err);
    if (r < 0)
        return r;
    if (parsed_flag(parsed, "json"))
        r = show_policy_json(policy, out);
    else
        r = show_policy(policy, path, *colour(STDOUT_FILENO, COLOUR_BOLD) != '\0', out);
    if (r < 0)
        return error_errno(err, r, "cannot show %s", path);
    return 0;
}

static int run(const Parsed *parsed)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    Error err = {0};
    int r = read_file(parsed->arguments[0], &text, FILE_MAX, &err);

    /* What begins like JSON was meant as a recording: its reader tells best what is wrong. */
    if (r == 0 && (recording_detect(buffer_text(&text), text.length) || *buffer_text(&text) == '{'))
        r = show_as_recording(parsed, &text, &out, &err);
    else if (r == 0 && policy_detect(buffer_text(&text), text.length))
        r = show_as_policy(parsed, &text, &out, &err);
    else if (r == 0)
        r = error_set(&err, -EINVAL, "%s is neither a recording nor a policy",
                      parsed->arguments[0]);
    if (r == 0)
        r = output_buffer(&out, &err);
    return r < 0 ? fail(EXIT_USAGE, &err) : EXIT_YES;
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
    .summary = "Summarise a recording or a policy",
    .usage = "[--json] [--kind KIND] [--subject EXE] FILE",
    .options = options,
    .details = "Whether anything was lost comes first. Then: what was run and how, how many facts "
               "there are of "
               "each kind, and the facts: a line for each system call, file, and so on, with what "
               "it was used "
               "for, how often, and the errors it met. Of a policy: what it is for, and its rules "
               "by section. "
               "`-` is standard input.",
    .arguments = VALUE_FILE,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
