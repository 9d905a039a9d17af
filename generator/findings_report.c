/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/findings_report.h"

#include "base/escape.h"
#include "base/memory.h"
#include "generator/report_text.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

enum { SHORT_COMMAND = 72, LONG_COMMAND = 4096, SARIF_WHO_MAX = 8 };

/* In words, for messages and as SARIF's rule. */
static const struct SectionWords {
    const char *what;
    const char *rule_id;
    const char *description;
} section_words[POLICY_SECTION_COUNT] = {
    [POLICY_SYSCALLS] = {"system call", "new-system-call",
                         "The workload made a system call that the policy does not allow."},
    [POLICY_CAPABILITIES] = {"capability", "new-capability",
                             "The workload needed a capability that the policy does not grant."},
    [POLICY_FILES] = {"file", "new-file-access",
                      "The workload used a file in a way that the policy does not allow."},
    [POLICY_NETWORK] = {"network", "new-network-use",
                        "The workload used a network family that the policy does not allow."},
    [POLICY_UNIX] = {"unix socket", "new-unix-socket",
                     "The workload used a unix socket that the policy does not allow."},
    [POLICY_SIGNALS] = {"signal", "new-signal",
                        "The workload sent a signal that the policy does not allow."},
    [POLICY_PTRACE] = {"ptrace", "new-ptrace",
                       "The workload traced or read a process as the policy does not allow."},
    [POLICY_MOUNTS] = {"mount", "new-mount",
                       "The workload changed mounts as the policy does not allow."},
};

int finding_title(const Finding *finding, Buffer *out)
{
    return buffer_printf(out, "%s %s", section_words[finding->section].what, finding->rule);
}

/* ---- who ------------------------------------------------------------------------------------ */

typedef struct Who {
    const char *subject;
    const char *command;
    const char *label; /* one of them; NULL none */
    uint64_t count;
} Who;

typedef struct Whos {
    Who *items;
    size_t count, capacity;
} Whos;

static void whos_deinit(Whos *whos)
{
    free(whos->items);
}

/* The programs behind FINDING, each once, in the recording's order. */
static int whos_collect(const Finding *finding, const Recording *recording, Whos *whos)
{
    for (size_t i = 0; i < finding->facts_count; i++) {
        Fact view;
        const Fact *fact = recording_fact(recording, finding->facts[i], &view);
        const char *subject = fact->subject ? fact->subject : "?";
        size_t at = 0;
        while (at < whos->count && strcmp(whos->items[at].subject, subject) != 0)
            at++;
        if (at == whos->count) {
            if (array_reserve(&whos->items, &whos->capacity, whos->count, sizeof *whos->items) < 0)
                return -ENOMEM;
            whos->items[whos->count++] =
                (Who){.subject = subject,
                      .command = fact->first.command,
                      .label = fact->labels_count ? fact->labels[0] : NULL};
        }
        whos->items[at].count += fact_count(fact);
    }
    return 0;
}

/* A command line, at most LENGTH bytes of it. */
static void print_command(const char *command, size_t length, Buffer *out)
{
    const bool cut = strlen(command) > length;

    (void)buffer_puts(out, " (");
    (void)escape_append(out, command, strnlen(command, length));
    (void)buffer_puts(out, cut ? " …)" : ")");
}

static int print_who(const Who *who, size_t command_length, Buffer *out)
{
    (void)buffer_puts(out, "by ");
    (void)escape_append(out, who->subject, strlen(who->subject));
    if (who->command)
        print_command(who->command, command_length, out);
    (void)buffer_printf(out, ", %" PRIu64 " time%s", who->count, who->count == 1 ? "" : "s");
    if (who->label) {
        (void)buffer_puts(out, ", label ");
        (void)escape_append(out, who->label, strlen(who->label));
    }
    return buffer_putc(out, '\n');
}

int finding_who(const Finding *finding, const Recording *recording, size_t limit, Buffer *out)
{
    CLEANUP(whos_deinit) Whos whos = {0};

    int r = whos_collect(finding, recording, &whos);
    const size_t shown = limit > 0 && whos.count > limit ? limit : whos.count;
    for (size_t i = 0; i < shown && r == 0; i++)
        r = print_who(&whos.items[i], limit > 0 ? SHORT_COMMAND : LONG_COMMAND, out);
    if (r == 0 && shown < whos.count)
        r = buffer_printf(out, "and by %zu other program%s\n", whos.count - shown,
                          whos.count - shown == 1 ? "" : "s");
    return r;
}

/* One that the policy can be made to allow by a rule. */
static bool is_acceptable(const Finding *finding)
{
    return !finding->denied && !finding->foreign;
}

int findings_policy(const Findings *findings, Policy **ret_policy, Error *err)
{
    Policy *policy = policy_new();
    int r = policy ? 0 : error_errno(err, ENOMEM, "making rules");

    for (size_t i = 0; i < findings->count && r == 0; i++) {
        const Finding *finding = &findings->items[i];
        PolicyRule rule;
        if (!is_acceptable(finding))
            continue;
        r = policy_rule_parse(finding->section, finding->rule, policy_strings(policy), &rule, err);
        if (r == 0 && policy_add(policy, &rule) < 0)
            r = error_errno(err, ENOMEM, "making rules");
    }
    if (r < 0) {
        (void)policy_free(policy);
        return r;
    }
    policy_sort(policy);
    *ret_policy = policy;
    return 0;
}

int findings_as_policy(const Findings *findings, Buffer *out)
{
    int section = -1;

    for (size_t i = 0; i < findings->count; i++) {
        const Finding *finding = &findings->items[i];
        if (!is_acceptable(finding))
            continue;
        if (section != (int)finding->section)
            (void)buffer_printf(out, "%s:\n", policy_section_name(finding->section));
        section = (int)finding->section;
        (void)buffer_printf(out, "  - %s\n", finding->rule);
    }
    return out->error;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void json_drop(json_t **json)
{
    json_decref(*json);
}

static json_t *who_json(const Finding *finding, const Recording *recording)
{
    CLEANUP(whos_deinit) Whos whos = {0};
    json_t *list = json_array();

    if (!list || whos_collect(finding, recording, &whos) < 0)
        return list;
    for (size_t i = 0; i < whos.count; i++) {
        const Who *who = &whos.items[i];
        (void)json_array_append_new(
            list, json_pack("{s:o,s:o,s:o,s:I}", "subject", report_json_text(who->subject),
                            "command", report_json_text(who->command), "label",
                            report_json_text(who->label), "count", (json_int_t)who->count));
    }
    return list;
}

/* Appends the text of ROOT, which it takes, to OUT. */
static int dump(json_t *root, size_t flags, Buffer *out)
{
    CLEANUP(json_drop) json_t *owned = root;
    char *text = owned ? json_dumps(owned, flags) : NULL;

    if (!text)
        return -ENOMEM;
    (void)buffer_puts(out, text);
    free(text);
    return buffer_putc(out, '\n');
}

const char *layer_state_name(LayerState state)
{
    static const char *const names[] = {
        [LAYER_ENFORCED] = "enforced", [LAYER_PARTLY] = "partly", [LAYER_WATCHED] = "watched"};

    return names[state];
}

bool findings_tolerated(const FindingsReport *report)
{
    const int expected = report->verification ? report->verification->expected_status : -1;

    return report->exit_status == (expected >= 0 ? expected : 0);
}

static json_t *finding_json(const Finding *finding, const Recording *recording)
{
    return json_pack("{s:s,s:o,s:b,s:b,s:o}", "section", policy_section_name(finding->section),
                     "rule", json_string(finding->rule), "denied", finding->denied, "foreign",
                     finding->foreign, "by", who_json(finding, recording));
}

int finding_json_line(const Finding *finding, const Recording *recording, const char *time,
                      Buffer *out)
{
    json_t *line = finding_json(finding, recording);

    if (line)
        (void)json_object_set_new(line, "time", json_string(time));
    return dump(line, JSON_COMPACT, out);
}

/* The rules that nothing needed; NULL if that was not asked. */
static json_t *unused_json(const FindingsReport *report)
{
    json_t *list = report->text ? json_array() : NULL;

    for (size_t i = 0; list && i < report->unused_count; i++) {
        CLEANUP(buffer_deinit) Buffer rule = BUFFER_INIT;
        const PolicyPlace *place = policy_text_place(report->text, report->unused[i]);
        if (policy_rule_print(&place->rule, &rule) == 0)
            (void)json_array_append_new(list, json_pack("{s:s,s:o,s:I}", "section",
                                                        policy_section_name(place->rule.section),
                                                        "rule", json_string(buffer_text(&rule)),
                                                        "line", (json_int_t)place->line));
    }
    return list;
}

/* With what was refused for real, where anything was. */
static json_t *findings_list(const FindingsReport *report, const Findings *findings)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < findings->count; i++) {
        json_t *item = finding_json(&findings->items[i], report->recording);
        if (item && report->verification)
            (void)json_object_set_new(item, "refused", json_boolean(findings->items[i].refused));
        (void)json_array_append_new(list, item);
    }
    return list;
}

static void add_verification(const FindingsReport *report, json_t *root)
{
    const Verification *made = report->verification;
    json_t *layers = json_array();

    for (size_t i = 0; layers && i < made->layers_count; i++)
        (void)json_array_append_new(layers,
                                    json_pack("{s:s,s:s,s:s}", "part", made->layers[i].name,
                                              "state", layer_state_name(made->layers[i].state),
                                              "detail", made->layers[i].detail));
    (void)json_object_set_new(root, "whittle", json_string("verify"));
    (void)json_object_set_new(root, "layers", layers);
    (void)json_object_set_new(root, "intended", findings_list(report, made->intended));
    (void)json_object_set_new(root, "expected_status",
                              made->expected_status >= 0 ? json_integer(made->expected_status)
                                                         : json_null());
    (void)json_object_set_new(root, "tolerated", json_boolean(findings_tolerated(report)));
    (void)json_object_set_new(
        root, "ok", json_boolean(report->findings->count == 0 && findings_tolerated(report)));
}

int findings_json(const FindingsReport *report, Buffer *out)
{
    json_t *list = findings_list(report, report->findings);

    json_t *workload =
        json_pack("{s:o,s:o}", "command", report_json_text(report->command), "exit_status",
                  report->exit_status >= 0 ? json_integer(report->exit_status) : json_null());
    json_t *root =
        json_pack("{s:s,s:i,s:o,s:o,s:b,s:b,s:o,s:o}", "whittle", "check", "format", 1, "policy",
                  report_json_text(report->policy_path), "name",
                  report_json_text(policy_name(report->policy)), "ok", report->findings->count == 0,
                  "complete", recording_is_complete(report->recording), "workload", workload,
                  "findings", list);
    json_t *unused = unused_json(report);
    if (root && unused)
        (void)json_object_set_new(root, "unused", unused);
    if (root && report->verification)
        add_verification(report, root);
    return dump(root, JSON_INDENT(2), out);
}

/* ---- JUnit ---------------------------------------------------------------------------------- */

/* Each line of TEXT. */
static void put_xml_lines(Buffer *out, const char *text)
{
    while (*text) {
        CLEANUP(buffer_deinit) Buffer line = BUFFER_INIT;
        const size_t length = strcspn(text, "\n");
        (void)buffer_append(&line, text, length);
        (void)report_put_xml(buffer_text(&line), out);
        (void)buffer_putc(out, '\n');
        text += length + (text[length] == '\n');
    }
}

static int put_case(const FindingsReport *report, const Finding *finding, Buffer *out)
{
    CLEANUP(buffer_deinit) Buffer title = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer who = BUFFER_INIT;

    if (finding_title(finding, &title) < 0 || finding_who(finding, report->recording, 0, &who) < 0)
        return -ENOMEM;
    (void)buffer_puts(out, "    <testcase classname=\"whittle.");
    (void)report_put_xml(policy_section_name(finding->section), out);
    (void)buffer_puts(out, "\" name=\"");
    (void)report_put_xml(buffer_text(&title), out);
    (void)buffer_printf(out, "\">\n      <failure message=\"%s the policy: ",
                        finding->denied ? "denied by" : "outside");
    (void)report_put_xml(buffer_text(&title), out);
    (void)buffer_puts(out, "\">");
    put_xml_lines(out, buffer_text(&who));
    return buffer_puts(out, "</failure>\n    </testcase>\n");
}

int findings_junit(const FindingsReport *report, Buffer *out)
{
    const size_t count = report->findings->count;
    const char *name = policy_name(report->policy) ? policy_name(report->policy) : "policy";
    int r = 0;

    (void)buffer_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
                           "  <testsuite name=\"whittle ");
    (void)report_put_xml(report->verification ? "verify: " : "check: ", out);
    (void)report_put_xml(name, out);
    (void)buffer_printf(out, "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\">\n",
                        count > 0 ? count : 1, count);
    if (count == 0)
        (void)buffer_puts(out, "    <testcase classname=\"whittle\" name=\"nothing outside the "
                               "policy\"/>\n");
    for (size_t i = 0; i < count && r == 0; i++)
        r = put_case(report, &report->findings->items[i], out);
    return r < 0 ? r : buffer_puts(out, "  </testsuite>\n</testsuites>\n");
}

/* ---- SARIF ---------------------------------------------------------------------------------- */

#define UNUSED_RULE_ID "unused-rule"

static json_t *sarif_rule(const char *id, const char *description)
{
    return json_pack("{s:s,s:{s:s}}", "id", id, "shortDescription", "text", description);
}

static json_t *sarif_rules(void)
{
    json_t *rules = json_array();

    for (size_t i = 0; i < ARRAY_LENGTH(section_words); i++) {
        if (section_words[i].rule_id)
            (void)json_array_append_new(
                rules, sarif_rule(section_words[i].rule_id, section_words[i].description));
    }
    (void)json_array_append_new(
        rules, sarif_rule(UNUSED_RULE_ID, "Nothing in the run needed this rule of the policy."));
    return rules;
}

/* TEXT about line LINE of the policy; FINGERPRINT says which result it is. */
static json_t *sarif_message(const FindingsReport *report, const char *rule_id, const char *level,
                             const char *text, size_t line, const char *fingerprint)
{
    return json_pack("{s:s,s:s,s:{s:s},s:[{s:{s:{s:o},s:{s:I}}}],s:{s:s}}", "ruleId", rule_id,
                     "level", level, "message", "text", text, "locations", "physicalLocation",
                     "artifactLocation", "uri", report_json_text(report->policy_path), "region",
                     "startLine", (json_int_t)line, "partialFingerprints", "whittle/rule",
                     fingerprint);
}

static json_t *sarif_result(const FindingsReport *report, const Finding *finding)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    (void)buffer_printf(&text, "%s the policy: ", finding->denied ? "Denied by" : "Outside");
    if (finding_title(finding, &text) < 0 || buffer_putc(&text, '\n') < 0 ||
        finding_who(finding, report->recording, SARIF_WHO_MAX, &text) < 0)
        return NULL;
    return sarif_message(report, section_words[finding->section].rule_id, "error",
                         buffer_text(&text), 1, finding->rule);
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
    return dump(json_pack("{s:s,s:s,s:[{s:{s:{s:s,s:s,s:o}},s:o}]}", "$schema",
                          "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0",
                          "runs", "tool", "driver", "name", "whittle", "version", report->version,
                          "rules", sarif_rules(), "results", results),
                JSON_INDENT(2), out);
}
