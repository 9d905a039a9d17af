/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verify_report.h"

#include "base/io.h"
#include "base/memory.h"
#include "cli/check_report.h"
#include "cli/command.h"
#include "cli/output.h"
#include "generator/pid_doubt.h"
#include "generator/unified_diff.h"
#include "generator/update.h"

#include <errno.h>
#include <string.h>

enum { WHO_MAX = 4, POLICY_MAX = 64 << 20 };

/* ---- text ----------------------------------------------------------------------------------- */

static int print_finding(const FindingsReport *report, const Finding *finding, Buffer *out)
{
    CLEANUP(buffer_deinit) Buffer who = BUFFER_INIT;

    (void)buffer_puts(out, "\n  ");
    (void)finding_title(finding, out);
    (void)buffer_printf(out, "   (%s)\n",
                        finding->refused ? "refused" : "not refused here, but outside the policy");
    if (finding_risk(finding, &who) < 0 || finding_doubt(finding, &who) < 0 ||
        finding_proposal(finding, &who) < 0 ||
        finding_who(finding, report->recording, WHO_MAX, &who) < 0)
        return -ENOMEM;
    for (const char *line = buffer_text(&who); *line;) {
        const size_t length = strcspn(line, "\n");
        (void)buffer_printf(out, "      %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    return 0;
}

bool verify_any_refused(const Findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].refused)
            return true;
    }
    return false;
}

static void print_outcome(const FindingsReport *report, Buffer *out)
{
    const int expected = report->verification->expected_status;
    const bool refused =
        verify_any_refused(report->findings) || verify_any_refused(report->verification->intended);
    const char *how = refused ? ": it tolerates what was refused" : "";

    if (report->exit_status < 0)
        (void)buffer_puts(out, "\nThe command's exit status is not known.\n");
    else if (findings_tolerated(report) && expected >= 0)
        (void)buffer_printf(out, "\nThe command ended with status %d, as without the policy%s.\n",
                            report->exit_status, how);
    else if (findings_tolerated(report))
        (void)buffer_printf(out, "\nThe command ended with status 0%s.\n", how);
    else
        (void)buffer_printf(out, "\nThe command ended with status %d instead of %d%s.\n",
                            report->exit_status, expected >= 0 ? expected : 0,
                            refused ? ": what was refused may have broken it" : "");
}

int verify_text(const FindingsReport *report, Buffer *out)
{
    CLEANUP(buffer_deinit) Buffer rules = BUFFER_INIT;
    const Verification *made = report->verification;
    const size_t count = report->findings->count;

    if (count == 0)
        (void)buffer_printf(out, "Nothing outside the policy %s was needed\n", report->policy_path);
    else
        (void)buffer_printf(out, "%zu denial%s under the policy %s:\n", count,
                            count == 1 ? "" : "s", report->policy_path);
    for (size_t i = 0; i < count; i++) {
        if (print_finding(report, &report->findings->items[i], out) < 0)
            return -ENOMEM;
    }
    if (findings_as_policy(report->findings, &rules) == 0 && rules.length > 0)
        (void)buffer_printf(out, "\nIf that is as it should be, this belongs into the policy:\n%s",
                            buffer_text(&rules));
    if (made->intended->count > 0)
        (void)buffer_puts(out, "\nRefused because the policy has a rule that says so:\n");
    for (size_t i = 0; i < made->intended->count; i++) {
        (void)buffer_puts(out, "  ");
        (void)finding_title(&made->intended->items[i], out);
        (void)buffer_putc(out, '\n');
    }
    print_outcome(report, out);
    (void)buffer_puts(out, "\nWhat was in force:\n");
    for (size_t i = 0; i < made->layers_count; i++)
        (void)buffer_printf(out, "  %-13s %-9s %s\n", made->layers[i].name,
                            layer_state_name(made->layers[i].state), made->layers[i].detail);
    return out->error;
}

/* ---- what was intended ----------------------------------------------------------------------- */

int verify_part(Findings *findings, Findings *intended)
{
    size_t kept = 0;

    intended->items = calloc(findings->count + 1, sizeof *intended->items);
    if (!intended->items)
        return -ENOMEM;
    for (size_t i = 0; i < findings->count; i++) {
        const Finding finding = findings->items[i];
        if (finding.section == POLICY_SYSCALLS && finding.denied)
            intended->items[intended->count++] = finding;
        else
            findings->items[kept++] = finding;
    }
    findings->count = kept;
    return 0;
}

void verify_doubt(Findings *findings, const Findings *intended, const Recording *recording)
{
    pid_doubt_mark(findings, findings, recording);
    pid_doubt_mark(findings, intended, recording);
}

/* ---- the proposal --------------------------------------------------------------------------- */

/* Writes to PATH ("-": standard output) a diff by which patch(1) makes the report's policy allow
 * its findings. Says how many rules. 0 or a negative errno with ERR. */
static int write_fix(const FindingsReport *report, const char *path, Error *err)
{
    CLEANUP(policy_text_cleanup) PolicyText *text = NULL;
    CLEANUP(policy_cleanup) Policy *needed = NULL;
    CLEANUP(update_report_deinit) UpdateReport update = {0};
    CLEANUP(buffer_deinit) Buffer old = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer fresh = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer diff = BUFFER_INIT;

    int r = read_file(report->policy_path, &old, POLICY_MAX, err);
    if (r == 0)
        r = policy_text_parse(report->policy_path, buffer_text(&old), old.length, &text, err);
    if (r == 0)
        r = findings_policy(report->findings, &needed, err);
    if (r == 0)
        r = policy_update_in_place(text, needed, &update, err);
    if (r < 0)
        return r;
    r = update.added_count == 0 ? 0 : policy_text_print(text, &fresh);
    if (r == 0 && update.added_count > 0)
        r = unified_diff(report->policy_path, buffer_text(&old), buffer_text(&fresh), &diff);
    if (r < 0)
        return error_errno(err, r, "%s", path);
    r = write_file_atomic(path, buffer_text(&diff), diff.length, err);
    if (r == 0 && update.added_count == 0)
        message("no rule is proposed: the diff is empty");
    else if (r == 0 && strcmp(path, "-") != 0)
        message("%zu rule%s proposed in %s: `patch %s %s` adds %s", update.added_count,
                update.added_count == 1 ? "" : "s", path, report->policy_path, path,
                update.added_count == 1 ? "it" : "them");
    return r;
}

int verify_write_report(const FindingsReport *report, const Parsed *parsed, Error *err)
{
    const int r = check_write_report(parsed_value(parsed, "format", "text"),
                                     parsed_value(parsed, "output", NULL), report, err);
    const char *fix = parsed_value(parsed, "fix", NULL);

    return r == 0 && fix ? write_fix(report, fix, err) : r;
}
