/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_lines.h"

#include "base/memory.h"
#include "generator/findings_report.h"

#include <string.h>
#include <time.h>

void check_lines_deinit(CheckLines *lines)
{
    lines->told = strset_free(lines->told);
}

/* True the first time that it is asked about FINDING. */
static bool is_new(CheckLines *lines, const Finding *finding)
{
    CLEANUP(buffer_deinit) Buffer key = BUFFER_INIT;
    const size_t before = strset_count(lines->told);

    if (buffer_printf(&key, "%d %s", (int)finding->section, finding->rule) < 0)
        return true;
    (void)strset_add(lines->told, buffer_text(&key));
    return strset_count(lines->told) != before;
}

static void tell(const CheckLines *lines, const Finding *finding)
{
    CLEANUP(buffer_deinit) Buffer line = BUFFER_INIT;
    char text[32] = "";
    struct tm now;
    const time_t seconds = time(NULL);

    if (gmtime_r(&seconds, &now))
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &now);
    if (finding_json_line(finding, lines->recording, text, &line) == 0)
        (void)fwrite(buffer_text(&line), 1, line.length, lines->out);
}

void check_lines_progress(void *data, const ObserverProgress *progress, bool last)
{
    CheckLines *lines = data;
    CLEANUP(findings_deinit) Findings findings = {0};
    Error err = {0};

    if (progress->facts == lines->facts && !last)
        return;
    lines->facts = progress->facts;
    /* Without memory now there may be some the next time, and at the end all is judged again. */
    if (judge(lines->recording, lines->policy, lines->sections, &findings, &err) < 0)
        return;
    for (size_t i = 0; i < findings.count; i++) {
        if (is_new(lines, &findings.items[i]))
            tell(lines, &findings.items[i]);
    }
    (void)fflush(lines->out);
}
