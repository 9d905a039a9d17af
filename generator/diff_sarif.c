/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became allowed as SARIF 2.1.0 (OASIS), for code hosts that show results at the changed file.
 * A rule is a section and a risk; hosts sort by "security-severity".
 */
#include "generator/diff_private.h"

#include "base/escape.h"
#include "base/memory.h"
#include "generator/report_text.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

static json_t *message_of(const Change *change)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    (void)buffer_printf(&text, "Now allowed: %s %s", change->section, change->what);
    if (change->when)
        (void)buffer_printf(&text, " (%s)", change->when);
    (void)buffer_printf(&text, ". Risk: %s", risk_name(change->risk));
    if (change->why)
        (void)buffer_printf(&text, ": %s", change->why);
    if (change->source)
        (void)buffer_printf(&text, " (%s)", change->source);
    (void)buffer_puts(&text, ".");
    for (size_t i = 0; i < change->who_count && i < DIFF_WITNESSES_MAX; i++) {
        (void)buffer_puts(&text, i ? ", " : " Needed by ");
        (void)escape_append(&text, change->who[i].subject, strlen(change->who[i].subject));
    }
    return json_pack("{s:s}", "text", buffer_text(&text));
}

static json_t *result_of(const Diff *diff, const Change *change)
{
    CLEANUP(buffer_deinit) Buffer uri = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer rule = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer print = BUFFER_INIT;

    (void)report_put_uri(diff->new_name, &uri);
    (void)buffer_printf(&rule, "allowed-%s-%s", change->section, risk_name(change->risk));
    (void)buffer_printf(&print, "%s/%s", change->section, change->what);
    if (change->when)
        (void)buffer_printf(&print, "/%s", change->when);
    return json_pack("{s:s, s:s, s:o, s:[{s:{s:{s:s}, s:{s:i}}}], s:{s:s}}", "ruleId",
                     buffer_text(&rule), "level", risk_sarif_level(change->risk), "message",
                     message_of(change), "locations", "physicalLocation", "artifactLocation", "uri",
                     buffer_text(&uri), "region", "startLine", 1, "partialFingerprints",
                     "whittleChange/v1", buffer_text(&print));
}

static json_t *rule_of(const Change *change)
{
    CLEANUP(buffer_deinit) Buffer id = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    (void)buffer_printf(&id, "allowed-%s-%s", change->section, risk_name(change->risk));
    (void)buffer_printf(&text, "The profile newly allows something of risk %s (%s)",
                        risk_name(change->risk), change->section);
    return json_pack("{s:s, s:{s:s}, s:{s:s}, s:{s:s, s:[s]}}", "id", buffer_text(&id),
                     "shortDescription", "text", buffer_text(&text), "defaultConfiguration",
                     "level", risk_sarif_level(change->risk), "properties", "security-severity",
                     risk_sarif_severity(change->risk), "tags", "security");
}

static bool is_first_of_rule(const Diff *diff, size_t index)
{
    const Change *change = &diff->changes[index];

    for (size_t i = 0; i < index; i++) {
        if (diff->changes[i].kind == DIFF_ALLOWED && diff->changes[i].risk == change->risk &&
            strcmp(diff->changes[i].section, change->section) == 0)
            return false;
    }
    return true;
}

int diff_print_sarif(const Diff *diff, const DiffColours *colours, Buffer *out)
{
    json_t *rules = json_array();
    json_t *results = json_array();

    (void)colours;
    for (size_t i = 0; i < diff->count; i++) {
        const Change *change = &diff->changes[i];
        if (change->kind != DIFF_ALLOWED)
            continue;
        if (is_first_of_rule(diff, i))
            (void)json_array_append_new(rules, rule_of(change));
        (void)json_array_append_new(results, result_of(diff, change));
    }
    json_t *root = json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:o}}, s:s, s:o}]}", "$schema",
                             "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0",
                             "runs", "tool", "driver", "name", "whittle diff", "rules", rules,
                             "columnKind", "utf16CodeUnits", "results", results);
    CLEANUP(free_pointer) char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    if (!text)
        return -ENOMEM;
    (void)buffer_puts(out, text);
    return buffer_puts(out, "\n");
}
