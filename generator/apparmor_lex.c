/* SPDX-License-Identifier: Apache-2.0 */
/* Words of AppArmor profiles. */
#include "generator/apparmor_private.h"

#include <ctype.h>

static char peek(const Lexer *lexer, size_t ahead)
{
    return lexer->at + ahead < lexer->length ? lexer->text[lexer->at + ahead] : '\0';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Nothing more, or blank, AHEAD of here. */
static bool is_end(const Lexer *lexer, size_t ahead)
{
    return lexer->at + ahead >= lexer->length || is_blank(lexer->text[lexer->at + ahead]);
}

static void advance(Lexer *lexer)
{
    if (lexer->text[lexer->at++] == '\n') {
        lexer->line++;
        lexer->line_start = lexer->at;
    }
}

static bool is_include(const Lexer *lexer)
{
    static const char word[] = "#include";
    const size_t length = sizeof word - 1;

    return lexer->length - lexer->at > length &&
           memcmp(lexer->text + lexer->at, word, length) == 0 &&
           (is_end(lexer, length) || strchr("<\"", lexer->text[lexer->at + length]));
}

void lex_skip(Lexer *lexer)
{
    while (lexer->at < lexer->length) {
        if (is_blank(peek(lexer, 0))) {
            advance(lexer);
        } else if (peek(lexer, 0) == '\\' && peek(lexer, 1) == '\n') {
            advance(lexer);
            advance(lexer);
        } else if (peek(lexer, 0) == '#' && !is_include(lexer)) {
            while (lexer->at < lexer->length && peek(lexer, 0) != '\n')
                advance(lexer);
        } else {
            return;
        }
    }
}

static void read_quoted(Lexer *lexer, LexToken *token)
{
    advance(lexer);
    token->quoted = true;
    token->text = lexer->text + lexer->at;
    while (lexer->at < lexer->length && peek(lexer, 0) != '"') {
        if (peek(lexer, 0) == '\\' && lexer->at + 1 < lexer->length)
            advance(lexer);
        advance(lexer);
    }
    token->length = (size_t)(lexer->text + lexer->at - token->text);
    if (lexer->at == lexer->length) {
        token->kind = LEX_UNCLOSED;
        return;
    }
    advance(lexer);
    token->kind = LEX_TEXT;
}

static bool ends_word(const Lexer *lexer, LexMode mode, bool path)
{
    const char c = peek(lexer, 0);

    if (is_blank(c) || c == '"')
        return true;
    if (c == ',')
        return mode == LEX_LIST || is_end(lexer, 1) || strchr("\"#", peek(lexer, 1)) != NULL;
    if (mode == LEX_LIST)
        return c == '(' || c == ')' || c == '=';
    return mode == LEX_KEY && !path && strchr("=()", c) != NULL;
}

static void read_word(Lexer *lexer, LexMode mode, LexToken *token)
{
    const char first = peek(lexer, 0);
    const bool path = first == '/' || first == '@' || first == '{' || first == '*';

    while (lexer->at < lexer->length &&
           (lexer->at == token->start || !ends_word(lexer, mode, path))) {
        if (peek(lexer, 0) == '\\' && lexer->at + 1 < lexer->length)
            advance(lexer);
        advance(lexer);
    }
    token->kind = LEX_TEXT;
    token->length = lexer->at - token->start;
}

static LexKind punctuation(const Lexer *lexer, LexMode mode)
{
    const char c = peek(lexer, 0);

    if (c == ',')
        return LEX_COMMA;
    if (c == '-' && peek(lexer, 1) == '>' && (is_end(lexer, 2) || mode != LEX_LIST))
        return LEX_ARROW;
    if (c == '{' && (is_end(lexer, 1) || strchr("#}", peek(lexer, 1))))
        return LEX_OPEN;
    if (c == '}')
        return LEX_CLOSE;
    if (mode == LEX_WORD)
        return LEX_TEXT;
    return c == '(' ? LEX_PAREN : c == ')' ? LEX_UNPAREN : c == '=' ? LEX_EQUALS : LEX_TEXT;
}

LexToken lex_next(Lexer *lexer, LexMode mode)
{
    LexToken token = {.kind = LEX_EOF};

    do {
        lex_skip(lexer);
        token.start = lexer->at;
        token.text = lexer->text + lexer->at;
        token.line = lexer->line;
        token.column = (unsigned)(lexer->at - lexer->line_start) + 1;
        if (lexer->at == lexer->length)
            return token;
        token.kind = punctuation(lexer, mode);
        if (token.kind != LEX_TEXT) {
            token.length = token.kind == LEX_ARROW ? 2 : 1;
            lexer->at += token.length;
        }
    } while (mode == LEX_LIST && token.kind == LEX_COMMA);
    if (token.kind != LEX_TEXT)
        return token;
    if (peek(lexer, 0) == '"')
        read_quoted(lexer, &token);
    else
        read_word(lexer, mode, &token);
    return token;
}
