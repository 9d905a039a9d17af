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

#define FILE_MAX  ((size_t)4 << 30)
#define PEEK_SIZE ((size_t)4096)

/* What is shown of a large recording goes out by and by. */
static int empty(Buffer *out)
{
    const int r = output_buffer(out, NULL);

    buffer_clear(out);
    return r;
}

/* FD holds what follows TEXT. */
static int show_as_recording(const Parsed *parsed, const Buffer *text, int fd, Buffer *out,
                             Error *err)
{
    CLEANUP(recording_cleanup) Recording *recording = NULL;
    const char *kind = parsed_value(parsed, "kind", NULL);
    ShowOptions options = {
        .path = parsed->arguments[0],
        .coloured = *colour(STDOUT_FILENO, COLOUR_BOLD) != '\0',
        .kind = kind ? fact_kind_from_name(kind) : -1,
        .subject = parsed_value(parsed, "subject", NULL),
        .empty = empty,
    };
    int r = recording_read_on(options.path, buffer_text(text), text->length, fd, &recording, err);

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
    CLEANUP(policy_cleanup) Policy *policy = NULL;
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

static int show_file(const Parsed *parsed, Buffer *out, Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    const char *path = parsed->arguments[0];
    CLEANUP(fd_close) int fd = open_and_peek(path, &text, PEEK_SIZE, err);

    if (fd < 0)
        return fd;
    /* What begins like JSON was meant as a recording: its reader tells best what is wrong. */
    if (recording_detect(buffer_text(&text), text.length) || *buffer_text(&text) == '{')
        return show_as_recording(parsed, &text, fd, out, err);
    const int r = read_fd(fd, &text, FILE_MAX - text.length);
    if (r < 0)
        return error_errno(err, r, "%s: cannot read", path);
    if (policy_detect(buffer_text(&text), text.length))
        return show_as_policy(parsed, &text, out, err);
    return error_set(err, -EINVAL, "%s is neither a recording nor a policy", path);
}

static int run(const Parsed *parsed)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    Error err = {0};
    int r = show_file(parsed, &out, &err);

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
               "`-` is standard input.\n\n"
               "Examples:\n"
               "  whittle show nginx.jsonl\n"
               "  whittle show --kind file --subject /usr/sbin/nginx nginx.jsonl\n"
               "  whittle show profile/policy.yaml",
    .arguments = VALUE_FILE,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
