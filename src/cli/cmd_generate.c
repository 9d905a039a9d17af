/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle generate REC|POLICY… -o DIR`: recordings and policies to a profile. */
#include "base/memory.h"
#include "cli/command.h"
#include "cli/output.h"
#include "generator/pipeline.h"
#include "generator/summary.h"

#include <string.h>

static void policy_drop(Policy **policy)
{
    *policy = policy_free(*policy);
}

/* What the generator had to say, a message a line. */
static void print_notes(const Buffer *notes)
{
    const char *line = buffer_text(notes);

    while (*line) {
        const size_t length = strcspn(line, "\n");
        message("note: %.*s", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

static int generate(const Parsed *parsed, const GenerateOptions *options, Buffer *notes,
                    Buffer *out, Error *err)
{
    CLEANUP(generate_input_deinit) GenerateInput input = {0};
    CLEANUP(policy_drop) Policy *policy = NULL;
    const char *folder = parsed_value(parsed, "output", NULL);
    PolicySummary summary;
    int r = 0;

    for (int i = 0; i < parsed->arguments_count && r == 0; i++)
        r = generate_input_add(&input, parsed->arguments[i], err);
    if (r == 0)
        r = generate_policy(&input, options, &policy, notes, err);
    if (r == 0)
        r = policy_summary_make(policy, &summary, err);
    if (r == 0)
        r = generate_files(policy, folder, parsed_value(parsed, "format", NULL), notes, err);
    if (r == 0 && input.recording && !recording_is_complete(input.recording))
        message("warning: the recording is not complete, so the profile may deny what the workload "
                "needs; `whittle show` says what was lost");
    if (r == 0 && !parsed_flag(parsed, "quiet")) {
        r = policy_summary_print(policy, &summary, input.recording, out);
        (void)buffer_printf(out, "Written to %s\n", folder);
    }
    return r;
}

static int run(const Parsed *parsed)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    const char *deny = parsed_value(parsed, "deny-action", NULL);
    GenerateOptions options = {
        .name = parsed_value(parsed, "name", NULL),
        .runtimes = parsed_value(parsed, "runtimes", NULL),
        .conditions = !parsed_flag(parsed, "no-conditions"),
    };
    Error err = {0};

    if (!parsed_value(parsed, "output", NULL))
        return usage_error(parsed->command, "-o DIR is missing: where to write the profile");
    if (deny && policy_deny_parse(deny, &options.deny_action) < 0)
        return usage_error(parsed->command,
                           "--deny-action takes an error's name, KILL or LOG, not \"%s\"", deny);
    if (generate(parsed, &options, &notes, &out, &err) < 0)
        return fail(EXIT_USAGE, &err);
    print_notes(&notes);
    if (output_buffer(&out, &err) < 0)
        return fail(EXIT_USAGE, &err);
    return EXIT_YES;
}

static const Option options[] = {
    {"output", 'o', VALUE_FOLDER, "DIR", NULL, "write the files into DIR, which is made if needed"},
    {"format", 0, VALUE_LIST, "LIST", "policy seccomp apparmor capabilities docker",
     "write only these files"},
    {"name", 0, VALUE_TEXT, "NAME", NULL,
     "name of the policy and the AppArmor profile (after the recorded command if not given)"},
    {"runtimes", 0, VALUE_LIST, "LIST", "runc crun none",
     "container runtimes that must be able to start the workload (all known if not given)"},
    {"deny-action", 0, VALUE_TEXT, "ACTION", NULL,
     "what answers other system calls: EPERM (the default) or another error's name, KILL or LOG"},
    {"no-conditions", 0, VALUE_NONE, NULL, NULL, "allow system calls whatever their arguments are"},
    {"quiet", 'q', VALUE_NONE, NULL, NULL, "do not print the summary"},
    {0},
};

const Command command_generate = {
    .name = "generate",
    .summary = "Make the smallest profile from recordings or a policy",
    .usage = "REC|POLICY… -o DIR",
    .options = options,
    .details =
        "Writes policy.yaml, which holds what the recordings show as rules to review and edit, and "
        "what follows from it: seccomp.json, apparmor.profile, capabilities.json and docker.args. "
        "The profile allows what was seen, and what the container runtimes need to start a "
        "container, and denies everything else. The same input gives the same bytes.\n\n"
        "Operations of io_uring pass no seccomp filter: where the policy allows io_uring_setup, "
        "the "
        "summary says so, and the reasons of its rules which operations were seen. Deny it "
        "(deny: ENOSYS) if the workload can do without.\n\n"
        "Several recordings are united. Given a policy that was edited, it makes the other files "
        "from that.\n\n"
        "To use the profile with Docker, load apparmor.profile with apparmor_parser -r (leave the "
        "line with apparmor out of docker.args on a machine without AppArmor), and in DIR run:\n\n"
        "  xargs -a docker.args sh -c 'exec docker run \"$@\" IMAGE' sh\n\n"
        "Examples:\n"
        "  whittle generate nginx.jsonl -o profile\n"
        "  whittle generate shard-*.jsonl -o profile --runtimes runc\n"
        "  whittle generate edited-policy.yaml -o profile",
    .arguments = VALUE_FILE,
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run,
};
