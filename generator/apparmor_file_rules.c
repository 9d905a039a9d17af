/* SPDX-License-Identifier: Apache-2.0 */
/* File and link rules of AppArmor profiles. */
#include "base/memory.h"
#include "generator/apparmor_private.h"
#include "model/policy.h"

#include <ctype.h>
#include <errno.h>

typedef struct Modes {
    uint32_t access;
    char transition[4]; /* "", "ix", "PUx" */
} Modes;

static const struct {
    char letter;
    uint32_t access;
} letters[] = {
    {'r', FILE_READ}, {'w', FILE_WRITE}, {'a', FILE_APPEND},
    {'l', FILE_LINK}, {'k', FILE_LOCK},  {'m', FILE_MMAP_EXEC},
};

static uint32_t letter_access(char c)
{
    for (size_t i = 0; i < ARRAY_LENGTH(letters); i++) {
        if (letters[i].letter == tolower((unsigned char)c))
            return letters[i].access;
    }
    return 0;
}

/* "x", "ix", "Px", "cUx": the length of the way to execute at TEXT, written to OUT in the spelling
 * that is the same for all that mean the same; 0 if it is none. */
static size_t read_transition(const char *text, size_t length, char out[static 4])
{
    size_t n = 0;
    const char first = length ? (char)tolower((unsigned char)text[0]) : '\0';
    const bool safe = length && isupper((unsigned char)text[0]) && first != 'i' && first != 'x';

    if (first == 'p' || first == 'c') {
        out[n++] = text[0];
        if (length > 1 && strchr("iIuU", text[1])) {
            const char fallback = (char)tolower((unsigned char)text[1]);
            out[n++] = (char)(safe && fallback == 'u' ? 'U' : fallback);
        }
    } else if (first == 'u') {
        out[n++] = text[0];
    } else if (first == 'i') {
        out[n++] = 'i';
    }
    if (n >= length || tolower((unsigned char)text[n]) != 'x')
        return 0;
    out[n++] = 'x';
    out[n] = '\0';
    return n;
}

/* 0, or -EINVAL if the word is no permissions. */
static int read_modes(const LexToken *token, Modes *ret_modes)
{
    Modes modes = {0};

    if (token->kind != LEX_TEXT || token->quoted || token->length == 0)
        return -EINVAL;
    for (size_t i = 0; i < token->length;) {
        const uint32_t access = letter_access(token->text[i]);
        char transition[4];
        size_t n;
        if (access) {
            modes.access |= access;
            i++;
            continue;
        }
        n = read_transition(token->text + i, token->length - i, transition);
        if (n == 0 || (modes.transition[0] && strcmp(modes.transition, transition) != 0))
            return -EINVAL;
        memcpy(modes.transition, transition, sizeof transition);
        modes.access |= APPARMOR_EXEC;
        i += n;
    }
    *ret_modes = modes;
    return 0;
}

static bool is_path(const LexToken *token)
{
    return token->kind == LEX_TEXT &&
           (token->quoted || (token->length > 0 && strchr("/@{*\\", token->text[0])));
}

/* What an alias makes of paths, beside them. */
static int apply_aliases(const Parser *parser, Words *paths)
{
    const size_t count = paths->count;

    for (size_t i = 0; i < parser->aliases_count; i++) {
        const Alias *alias = &parser->aliases[i];
        const size_t length = strlen(alias->from);
        for (size_t p = 0; p < count && paths->count < 2 * EXPANSIONS_MAX; p++) {
            CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
            if (strncmp(paths->items[p], alias->from, length) != 0)
                continue;
            (void)buffer_printf(&path, "%s%s", alias->to, paths->items[p] + length);
            if (path.error ||
                words_add(paths, strset_add(parser->file->strings, buffer_text(&path))) < 0)
                return parser_memory(parser);
        }
    }
    return 0;
}

static int path_field(const Parser *parser, const Lexer *lexer, const LexToken *token,
                      size_t profile, GlobField *field)
{
    CLEANUP(words_deinit) Words words = {0};
    int r;

    if (!is_path(token) || token->length == 0)
        return parser_error(parser, lexer, token,
                            "expected a path, which begins with \"/\" or a variable");
    r = parser_expand_path(parser, lexer, token, profile, &words);
    if (r == 0)
        r = apply_aliases(parser, &words);
    return r < 0 ? r : parser_own_field(parser, &words, field);
}

/* "-> TARGET", if that is next, then the comma. */
static int read_target(const Parser *parser, Lexer *lexer, size_t profile, const char **ret_target)
{
    LexToken token = lex_next(lexer, LEX_WORD);

    if (token.kind == LEX_ARROW) {
        CLEANUP(words_deinit) Words words = {0};
        const LexToken target = lex_next(lexer, LEX_WORD);
        int r;
        if (target.kind != LEX_TEXT || target.length == 0)
            return parser_error(parser, lexer, &target, "expected a name behind \"->\"");
        r = parser_expand(parser, lexer, &target, parser_text(parser, &target), profile, &words);
        if (r < 0)
            return r;
        *ret_target = words.count == 1 ? words.items[0] : parser_text(parser, &target);
        if (!*ret_target)
            return parser_memory(parser);
        token = lex_next(lexer, LEX_WORD);
    }
    if (token.kind != LEX_COMMA)
        return parser_error(parser, lexer, &token, "expected \",\" at the end of the rule");
    return 0;
}

static int finish(const Parser *parser, const Lexer *lexer, size_t profile, const Prefix *prefix,
                  ApparmorRule *rule)
{
    const int r = parser_place_rule(parser, lexer, prefix, rule);

    return r < 0 ? r : parser_add_rule(parser, profile, rule);
}

static ApparmorRule begin(ApparmorClass class, const Prefix *prefix)
{
    return (ApparmorRule){.class = class,
                          .deny = prefix->deny,
                          .audit = prefix->audit,
                          .owner = prefix->owner,
                          .priority = prefix->priority};
}

/* "px", "px -> TARGET"; NULL where the rule does not execute. */
static int set_transition(const Parser *parser, const Lexer *lexer, const LexToken *token,
                          const Modes *modes, const char *target, ApparmorRule *rule)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (!modes->transition[0] || strcmp(modes->transition, "x") == 0) {
        if (modes->transition[0] && !rule->deny)
            return parser_error(parser, lexer, token,
                                "\"x\" alone only denies: write how to execute, like \"ix\"");
        /* apparmor_parser takes a target of "l" here, and does not look at it. */
        if (target && !(modes->access & FILE_LINK))
            return parser_error(parser, lexer, token, "\"->\" needs a way to execute, like \"px\"");
        return 0;
    }
    if (rule->deny)
        return parser_error(parser, lexer, token, "a deny rule takes \"x\", not \"%s\"",
                            modes->transition);
    (void)buffer_printf(&text, "%s%s%s", modes->transition, target ? " -> " : "",
                        target ? target : "");
    rule->transition = text.error ? NULL : strset_add(parser->file->strings, buffer_text(&text));
    return rule->transition ? 0 : parser_memory(parser);
}

/* "file,": everything. */
static int all_files(const Parser *parser, const Lexer *lexer, size_t profile, const Prefix *prefix,
                     ApparmorRule *rule)
{
    CLEANUP(words_deinit) Words words = {0};
    int r = words_add(&words, strset_add(parser->file->strings, "/{**,}"));

    if (r == 0)
        r = parser_own_field(parser, &words, &rule->fields[0]);
    rule->access = FILE_READ | FILE_WRITE | FILE_APPEND | FILE_LINK | FILE_LOCK | FILE_MMAP_EXEC |
                   APPARMOR_EXEC;
    rule->transition = rule->deny ? NULL : "ix";
    return r < 0 ? parser_memory(parser) : finish(parser, lexer, profile, prefix, rule);
}

int parser_file_rule(Parser *parser, Lexer *lexer, size_t profile, const Prefix *prefix,
                     const LexToken *first)
{
    ApparmorRule rule = begin(APPARMOR_FILE, prefix);
    LexToken path = *first, modes_token;
    const char *target = NULL;
    Modes modes = {0};
    int r;

    while (lex_is(&path, "file") || lex_is(&path, "safe") || lex_is(&path, "unsafe"))
        path = lex_next(lexer, LEX_WORD);
    if (path.kind == LEX_COMMA && lex_is(first, "file"))
        return all_files(parser, lexer, profile, prefix, &rule);
    modes_token = lex_next(lexer, LEX_WORD);
    if (!is_path(&path)) {
        const LexToken swap = path;
        path = modes_token;
        modes_token = swap;
    }
    if (read_modes(&modes_token, &modes) < 0)
        return parser_error(parser, lexer, is_path(first) ? &modes_token : first,
                            is_path(first)
                                ? "expected permissions like \"rw\" or \"ix\" behind the path"
                                : "no rule that whittle knows begins with \"%.*s\"",
                            (int)(first->length > 40 ? 40 : first->length), first->text);
    r = path_field(parser, lexer, &path, profile, &rule.fields[0]);
    if (r == 0)
        r = read_target(parser, lexer, profile, &target);
    rule.access = modes.access;
    if (r == 0)
        r = set_transition(parser, lexer, &modes_token, &modes, target, &rule);
    return r < 0 ? r : finish(parser, lexer, profile, prefix, &rule);
}

int parser_link_rule(Parser *parser, Lexer *lexer, size_t profile, const Prefix *prefix)
{
    ApparmorRule rule = begin(APPARMOR_LINK, prefix);
    LexToken token = lex_next(lexer, LEX_WORD);
    int r;

    if (lex_is(&token, "subset")) {
        rule.subset = true;
        token = lex_next(lexer, LEX_WORD);
    }
    rule.access = FILE_LINK;
    r = path_field(parser, lexer, &token, profile, &rule.fields[0]);
    if (r < 0)
        return r;
    token = lex_next(lexer, LEX_WORD);
    if (token.kind != LEX_ARROW)
        return parser_error(parser, lexer, &token, "expected \"->\" and the link's target");
    token = lex_next(lexer, LEX_WORD);
    r = path_field(parser, lexer, &token, profile, &rule.fields[1]);
    if (r < 0)
        return r;
    token = lex_next(lexer, LEX_WORD);
    if (token.kind != LEX_COMMA)
        return parser_error(parser, lexer, &token, "expected \",\" at the end of the rule");
    return finish(parser, lexer, profile, prefix, &rule);
}
