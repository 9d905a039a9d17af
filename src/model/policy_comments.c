/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A comment is what begins with "#" between two tokens of YAML: libyaml says where those are, so
 * that a "#" within a quoted text, or within a word, is none.
 */
#include "model/policy_comments.h"

#include "base/memory.h"
#include "model/policy_reader.h"

#include <errno.h>

/* A byte of the text, and which character and line that is. */
typedef struct Cursor {
    const PolicyText *text;
    size_t at, index, line;
} Cursor;

void policy_comments_deinit(PolicyComments *comments)
{
    for (size_t i = 0; i < comments->count; i++)
        free(comments->items[i].text);
    free(comments->items);
    *comments = (PolicyComments){0};
}

/* One character on. */
static void step(Cursor *cursor)
{
    const PolicyText *text = cursor->text;

    cursor->line += text->bytes[cursor->at] == '\n';
    do
        cursor->at++;
    while (cursor->at < text->length && ((unsigned char)text->bytes[cursor->at] & 0xc0) == 0x80);
    cursor->index++;
}

/* The comment at CURSOR, LENGTH bytes with its "#". */
static int add_comment(PolicyComments *comments, const Cursor *cursor, size_t length)
{
    const char *bytes = cursor->text->bytes;
    const char *text = bytes + cursor->at + 1;
    size_t begin = cursor->at;
    size_t end = length - 1;

    if (array_reserve(&comments->items, &comments->capacity, comments->count,
                      sizeof *comments->items) < 0)
        return -ENOMEM;
    while (end > 0 && strchr(" \t\r", text[end - 1]))
        end--;
    while (end > 0 && strchr(" \t#", *text)) {
        text++;
        end--;
    }
    while (begin > 0 && bytes[begin - 1] != '\n')
        begin--;
    char *copy = strndup(text, end);
    if (!copy)
        return -ENOMEM;
    comments->items[comments->count++] = (PolicyComment){
        .line = cursor->line,
        .column = cursor->at - begin + 1,
        .alone = strspn(bytes + begin, " \t") >= cursor->at - begin,
        .text = copy,
    };
    return 0;
}

/* Looks for comments from CURSOR up to the character END, and goes there. */
static int look_between(Cursor *cursor, size_t end, const char *word, PolicyComments *comments)
{
    const PolicyText *text = cursor->text;

    while (cursor->index < end && cursor->at < text->length) {
        if (text->bytes[cursor->at] != '#') {
            step(cursor);
            continue;
        }
        const char *newline = memchr(text->bytes + cursor->at, '\n', text->length - cursor->at);
        const size_t length =
            newline ? (size_t)(newline - text->bytes) - cursor->at : text->length - cursor->at;
        if (memmem(text->bytes + cursor->at, length, word, strlen(word)) &&
            add_comment(comments, cursor, length) < 0)
            return -ENOMEM;
        for (const size_t stop = cursor->at + length; cursor->at < stop;)
            step(cursor);
    }
    return 0;
}

static int scan(yaml_parser_t *parser, Cursor *cursor, const char *word, PolicyComments *comments)
{
    bool end = false;
    int r = 0;

    while (!end && r == 0) {
        yaml_token_t token;
        if (!yaml_parser_scan(parser, &token))
            return parser->error == YAML_MEMORY_ERROR ? -ENOMEM : 0;
        end = token.type == YAML_STREAM_END_TOKEN;
        r = look_between(cursor, token.start_mark.index, word, comments);
        /* What the token itself holds is passed by. */
        while (cursor->index < token.end_mark.index && cursor->at < cursor->text->length)
            step(cursor);
        yaml_token_delete(&token);
    }
    return r == 0 ? look_between(cursor, SIZE_MAX, word, comments) : r;
}

int policy_comments_find(const PolicyText *text, const char *word, PolicyComments *ret_comments)
{
    CLEANUP(policy_comments_deinit) PolicyComments found = {0};
    Cursor cursor = {.text = text, .line = 1};
    yaml_parser_t parser;

    /* Most have none. */
    if (memmem(text->bytes, text->length, word, strlen(word))) {
        if (!yaml_parser_initialize(&parser))
            return -ENOMEM;
        yaml_parser_set_input_string(&parser, (const unsigned char *)text->bytes, text->length);
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
        const int r = scan(&parser, &cursor, word, &found);
        yaml_parser_delete(&parser);
        if (r < 0)
            return r;
    }
    *ret_comments = found;
    found = (PolicyComments){0};
    return 0;
}

size_t policy_text_key_line(const PolicyText *text, const char *key)
{
    const size_t length = strlen(key);
    size_t line = 1;

    for (const char *at = text->bytes; *at; line++) {
        const char *word = at;
        while (*word == ' ')
            word++;
        if ((text->flow && *word == '{') ||
            ((size_t)(word - at) == text->indent && strncmp(word, key, length) == 0 &&
             word[length + strspn(word + length, " ")] == ':'))
            return line;
        const char *newline = strchr(at, '\n');
        if (!newline)
            break;
        at = newline + 1;
    }
    return 0;
}
