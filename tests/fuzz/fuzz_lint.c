/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever parses as a policy can be linted and reported in every format, twice the same. */
#include "base/memory.h"
#include "generator/lint.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int (*const printers[])(const LintPage *page, Buffer *out) = {
        lint_print_text, lint_print_json, lint_print_sarif, lint_print_junit};
    static const LintColours colours = {"", "", "", "", ""};
    CLEANUP(policy_text_cleanup) PolicyText *text = NULL;
    CLEANUP(lint_report_deinit) LintReport report = {0};
    CLEANUP(lint_report_deinit) LintReport again = {0};
    Error err = {0};

    if (policy_text_parse("fuzz", (const char *)data, size, &text, &err) < 0)
        return 0;
    require(lint_policy(text, &report, &err) == 0 && lint_policy(text, &again, &err) == 0);
    require(report.count == again.count);
    for (size_t i = 0; i < report.count; i++) {
        require(report.items[i].line > 0 && report.items[i].code == again.items[i].code);
        require(i == 0 || report.items[i].line >= report.items[i - 1].line);
    }
    const LintPage page = {
        .report = &report, .text = text, .version = "0", .colours = &colours, .all = true};
    for (size_t i = 0; i < sizeof printers / sizeof printers[0]; i++) {
        CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
        require(printers[i](&page, &out) == 0 && out.length > 0);
    }
    return 0;
}
