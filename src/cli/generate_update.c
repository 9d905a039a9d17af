/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/generate_update.h"

#include "base/memory.h"

#include <errno.h>

void updated_policy_deinit(UpdatedPolicy *updated)
{
    updated->policy = policy_free(updated->policy);
    buffer_deinit(&updated->text);
    buffer_deinit(&updated->stale);
    update_report_deinit(&updated->report);
}

int update_check_options(const Parsed *parsed)
{
    /* The policy has them. */
    static const char *const others[] = {"name", "runtimes", "deny-action"};
    const bool prunes = parsed_flag(parsed, "prune") || parsed_flag(parsed, "prune-apply");

    if (!update_wanted(parsed))
        return prunes ? usage_error(parsed->command,
                                    "--prune looks for stale rules of the policy that --update "
                                    "names")
                      : 0;
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (parsed_value(parsed, others[i], NULL))
            return usage_error(parsed->command,
                               "--%s does not go with --update: the policy says it, edit it there",
                               others[i]);
    }
    return 0;
}

/* Reads what TEXT has become. */
static int read_again(const PolicyText *text, const Policy *seen, UpdatedPolicy *updated,
                      Error *err)
{
    int r = policy_text_print(text, &updated->text);

    if (r < 0)
        return error_errno(err, r, "%s", policy_text_name(text));
    r = policy_parse(policy_text_name(text), buffer_text(&updated->text), updated->text.length,
                     &updated->policy, err);
    if (r < 0) {
        error_prefix(err, "the update does not fit the form of this file, which is unchanged; "
                          "write its lists with a line for each rule");
        return r;
    }
    if (!policy_name(updated->policy))
        r = policy_set_name(updated->policy, policy_name(seen));
    policy_sort(updated->policy);
    return r < 0 ? error_errno(err, r, "%s", policy_text_name(text)) : 0;
}

int update_policy(const Parsed *parsed, const GenerateInput *input, const Policy *seen,
                  UpdatedPolicy *updated, Error *err)
{
    CLEANUP(policy_text_cleanup) PolicyText *text = NULL;
    const bool apply = parsed_flag(parsed, "prune-apply");
    size_t removable = 0;

    if (!input->recording || input->policy)
        return error_set(err, -EINVAL,
                         "--update takes recordings, and one policy, which it names itself");
    if (apply && !recording_is_complete(input->recording))
        return error_set(err, -EINVAL,
                         "--prune-apply: the recording is not complete, so a rule may be needed "
                         "though nothing shows it; `whittle show` says what was lost, --prune "
                         "lists the rules");
    int r = policy_text_read(parsed_value(parsed, "update", NULL), &text, err);
    if (r == 0)
        r = policy_update(text, seen, &updated->report, err);
    if (r == 0 && (apply || parsed_flag(parsed, "prune")))
        r = policy_prune(text, seen, input->recording, apply, &removable, &updated->stale, err);
    if (r == 0 && removable > 0 && !apply)
        (void)buffer_puts(&updated->stale, "--prune-apply takes them away; `keep: true` in a rule "
                                           "makes it stay\n");
    return r == 0 ? read_again(text, seen, updated, err) : r;
}

int update_print(const Parsed *parsed, const UpdatedPolicy *updated, const char *folder,
                 Buffer *out)
{
    const UpdateReport *report = &updated->report;

    for (const char *line = buffer_text(&report->warnings); *line;) {
        const size_t length = strcspn(line, "\n");
        message("warning: %.*s", (int)length, line);
        line += length + (line[length] == '\n');
    }
    if (!parsed_flag(parsed, "quiet")) {
        if (report->added_count == 0)
            (void)buffer_printf(out, "Nothing new for %s/policy.yaml\n", folder);
        else
            (void)buffer_printf(out, "%zu added in %s/policy.yaml:\n", report->added_count, folder);
        for (const char *line = buffer_text(&report->added); *line;) {
            const size_t length = strcspn(line, "\n");
            (void)buffer_printf(out, "  %.*s\n", (int)length, line);
            line += length + (line[length] == '\n');
        }
    }
    return buffer_append(out, buffer_text(&updated->stale), updated->stale.length);
}
