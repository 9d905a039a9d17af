/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle diff OLD NEW`: what one profile allows and another does not. */
#include "base/memory.h"
#include "cli/command.h"
#include "cli/output.h"
#include "generator/diff.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Whose facts tell who needed something: the recording of --recording, else the new one, else the
 * old one. */
static const Recording *evidence_of(const DiffInput *given, const DiffInput *fresh,
                                    const DiffInput *old)
{
    const Recording *recording = given ? diff_input_recording(given) : NULL;

    if (!recording)
        recording = diff_input_recording(fresh);
    return recording ? recording : diff_input_recording(old);
}

static int compare(const Parsed *parsed, const char *paths[2], Diff *diff, Error *err)
{
    CLEANUP(diff_input_cleanup) DiffInput *old = NULL;
    CLEANUP(diff_input_cleanup) DiffInput *fresh = NULL;
    CLEANUP(diff_input_cleanup) DiffInput *given = NULL;
    const char *recording = parsed_value(parsed, "recording", NULL);
    const char *include = parsed_value(parsed, "include", NULL);
    int r = diff_input_read(paths[0], include, &old, err);

    if (r == 0)
        r = diff_input_read(paths[1], include, &fresh, err);
    if (r == 0 && recording)
        r = diff_input_read(recording, include, &given, err);
    if (r == 0 && given && !diff_input_recording(given))
        r = error_set(err, -EINVAL, "%s: no recording, which --recording takes", recording);
    if (r == 0)
        r = diff_make(old, fresh, evidence_of(given, fresh, old), diff, err);
    return r;
}

static void set_colours(DiffColours *colours)
{
    *colours = (DiffColours){
        .bold = colour(STDOUT_FILENO, COLOUR_BOLD),
        .dim = colour(STDOUT_FILENO, COLOUR_DIM),
        .red = colour(STDOUT_FILENO, COLOUR_RED),
        .green = colour(STDOUT_FILENO, COLOUR_GREEN),
        .yellow = colour(STDOUT_FILENO, COLOUR_YELLOW),
        .plain = colour(STDOUT_FILENO, COLOUR_PLAIN),
    };
}

/* The exit status that --exit-code and --fail-on ask for. */
static int status_of(const Parsed *parsed, const Diff *diff, Risk worst)
{
    const char *limit = parsed_value(parsed, "fail-on", NULL);

    if (parsed_flag(parsed, "exit-code") && diff->count > 0)
        return EXIT_NO;
    if (limit && diff_count(diff, DIFF_ALLOWED) > 0 && (int)worst >= risk_from_name(limit))
        return EXIT_NO;
    return EXIT_YES;
}

/*
 * The arguments are those of an external diff of git, git(1): path, old file, its hash and mode,
 * new file, its hash and mode, and for a rename the new path and more. git goes on with the next
 * file whatever becomes of this one.
 */
static int run_for_git(const Parsed *parsed, const DiffFormat *format)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    CLEANUP(diff_deinit) Diff diff = {0};
    const char *const *names = (const char *const *)parsed->arguments;
    DiffColours colours;
    Error err = {0};

    if (parsed->arguments_count == 1) /* not merged yet */
        return EXIT_YES;
    if (parsed->arguments_count < 7)
        return usage_error(parsed->command, "--git takes the seven arguments of git's external "
                                            "diff: set it as diff.NAME.command");
    const char *paths[2] = {names[1], names[4]};
    if (diff_init(&diff) < 0)
        return fail(EXIT_USAGE, &(Error){.code = -ENOMEM});
    (void)buffer_printf(&out, "diff --whittle a/%s b/%s\n", names[0],
                        parsed->arguments_count > 7 ? names[7] : names[0]);
    if (compare(parsed, paths, &diff, &err) < 0) {
        (void)buffer_printf(&out, "cannot be compared: %s\n", err.text);
    } else {
        diff.old_name = strcmp(paths[0], "/dev/null") == 0 ? paths[0] : names[0];
        diff.new_name = strcmp(paths[1], "/dev/null") == 0 ? paths[1] : names[0];
        (void)diff_finish(&diff);
        set_colours(&colours);
        (void)format->print(&diff, &colours, &out);
    }
    return output_buffer(&out, &err) < 0 ? fail(EXIT_USAGE, &err) : EXIT_YES;
}

static int run(const Parsed *parsed)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    CLEANUP(diff_deinit) Diff diff = {0};
    const DiffFormat *format = diff_format_by_name(parsed_value(parsed, "format", "text"));
    const char *paths[2] = {parsed->arguments[0], parsed->arguments[1]};
    DiffColours colours;
    Error err = {0};

    if (parsed_flag(parsed, "git"))
        return run_for_git(parsed, format);
    if (parsed->arguments_count != 2)
        return usage_error(parsed->command, "takes two files, OLD and NEW");
    if (!format || (strcmp(paths[0], "-") == 0 && strcmp(paths[1], "-") == 0))
        return usage_error(parsed->command, "standard input can be only one of the two");
    if (diff_init(&diff) < 0)
        return fail(EXIT_USAGE, &(Error){.code = -ENOMEM});
    if (compare(parsed, paths, &diff, &err) < 0)
        return fail(EXIT_USAGE, &err);
    const Risk worst = diff_finish(&diff);
    set_colours(&colours);
    if (format->print(&diff, &colours, &out) < 0)
        return fail(EXIT_USAGE, &(Error){.code = -ENOMEM});
    if (output_buffer(&out, &err) < 0)
        return fail(EXIT_USAGE, &err);
    return status_of(parsed, &diff, worst);
}

static const Option options[] = {
    {"format", 'f', VALUE_WORDS, "FORMAT", "text markdown json sarif",
     "how to print it: text (the default), markdown for a comment on a pull request, json "
     "(docs/FORMATS.md), sarif for code hosts"},
    {"include", 'I', VALUE_FOLDER, "DIR", NULL,
     "where AppArmor's \"include <...>\" looks first, then in /etc/apparmor.d"},
    {"recording", 'r', VALUE_FILE, "REC", NULL,
     "a recording that tells who needed what became allowed"},
    {"exit-code", 0, VALUE_NONE, NULL, NULL, "exit with status 1 if anything differs"},
    {"fail-on", 0, VALUE_WORDS, "RISK", "none low medium high critical",
     "exit with status 1 if something of this risk or more became allowed"},
    {"git", 0, VALUE_NONE, NULL, NULL,
     "be git's diff driver (docs/HOWTO_REVIEW.md): takes the arguments that git gives"},
    {0},
};

const Command command_diff = {
    .name = "diff",
    .summary = "Say what one profile allows and another does not",
    .usage = "[-f FORMAT] [-I DIR] [-r REC] [--exit-code] [--fail-on RISK] OLD NEW",
    .options = options,
    .details =
        "OLD and NEW are recordings, policies, seccomp profiles (Docker's and Podman's own format "
        "too), AppArmor profiles with all that they include, capability lists, or folders as "
        "`whittle generate` writes them, each compared with its like; of different kinds what both "
        "can say is compared, and the rest is named. `-` is "
        "standard input, /dev/null allows nothing.\n\n"
        "The comparison is of meaning, not of text: of a seccomp profile what a filter answers to "
        "each call with any arguments, on each architecture and with each capability it asks for; "
        "of paths what the patterns match. What became allowed comes first, the dangerous before "
        "the rest; the risk of each is from profiles/tables/risk.csv, with the reason.\n\n"
        "Exit status: 0 if the comparison could be made; 1 if it found what --exit-code or "
        "--fail-on ask for; 2 on wrong usage or input.\n\n"
        "Examples:\n"
        "  whittle diff old/policy.yaml new/policy.yaml\n"
        "  whittle diff --format markdown --recording run.jsonl main/policy.yaml policy.yaml\n"
        "  git show main:policy.yaml | whittle diff --fail-on high - policy.yaml",
    .arguments = VALUE_FILE,
    .arguments_min = 1,
    .arguments_max = 9,
    .run = run,
};
