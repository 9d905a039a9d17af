/* SPDX-License-Identifier: Apache-2.0 */
/* Path patterns of a policy: one reader of their elements, on which all else is built. */
#include "base/escape.h"
#include "base/memory.h"
#include "model/policy.h"

#include <ctype.h>
#include <errno.h>

enum { BRACES_MAX = 8 };

static const char *const variables[] = {"@{pid}", "@{tid}"};

int policy_pattern_append_literal(Buffer *out, const char *bytes, size_t length)
{
    /* "," would end an alternative only between braces, which are escaped themselves. ">" and the
     * blank keep "->" and the words of a rule apart. */
    static const char special[] = "*?[]{}\\";
    size_t start = 0;

    for (size_t i = 0; i < length; i++) {
        const char c = bytes[i];
        const bool blank = c == ' ' || c == '>';
        if (!blank && (c == '\0' || !strchr(special, c)))
            continue;
        (void)escape_append(out, bytes + start, i - start);
        (void)(blank || c == '\0' ? buffer_printf(out, "\\x%02x", (unsigned char)c)
                                  : buffer_printf(out, "\\%c", c));
        start = i + 1;
    }
    return escape_append(out, bytes + start, length - start);
}

static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

    return at ? (int)(at - digits) : -1;
}

static int read_escape(PatternReader *reader, PatternToken *token)
{
    const char *s = reader->at;

    token->kind = PATTERN_BYTE;
    if (s[1] == 'x') {
        const int high = hex_value(s[2]);
        const int low = high < 0 ? -1 : hex_value(s[3]);
        if (low < 0 || (high == 0 && low == 0))
            return -EINVAL;
        token->byte = (unsigned char)(high << 4 | low);
        reader->at += 4;
        return 0;
    }
    if (s[1] == '\0' || !strchr("*?[]{}\\,@", s[1]))
        return -EINVAL;
    token->byte = (unsigned char)s[1];
    reader->at += 2;
    return 0;
}

static int read_class(PatternReader *reader, PatternToken *token)
{
    const size_t inside = strcspn(reader->at + 1, "]/[\\*?{}\"");

    if (inside == 0 || reader->at[1 + inside] != ']')
        return -EINVAL;
    token->kind = PATTERN_CLASS;
    token->text = reader->at;
    token->length = inside + 2;
    reader->at += token->length;
    return 0;
}

static int read_variable(PatternReader *reader, PatternToken *token)
{
    for (size_t i = 0; i < ARRAY_LENGTH(variables); i++) {
        const size_t length = strlen(variables[i]);
        if (strncmp(reader->at, variables[i], length) != 0)
            continue;
        token->kind = PATTERN_VARIABLE;
        token->text = variables[i];
        token->length = length;
        reader->at += length;
        return 0;
    }
    return -EINVAL;
}

int pattern_next(PatternReader *reader, PatternToken *ret_token)
{
    const char c = *reader->at;
    PatternToken *token = ret_token;

    *token = (PatternToken){.kind = PATTERN_BYTE, .byte = (unsigned char)c};
    if (c == '\0') {
        token->kind = PATTERN_END;
        return reader->depth == 0 ? 0 : -EINVAL;
    }
    if (c == '\\')
        return read_escape(reader, token);
    if (c == '[')
        return read_class(reader, token);
    if (c == '@' && reader->at[1] == '{')
        return read_variable(reader, token);
    reader->at++;
    if (c == ']' || (c == '}' && reader->depth == 0) || (c == '{' && reader->depth == BRACES_MAX))
        return -EINVAL;
    if (c == '?') {
        token->kind = PATTERN_ONE;
    } else if (c == '*' && *reader->at == '*') {
        token->kind = PATTERN_GLOBSTAR;
        reader->at++;
    } else if (c == '*') {
        token->kind = PATTERN_STAR;
    } else if (c == '{') {
        token->kind = PATTERN_OPEN;
        reader->depth++;
        reader->commas &= ~(1u << reader->depth);
    } else if (c == '}') {
        /* One alternative is none. */
        if ((reader->commas >> reader->depth & 1) == 0)
            return -EINVAL;
        token->kind = PATTERN_CLOSE;
        reader->depth--;
    } else if (c == ',' && reader->depth > 0) {
        token->kind = PATTERN_COMMA;
        reader->commas |= 1u << reader->depth;
    }
    return 0;
}

int policy_pattern_check(const char *text, Error *err)
{
    PatternReader reader = {.at = text};
    PatternToken token;

    do {
        if (pattern_next(&reader, &token) < 0)
            return error_set(err, -EINVAL,
                             "\"%.200s\" is no path pattern at \"%.40s\": write a special "
                             "character as \\xHH, and close what \"[\" and \"{\" open",
                             text, reader.at);
    } while (token.kind != PATTERN_END);
    return 0;
}

int policy_pattern_to_literal(const char *pattern, Buffer *out)
{
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
    PatternReader reader = {.at = pattern};
    PatternToken token;

    for (;;) {
        if (pattern_next(&reader, &token) < 0)
            return -EINVAL;
        if (token.kind == PATTERN_END)
            return path.error ? path.error : buffer_append(out, buffer_text(&path), path.length);
        if (token.kind != PATTERN_BYTE)
            return 1;
        (void)buffer_putc(&path, (char)token.byte);
    }
}
