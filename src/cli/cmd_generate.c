/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle generate REC|POLICY… -o DIR`: recordings and policies to a profile. */
#include "base/io.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/generate_update.h"
#include "cli/output.h"
#include "generator/inputs.h"
#include "generator/summary.h"

#include <errno.h>
#include <string.h>

/* What the generator had to say, a message a line. */
/* Where the files of GROUP go, into OUT. */
static int folder_of(const Parsed *parsed, const GenerateInputs *inputs, const InputGroup *group,
                     Buffer *out, Error *err)
{
    const char *folder = parsed_value(parsed, "output", NULL);
    int r;

    if (inputs->count < 2)
        return buffer_puts(out, folder);
    r = make_folder(folder, err);
    return r < 0 ? r : buffer_printf(out, "%s/%s", folder, group->name);
}

static int print_summary(const GenerateInputs *inputs, const InputGroup *group,
                         const Policy *policy, const PolicySummary *summary, const char *folder,
                         Buffer *out)
{
    const char *image = group->image ? group->image : "not known";

    if (inputs->count > 1)
        (void)buffer_printf(out, "%s%s: %zu recording%s, image %s\n",
                            group == inputs->list ? "" : "\n", group->name, group->recordings,
                            group->recordings == 1 ? "" : "s", image);
    (void)policy_summary_print(policy, summary, group->input.recording, out);
    return buffer_printf(out, "Written to %s\n", folder);
}

static void warn_if_incomplete(const GenerateInputs *inputs, const InputGroup *group)
{
    if (!group->input.recording || recording_is_complete(group->input.recording))
        return;
    message("warning: %s%sthe recording is not complete, so the profile may deny what the workload "
            "needs; `whittle show` says what was lost",
            inputs->count > 1 ? group->name : "", inputs->count > 1 ? ": " : "");
}

/* Those of NOTES, a line each, for ALL; by the group's name where there are several. */
static void add_notes(const GenerateInputs *inputs, const InputGroup *group, const Buffer *notes,
                      Buffer *all)
{
    const char *line = buffer_text(notes);

    for (size_t length; *line; line += length + (line[length] == '\n')) {
        length = strcspn(line, "\n");
        if (inputs->count > 1)
            (void)buffer_printf(all, "%s: ", group->name);
        (void)buffer_printf(all, "%.*s\n", (int)length, line);
    }
}

static int generate_group(const Parsed *parsed, const GenerateOptions *options,
                          const GenerateInputs *inputs, InputGroup *group, Buffer *notes,
                          Buffer *out, Error *err)
{
    CLEANUP(policy_cleanup) Policy *seen = NULL;
    CLEANUP(updated_policy_deinit) UpdatedPolicy updated = {0};
    const bool updates = update_wanted(parsed);
    CLEANUP(buffer_deinit) Buffer folder = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer its_notes = BUFFER_INIT;
    GenerateOptions its_options = *options;
    PolicySummary summary;

    if (inputs->count > 1)
        its_options.name = group->name;
    int r = generate_policy(&group->input, &its_options, &seen, &its_notes, err);
    if (r == 0 && updates)
        r = update_policy(parsed, &group->input, seen, &updated, err);
    const Policy *policy = updates ? updated.policy : seen;
    if (r == 0)
        r = policy_summary_make(policy, &summary, err);
    if (r == 0)
        r = folder_of(parsed, inputs, group, &folder, err);
    if (r == 0)
        r = generate_files(policy, updates ? &updated.text : NULL, buffer_text(&folder),
                           parsed_value(parsed, "format", NULL), &its_notes, err);
    if (r < 0)
        return r;
    add_notes(inputs, group, &its_notes, notes);
    warn_if_incomplete(inputs, group);
    if (!parsed_flag(parsed, "quiet"))
        r = print_summary(inputs, group, policy, &summary, buffer_text(&folder), out);
    if (r == 0 && updates)
        r = update_print(parsed, &updated, buffer_text(&folder), out);
    return r < 0 ? error_errno(err, r, "printing the summary") : 0;
}

static int generate(const Parsed *parsed, const GenerateOptions *options, Buffer *notes,
                    Buffer *out, Error *err)
{
    CLEANUP(generate_inputs_deinit) GenerateInputs inputs = {0};
    const bool together = strcmp(parsed_value(parsed, "group", "image"), "none") == 0;
    int r = generate_inputs_read(parsed->arguments, (size_t)parsed->arguments_count,
                                 together ? GROUPING_NONE : GROUPING_IMAGE, &inputs, notes, err);

    if (r == 0 && options->name && inputs.count > 1)
        r = error_set(err, -EINVAL,
                      "the recordings are of %zu images or services, which cannot all be called "
                      "\"%s\": leave --name out, or unite them by --group none",
                      inputs.count, options->name);
    if (r == 0 && update_wanted(parsed) && inputs.count > 1)
        r = error_set(err, -EINVAL,
                      "--update: the recordings are of %zu images or services, and the policy is "
                      "one: give those that it is for, or unite them by --group none",
                      inputs.count);
    for (size_t i = 0; i < inputs.count && r == 0; i++)
        r = generate_group(parsed, options, &inputs, &inputs.list[i], notes, out, err);
    return r;
}

static int run(const Parsed *parsed)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    const char *deny = parsed_value(parsed, "deny-action", NULL);
    const char *generalise = parsed_value(parsed, "generalize", NULL);
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
    if (generalise && generalise_from_name(generalise, &options.generalise) < 0)
        return usage_error(parsed->command,
                           "--generalize takes exact, careful or broad, not \"%s\"", generalise);
    const int usage = update_check_options(parsed);
    if (usage != 0)
        return usage;
    if (generate(parsed, &options, &notes, &out, &err) < 0)
        return fail(EXIT_USAGE, &err);
    message_notes(&notes);
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
    {"group", 0, VALUE_WORDS, "HOW", "image none",
     "make a policy for each image and service (image, the default), or a single one from all "
     "recordings (none)"},
    {"generalize", 0, VALUE_WORDS, "LEVEL", "exact careful broad",
     "how far to go beyond what was seen where evidence speaks for it: exact, careful (the "
     "default) or broad"},
    {"update", 0, VALUE_FILE, "POLICY", NULL,
     "add what is new to POLICY, written to DIR/policy.yaml; all that people wrote in it stays"},
    {"prune", 0, VALUE_NONE, NULL, NULL,
     "with --update: list the rules of POLICY that nothing in the recordings needs, and since "
     "when"},
    {"prune-apply", 0, VALUE_NONE, NULL, NULL, "take these away, but for those with keep: true"},
    {"quiet", 'q', VALUE_NONE, NULL, NULL, "do not print the summary"},
    {0},
};

const Command command_generate = {
    .name = "generate",
    .summary = "Make the smallest profile from recordings or a policy",
    .usage = "REC|FOLDER|POLICY… -o DIR",
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
        "Several recordings are united. Those of containers are grouped by image (the same digest, "
        "or where one is not known the same reference) and service (Compose's, or a pod's "
        "container): with more than one group there is a policy for each, in DIR/NAME, called "
        "after the service or image. Of a folder it reads all recordings in it and below. Given a "
        "policy that was edited, it makes the other files from that.\n\n"
        "--update keeps a policy that people edit: its comments, order, hand-made rules, reasons, "
        "keep: and deny: stay byte for byte, and what no rule of it covers is added as lines of "
        "their own. With nothing new the file stays the same. What a deny: rule forbids is not "
        "added but warned of. Only `read-only-root: true` can become false, where something was "
        "written to, of which a warning tells. --prune lists rules that no recording supports.\n\n"
        "To use the profile with Docker, load apparmor.profile with apparmor_parser -r (leave the "
        "line with apparmor out of docker.args on a machine without AppArmor), and in DIR run:\n\n"
        "  xargs -a docker.args sh -c 'exec docker run \"$@\" IMAGE' sh\n\n"
        "Exit status: 0 if the files were written; 2 on wrong usage or input.\n\n"
        "Examples:\n"
        "  whittle generate nginx.jsonl -o profile\n"
        "  whittle generate shard-*.jsonl -o profile --runtimes runc\n"
        "  whittle generate /var/lib/whittle -o profiles\n"
        "  whittle generate edited-policy.yaml -o profile\n"
        "  whittle generate new.jsonl --update profile/policy.yaml -o profile",
    .arguments = VALUE_FILE,
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run,
};
