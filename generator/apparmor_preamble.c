/* SPDX-License-Identifier: Apache-2.0 */
/* Variables, aliases and includes of AppArmor profiles. */
#include "generator/apparmor_preamble.h"

#include "base/memory.h"

#include <ctype.h>
#include <errno.h>

/* ---- variables --------------------------------------------------------------------------------
 */

static char peek(const Lexer *lexer, size_t at)
{
    return at < lexer->length ? lexer->text[at] : '\0';
}

/* At "@{NAME}", "@NAME", "$NAME" or "${NAME}": *AT gets behind it. */
static bool read_name(const Lexer *lexer, size_t *at, const char **ret_name, size_t *ret_length)
{
    const bool brace = peek(lexer, *at + 1) == '{';
    size_t i = *at + (brace ? 2 : 1);
    const size_t start = i;

    while (isalnum((unsigned char)peek(lexer, i)) || peek(lexer, i) == '_')
        i++;
    if (i == start || (brace && peek(lexer, i) != '}'))
        return false;
    *ret_name = lexer->text + start;
    *ret_length = i - start;
    *at = i + brace;
    return true;
}

static void skip_blanks(Lexer *lexer)
{
    for (;;) {
        if (peek(lexer, lexer->at) == '\\' && peek(lexer, lexer->at + 1) == '\n') {
            lexer->at += 2;
            lexer->line++;
            lexer->line_start = lexer->at;
        } else if (peek(lexer, lexer->at) && strchr(" \t\r", peek(lexer, lexer->at))) {
            lexer->at++;
        } else {
            return;
        }
    }
}

/* The values up to the end of the line. */
static int read_line(const Parser *parser, Lexer *lexer, Words *values)
{
    for (;;) {
        const char *text;
        LexToken token;
        skip_blanks(lexer);
        if (lexer->at == lexer->length || peek(lexer, lexer->at) == '\n' ||
            peek(lexer, lexer->at) == '#')
            return 0;
        token = lex_next(lexer, LEX_WORD);
        if (token.kind != LEX_TEXT)
            return parser_error(parser, lexer, &token,
                                "expected values of the variable, and no comma behind them");
        text = parser_text(parser, &token);
        if (words_add(values, text) < 0)
            return parser_memory(parser);
    }
}

static int add_variable(Variable **variables, size_t *count, size_t *capacity, const char *name)
{
    if (!name || array_reserve(variables, capacity, *count, sizeof **variables) < 0)
        return -ENOMEM;
    (*variables)[(*count)++] = (Variable){.name = name};
    return 0;
}

static int assign_boolean(Parser *parser, const Lexer *lexer, const LexToken *token,
                          const char *name, Words *values)
{
    if (values->count != 1 ||
        (strcmp(values->items[0], "true") != 0 && strcmp(values->items[0], "false") != 0))
        return parser_error(parser, lexer, token, "a boolean is \"true\" or \"false\"");
    if (parser_boolean(parser, name, strlen(name)))
        return parser_error(parser, lexer, token, "$%s is declared twice", name);
    if (add_variable(&parser->booleans, &parser->booleans_count, &parser->booleans_capacity, name) <
        0)
        return parser_memory(parser);
    parser->booleans[parser->booleans_count - 1].values = *values;
    *values = (Words){0};
    return 0;
}

/* OPERATOR is the byte before "=", or "=". */
static int assign(Parser *parser, const Lexer *lexer, const LexToken *token, const char *name,
                  char operator, Words * values)
{
    Variable *variable = parser_variable(parser, name, strlen(name));

    if (values->count == 0)
        return parser_error(parser, lexer, token, "@{%s} has no value", name);
    if (operator== '+' && !variable)
        return parser_error(parser, lexer, token,
                            "@{%s} is not declared: write \"=\", or include the file that "
                            "declares it before",
                            name);
    if (operator== '=' && variable)
        return parser_error(parser, lexer, token, "@{%s} is declared twice: write \"+=\" to add",
                            name);
    if (operator== '?' && variable)
        return 0;
    if (!variable) {
        if (add_variable(&parser->variables, &parser->variables_count, &parser->variables_capacity,
                         name) < 0)
            return parser_memory(parser);
        variable = &parser->variables[parser->variables_count - 1];
    }
    if (operator== ':')
        variable->values.count = 0;
    for (size_t i = 0; i < values->count; i++) {
        if (words_add(&variable->values, values->items[i]) < 0)
            return parser_memory(parser);
    }
    return 0;
}

int preamble_assignment(Parser *parser, Lexer *lexer)
{
    CLEANUP(words_deinit) Words values = {0};
    LexToken token = {.kind = LEX_TEXT};
    const char *name, *kept;
    size_t length, at;
    char operator;
    int r;

    lex_skip(lexer);
    at = lexer->at;
    if ((peek(lexer, at) != '@' && peek(lexer, at) != '$') ||
        !read_name(lexer, &at, &name, &length))
        return 0;
    while (peek(lexer, at) == ' ' || peek(lexer, at) == '\t')
        at++;
    operator= peek(lexer, at);
    if (operator!= '\0' && strchr("+?:", operator) && peek(lexer, at + 1) == '=')
        at++;
    else if (operator!= '=')
        return 0;
    token.line = lexer->line;
    token.column = (unsigned)(lexer->at - lexer->line_start) + 1;
    const bool boolean = peek(lexer, lexer->at) == '$';
    lexer->at = at + 1;
    kept = strset_add_bytes(parser->file->strings, name, length);
    if (!kept)
        return parser_memory(parser);
    r = read_line(parser, lexer, &values);
    if (r == 0 && !parser->skipping)
        r = boolean ? assign_boolean(parser, lexer, &token, kept, &values)
                    : assign(parser, lexer, &token, kept, operator, & values);
    return r < 0 ? r : 1;
}

int preamble_alias(Parser *parser, Lexer *lexer)
{
    LexToken tokens[4];
    Alias alias;

    for (size_t i = 0; i < ARRAY_LENGTH(tokens); i++)
        tokens[i] = lex_next(lexer, LEX_WORD);
    if (tokens[0].kind != LEX_TEXT || tokens[1].kind != LEX_ARROW || tokens[2].kind != LEX_TEXT ||
        tokens[3].kind != LEX_COMMA)
        return parser_error(parser, lexer, &tokens[0], "expected \"alias FROM -> TO,\"");
    alias.from = parser_text(parser, &tokens[0]);
    alias.to = parser_text(parser, &tokens[2]);
    if (!alias.from || !alias.to ||
        array_reserve(&parser->aliases, &parser->aliases_capacity, parser->aliases_count,
                      sizeof *parser->aliases) < 0)
        return parser_memory(parser);
    if (parser->aliases_count >= PROFILES_MAX)
        return parser_error(parser, lexer, &tokens[0], "too many aliases");
    parser->aliases[parser->aliases_count++] = alias;
    return 0;
}

int preamble_abi(const Parser *parser, Lexer *lexer)
{
    const LexToken name = lex_next(lexer, LEX_WORD);
    const LexToken comma = lex_next(lexer, LEX_WORD);

    if (name.kind != LEX_TEXT || comma.kind != LEX_COMMA)
        return parser_error(parser, lexer, &name, "expected \"abi <NAME>,\"");
    return 0;
}

/* ---- conditions -------------------------------------------------------------------------------
 */

int preamble_truth(const Parser *parser, Lexer *lexer)
{
    LexToken token = lex_next(lexer, LEX_WORD);
    bool inverted = false, defined = false, known;
    const char *name, *value;
    size_t length;

    while (lex_is(&token, "not")) {
        inverted = !inverted;
        token = lex_next(lexer, LEX_WORD);
    }
    if (lex_is(&token, "defined")) {
        defined = true;
        token = lex_next(lexer, LEX_WORD);
    }
    if (token.kind != LEX_TEXT || token.length < 2 ||
        !(token.text[0] == '$' || (defined && token.text[0] == '@')))
        return parser_error(parser, lexer, &token,
                            "whittle understands only \"if [not] $BOOLEAN\" and \"if [not] "
                            "defined VARIABLE\"");
    name = token.text + 1;
    length = token.length - 1;
    if (length > 2 && name[0] == '{' && name[length - 1] == '}') {
        name++;
        length -= 2;
    }
    value = token.text[0] == '$' ? parser_boolean(parser, name, length) : NULL;
    known = value != NULL || (token.text[0] == '@' && parser_variable(parser, name, length));
    if (!defined && !known)
        return parser_error(parser, lexer, &token, "$%.*s is not declared", (int)length, name);
    return (defined ? known : value && strcmp(value, "true") == 0) != inverted;
}
