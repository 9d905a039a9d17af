/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_report.h"

#include "base/io.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/verify_report.h"
#include "generator/update.h"

#include <errno.h>
#include <string.h>

enum { WHO_MAX = 4 };

static void print_indented(const char *lines, Buffer *out)
{
    while (*lines) {
        const size_t length = strcspn(lines, "\n");
        (void)buffer_printf(out, "      %.*s\n", (int)length, lines);
        lines += length + (lines[length] == '\n');
    }
}

static void print_unused(const FindingsReport *report, Buffer *out)
{
    if (report->unused_count > 0)
        (void)buffer_printf(out, "\n%zu rule%s that nothing in this run needed:\n",
                            report->unused_count, report->unused_count == 1 ? "" : "s");
    for (size_t i = 0; i < report->unused_count; i++) {
        const PolicyPlace *place = policy_text_place(report->text, report->unused[i]);
        (void)buffer_printf(out, "  %s:%zu: %s: ", report->policy_path, place->line,
                            policy_section_name(place->rule.section));
        (void)policy_rule_print(&place->rule, out);
        (void)buffer_putc(out, '\n');
    }
}

static int report_text(const FindingsReport *report, Buffer *out)
{
    if (report->verification)
        return verify_text(report, out);
    CLEANUP(buffer_deinit) Buffer rules = BUFFER_INIT;
    const size_t count = report->findings->count;

    if (count == 0)
        (void)buffer_printf(out, "Nothing outside the policy %s\n", report->policy_path);
    else
        (void)buffer_printf(out, "%zu thing%s outside the policy %s:\n", count,
                            count == 1 ? "" : "s", report->policy_path);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buffer_deinit) Buffer who = BUFFER_INIT;
        const Finding *finding = &report->findings->items[i];
        (void)buffer_puts(out, "\n  ");
        (void)finding_title(finding, out);
        (void)buffer_printf(out, "%s\n", finding->denied ? "   (the policy denies it)" : "");
        if (finding_risk(finding, &who) < 0 || finding_proposal(finding, &who) < 0 ||
            finding_who(finding, report->recording, WHO_MAX, &who) < 0)
            return -ENOMEM;
        print_indented(buffer_text(&who), out);
    }
    if (findings_as_policy(report->findings, &rules) == 0 && rules.length > 0)
        (void)buffer_printf(out, "\nIf that is as it should be, this belongs into the policy:\n%s",
                            buffer_text(&rules));
    print_unused(report, out);
    return out->error;
}

static const struct ReportFormat {
    const char *name;
    int (*make)(const FindingsReport *report, Buffer *out);
} formats[] = {{"text", report_text},
               {"json", findings_json},
               {"junit", findings_junit},
               {"sarif", findings_sarif}};

/* The first one if there is none of that NAME. */
static const struct ReportFormat *report_format(const char *name)
{
    size_t i = ARRAY_LENGTH(formats) - 1;

    while (i > 0 && strcmp(formats[i].name, name) != 0)
        i--;
    return &formats[i];
}

int check_write_report(const char *format, const char *path, const FindingsReport *report,
                       Error *err)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;

    const int r = report_format(format)->make(report, &out);
    if (r < 0)
        return error_errno(err, r, "writing the report");
    return path ? write_file_atomic(path, buffer_text(&out), out.length, err)
                : output_buffer(&out, err);
}

int check_sections(const char *list, uint32_t *ret, Error *err)
{
    uint32_t sections = 0;

    if (!list) {
        *ret = JUDGED_SECTIONS;
        return 0;
    }
    CLEANUP(free_pointer) char *copy = strdup(list);
    char *rest = copy;
    if (!copy)
        return error_errno(err, ENOMEM, "reading --only");
    for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ",")) {
        const int section = policy_section_from_name(word);
        if (section < 0 || !(JUDGED_SECTIONS >> section & 1))
            return error_set(err, -EINVAL, "--only: there is no section \"%s\"", word);
        sections |= 1u << section;
    }
    *ret = sections;
    return 0;
}

/* Adds to the policy's file what was found, except what it denies. */
int check_accept(const char *path, const Findings *findings, Error *err)
{
    CLEANUP(policy_text_cleanup) PolicyText *text = NULL;
    CLEANUP(policy_cleanup) Policy *seen = NULL;
    CLEANUP(update_report_deinit) UpdateReport report = {0};
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;

    int r = policy_text_read(path, &text, err);
    if (r == 0)
        r = findings_policy(findings, &seen, err);
    if (r == 0)
        r = policy_update_in_place(text, seen, &report, err);
    if (r < 0 || report.added_count == 0)
        return r;
    r = policy_text_print(text, &out);
    if (r < 0)
        return error_errno(err, r, "%s", path);
    r = write_file_atomic(path, buffer_text(&out), out.length, err);
    if (r == 0)
        message("%zu rule%s added to %s: have the change reviewed", report.added_count,
                report.added_count == 1 ? "" : "s", path);
    return r;
}
