/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle lint POLICY`: mistakes, contradictions and dangerous grants of a policy. */
#include "base/memory.h"
#include "cli/command.h"
#include "cli/output.h"
#include "generator/lint.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    int (*print)(const LintPage *page, Buffer *out);
} formats[] = {
    {"json", lint_print_json},
    {"junit", lint_print_junit},
    {"sarif", lint_print_sarif},
    {"text", lint_print_text},
};

/* What --explain asks for: a code, or all of them. */
static int explain(const Parsed *parsed, const char *name)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    const bool all = strcmp(name, "all") == 0;
    const LintCode *code = lint_code(name);
    Error err = {0};

    if (parsed->arguments_count > 0)
        return usage_error(parsed->command, "--explain takes no policy");
    if (!code && !all) {
        const char *meant = lint_code_nearest(name);
        return usage_error(parsed->command, "there is no finding \"%s\"%s%s%s", name,
                           meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
    }
    for (size_t i = 0; i < lint_codes_count; i++) {
        if (!all && &lint_codes[i] != code)
            continue;
        if (out.length > 0)
            (void)buffer_puts(&out, "\n\n");
        (void)lint_explain(&lint_codes[i], &out);
    }
    return output_buffer(&out, &err) < 0 ? fail(EXIT_USAGE, &err) : EXIT_YES;
}

static int print(const Parsed *parsed, const LintPage *page)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    const char *name = parsed_value(parsed, "format", "text");
    Error err = {0};
    size_t i = ARRAY_LENGTH(formats) - 1;

    while (i > 0 && strcmp(formats[i].name, name) != 0)
        i--;
    if (formats[i].print(page, &out) < 0)
        return fail(EXIT_USAGE, &(Error){.code = -ENOMEM, .text = "no memory"});
    return output_buffer(&out, &err) < 0 ? fail(EXIT_USAGE, &err) : EXIT_YES;
}

static int run(const Parsed *parsed)
{
    CLEANUP(policy_text_cleanup) PolicyText *text = NULL;
    CLEANUP(lint_report_deinit) LintReport report = {0};
    const char *name = parsed_value(parsed, "explain", NULL);
    const int limit = lint_severity_from_name(parsed_value(parsed, "fail-on", "warning"));
    const LintColours colours = {
        .bold = colour(STDOUT_FILENO, COLOUR_BOLD),
        .dim = colour(STDOUT_FILENO, COLOUR_DIM),
        .red = colour(STDOUT_FILENO, COLOUR_RED),
        .yellow = colour(STDOUT_FILENO, COLOUR_YELLOW),
        .plain = colour(STDOUT_FILENO, COLOUR_PLAIN),
    };
    Error err = {0};

    if (name)
        return explain(parsed, name);
    if (parsed->arguments_count != 1)
        return usage_error(parsed->command, "which policy?");
    if (policy_text_read(parsed->arguments[0], &text, &err) < 0 ||
        lint_policy(text, &report, &err) < 0)
        return fail(EXIT_USAGE, &err);
    const LintPage page = {
        .report = &report,
        .text = text,
        .version = WHITTLE_VERSION,
        .colours = &colours,
        .fail_on = limit < 0 ? LINT_WARNING : (LintSeverity)limit,
        .all = parsed_flag(parsed, "all"),
    };
    const int status = print(parsed, &page);
    if (status != EXIT_YES)
        return status;
    return lint_report_count(&report, page.fail_on) > 0 ? EXIT_NO : EXIT_YES;
}

static const Option options[] = {
    {"format", 'f', VALUE_WORDS, "FORMAT", "text json sarif junit",
     "how to print what was found: text (the default), json (docs/FORMATS.md), sarif for code "
     "hosts, junit for test reports"},
    {"fail-on", 0, VALUE_WORDS, "SEVERITY", "note warning error",
     "exit with status 1 if something of this severity or worse was found (warning if not given)"},
    {"all", 'a', VALUE_NONE, NULL, NULL,
     "in text, show what was accepted, too, and every note: without, the first few of each code"},
    {"explain", 0, VALUE_TEXT, "CODE", NULL,
     "print what a finding means and what to do about it, and nothing else; `all` prints all"},
    {0},
};

const Command command_lint = {
    .name = "lint",
    .summary = "Find mistakes, contradictions and dangerous grants in a policy",
    .usage = "[-f FORMAT] [--fail-on SEVERITY] [--all] POLICY | --explain CODE",
    .options = options,
    .details =
        "Looks for rules that contradict each other, that another rule covers, or that can never "
        "match; words that mean nothing, with what was perhaps meant; conditions that no "
        "seccomp filter can keep, and calls that do the same without them; what is dangerous (by "
        "profiles/tables/risk.csv), wider than Docker's default, or both writable and executable; "
        "and what keeps a container from starting. `-` is standard input.\n\n"
        "Each finding has a code that stays the same, such as W301; docs/LINT.md lists them. A "
        "comment on the rule's line, or right above it, accepts it and says why:\n\n"
        "  - CAP_SYS_ADMIN  # lint: accept W301: mounts the images that it tests\n\n"
        "A comment that accepts nothing is a finding, too.\n\n"
        "Exit status: 0 if nothing was found that counts; 1 if there are findings that nobody has "
        "accepted, of the severity of --fail-on or worse; 2 on wrong usage or input.\n\n"
        "Examples:\n"
        "  whittle lint policy.yaml\n"
        "  whittle lint --format sarif --fail-on error policy.yaml > lint.sarif\n"
        "  whittle lint --explain W205",
    .arguments = VALUE_FILE,
    .arguments_min = 0,
    .arguments_max = 1,
    .run = run,
};
