/* SPDX-License-Identifier: Apache-2.0 */
/* What `whittle lint` found, for people, editors, code hosts and test reports. */
#include "base/memory.h"
#include "generator/lint.h"
#include "generator/report_text.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

enum { NOTES_MAX = 4 };

static const char *file_of(const LintPage *page)
{
    return policy_text_name(page->text);
}

/* ---- text ----------------------------------------------------------------------------------- */

static const char *colour_of(const LintColours *colours, LintSeverity severity)
{
    if (severity == LINT_ERROR)
        return colours->red;
    return severity == LINT_WARNING ? colours->yellow : colours->bold;
}

/* FINDING is the one of its code that comes behind BEFORE others. */
static void print_finding(const LintPage *page, const LintFinding *finding, size_t before,
                          Buffer *out)
{
    const LintColours *colours = page->colours;
    const LintSeverity severity = lint_severity(finding->code);

    (void)buffer_printf(out, "%s%s:%zu:%zu:%s %s%s:%s %s %s[%s]%s\n", colours->bold, file_of(page),
                        finding->line, finding->column, colours->plain,
                        colour_of(colours, severity), lint_severity_name(severity), colours->plain,
                        finding->text, colours->dim, finding->code->code, colours->plain);
    if (finding->accepted)
        (void)buffer_printf(out, "    accepted: %s\n", finding->accepted);
    else if (before == 0)
        (void)buffer_printf(out, "    %s\n", finding->code->advice);
}

/* All findings; of notes only the first few of a code, unless all are wanted. */
static int print_findings(const LintPage *page, Buffer *out)
{
    CLEANUP(free_pointer) size_t *counts = calloc(lint_codes_count + 1, sizeof *counts);

    if (!counts)
        return -ENOMEM;
    for (size_t i = 0; i < page->report->count; i++) {
        const LintFinding *finding = &page->report->items[i];
        size_t *count = &counts[finding->code - lint_codes];
        if (finding->accepted && page->all)
            print_finding(page, finding, 1, out);
        if (finding->accepted)
            continue;
        if (page->all || *count < NOTES_MAX || lint_severity(finding->code) > LINT_NOTE)
            print_finding(page, finding, *count, out);
        (*count)++;
    }
    for (size_t i = 0; i < lint_codes_count && !page->all; i++) {
        if (counts[i] > NOTES_MAX && lint_severity(&lint_codes[i]) == LINT_NOTE)
            (void)buffer_printf(out, "%s: %zu more: %s %s[%s]%s (`--all` shows them)\n",
                                file_of(page), counts[i] - NOTES_MAX, lint_codes[i].title,
                                page->colours->dim, lint_codes[i].code, page->colours->plain);
    }
    return out->error;
}

static void print_count(size_t count, const char *what, const char *before, Buffer *out)
{
    (void)buffer_printf(out, "%s%zu %s%s", before, count, what, count == 1 ? "" : "s");
}

int lint_print_text(const LintPage *page, Buffer *out)
{
    const LintReport *report = page->report;
    const size_t notes = lint_report_count(report, LINT_NOTE);
    const size_t warnings = lint_report_count(report, LINT_WARNING);
    const size_t errors = lint_report_count(report, LINT_ERROR);

    const int r = print_findings(page, out);
    if (r < 0)
        return r;
    (void)buffer_printf(out, "%s: ", file_of(page));
    print_count(errors, "error", "", out);
    print_count(warnings - errors, "warning", ", ", out);
    print_count(notes - warnings, "note", ", ", out);
    if (report->count > notes)
        (void)buffer_printf(out, ", %zu accepted", report->count - notes);
    if (notes > 0)
        (void)buffer_puts(out, "; `whittle lint --explain CODE` says more");
    return buffer_putc(out, '\n');
}

static void print_wrapped(const char *text, const char *indent, Buffer *out)
{
    enum { WIDTH = 78 };
    size_t column = 0;

    while (*text) {
        const size_t length = strcspn(text, " ");
        if (column > 0 && column + 1 + length > WIDTH) {
            (void)buffer_putc(out, '\n');
            column = 0;
        }
        (void)buffer_printf(out, "%s%.*s", column ? " " : indent, (int)length, text);
        column += length + (column ? 1 : strlen(indent));
        text += length + strspn(text + length, " ");
    }
    (void)buffer_putc(out, '\n');
}

int lint_explain(const LintCode *code, Buffer *out)
{
    (void)buffer_printf(out, "%s (%s): %s\n\n", code->code, code->severity, code->title);
    print_wrapped(code->why, "", out);
    (void)buffer_puts(out, "\nExample:\n");
    print_wrapped(code->example, "    ", out);
    (void)buffer_puts(out, "\nWhat to do:\n");
    print_wrapped(code->advice, "    ", out);
    return out->error;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *json_finding(const LintFinding *finding)
{
    return json_pack("{s:s,s:s,s:s,s:I,s:I,s:o,s:o,s:s,s:s,s:o}", "code", finding->code->code,
                     "severity", finding->code->severity, "title", finding->code->title, "line",
                     (json_int_t)finding->line, "column", (json_int_t)finding->column, "section",
                     text_or_null(finding->section < 0
                                      ? NULL
                                      : policy_section_name((PolicySection)finding->section)),
                     "rule", text_or_null(finding->rule), "text", finding->text, "advice",
                     finding->code->advice, "accepted", text_or_null(finding->accepted));
}

static int dump(json_t *root, Buffer *out)
{
    CLEANUP(free_pointer) char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;

    json_decref(root);
    if (!text)
        return -ENOMEM;
    (void)buffer_puts(out, text);
    return buffer_putc(out, '\n');
}

int lint_print_json(const LintPage *page, Buffer *out)
{
    const LintReport *report = page->report;
    const size_t notes = lint_report_count(report, LINT_NOTE);
    const size_t warnings = lint_report_count(report, LINT_WARNING);
    const size_t errors = lint_report_count(report, LINT_ERROR);
    json_t *list = json_array();

    for (size_t i = 0; i < report->count; i++)
        (void)json_array_append_new(list, json_finding(&report->items[i]));
    json_t *summary =
        json_pack("{s:I,s:I,s:I,s:I}", "errors", (json_int_t)errors, "warnings",
                  (json_int_t)(warnings - errors), "notes", (json_int_t)(notes - warnings),
                  "accepted", (json_int_t)(report->count - notes));
    return dump(json_pack("{s:s,s:i,s:o,s:o,s:o,s:o}", "whittle", "lint", "format", 1, "policy",
                          report_json_text(file_of(page)), "name",
                          text_or_null(policy_name(policy_text_policy(page->text))), "summary",
                          summary, "findings", list),
                out);
}

/* ---- SARIF ---------------------------------------------------------------------------------- */

static json_t *sarif_rule(const LintCode *code)
{
    return json_pack("{s:s,s:{s:s},s:{s:s},s:{s:s},s:{s:s}}", "id", code->code, "shortDescription",
                     "text", code->title, "fullDescription", "text", code->why, "help", "text",
                     code->advice, "defaultConfiguration", "level", code->severity);
}

static json_t *sarif_result(const LintPage *page, const LintFinding *finding)
{
    CLEANUP(buffer_deinit) Buffer uri = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer print = BUFFER_INIT;

    (void)report_put_uri(file_of(page), &uri);
    (void)buffer_printf(&print, "%s/%s", finding->code->code,
                        finding->rule ? finding->rule : finding->text);
    json_t *result = json_pack(
        "{s:s,s:s,s:{s:s},s:[{s:{s:{s:s},s:{s:I,s:I}}}],s:{s:s}}", "ruleId", finding->code->code,
        "level", finding->code->severity, "message", "text", finding->text, "locations",
        "physicalLocation", "artifactLocation", "uri", buffer_text(&uri), "region", "startLine",
        (json_int_t)finding->line, "startColumn", (json_int_t)finding->column,
        "partialFingerprints", "whittleLint/v1", buffer_text(&print));
    if (result && finding->accepted)
        (void)json_object_set_new(
            result, "suppressions",
            json_pack("[{s:s,s:s}]", "kind", "inSource", "justification", finding->accepted));
    return result;
}

int lint_print_sarif(const LintPage *page, Buffer *out)
{
    json_t *rules = json_array();
    json_t *results = json_array();

    for (size_t i = 0; i < lint_codes_count; i++)
        (void)json_array_append_new(rules, sarif_rule(&lint_codes[i]));
    for (size_t i = 0; i < page->report->count; i++)
        (void)json_array_append_new(results, sarif_result(page, &page->report->items[i]));
    return dump(json_pack("{s:s,s:s,s:[{s:{s:{s:s,s:s,s:o}},s:s,s:o}]}", "$schema",
                          "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0",
                          "runs", "tool", "driver", "name", "whittle lint", "version",
                          page->version, "rules", rules, "columnKind", "unicodeCodePoints",
                          "results", results),
                out);
}

/* ---- JUnit ---------------------------------------------------------------------------------- */

static void put_case(const LintPage *page, const LintFinding *finding, Buffer *out)
{
    const bool fails = !finding->accepted && lint_severity(finding->code) >= page->fail_on;

    (void)buffer_printf(out, "    <testcase classname=\"whittle.lint.%s\" name=\"",
                        finding->code->code);
    (void)buffer_printf(out, "line %zu: ", finding->line);
    (void)report_put_xml(finding->text, out);
    if (!fails) {
        (void)buffer_puts(out, "\"/>\n");
        return;
    }
    (void)buffer_puts(out, "\">\n      <failure message=\"");
    (void)report_put_xml(finding->text, out);
    (void)buffer_puts(out, "\">");
    (void)report_put_xml(file_of(page), out);
    (void)buffer_printf(out, ":%zu:%zu: %s %s: ", finding->line, finding->column,
                        finding->code->severity, finding->code->code);
    (void)report_put_xml(finding->code->advice, out);
    (void)buffer_puts(out, "</failure>\n    </testcase>\n");
}

int lint_print_junit(const LintPage *page, Buffer *out)
{
    const LintReport *report = page->report;

    (void)buffer_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
                           "  <testsuite name=\"whittle lint: ");
    (void)report_put_xml(file_of(page), out);
    (void)buffer_printf(out, "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\">\n",
                        report->count > 0 ? report->count : 1,
                        lint_report_count(report, page->fail_on));
    if (report->count == 0)
        (void)buffer_puts(out,
                          "    <testcase classname=\"whittle.lint\" name=\"nothing found\"/>\n");
    for (size_t i = 0; i < report->count; i++)
        put_case(page, &report->items[i], out);
    return buffer_puts(out, "  </testsuite>\n</testsuites>\n");
}
