/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings as SARIF 2.1.0 (OASIS), for code hosts that show results at the policy. A rule is a
 * section and a risk; hosts sort by "security-severity".
 */
#include "generator/findings_report.h"

#include "base/memory.h"
#include "generator/report_text.h"
#include "generator/risk.h"

#include <errno.h>
#include <jansson.h>

enum { WHO_MAX = 8 };

static const struct {
    const char *rule_id;
    const char *description;
} section_rules[POLICY_SECTION_COUNT] = {
    [POLICY_SYSCALLS] = {"new-system-call",
                         "The workload made a system call that the policy does not allow."},
    [POLICY_CAPABILITIES] = {"new-capability",
                             "The workload needed a capability that the policy does not grant."},
    [POLICY_FILES] = {"new-file-access",
                      "The workload used a file in a way that the policy does not allow."},
    [POLICY_NETWORK] = {"new-network-use",
                        "The workload used a network family that the policy does not allow."},
    [POLICY_UNIX] = {"new-unix-socket",
                     "The workload used a unix socket that the policy does not allow."},
    [POLICY_SIGNALS] = {"new-signal", "The workload sent a signal that the policy does not allow."},
    [POLICY_PTRACE] = {"new-ptrace",
                       "The workload traced or read a process as the policy does not allow."},
    [POLICY_MOUNTS] = {"new-mount", "The workload changed mounts as the policy does not allow."},
};

#define UNUSED_RULE_ID "unused-rule"

static json_t *sarif_rule(const char *id, const char *description)
{
    return json_pack("{s:s,s:{s:s}}", "id", id, "shortDescription", "text", description);
}

static int put_rule_id(const Finding *finding, Buffer *out)
{
    return buffer_printf(out, "%s-%s-risk", section_rules[finding->section].rule_id,
                         risk_name(risk_of_row(finding->risk)));
}

static json_t *rule_of(const Finding *finding)
{
    CLEANUP(buffer_deinit) Buffer id = BUFFER_INIT;
    const Risk risk = risk_of_row(finding->risk);
    json_t *properties = json_pack("{s:s,s:[s]}", "security-severity", risk_sarif_severity(risk),
                                   "tags", "security");

    (void)put_rule_id(finding, &id);
    json_t *rule = sarif_rule(buffer_text(&id), section_rules[finding->section].description);
    if (rule)
        (void)json_object_set(rule, "properties", properties);
    json_decref(properties);
    return rule;
}

/* The rules of all results, each once. */
static json_t *sarif_rules(const FindingsReport *report)
{
    bool told[POLICY_SECTION_COUNT][RISK_COUNT] = {{false}};
    json_t *rules = json_array();

    for (size_t i = 0; i < report->findings->count; i++) {
        const Finding *finding = &report->findings->items[i];
        bool *seen = &told[finding->section][risk_of_row(finding->risk)];
        if (!*seen)
            (void)json_array_append_new(rules, rule_of(finding));
        *seen = true;
    }
    if (report->unused_count > 0)
        (void)json_array_append_new(
            rules,
            sarif_rule(UNUSED_RULE_ID, "Nothing in the run needed this rule of the policy."));
    return rules;
}

/* TEXT about line LINE of the policy; FINGERPRINT says which result it is. */
static json_t *sarif_message(const FindingsReport *report, const char *rule_id, const char *level,
                             const char *text, size_t line, const char *fingerprint)
{
    CLEANUP(buffer_deinit) Buffer uri = BUFFER_INIT;

    (void)report_put_uri(report->policy_path, &uri);
    return json_pack("{s:s,s:s,s:{s:s},s:[{s:{s:{s:s},s:{s:I}}}],s:{s:s}}", "ruleId", rule_id,
                     "level", level, "message", "text", text, "locations", "physicalLocation",
                     "artifactLocation", "uri", buffer_text(&uri), "region", "startLine",
                     (json_int_t)line, "partialFingerprints", "whittle/rule", fingerprint);
}

static json_t *sarif_result(const FindingsReport *report, const Finding *finding)
{
    CLEANUP(buffer_deinit) Buffer id = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    (void)buffer_printf(&text, "%s the policy: ", finding->denied ? "Denied by" : "Outside");
    if (finding_title(finding, &text) < 0 || buffer_putc(&text, '\n') < 0 ||
        finding_risk(finding, &text) < 0 || finding_doubt(finding, &text) < 0 ||
        finding_who(finding, report->recording, WHO_MAX, &text) < 0 ||
        put_rule_id(finding, &id) < 0)
        return NULL;
    return sarif_message(report, buffer_text(&id), "error", buffer_text(&text), 1, finding->rule);
}

static json_t *sarif_unused(const FindingsReport *report, const PolicyPlace *place)
{
    CLEANUP(buffer_deinit) Buffer rule = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (policy_rule_print(&place->rule, &rule) < 0 ||
        buffer_printf(&text, "Nothing in this run needed: %s", buffer_text(&rule)) < 0)
        return NULL;
    return sarif_message(report, UNUSED_RULE_ID, "note", buffer_text(&text), place->line,
                         buffer_text(&rule));
}

int findings_sarif(const FindingsReport *report, Buffer *out)
{
    json_t *results = json_array();

    for (size_t i = 0; i < report->findings->count; i++)
        (void)json_array_append_new(results, sarif_result(report, &report->findings->items[i]));
    for (size_t i = 0; i < report->unused_count; i++)
        (void)json_array_append_new(
            results, sarif_unused(report, policy_text_place(report->text, report->unused[i])));
    return report_json_dump(json_pack("{s:s,s:s,s:[{s:{s:{s:s,s:s,s:o}},s:o}]}", "$schema",
                                      "https://json.schemastore.org/sarif-2.1.0.json", "version",
                                      "2.1.0", "runs", "tool", "driver", "name", "whittle",
                                      "version", report->version, "rules", sarif_rules(report),
                                      "results", results),
                            JSON_INDENT(2), out);
}
