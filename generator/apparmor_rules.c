/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of AppArmor profiles that are not about files. They are all alike: a keyword,
 * permissions, conditions "key=value", "key=(values)" or "peer=(key=value)", and words; tables say
 * which there are and which field of the rule they become.
 */
#include "base/memory.h"
#include "generator/apparmor_classes.h"
#include "generator/apparmor_private.h"
#include "generator/apparmor_text.h"

#include <errno.h>

/* ---- reading ----------------------------------------------------------------------------------
 */

typedef struct RuleReader {
    Parser *parser;
    Lexer *lexer;
    size_t profile;
    ApparmorClass class;
    const Prefix *prefix;
    ApparmorRule rule;
    Words fields[APPARMOR_FIELDS_MAX];
    bool remount;
    bool has_flags;
} RuleReader;

static void rule_reader_deinit(RuleReader *reader)
{
    for (size_t i = 0; i < APPARMOR_FIELDS_MAX; i++)
        words_deinit(&reader->fields[i]);
}

static int add_text(RuleReader *reader, int field, const char *text)
{
    const char *kept = strset_add(reader->parser->file->strings, text);

    return words_add(&reader->fields[field], kept) < 0 ? parser_memory(reader->parser) : 0;
}

static int expand_value(RuleReader *reader, int field, const LexToken *token, Words *out)
{
    if (field < APPARMOR_FIELDS_MAX && (apparmor_classes[reader->class].paths >> field & 1))
        return parser_expand_path(reader->parser, reader->lexer, token, reader->profile, out);
    return parser_expand(reader->parser, reader->lexer, token, parser_text(reader->parser, token),
                         reader->profile, out);
}

static int add_value(RuleReader *reader, int field, const LexToken *token)
{
    return expand_value(reader, field, token, &reader->fields[field]);
}

static int find_key(ApparmorClass class, const char *name)
{
    for (size_t i = 0; i < KEYS_MAX && apparmor_classes[class].keys[i].name; i++) {
        if (strcmp(apparmor_classes[class].keys[i].name, name) == 0)
            return apparmor_classes[class].keys[i].field;
    }
    return NO_FIELD;
}

static int unexpected(const RuleReader *reader, const LexToken *token)
{
    return parser_error(
        reader->parser, reader->lexer, token, "cannot understand \"%.*s\" in a %s rule",
        (int)(token->length > 40 ? 40 : token->length), token->text,
        reader->class < APPARMOR_CLASS_COUNT ? apparmor_classes[reader->class].name : "all");
}

static bool is_protocol(const LexToken *token, const char **ret_type)
{
    static const struct {
        const char *name;
        const char *type;
    } protocols[] = {{"tcp", "stream"}, {"udp", "dgram"}, {"icmp", "raw"}};

    for (size_t i = 0; i < ARRAY_LENGTH(protocols); i++) {
        if (lex_is(token, protocols[i].name)) {
            *ret_type = protocols[i].type;
            return true;
        }
    }
    return false;
}

/* "inet stream", "tcp": family, type, or a protocol, which stands for a type of both. */
static int network_word(RuleReader *reader, const LexToken *token)
{
    const char *word = parser_text(reader->parser, token), *type;
    const bool had_family = reader->fields[0].count > 0, had_type = reader->fields[1].count > 0;
    int r;

    if (!word)
        return parser_memory(reader->parser);
    if (!had_family && !had_type && apparmor_knows_family(word))
        return add_text(reader, 0, word);
    if (!had_type && apparmor_knows_socket_type(word))
        return add_text(reader, 1, word);
    if (!is_protocol(token, &type))
        return unexpected(reader, token);
    r = had_type ? 0 : add_text(reader, 1, type);
    if (!had_family && r == 0)
        r = add_text(reader, 0, "inet");
    if (!had_family && r == 0)
        r = add_text(reader, 0, "inet6");
    return r;
}

static int add_word(RuleReader *reader, const LexToken *token)
{
    const ClassSpec *spec = &apparmor_classes[reader->class];
    const char *text = parser_text(reader->parser, token);
    const uint32_t access = text && !token->quoted ? class_access(reader->class, text) : 0;

    if (!text)
        return parser_memory(reader->parser);
    if (access) {
        reader->rule.access |= access;
        return 0;
    }
    if (spec->word == SPECIAL_NETWORK)
        return network_word(reader, token);
    if (reader->class == APPARMOR_CHANGE_PROFILE &&
        (lex_is(token, "safe") || lex_is(token, "unsafe")))
        return 0;
    if (spec->word == EVERY_FIELD)
        return add_value(reader, 0, token);
    if (spec->word == NO_FIELD || reader->fields[spec->word].count > 0)
        return unexpected(reader, token);
    return add_value(reader, reader->remount ? 1 : spec->word, token);
}

/* Values up to the closing parenthesis. */
static int read_list(RuleReader *reader, int field, Words *values)
{
    for (;;) {
        const LexToken token = lex_next(reader->lexer, LEX_LIST);
        if (token.kind == LEX_UNPAREN)
            return 0;
        if (token.kind != LEX_TEXT)
            return parser_error(reader->parser, reader->lexer, &token,
                                "expected \")\" behind the values");
        const int r = expand_value(reader, field, &token, values);
        if (r < 0)
            return r;
    }
}

/* The value, or those in parentheses. LIST: this is within parentheses itself. */
static int read_values(RuleReader *reader, int field, bool list, Words *values)
{
    const Lexer before = *reader->lexer;
    LexToken token = lex_next(reader->lexer, list ? LEX_LIST : LEX_KEY);

    if (token.kind == LEX_PAREN)
        return read_list(reader, field, values);
    if (!list) {
        *reader->lexer = before;
        token = lex_next(reader->lexer, LEX_WORD);
    }
    if (token.kind != LEX_TEXT)
        return parser_error(reader->parser, reader->lexer, &token, "expected a value behind \"=\"");
    return expand_value(reader, field, &token, values);
}

static int add_values(RuleReader *reader, int field, const Words *values)
{
    for (size_t i = 0; i < values->count; i++) {
        if (words_add(&reader->fields[field], values->items[i]) < 0)
            return parser_memory(reader->parser);
    }
    return 0;
}

/* Mount options: the values are one alternative. */
static int add_flags(RuleReader *reader, const Words *values, bool any)
{
    const int field = apparmor_classes[reader->class].flags;
    CLEANUP(buffer_deinit) Buffer flags = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer data = BUFFER_INIT;
    CLEANUP(words_deinit) Words all = {0};

    for (size_t i = 0; i < values->count; i++) {
        if (words_add(&all, values->items[i]) < 0)
            return parser_memory(reader->parser);
    }
    if (reader->remount && words_add(&all, "remount") < 0)
        return parser_memory(reader->parser);
    if (mount_flags_pattern(&all, any, &flags, &data) < 0)
        return parser_memory(reader->parser);
    reader->has_flags = true;
    if (data.length > 0) {
        const int r = add_text(reader, field + 1, buffer_text(&data));
        if (r < 0)
            return r;
    }
    return add_text(reader, field, buffer_text(&flags));
}

/* Behind "peer=(": conditions of the peer. */
static int read_peer(RuleReader *reader)
{
    for (;;) {
        CLEANUP(words_deinit) Words values = {0};
        LexToken token = lex_next(reader->lexer, LEX_LIST);
        const LexToken key = token;
        char name[40];
        int field, r;
        if (token.kind == LEX_UNPAREN)
            return 0;
        token = lex_next(reader->lexer, LEX_LIST);
        (void)snprintf(name, sizeof name, "peer.%.*s", (int)(key.length < 20 ? key.length : 20),
                       key.text);
        field = key.kind == LEX_TEXT && token.kind == LEX_EQUALS ? find_key(reader->class, name)
                                                                 : NO_FIELD;
        if (field == NO_FIELD)
            return unexpected(reader, &key);
        r = read_values(reader, field, true, &values);
        if (r == 0)
            r = add_values(reader, field, &values);
        if (r < 0)
            return r;
    }
}

static int read_condition(RuleReader *reader, const LexToken *key_token, bool any)
{
    CLEANUP(words_deinit) Words values = {0};
    const char *key = parser_text(reader->parser, key_token);
    int field, r;

    if (!key)
        return parser_memory(reader->parser);
    if (strcmp(key, "peer") == 0) {
        const Lexer before = *reader->lexer;
        if (lex_next(reader->lexer, LEX_KEY).kind == LEX_PAREN)
            return read_peer(reader);
        *reader->lexer = before;
    }
    field = find_key(reader->class, key);
    if (field == NO_FIELD)
        return unexpected(reader, key_token);
    r = read_values(reader, field, false, &values);
    if (r < 0)
        return r;
    return field == FLAGS_FIELD ? add_flags(reader, &values, any)
                                : add_values(reader, field, &values);
}

static int read_arrow(RuleReader *reader)
{
    const LexToken token = lex_next(reader->lexer, LEX_WORD);
    const int field = apparmor_classes[reader->class].arrow;

    if (token.kind != LEX_TEXT || field == NO_FIELD)
        return unexpected(reader, &token);
    return add_value(reader, field, &token);
}

static int read_access_list(RuleReader *reader)
{
    for (;;) {
        const LexToken token = lex_next(reader->lexer, LEX_LIST);
        const char *text = token.kind == LEX_TEXT ? parser_text(reader->parser, &token) : NULL;
        const uint32_t access = text ? class_access(reader->class, text) : 0;
        if (token.kind == LEX_UNPAREN)
            return 0;
        if (access == 0)
            return unexpected(reader, &token);
        reader->rule.access |= access;
    }
}

/* One word or condition. 1 at the end of the rule. */
static int read_element(RuleReader *reader)
{
    const LexToken token = lex_next(reader->lexer, LEX_KEY);
    const Lexer before = *reader->lexer;
    LexToken next;

    switch (token.kind) {
    case LEX_COMMA:
        return 1;
    case LEX_PAREN:
        return read_access_list(reader);
    case LEX_ARROW:
        return read_arrow(reader);
    case LEX_TEXT:
        break;
    default:
        return parser_error(reader->parser, reader->lexer, &token,
                            "expected \",\" at the end of the rule");
    }
    next = token.quoted ? token : lex_next(reader->lexer, LEX_KEY);
    if (next.kind == LEX_EQUALS)
        return read_condition(reader, &token, false);
    if (!token.quoted && lex_is(&next, "in"))
        return read_condition(reader, &token, true);
    *reader->lexer = before;
    return add_word(reader, &token);
}

static int finish(RuleReader *reader)
{
    ApparmorRule *rule = &reader->rule;

    if (reader->remount && !reader->has_flags) {
        CLEANUP(buffer_deinit) Buffer flags = BUFFER_INIT;
        if (mount_flags_any("remount", &flags) < 0)
            return parser_memory(reader->parser);
        const int r = add_text(reader, apparmor_classes[reader->class].flags, buffer_text(&flags));
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < APPARMOR_FIELDS_MAX; i++) {
        const int r = parser_own_field(reader->parser, &reader->fields[i], &rule->fields[i]);
        if (r < 0)
            return r;
    }
    if (rule->access == 0)
        rule->access = class_all_access(reader->class);
    const int r = parser_place_rule(reader->parser, reader->lexer, reader->prefix, rule);
    return r < 0 ? r : parser_add_rule(reader->parser, reader->profile, rule);
}

/* "set rlimit nofile <= 1024," */
static int read_rlimit(RuleReader *reader, const LexToken *first)
{
    LexToken tokens[4];
    int r = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(tokens); i++)
        tokens[i] = lex_next(reader->lexer, LEX_WORD);
    if (!lex_is(&tokens[0], "rlimit") || tokens[1].kind != LEX_TEXT || !lex_is(&tokens[2], "<=") ||
        tokens[3].kind != LEX_TEXT)
        return parser_error(reader->parser, reader->lexer, first,
                            "expected \"set rlimit RESOURCE <= VALUE,\"");
    for (int field = 0; field < 2 && r == 0; field++)
        r = add_value(reader, field, &tokens[field == 0 ? 1 : 3]);
    for (LexToken token; r == 0;) { /* "10 min" */
        token = lex_next(reader->lexer, LEX_WORD);
        if (token.kind == LEX_COMMA)
            return finish(reader);
        if (token.kind != LEX_TEXT || token.length > 10)
            return unexpected(reader, &token);
    }
    return r;
}

/* "all," */
static int read_all(RuleReader *reader)
{
    const LexToken token = lex_next(reader->lexer, LEX_KEY);

    if (token.kind != LEX_COMMA)
        return unexpected(reader, &token);
    for (ApparmorClass class = 0; class < APPARMOR_CLASS_COUNT; class ++) {
        int r;
        if (class == APPARMOR_RLIMIT || class == APPARMOR_LINK)
            continue;
        reader->class = class;
        reader->rule.class = class;
        reader->rule.access = 0;
        reader->rule.transition = class == APPARMOR_FILE && !reader->rule.deny ? "ix" : NULL;
        r = finish(reader);
        if (r < 0)
            return r;
    }
    return 0;
}

static const struct {
    const char *word;
    ApparmorClass class;
} keywords[] = {
    {"capability", APPARMOR_CAPABILITY},
    {"network", APPARMOR_NETWORK},
    {"unix", APPARMOR_UNIX},
    {"dbus", APPARMOR_DBUS},
    {"signal", APPARMOR_SIGNAL},
    {"ptrace", APPARMOR_PTRACE},
    {"mount", APPARMOR_MOUNT},
    {"remount", APPARMOR_MOUNT},
    {"umount", APPARMOR_UMOUNT},
    {"unmount", APPARMOR_UMOUNT},
    {"pivot_root", APPARMOR_PIVOT_ROOT},
    {"change_profile", APPARMOR_CHANGE_PROFILE},
    {"userns", APPARMOR_USERNS},
    {"mqueue", APPARMOR_MQUEUE},
    {"io_uring", APPARMOR_IO_URING},
    {"set", APPARMOR_RLIMIT},
    {"all", APPARMOR_CLASS_COUNT},
};

int parser_rule(Parser *parser, Lexer *lexer, size_t profile, const Prefix *prefix,
                const LexToken *first)
{
    CLEANUP(rule_reader_deinit)
    RuleReader reader = {.parser = parser,
                         .lexer = lexer,
                         .profile = profile,
                         .prefix = prefix,
                         .class = APPARMOR_CLASS_COUNT,
                         .rule = {.deny = prefix->deny,
                                  .audit = prefix->audit,
                                  .owner = prefix->owner,
                                  .priority = prefix->priority}};
    size_t keyword = 0;
    int r = 0;

    while (keyword < ARRAY_LENGTH(keywords) && !lex_is(first, keywords[keyword].word))
        keyword++;
    if (keyword == ARRAY_LENGTH(keywords))
        return 1;
    if (prefix->owner)
        return parser_error(parser, lexer, first, "\"owner\" is for rules about files");
    reader.class = reader.rule.class = keywords[keyword].class;
    reader.remount = lex_is(first, "remount");
    if (reader.class == APPARMOR_CLASS_COUNT)
        return read_all(&reader);
    if (reader.class == APPARMOR_RLIMIT)
        return read_rlimit(&reader, first);
    while (r == 0)
        r = read_element(&reader);
    return r < 0 ? r : finish(&reader);
}
