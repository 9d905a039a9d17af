/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of AppArmor profiles: profiles in profiles, what stands before rules, conditions. Rules
 * are read where they stand, with the variables declared so far, which is all: they come first.
 */
#include "base/memory.h"
#include "generator/apparmor_preamble.h"
#include "generator/apparmor_private.h"

#include <errno.h>

/* ---- profiles ---------------------------------------------------------------------------------
 */

static int add_profile(const Parser *parser, const Lexer *lexer, const LexToken *token,
                       const char *name, bool hat, size_t *ret_profile)
{
    ApparmorFile *file = parser->file;
    const size_t count = file->profiles_count;

    if (count >= PROFILES_MAX)
        return parser_error(parser, lexer, token, "more than %d profiles in one file",
                            PROFILES_MAX);
    if (array_reserve(&file->profiles, &file->profiles_capacity, count, sizeof *file->profiles) <
            0 ||
        array_reserve(&file->rules, &file->rules_capacity, count, sizeof *file->rules) < 0 ||
        array_reserve(&file->rules_room, &file->room_capacity, count, sizeof *file->rules_room) < 0)
        return parser_memory(parser);
    file->profiles[count] =
        (ApparmorProfile){.name = name, .hat = hat, .file = lexer->file, .line = token->line};
    file->rules[count] = NULL;
    file->rules_room[count] = 0;
    *ret_profile = file->profiles_count++;
    return 0;
}

/* "PARENT//NAME", or NAME as it is. */
static const char *full_name(const Parser *parser, size_t parent, const char *name)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (!name || parent == NO_PROFILE)
        return name;
    (void)buffer_printf(&text, "%s//%s", parser->file->profiles[parent].name, name);
    return text.error ? NULL : strset_add(parser->file->strings, buffer_text(&text));
}

typedef struct Header {
    size_t parent;
    bool keyword; /* "profile" was written */
    bool hat;
    LexToken name;
    LexToken attachment; /* kind LEX_EOF: none */
    Words flags;
    const char *xattrs;
} Header;

static void header_deinit(Header *header)
{
    words_deinit(&header->flags);
}

/* Behind "(": up to ")". */
static int read_flags(const Parser *parser, Lexer *lexer, Header *header)
{
    for (;;) {
        LexToken token = lex_next(lexer, LEX_LIST);
        if (token.kind == LEX_UNPAREN)
            return 0;
        if (token.kind == LEX_EQUALS) /* attach_disconnected.path=/x: the path is a flag too */
            token = lex_next(lexer, LEX_LIST);
        if (token.kind != LEX_TEXT)
            return parser_error(parser, lexer, &token, "expected \")\" behind the flags");
        if (words_add(&header->flags, parser_text(parser, &token)) < 0)
            return parser_memory(parser);
    }
}

/* Behind "xattrs": "=(…)", kept as text. */
static int read_xattrs(const Parser *parser, Lexer *lexer, Header *header)
{
    LexToken token = lex_next(lexer, LEX_KEY);
    size_t start;

    if (token.kind == LEX_EQUALS)
        token = lex_next(lexer, LEX_KEY);
    start = token.start;
    if (token.kind != LEX_PAREN)
        return parser_error(parser, lexer, &token, "expected \"xattrs=(…)\"");
    do {
        token = lex_next(lexer, LEX_LIST);
    } while (token.kind == LEX_TEXT || token.kind == LEX_EQUALS);
    if (token.kind != LEX_UNPAREN)
        return parser_error(parser, lexer, &token, "expected \")\" behind the xattrs");
    header->xattrs =
        strset_add_bytes(parser->file->strings, lexer->text + start, lexer->at - start);
    return header->xattrs ? 0 : parser_memory(parser);
}

/* What is between the profile's name and its "{". */
static int read_header(const Parser *parser, Lexer *lexer, Header *header)
{
    for (;;) {
        const LexToken token = lex_next(lexer, LEX_KEY);
        int r = 0;
        if (token.kind == LEX_OPEN)
            return 0;
        if (token.kind == LEX_PAREN) {
            r = read_flags(parser, lexer, header);
        } else if (lex_is(&token, "flags")) {
            LexToken next = lex_next(lexer, LEX_KEY);
            if (next.kind == LEX_EQUALS)
                next = lex_next(lexer, LEX_KEY);
            r = next.kind == LEX_PAREN
                    ? read_flags(parser, lexer, header)
                    : parser_error(parser, lexer, &next, "expected \"flags=(…)\"");
        } else if (lex_is(&token, "xattrs")) {
            r = read_xattrs(parser, lexer, header);
        } else if (token.kind == LEX_TEXT && token.length > 0 && header->keyword &&
                   header->attachment.kind == LEX_EOF) {
            header->attachment = token;
        } else {
            r = parser_error(
                parser, lexer, &token, "expected \"{\" and the rules of the profile \"%.*s\"",
                (int)(header->name.length > 80 ? 80 : header->name.length), header->name.text);
        }
        if (r < 0)
            return r;
    }
}

static int compare_words(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

static int attach(const Parser *parser, const Lexer *lexer, const LexToken *token, size_t profile)
{
    CLEANUP(words_deinit) Words words = {0};
    const int r = parser_expand_path(parser, lexer, token, profile, &words);

    return r < 0 ? r
                 : parser_own_field(parser, &words, &parser->file->profiles[profile].attachment);
}

static int read_statements(Parser *parser, Lexer *lexer, size_t profile, const Prefix *prefix,
                           bool block);

static int name_profile(const Parser *parser, const Lexer *lexer, const Header *header,
                        size_t *ret_profile)
{
    CLEANUP(words_deinit) Words names = {0};
    const LexToken *token = &header->name;
    const char *name;
    int r;

    if (token->kind != LEX_TEXT || token->length == 0)
        return parser_error(parser, lexer, token, "expected a name of the profile");
    r = parser_expand(parser, lexer, token, parser_text(parser, token), NO_PROFILE, &names);
    if (r < 0)
        return r;
    /* With a variable of several values the text as written is the name. */
    name = full_name(parser, header->parent,
                     names.count == 1 ? names.items[0] : parser_text(parser, token));
    if (!name)
        return parser_memory(parser);
    if (header->parent != NO_PROFILE)
        parser->file->profiles[header->parent].has_children = true;
    return add_profile(parser, lexer, token, name, header->hat, ret_profile);
}

/* From the token behind the name. */
static int read_profile(Parser *parser, Lexer *lexer, Header *header)
{
    const Prefix none = {0};
    ApparmorProfile *made;
    size_t profile = 0;
    int r = name_profile(parser, lexer, header, &profile);

    if (r == 0)
        r = read_header(parser, lexer, header);
    if (r < 0)
        return r;
    made = &parser->file->profiles[profile];
    if (header->flags.count > 0) {
        GlobField flags = {0};
        qsort(header->flags.items, header->flags.count, sizeof *header->flags.items, compare_words);
        r = parser_own_field(parser, &header->flags, &flags);
        made->flags = flags.patterns;
        made->flags_count = flags.count;
    }
    made->xattrs = header->xattrs;
    if (r == 0 && header->attachment.kind == LEX_TEXT)
        r = attach(parser, lexer, &header->attachment, profile);
    else if (r == 0 && !header->hat && header->name.text[0] != '^' &&
             strchr("/@{", header->name.text[0]))
        r = attach(parser, lexer, &header->name, profile);
    return r < 0 ? r : read_statements(parser, lexer, profile, &none, true);
}

/* ---- conditions -------------------------------------------------------------------------------
 */

/* "{" and what is in it, for which HOLDS says if it counts. */
static int read_branch(Parser *parser, Lexer *lexer, size_t profile, const Prefix *prefix,
                       bool holds)
{
    const LexToken token = lex_next(lexer, LEX_WORD);
    int r;

    if (token.kind != LEX_OPEN)
        return parser_error(parser, lexer, &token, "expected \"{\" behind the condition");
    parser->skipping += !holds;
    r = read_statements(parser, lexer, profile, prefix, true);
    parser->skipping -= !holds;
    return r;
}

static int read_if(Parser *parser, Lexer *lexer, size_t profile, const Prefix *prefix)
{
    bool done = false;

    for (;;) {
        const int truth = preamble_truth(parser, lexer);
        Lexer before;
        LexToken token;
        int r = truth;
        if (r >= 0)
            r = read_branch(parser, lexer, profile, prefix, truth && !done);
        if (r < 0)
            return r;
        done |= truth == 1;
        before = *lexer;
        token = lex_next(lexer, LEX_WORD);
        if (!lex_is(&token, "else")) {
            *lexer = before;
            return 0;
        }
        before = *lexer;
        token = lex_next(lexer, LEX_WORD);
        if (!lex_is(&token, "if")) {
            *lexer = before;
            return read_branch(parser, lexer, profile, prefix, !done);
        }
    }
}

/* ---- statements -------------------------------------------------------------------------------
 */

static int read_priority(const Parser *parser, Lexer *lexer, int *ret_priority)
{
    LexToken token = lex_next(lexer, LEX_KEY);
    char text[16] = "", *end;
    long value;

    if (token.kind == LEX_EQUALS)
        token = lex_next(lexer, LEX_KEY);
    if (token.kind == LEX_TEXT && token.length < sizeof text)
        memcpy(text, token.text, token.length);
    value = strtol(text, &end, 10);
    if (text[0] == '\0' || *end || value < -1000 || value > 1000)
        return parser_error(parser, lexer, &token, "a priority is a number from -1000 to 1000");
    *ret_priority = (int)value;
    return 0;
}

/* "priority=5 audit deny owner", leaving what follows in *TOKEN. */
static int read_prefix(const Parser *parser, Lexer *lexer, LexToken *token, Prefix *prefix)
{
    for (;; *token = lex_next(lexer, LEX_KEY)) {
        if (lex_is(token, "audit")) {
            prefix->audit = true;
        } else if (lex_is(token, "deny")) {
            prefix->deny = true;
        } else if (lex_is(token, "owner")) {
            prefix->owner = true;
        } else if (lex_is(token, "priority")) {
            const int r = read_priority(parser, lexer, &prefix->priority);
            if (r < 0)
                return r;
        } else if (!lex_is(token, "allow") && !lex_is(token, "quiet")) {
            return 0;
        }
    }
}

/* "profile NAME {", "hat NAME {", "^NAME {" within PARENT. 1 if FIRST begins none of them. */
static int read_child(Parser *parser, Lexer *lexer, size_t parent, const LexToken *first)
{
    CLEANUP(header_deinit) Header header = {.parent = parent, .name = *first};

    if (lex_is(first, "profile") || lex_is(first, "hat")) {
        header.keyword = lex_is(first, "profile");
        header.hat = !header.keyword;
        header.name = lex_next(lexer, LEX_KEY);
    } else if (first->kind == LEX_TEXT && !first->quoted && first->length > 1 &&
               first->text[0] == '^') {
        header.hat = true;
        header.name.text++;
        header.name.length--;
    } else {
        return 1;
    }
    return read_profile(parser, lexer, &header);
}

static int read_in_profile(Parser *parser, Lexer *lexer, size_t profile, const Prefix *outer,
                           LexToken *token)
{
    Prefix prefix = *outer;
    int r;

    prefix.begin = *token;
    r = read_prefix(parser, lexer, token, &prefix);

    if (r < 0)
        return r;
    if (token->kind == LEX_OPEN)
        return read_statements(parser, lexer, profile, &prefix, true);
    if (lex_is(token, "if"))
        return read_if(parser, lexer, profile, &prefix);
    r = read_child(parser, lexer, profile, token);
    if (r <= 0)
        return r;
    if (lex_is(token, "link"))
        return parser_link_rule(parser, lexer, profile, &prefix);
    r = parser_rule(parser, lexer, profile, &prefix, token);
    return r <= 0 ? r : parser_file_rule(parser, lexer, profile, &prefix, token);
}

static int read_outside(Parser *parser, Lexer *lexer, LexToken *token)
{
    CLEANUP(header_deinit) Header header = {.parent = NO_PROFILE, .name = *token};
    int r;

    if (lex_is(token, "alias"))
        return preamble_alias(parser, lexer);
    r = read_child(parser, lexer, NO_PROFILE, token);
    if (r <= 0)
        return r;
    if (token->kind != LEX_TEXT || !(token->quoted || strchr("/@{:", token->text[0])))
        return parser_error(parser, lexer, token,
                            "expected a profile, which begins with \"profile NAME\" or a path");
    return read_profile(parser, lexer, &header);
}

static int read_statement(Parser *parser, Lexer *lexer, size_t profile, const Prefix *prefix,
                          LexToken *token)
{
    if (lex_is(token, "include") || lex_is(token, "#include"))
        return preamble_include(parser, lexer, token, profile);
    if (lex_is(token, "abi"))
        return preamble_abi(parser, lexer);
    return profile == NO_PROFILE ? read_outside(parser, lexer, token)
                                 : read_in_profile(parser, lexer, profile, prefix, token);
}

/* Until the end of the text, or "}" if this is a BLOCK. */
static int read_statements(Parser *parser, Lexer *lexer, size_t profile, const Prefix *prefix,
                           bool block)
{
    int r = 0;

    if (++parser->depth > PARSER_DEPTH_MAX)
        return error_set(parser->err, -EINVAL, "%.300s:%u: blocks and includes are nested too deep",
                         lexer->file, lexer->line);
    while (r == 0) {
        LexToken token;
        if (profile == NO_PROFILE) {
            r = preamble_assignment(parser, lexer);
            if (r < 0)
                return r;
            if (r == 1) {
                r = 0;
                continue;
            }
        }
        token = lex_next(lexer, LEX_KEY);
        if (token.kind == LEX_EOF ? !block : token.kind == LEX_CLOSE && block)
            break;
        if (token.kind == LEX_EOF)
            return parser_error(parser, lexer, &token, "a \"{\" is not closed: write \"}\"");
        if (token.kind == LEX_CLOSE)
            return parser_error(parser, lexer, &token, "\"}\" without a \"{\"");
        if (token.kind == LEX_UNCLOSED)
            return parser_error(parser, lexer, &token, "the quotes are not closed");
        r = read_statement(parser, lexer, profile, prefix, &token);
    }
    parser->depth--;
    return r;
}

int parser_text_in(Parser *parser, const char *name, const char *text, size_t length,
                   size_t profile)
{
    const Prefix none = {0};
    Lexer lexer = {
        .file = strset_add(parser->file->strings, name), .text = text, .length = length, .line = 1};

    if (!lexer.file)
        return parser_memory(parser);
    if (memchr(text, '\0', length))
        return error_set(parser->err, -EINVAL, "%.300s: has NUL bytes: not a profile in text",
                         name);
    return read_statements(parser, &lexer, profile, &none, false);
}
