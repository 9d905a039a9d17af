/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/findings_report.h"

#include "base/escape.h"
#include "base/memory.h"
#include "generator/report_text.h"
#include "generator/risk.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

enum { SHORT_COMMAND = 72, LONG_COMMAND = 4096 };

/* In words, for messages. */
static const char *const section_words[POLICY_SECTION_COUNT] = {
    [POLICY_SYSCALLS] = "system call", [POLICY_CAPABILITIES] = "capability",
    [POLICY_FILES] = "file",           [POLICY_NETWORK] = "network",
    [POLICY_UNIX] = "unix socket",     [POLICY_SIGNALS] = "signal",
    [POLICY_PTRACE] = "ptrace",        [POLICY_MOUNTS] = "mount",
};

int finding_title(const Finding *finding, Buffer *out)
{
    return buffer_printf(out, "%s %s", section_words[finding->section], finding->rule);
}

int finding_risk(const Finding *finding, Buffer *out)
{
    const RiskRow *row = finding->risk;

    if (risk_of_row(row) == RISK_NONE)
        return 0;
    return buffer_printf(out, "risk: %s: %s (%s)\n", row->risk, row->why, row->source);
}

int finding_doubt(const Finding *finding, Buffer *out)
{
    const PidCall *row = finding->doubt;

    if (finding->powerless)
        return buffer_puts(
            out,
            "no rule is proposed: the container's user is not root, and Docker's --cap-add gives "
            "it only to programs with set-user-id or file capabilities; was it one of those?\n");
    if (!row)
        return 0;
    return buffer_printf(out,
                         "no rule is proposed: %s was refused, and what came for %s may be why %s; "
                         "allow that call and verify again\n",
                         row->call, row->answer,
                         finding->section == POLICY_SIGNALS
                             ? "the signal went so far"
                             : "a signal was refused, of which this may tell");
}

/* ---- who ------------------------------------------------------------------------------------ */

enum { PATHS_MAX = 3 };

typedef struct Who {
    const char *subject;
    const char *command;
    const char *label; /* one of them; NULL none */
    uint64_t count;
    const char *paths[PATHS_MAX]; /* the first of those that the call named */
    size_t paths_count;           /* of all */
} Who;

typedef struct Whos {
    Who *items;
    size_t count, capacity;
} Whos;

static void whos_deinit(Whos *whos)
{
    free(whos->items);
}

/* The call that FACT, of a finding of SECTION, was made by or is; NULL where paths tell nothing. */
static const char *call_behind(PolicySection section, const Fact *fact)
{
    if (section == POLICY_SYSCALLS)
        return fact->name;
    return section == POLICY_CAPABILITIES ? fact->first.syscall : NULL;
}

/* Adds the paths that CALL was the first of WHO's calls to name: facts of one path are neighbours.
 */
static void add_paths(const Recording *recording, const char *call, Who *who)
{
    const char *last = NULL;

    for (size_t i = 0; i < recording_facts_count(recording); i++) {
        Fact view;
        const Fact *fact = recording_fact(recording, i, &view);
        if (fact->kind != FACT_FILE || fact->phase == PHASE_RUNTIME_INIT || !fact->first.syscall ||
            !fact->subject || strcmp(fact->first.syscall, call) != 0 ||
            strcmp(fact->subject, who->subject) != 0 || (last && strcmp(last, fact->name) == 0))
            continue;
        last = fact->name;
        if (who->paths_count < PATHS_MAX)
            who->paths[who->paths_count] = fact->name;
        who->paths_count++;
    }
}

/* The programs behind FINDING, each once, in the recording's order. */
static int whos_collect(const Finding *finding, const Recording *recording, Whos *whos)
{
    const char *last_call = NULL;
    size_t last_at = 0;

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
        const char *call = call_behind(finding->section, fact);
        if (call && (!last_call || strcmp(call, last_call) != 0 || at != last_at))
            add_paths(recording, call, &whos->items[at]);
        last_call = call;
        last_at = at;
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

static void print_paths(const Who *who, Buffer *out)
{
    for (size_t i = 0; i < who->paths_count && i < PATHS_MAX; i++) {
        (void)buffer_puts(out, i == 0 ? "  of " : ", ");
        (void)escape_append(out, who->paths[i], strlen(who->paths[i]));
    }
    if (who->paths_count > PATHS_MAX)
        (void)buffer_printf(out, " and %zu more", who->paths_count - PATHS_MAX);
    if (who->paths_count > 0)
        (void)buffer_putc(out, '\n');
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
    (void)buffer_putc(out, '\n');
    print_paths(who, out);
    return out->error;
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
    return !finding->denied && !finding->foreign && !finding->doubt && !finding->powerless;
}

const char *finding_proposed(const Finding *finding)
{
    return finding->proposal ? finding->proposal : finding->rule;
}

int finding_proposal(const Finding *finding, Buffer *out)
{
    if (!finding->proposal || !is_acceptable(finding))
        return 0;
    (void)buffer_printf(out, "proposed: %s", finding->proposal);
    if (finding->grant)
        (void)buffer_printf(out, ": %s", finding->grant);
    return buffer_putc(out, '\n');
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
        r = policy_rule_parse(finding->section, finding_proposed(finding), policy_strings(policy),
                              &rule, err);
        rule.reason = finding->grant;
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
    CLEANUP(policy_cleanup) Policy *policy = NULL;
    int section = -1;
    Error err = {0};

    const int r = findings_policy(findings, &policy, &err);
    for (size_t i = 0; r == 0 && i < policy_rules_count(policy); i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        if (section != (int)rule->section)
            (void)buffer_printf(out, "%s:\n", policy_section_name(rule->section));
        section = (int)rule->section;
        (void)buffer_puts(out, "  - ");
        (void)policy_rule_print_item(rule, out);
        (void)buffer_putc(out, '\n');
    }
    return r < 0 ? r : out->error;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *who_json(const Finding *finding, const Recording *recording)
{
    CLEANUP(whos_deinit) Whos whos = {0};
    json_t *list = json_array();

    if (!list || whos_collect(finding, recording, &whos) < 0)
        return list;
    for (size_t i = 0; i < whos.count; i++) {
        const Who *who = &whos.items[i];
        json_t *paths = json_array();
        for (size_t j = 0; j < who->paths_count && j < PATHS_MAX; j++)
            (void)json_array_append_new(paths, report_json_text(who->paths[j]));
        (void)json_array_append_new(list, json_pack("{s:o,s:o,s:o,s:I,s:o}", "subject",
                                                    report_json_text(who->subject), "command",
                                                    report_json_text(who->command), "label",
                                                    report_json_text(who->label), "count",
                                                    (json_int_t)who->count, "paths", paths));
    }
    return list;
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
    const RiskRow *row = finding->risk;

    return json_pack("{s:s,s:o,s:b,s:b,s:s,s:s?,s:s?,s:o}", "section",
                     policy_section_name(finding->section), "rule", json_string(finding->rule),
                     "denied", finding->denied, "foreign", finding->foreign, "risk",
                     risk_name(risk_of_row(row)), "why", row ? row->why : NULL, "source",
                     row ? row->source : NULL, "by", who_json(finding, recording));
}

int finding_json_line(const Finding *finding, const Recording *recording, const char *time,
                      Buffer *out)
{
    json_t *line = finding_json(finding, recording);

    if (line)
        (void)json_object_set_new(line, "time", json_string(time));
    return report_json_dump(line, JSON_COMPACT, out);
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

/* The sentence without its line's end; null without a doubt. */
static json_t *doubt_json(const Finding *finding)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (finding_doubt(finding, &text) < 0 || text.length == 0)
        return json_null();
    return json_stringn(buffer_text(&text), text.length - 1);
}

/* With what was refused for real, where anything was. */
static json_t *findings_list(const FindingsReport *report, const Findings *findings)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < findings->count; i++) {
        const Finding *finding = &findings->items[i];
        json_t *item = finding_json(finding, report->recording);
        if (item)
            (void)json_object_set_new(
                item, "proposed",
                is_acceptable(finding) ? json_string(finding_proposed(finding)) : json_null());
        if (item && report->verification) {
            (void)json_object_set_new(item, "refused", json_boolean(finding->refused));
            (void)json_object_set_new(item, "not_proposed", doubt_json(finding));
        }
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
    return report_json_dump(root, JSON_INDENT(2), out);
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

    if (finding_title(finding, &title) < 0 || finding_risk(finding, &who) < 0 ||
        finding_doubt(finding, &who) < 0 || finding_who(finding, report->recording, 0, &who) < 0)
        return -ENOMEM;
    (void)buffer_puts(out, "    <testcase classname=\"whittle.");
    (void)report_put_xml(policy_section_name(finding->section), out);
    (void)buffer_puts(out, "\" name=\"");
    (void)report_put_xml(buffer_text(&title), out);
    (void)buffer_printf(out, "\">\n      <failure message=\"%s the policy: ",
                        finding->denied ? "denied by" : "outside");
    (void)report_put_xml(buffer_text(&title), out);
    (void)buffer_printf(out, "\" type=\"%s risk\">", risk_name(risk_of_row(finding->risk)));
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
