/* SPDX-License-Identifier: Apache-2.0 */
/* Variables of AppArmor profiles, and what rules are made of. */
#include "base/memory.h"
#include "generator/apparmor_private.h"

#include <errno.h>
#include <stdarg.h>

void words_deinit(Words *words)
{
    free(words->items);
    *words = (Words){0};
}

int words_add(Words *words, const char *word)
{
    if (!word ||
        array_reserve(&words->items, &words->capacity, words->count, sizeof *words->items) < 0)
        return -ENOMEM;
    words->items[words->count++] = word;
    return 0;
}

int parser_error(const Parser *parser, const Lexer *lexer, const LexToken *token,
                 const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list list;

    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return error_set(parser->err, -EINVAL, "%.300s:%u:%u: %s", lexer->file, token->line,
                     token->column, text);
}

int parser_memory(const Parser *parser)
{
    return error_errno(parser->err, -ENOMEM, "reading a profile");
}

const char *parser_text(const Parser *parser, const LexToken *token)
{
    return strset_add_bytes(parser->file->strings, token->text, token->length);
}

static Variable *find(Variable *variables, size_t count, const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(variables[i].name) == length && memcmp(variables[i].name, name, length) == 0)
            return &variables[i];
    }
    return NULL;
}

Variable *parser_variable(const Parser *parser, const char *name, size_t length)
{
    return find(parser->variables, parser->variables_count, name, length);
}

const char *parser_boolean(const Parser *parser, const char *name, size_t length)
{
    const Variable *found = find(parser->booleans, parser->booleans_count, name, length);

    return found ? found->values.items[0] : NULL;
}

/* ---- expansion --------------------------------------------------------------------------------
 */

enum {
    EXPANDED_MAX = 1 << 14, /* bytes of one word */
    EXPANDED_ALL_MAX = 256 << 20,
};

/* The text made so far, what is left to read, and where that came from. */
typedef struct Expansion {
    const Parser *parser;
    const Lexer *lexer;
    const LexToken *token;
    size_t profile;
    Words *out;
    size_t limit; /* of OUT's count */
    unsigned depth;
} Expansion;

static int expand(Expansion *e, const char *made, const char *rest);

static const char *join(const Expansion *e, const char *made, const char *text, size_t length,
                        const char *rest)
{
    CLEANUP(buffer_deinit) Buffer all = BUFFER_INIT;

    (void)buffer_puts(&all, made);
    (void)buffer_append(&all, text, length);
    (void)buffer_puts(&all, rest);
    return all.error ? NULL
                     : strset_add_bytes(e->parser->file->strings, buffer_text(&all), all.length);
}

/* The first "@{NAME}" in TEXT. */
static const char *find_reference(const char *text, const char **ret_name, size_t *ret_length)
{
    for (const char *at = text; *at; at++) {
        if (*at == '\\' && at[1]) {
            at++;
            continue;
        }
        if (at[0] == '@' && at[1] == '{') {
            const char *end = strchr(at, '}');
            if (!end)
                return NULL;
            *ret_name = at + 2;
            *ret_length = (size_t)(end - at) - 2;
            return at;
        }
    }
    return NULL;
}

static int expand_variable(Expansion *e, const char *made, const Variable *variable,
                           const char *rest)
{
    int r = 0;

    for (size_t i = 0; i < variable->values.count && r == 0; i++) {
        const char *next =
            join(e, "", variable->values.items[i], strlen(variable->values.items[i]), rest);
        e->depth++;
        r = !next                         ? parser_memory(e->parser)
            : e->depth > PARSER_DEPTH_MAX ? parser_error(e->parser, e->lexer, e->token,
                                                         "@{%s} contains itself", variable->name)
                                          : expand(e, made, next);
        e->depth--;
    }
    return r;
}

/* A name as a pattern that matches just that. */
static int append_escaped(Buffer *out, const char *name)
{
    for (; *name; name++) {
        if (strchr("*?[]{}^,\\", *name))
            (void)buffer_putc(out, '\\');
        (void)buffer_putc(out, *name);
    }
    return out->error;
}

static int expand_profile_name(Expansion *e, const char *made, const char *rest)
{
    CLEANUP(buffer_deinit) Buffer name = BUFFER_INIT;
    const char *next;

    if (append_escaped(&name, e->parser->file->profiles[e->profile].name) < 0)
        return parser_memory(e->parser);
    next = join(e, made, buffer_text(&name), name.length, "");
    return next ? expand(e, next, rest) : parser_memory(e->parser);
}

static int expand(Expansion *e, const char *made, const char *rest)
{
    size_t length = 0;
    const char *name = NULL, *at = find_reference(rest, &name, &length);
    const Variable *variable;
    const char *head;

    if (!at || !name) {
        if (e->out->count >= e->limit || strlen(made) + strlen(rest) > EXPANDED_MAX ||
            strset_memory(e->parser->file->strings) > EXPANDED_ALL_MAX)
            return parser_error(e->parser, e->lexer, e->token,
                                "the variables stand for more than %d things: write fewer in one "
                                "word",
                                EXPANSIONS_MAX);
        head = join(e, made, rest, strlen(rest), "");
        return words_add(e->out, head) < 0 ? parser_memory(e->parser) : 0;
    }
    head = join(e, made, rest, (size_t)(at - rest), "");
    if (!head)
        return parser_memory(e->parser);
    variable = parser_variable(e->parser, name, length);
    if (variable)
        return expand_variable(e, head, variable, name + length + 1);
    if (length == strlen("profile_name") && memcmp(name, "profile_name", length) == 0 &&
        e->profile != NO_PROFILE)
        return expand_profile_name(e, head, name + length + 1);
    return parser_error(e->parser, e->lexer, e->token,
                        "@{%.*s} is not declared: is an include like <tunables/global> missing?",
                        (int)length, name);
}

int parser_expand(const Parser *parser, const Lexer *lexer, const LexToken *token, const char *text,
                  size_t profile, Words *out)
{
    Expansion e = {.parser = parser,
                   .lexer = lexer,
                   .token = token,
                   .profile = profile,
                   .out = out,
                   .limit = out->count + EXPANSIONS_MAX};

    return text ? expand(&e, "", text) : parser_memory(parser);
}

/* Several slashes are one, but for exactly two at the start. */
static const char *without_slashes(const Parser *parser, const char *path)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    const bool doubled = path[0] == '/' && path[1] == '/' && path[2] != '/';

    for (const char *at = path; *at; at++) {
        if (at[0] != '/' || at[1] != '/' || (doubled && at == path))
            (void)buffer_putc(&text, *at);
    }
    return text.error ? NULL
                      : strset_add_bytes(parser->file->strings, buffer_text(&text), text.length);
}

int parser_expand_path(const Parser *parser, const Lexer *lexer, const LexToken *token,
                       size_t profile, Words *out)
{
    size_t i = out->count;
    const int r = parser_expand(parser, lexer, token, parser_text(parser, token), profile, out);

    for (; r == 0 && i < out->count; i++) {
        out->items[i] = without_slashes(parser, out->items[i]);
        if (!out->items[i])
            return parser_memory(parser);
    }
    return r;
}

/* ---- what the file owns ------------------------------------------------------------------------
 */

static int own(ApparmorFile *file, void *memory)
{
    if (array_reserve(&file->owned, &file->owned_capacity, file->owned_count, sizeof *file->owned) <
        0)
        return -ENOMEM;
    file->owned[file->owned_count++] = memory;
    return 0;
}

int parser_own_field(const Parser *parser, Words *words, GlobField *field)
{
    if (words->count == 0)
        return 0;
    if (own(parser->file, words->items) < 0)
        return parser_memory(parser);
    *field = (GlobField){.patterns = words->items, .count = words->count};
    *words = (Words){0};
    return 0;
}

int parser_add_rule(const Parser *parser, size_t profile, const ApparmorRule *rule)
{
    ApparmorFile *file = parser->file;
    ApparmorProfile *to = &file->profiles[profile];

    if (parser->skipping)
        return 0;
    if (to->rules_count >= PARSER_RULES_MAX)
        return error_set(parser->err, -E2BIG, "%.300s:%u: more than %d rules in one profile",
                         rule->file, rule->line, PARSER_RULES_MAX);
    if (array_reserve(&file->rules[profile], &file->rules_room[profile], to->rules_count,
                      sizeof **file->rules) < 0)
        return parser_memory(parser);
    file->rules[profile][to->rules_count++] = *rule;
    to->rules = file->rules[profile];
    return 0;
}

int parser_place_rule(const Parser *parser, const Lexer *lexer, const Prefix *prefix,
                      ApparmorRule *rule)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    bool blank = false;

    for (size_t i = prefix->begin.start; i < lexer->at; i++) {
        const char c = lexer->text[i];
        if (c == '\n' || c == '\t' || c == '\r' || c == ' ') {
            blank = true;
            continue;
        }
        if (blank)
            (void)buffer_putc(&text, ' ');
        blank = false;
        (void)buffer_putc(&text, c);
    }
    if (!text.error)
        rule->text = strset_add_bytes(parser->file->strings, buffer_text(&text), text.length);
    rule->file = lexer->file;
    rule->line = prefix->begin.line;
    rule->column = prefix->begin.column;
    return rule->text ? 0 : parser_memory(parser);
}
