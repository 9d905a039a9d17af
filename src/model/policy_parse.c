/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy from YAML, by libyaml's events and recursive descent over the few shapes that a policy
 * has. What is not understood is an error with its line and column, never passed over: a key
 * written wrong must not make a policy weaker than its author thinks.
 */
#include "base/io.h"
#include "base/memory.h"
#include "model/policy_reader.h"

#include <errno.h>

/* ---- values of keys ------------------------------------------------------------------------- */

static int parse_bool(PolicyReader *reader, bool *ret)
{
    const char *text = reader_next_scalar(reader, "true or false");

    if (!text)
        return -EINVAL;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return reader_complain(reader, "\"%.100s\" is neither true nor false", text);
    *ret = text[0] == 't';
    return 0;
}

static int parse_number(PolicyReader *reader, uint64_t *ret)
{
    const char *text = reader_next_scalar(reader, "a number");
    char *end;

    if (!text)
        return -EINVAL;
    errno = 0;
    const uint64_t value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno)
        return reader_complain(reader, "\"%.100s\" is no number", text);
    *ret = value;
    return 0;
}

static int parse_type(PolicyReader *reader)
{
    const char *text = reader_next_scalar(reader, "\"policy\"");

    if (!text)
        return -EINVAL;
    return strcmp(text, "policy") == 0 ? 0
                                       : reader_complain(reader, "\"%.100s\" is no policy", text);
}

static int parse_format(PolicyReader *reader)
{
    uint64_t format = 0;
    const int r = parse_number(reader, &format);

    if (r < 0 || format == POLICY_FORMAT)
        return r;
    return reader_complain(reader, "this policy has another format than this whittle reads%s",
                           format > POLICY_FORMAT ? ": a newer whittle wrote it" : "");
}

static int parse_name(PolicyReader *reader)
{
    const char *text = reader_next_scalar(reader, "a name");

    if (!text)
        return -EINVAL;
    if (!policy_name_is_valid(text))
        return reader_complain(
            reader, "\"%.100s\" can be no name: use letters, digits, \"_\", \"-\" and \".\"", text);
    return policy_set_name(reader->policy, text);
}

static int parse_user(PolicyReader *reader)
{
    const char *text = reader_next_scalar(reader, "a user");

    if (!text)
        return -EINVAL;
    if (*text == '\0' || strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789_.:-") != strlen(text))
        return reader_complain(reader, "\"%.100s\" is no user: write UID, UID:GID or a name", text);
    return policy_set_user(reader->policy, text);
}

static int parse_deny_action(PolicyReader *reader)
{
    int deny;
    const char *text = reader_next_scalar(reader, "an error's name, KILL or LOG");

    if (!text)
        return -EINVAL;
    if (policy_deny_parse(text, &deny) < 0)
        return reader_complain(reader,
                               "\"%.100s\" is no action: write an error's name, KILL or LOG", text);
    policy_set_deny_action(reader->policy, deny);
    return 0;
}

static int take_arch(PolicyReader *reader, const char *text)
{
    const int arch = arch_from_name(text);

    if (arch < 0) {
        const char *names[ARCH_COUNT + 1] = {NULL};
        for (Arch i = 0; i < ARCH_COUNT; i++)
            names[i] = arch_name(i);
        return reader_complain_word(reader, text, "is no architecture that whittle knows", names);
    }
    policy_set_archs(reader->policy, policy_archs(reader->policy) | 1u << arch);
    if (reader->text)
        return reader_item(reader, &reader->text->archs, &(TextItem){.arch = (Arch)arch},
                           reader_begin(reader), &reader->event.start_mark);
    return 0;
}

static int take_runtime(PolicyReader *reader, const char *text)
{
    if (!policy_name_is_valid(text))
        return reader_complain(reader, "\"%.100s\" is no container runtime", text);
    return policy_add_runtime(reader->policy, text);
}

/* A sequence of plain words. */
static int parse_words(PolicyReader *reader, int (*take)(PolicyReader *, const char *))
{
    int r = reader_next_is(reader, YAML_SEQUENCE_START_EVENT, "a list");

    if (r == 0 && take == take_arch && reader->text)
        reader_list_begin(reader, &reader->text->archs);
    while (r == 0 && (r = reader_next(reader)) == 0 &&
           reader->event.type != YAML_SEQUENCE_END_EVENT) {
        const char *text = reader_scalar(reader, "a name");
        r = text ? take(reader, text) : -EINVAL;
    }
    return r;
}

static int parse_archs(PolicyReader *reader)
{
    return parse_words(reader, take_arch);
}

static int parse_runtimes(PolicyReader *reader)
{
    return parse_words(reader, take_runtime);
}

static int parse_no_new_privs(PolicyReader *reader)
{
    bool value = false;
    const int r = parse_bool(reader, &value);

    policy_set_no_new_privs(reader->policy, value);
    return r;
}

static int parse_read_only_root(PolicyReader *reader)
{
    bool value = false;
    const int r = parse_bool(reader, &value);

    policy_set_read_only_root(reader->policy, value);
    if (r == 0 && reader->text) {
        reader->text->root_begin = reader_begin(reader);
        reader->text->root_end = reader->content_end;
    }
    return r;
}

static int parse_limits(PolicyReader *reader)
{
    int r = reader_next_is(reader, YAML_MAPPING_START_EVENT, "a mapping of limits");
    unsigned seen = 0;

    while (r == 0 && (r = reader_next(reader)) == 0 &&
           reader->event.type != YAML_MAPPING_END_EVENT) {
        PolicyLimit i = 0;
        uint64_t value = 0;
        const char *key = reader_scalar(reader, "a limit's name");
        if (!key)
            return -EINVAL;
        while (i < POLICY_LIMIT_COUNT && strcmp(policy_limit_name(i), key) != 0)
            i++;
        if (i == POLICY_LIMIT_COUNT)
            return reader_complain_word(reader, key,
                                        "is no limit: there are memory, nofile and pids",
                                        (const char *const[]){"memory", "nofile", "pids", NULL});
        if (seen >> i & 1)
            return reader_complain(reader, "\"%.100s\" is here a second time", key);
        seen |= 1u << i;
        r = parse_number(reader, &value);
        policy_set_limit(reader->policy, i, value);
    }
    return r;
}

/* ---- rules ---------------------------------------------------------------------------------- */

static int parse_deny(PolicyReader *reader, PolicySection section, int *ret)
{
    int deny = POLICY_ALLOW;
    const char *text = reader_next_scalar(reader, "true, or an error's name");

    if (!text)
        return -EINVAL;
    if (strcmp(text, "true") == 0)
        deny = POLICY_DENY;
    else if (strcmp(text, "false") != 0 && policy_deny_parse(text, &deny) < 0)
        return reader_complain(
            reader,
            "\"%.100s\" does not say how to deny: write true, an error's name, KILL or "
            "LOG",
            text);
    if (deny != POLICY_ALLOW && deny != POLICY_DENY && section != POLICY_SYSCALLS)
        return reader_complain(
            reader, "only a system call can be denied with \"%.100s\"; write true", text);
    *ret = deny;
    return 0;
}

/* What {rule: TEXT, deny: …, keep: …, reason: …} is made from. */
typedef struct Attributes {
    PolicySection section;
    PolicyRule rule;
    const char *reason;
    bool keep;
    int deny;
} Attributes;

static int parse_rule_text(PolicyReader *reader, Attributes *attributes)
{
    const char *text = reader_next_scalar(reader, "the rule's text");

    if (!text)
        return -EINVAL;
    const int r = policy_rule_parse(attributes->section, text, policy_strings(reader->policy),
                                    &attributes->rule, reader->err);
    return r < 0 ? reader_at_mark(reader, &reader->event.start_mark, r) : 0;
}

static int parse_deny_attribute(PolicyReader *reader, Attributes *attributes)
{
    return parse_deny(reader, attributes->section, &attributes->deny);
}

static int parse_keep(PolicyReader *reader, Attributes *attributes)
{
    return parse_bool(reader, &attributes->keep);
}

static int parse_reason(PolicyReader *reader, Attributes *attributes)
{
    const char *text = reader_next_scalar(reader, "the reason's text");

    if (!text)
        return -EINVAL;
    attributes->reason = strset_add(policy_strings(reader->policy), text);
    return attributes->reason ? 0 : error_errno(reader->err, -ENOMEM, "%s", reader->name);
}

static const char *const attribute_names[] = {"rule", "deny", "keep", "reason", NULL};
static int (*const attribute_parsers[])(PolicyReader *, Attributes *) = {
    parse_rule_text, parse_deny_attribute, parse_keep, parse_reason};

/* The mapping's start is looked at. */
static int parse_attributes(PolicyReader *reader, PolicySection section, PolicyRule *rule,
                            bool *ret_has)
{
    Attributes attributes = {.section = section, .deny = POLICY_ALLOW};
    unsigned seen = 0;
    int r;

    while ((r = reader_next(reader)) == 0 && reader->event.type != YAML_MAPPING_END_EVENT) {
        const char *key = reader_scalar(reader, "rule, deny, keep or reason");
        unsigned i = 0;
        if (!key)
            return -EINVAL;
        while (attribute_names[i] && strcmp(attribute_names[i], key) != 0)
            i++;
        if (!attribute_names[i])
            return reader_complain_word(
                reader, key, "cannot be here: a rule has the keys rule, deny, keep and reason",
                attribute_names);
        if (seen >> i & 1)
            return reader_complain(reader, "\"%.100s\" is here a second time: each once", key);
        seen |= 1u << i;
        r = attribute_parsers[i](reader, &attributes);
        if (r < 0)
            return r;
    }
    *rule = attributes.rule;
    rule->section = section;
    rule->reason = attributes.reason;
    rule->keep = attributes.keep;
    rule->deny = attributes.deny;
    *ret_has = seen & 1;
    return r;
}

static int parse_rule(PolicyReader *reader, PolicySection section)
{
    PolicyRule rule = {.section = section};
    const size_t begin = reader_begin(reader);
    const yaml_mark_t mark = reader->event.start_mark;
    int r;

    if (policy_rules_count(reader->policy) >= POLICY_RULES_MAX)
        return reader_complain(reader, "there are too many rules%s", "");
    if (reader->event.type == YAML_MAPPING_START_EVENT) {
        bool has_rule = false;
        r = parse_attributes(reader, section, &rule, &has_rule);
        if (r == 0 && !has_rule) {
            r = error_set(reader->err, -EINVAL, "this rule has no \"rule:\"");
            r = reader_at_mark(reader, &mark, r);
        }
    } else {
        const char *text = reader_scalar(reader, "a rule");
        if (!text)
            return -EINVAL;
        r = policy_rule_parse(section, text, policy_strings(reader->policy), &rule, reader->err);
        if (r < 0)
            return reader_at_mark(reader, &reader->event.start_mark, r);
    }
    if (r == 0 && policy_add(reader->policy, &rule) < 0)
        r = error_errno(reader->err, -ENOMEM, "%s", reader->name);
    if (r == 0 && reader->text)
        r = reader_item(reader, &reader->text->sections[section],
                        &(TextItem){.place = {.rule = rule}}, begin, &mark);
    return r;
}

static int parse_section(PolicyReader *reader, PolicySection section)
{
    TextList *list = reader->text ? &reader->text->sections[section] : NULL;
    int r = reader_next(reader);

    if (r == 0 && list)
        reader_list_begin(reader, list);
    /* "files:" with nothing behind is an empty section. */
    if (r == 0 && reader->event.type == YAML_SCALAR_EVENT && reader->event.data.scalar.length == 0)
        return 0;
    if (r == 0 && reader->event.type != YAML_SEQUENCE_START_EVENT)
        r = reader_complain(reader, "%s is expected here", "a list of rules");
    while (r == 0 && (r = reader_next(reader)) == 0 &&
           reader->event.type != YAML_SEQUENCE_END_EVENT)
        r = parse_rule(reader, section);
    if (r == 0 && list)
        reader_list_end(reader, list);
    return r;
}

/* ---- the document --------------------------------------------------------------------------- */

static const struct {
    const char *key;
    int (*parse)(PolicyReader *reader);
} keys[] = {
    {"whittle", parse_type},
    {"format", parse_format},
    {"name", parse_name},
    {"architectures", parse_archs},
    {"runtimes", parse_runtimes},
    {"deny-action", parse_deny_action},
    {"user", parse_user},
    {"no-new-privileges", parse_no_new_privs},
    {"read-only-root", parse_read_only_root},
    {"limits", parse_limits},
};

static int complain_key(PolicyReader *reader, const char *key)
{
    const char *names[ARRAY_LENGTH(keys) + POLICY_SECTION_COUNT + 1] = {NULL};

    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
        names[i] = keys[i].key;
    for (PolicySection i = 0; i < POLICY_SECTION_COUNT; i++)
        names[ARRAY_LENGTH(keys) + i] = policy_section_name(i);
    return reader_complain_word(reader, key, "is no key of a policy (docs/FORMATS.md has all)",
                                names);
}

static int parse_key(PolicyReader *reader)
{
    const char *key = reader_scalar(reader, "a key");
    size_t i = 0;

    if (!key)
        return -EINVAL;
    const int section = policy_section_from_name(key);
    while (section < 0 && i < ARRAY_LENGTH(keys) && strcmp(keys[i].key, key) != 0)
        i++;
    if (i == ARRAY_LENGTH(keys))
        return complain_key(reader, key);
    const uint32_t bit = 1u << (section < 0 ? i : ARRAY_LENGTH(keys) + (size_t)section);
    if (reader->keys_seen & bit)
        return reader_complain(reader, "\"%.100s\" is here a second time", key);
    reader->keys_seen |= bit;
    if (reader->text && bit == 1)
        reader->text->indent = reader->event.start_mark.column;
    const int r =
        section < 0 ? keys[i].parse(reader) : parse_section(reader, (PolicySection)section);
    if (reader->text)
        reader->text->end = reader->content_end;
    if (reader->text && section < 0)
        reader->text->head_end = reader->content_end;
    return r;
}

static int parse_document(PolicyReader *reader)
{
    int r = reader_next_is(reader, YAML_STREAM_START_EVENT, "YAML");

    if (r == 0)
        r = reader_next_is(reader, YAML_DOCUMENT_START_EVENT, "a policy");
    if (r == 0)
        r = reader_next_is(reader, YAML_MAPPING_START_EVENT, "\"whittle: policy\"");
    if (r == 0 && reader->text)
        reader->text->flow = reader->event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    while (r == 0 && (r = reader_next(reader)) == 0 && reader->event.type != YAML_MAPPING_END_EVENT)
        r = parse_key(reader);
    /* The first two keys say what this is and whether it is understood. */
    if (r == 0 && (reader->keys_seen & 3) != 3)
        r = error_set(reader->err, -EINVAL,
                      "%s: a policy begins with \"whittle: policy\" and \"format: %d\"",
                      reader->name, POLICY_FORMAT);
    if (r == 0)
        r = reader_next_is(reader, YAML_DOCUMENT_END_EVENT, "the end");
    return r == 0 ? reader_next_is(reader, YAML_STREAM_END_EVENT, "the end of the file") : r;
}

int reader_parse(const char *name, const char *text, size_t length, PolicyText *kept,
                 Policy **ret_policy, Error *err)
{
    Error unused = {0};
    PolicyReader reader = {
        .name = name, .policy = policy_new(), .err = err ? err : &unused, .text = kept};

    if (!reader.policy || !yaml_parser_initialize(&reader.parser)) {
        policy_free(reader.policy);
        return error_errno(err, -ENOMEM, "%s", name);
    }
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    const int r = parse_document(&reader);
    if (reader.has_event)
        yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    if (r < 0) {
        policy_free(reader.policy);
        return r;
    }
    *ret_policy = reader.policy;
    return 0;
}

int policy_parse(const char *name, const char *text, size_t length, Policy **ret_policy, Error *err)
{
    return reader_parse(name, text, length, NULL, ret_policy, err);
}

int policy_read(const char *path, Policy **ret_policy, Error *err)
{
    Buffer text = BUFFER_INIT;
    int r = read_file(path, &text, POLICY_SIZE_MAX, err);

    if (r == 0)
        r = policy_parse(path, buffer_text(&text), text.length, ret_policy, err);
    buffer_deinit(&text);
    return r;
}

bool policy_detect(const char *text, size_t length)
{
    static const char mark[] = "whittle: policy";
    const char *end = text + length;

    /* Comments and blank lines may stand before. */
    for (const char *line = text; line < end;) {
        if (line[0] != '#' && line[0] != '\n' && line[0] != '\r') {
            return (size_t)(end - line) >= sizeof mark - 1 &&
                   memcmp(line, mark, sizeof mark - 1) == 0;
        }
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        line = newline ? newline + 1 : end;
    }
    return false;
}
