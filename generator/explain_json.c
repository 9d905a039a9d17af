/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation as profiles/schema/explain.schema.json has it. */
#include "base/escape.h"
#include "base/memory.h"
#include "generator/demangle.h"
#include "generator/explain.h"
#include "generator/frame_text.h"

#include <errno.h>
#include <jansson.h>

/* Text of the workload's, which may be no UTF-8: in the notation of recordings. */
static json_t *json_text(const char *text)
{
    CLEANUP(buffer_deinit) Buffer escaped = BUFFER_INIT;

    return escape_append(&escaped, text, strlen(text)) < 0 ? NULL
                                                           : json_string(buffer_text(&escaped));
}

static json_t *json_lines(const Buffer *lines)
{
    json_t *list = json_array();

    for (const char *at = buffer_text(lines); *at; at += strcspn(at, "\n"), at += *at == '\n')
        (void)json_array_append_new(list, json_stringn(at, strcspn(at, "\n")));
    return list;
}

/* Facts as recordings have them, each once. */
static json_t *json_facts(const ExplainInput *input, const Explanation *explanation)
{
    CLEANUP(buffer_deinit) Buffer line = BUFFER_INIT;
    json_t *list = json_array();

    for (size_t i = 0; i < explanation->facts_count; i++) {
        buffer_clear(&line);
        if (recording_print_fact(input->recording, explanation->facts[i], &line) < 0)
            break;
        (void)json_array_append_new(list, json_loadb(buffer_text(&line), line.length, 0, NULL));
    }
    return list;
}

static void add_readable(json_t *names, Demangler *demangler, Span symbol)
{
    CLEANUP(buffer_deinit) Buffer name = BUFFER_INIT;
    const char *readable = demangler_name(demangler, symbol.at, symbol.length);

    if (readable && escape_append(&name, symbol.at, symbol.length) == 0)
        (void)json_object_set_new(names, buffer_text(&name), json_text(readable));
}

/* The readable form of each symbol in the facts' stacks that has one. */
static json_t *json_demangled(const ExplainInput *input, const Explanation *explanation)
{
    CLEANUP(demangler_cleanup) Demangler *demangler = demangler_new();
    json_t *names = json_object();
    Fact view;

    for (size_t i = 0; demangler && i < explanation->facts_count; i++) {
        const Fact *fact = recording_view(input->recording, explanation->facts[i], &view);
        for (const char *at = fact->first.stack; at && *at; at += *at == '\n') {
            const size_t length = strcspn(at, "\n");
            add_readable(names, demangler, frame_parse(at, length).symbol);
            at += length;
        }
    }
    return names;
}

/* What the recording's header says of its runs. */
static json_t *json_runs(const Recording *recording)
{
    CLEANUP(buffer_deinit) Buffer line = BUFFER_INIT;
    CLEANUP(json_decrefp) json_t *header = NULL;

    if (!recording || recording_print_header(recording, &line) < 0)
        return json_array();
    header = json_loadb(buffer_text(&line), line.length, 0, NULL);
    json_t *runs = json_object_get(header, "runs");
    return runs ? json_incref(runs) : json_array();
}

static json_t *json_rule(const ExplainInput *input, const ExplainedRule *found)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer deny = BUFFER_INIT;
    const PolicyRule *rule = &found->place->rule;
    json_t *object = json_object();

    (void)policy_rule_print(rule, &text);
    (void)json_object_set_new(object, "section", json_string(policy_section_name(rule->section)));
    (void)json_object_set_new(object, "rule", json_string(buffer_text(&text)));
    if (input->policy_path) {
        (void)json_object_set_new(object, "file", json_text(input->policy_path));
        (void)json_object_set_new(object, "line", json_integer((json_int_t)found->place->line));
    }
    if (rule->deny != POLICY_ALLOW) {
        if (rule->deny != POLICY_DENY)
            (void)policy_deny_print(rule->deny, &deny);
        (void)json_object_set_new(object, "deny",
                                  json_string(deny.length ? buffer_text(&deny) : "default"));
    }
    if (rule->keep)
        (void)json_object_set_new(object, "keep", json_true());
    if (rule->reason)
        (void)json_object_set_new(object, "reason", json_string(rule->reason));
    (void)json_object_set_new(object, "asked", json_boolean(found->asked));
    (void)json_object_set_new(object, "origin", json_string(found->origin));
    (void)json_object_set_new(object, "facts", json_integer((json_int_t)found->facts));
    return object;
}

static json_t *json_rules(const ExplainInput *input, const Explanation *explanation)
{
    json_t *list = json_array();

    for (size_t i = 0; i < explanation->rules_count; i++)
        (void)json_array_append_new(list, json_rule(input, &explanation->rules[i]));
    return list;
}

static json_t *json_also(const Explanation *explanation)
{
    json_t *list = json_array();

    for (int i = 0; i < EXPLAIN_KIND_COUNT; i++) {
        if (explanation->also >> i & 1)
            (void)json_array_append_new(list, json_string(explain_kind_name((ExplainKind)i)));
    }
    return list;
}

int explain_print_json(const ExplainInput *input, const Explanation *explanation, const char *what,
                       Buffer *out)
{
    CLEANUP(json_decrefp) json_t *root = json_object();
    Fact view;
    json_int_t count = 0;

    for (size_t i = 0; i < explanation->facts_count; i++)
        count +=
            (json_int_t)fact_count(recording_view(input->recording, explanation->facts[i], &view));
    (void)json_object_set_new(root, "whittle", json_string("explain"));
    (void)json_object_set_new(root, "format", json_integer(1));
    (void)json_object_set_new(root, "asked", json_text(what));
    (void)json_object_set_new(root, "kind", json_string(explain_kind_name(explanation->kind)));
    (void)json_object_set_new(root, "what", json_text(buffer_text(&explanation->what)));
    (void)json_object_set_new(root, "also", json_also(explanation));
    (void)json_object_set_new(root, "found",
                              json_boolean(explanation->facts_count || explanation->rules_count ||
                                           explanation->notes.length));
    if (input->recording)
        (void)json_object_set_new(root, "complete",
                                  json_boolean(recording_is_complete(input->recording)));
    (void)json_object_set_new(root, "stand_in", json_boolean(explanation->stand_in));
    (void)json_object_set_new(root, "count", json_integer(count));
    (void)json_object_set_new(root, "runs", json_runs(input->recording));
    (void)json_object_set_new(root, "facts", json_facts(input, explanation));
    (void)json_object_set_new(root, "demangled", json_demangled(input, explanation));
    (void)json_object_set_new(root, "rules", json_rules(input, explanation));
    (void)json_object_set_new(root, "notes", json_lines(&explanation->notes));
    (void)json_object_set_new(root, "nearest", json_lines(&explanation->nearest));
    if (json_object_size(root) < 14)
        return -ENOMEM;
    char *text = json_dumps(root, JSON_INDENT(2));
    if (!text)
        return -ENOMEM;
    (void)buffer_puts(out, text);
    free(text);
    return buffer_putc(out, '\n');
}
