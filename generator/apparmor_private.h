/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the reader of AppArmor profiles (apparmor_read.h). */
#pragma once

#include "base/strset.h"
#include "generator/apparmor_read.h"

#include <string.h>

/* ---- words (apparmor_lex.c) -------------------------------------------------------------------
 */

typedef struct Lexer {
    const char *file;
    const char *text;
    size_t length;
    size_t at;
    size_t line_start;
    unsigned line;
} Lexer;

/* What ends a word depends on where it is. */
typedef enum LexMode {
    LEX_WORD, /* paths, names, what follows "=": blanks, and a comma that ends the rule */
    LEX_KEY,  /* words of rules that have conditions: also "=", "(" and ")"; paths as above */
    LEX_LIST, /* within (): also every comma, which is skipped */
} LexMode;

typedef enum LexKind {
    LEX_EOF,
    LEX_TEXT,    /* a word, with its escapes, without its quotes */
    LEX_ARROW,   /* -> */
    LEX_COMMA,   /* the end of a rule */
    LEX_OPEN,    /* { that begins a block */
    LEX_CLOSE,   /* } */
    LEX_PAREN,   /* ( */
    LEX_UNPAREN, /* ) */
    LEX_EQUALS,
    LEX_UNCLOSED, /* quotes without an end */
} LexKind;

typedef struct LexToken {
    LexKind kind;
    bool quoted;
    const char *text;
    size_t length;
    size_t start; /* offset of the token, quotes included */
    unsigned line;
    unsigned column;
} LexToken;

/* Past blanks, line ends, and comments that are no "#include". */
void lex_skip(Lexer *lexer);

LexToken lex_next(Lexer *lexer, LexMode mode);

static inline bool lex_is(const LexToken *token, const char *word)
{
    return token->kind == LEX_TEXT && !token->quoted && strlen(word) == token->length &&
           memcmp(token->text, word, token->length) == 0;
}

/* ---- the reader -------------------------------------------------------------------------------
 */

/* A list of strings of the file's set. */
typedef struct Words {
    const char **items;
    size_t count;
    size_t capacity;
} Words;

void words_deinit(Words *words);
int words_add(Words *words, const char *word);

typedef struct Variable {
    const char *name;
    Words values;
} Variable;

typedef struct Alias {
    const char *from;
    const char *to;
} Alias;

struct ApparmorFile {
    StringSet *strings;
    ApparmorProfile *profiles;
    size_t profiles_count;
    size_t profiles_capacity;
    ApparmorRule **rules; /* by profile */
    size_t rules_capacity;
    size_t *rules_room; /* by profile */
    size_t room_capacity;
    void **owned; /* arrays that the profiles and rules point to */
    size_t owned_count;
    size_t owned_capacity;
    Words missing;
};

/* What stands before a rule. */
typedef struct Prefix {
    LexToken begin; /* its first word, or the rule's */
    bool audit;
    bool deny;
    bool owner;
    int priority;
} Prefix;

typedef struct Parser {
    ApparmorFile *file;
    const ApparmorReadOptions *options;
    Variable *variables;
    size_t variables_count;
    size_t variables_capacity;
    Variable *booleans; /* one value: "true" or "false" */
    size_t booleans_count;
    size_t booleans_capacity;
    Alias *aliases;
    size_t aliases_count;
    size_t aliases_capacity;
    StringSet *included; /* "PROFILE:PATH" */
    unsigned depth;      /* of includes and blocks */
    unsigned skipping;   /* of blocks whose condition does not hold */
    size_t read;         /* bytes of all files */
    Error *err;
} Parser;

enum {
    PARSER_DEPTH_MAX = 64,
    PARSER_READ_MAX = 64 << 20,
    PARSER_RULES_MAX = 1 << 20,
    EXPANSIONS_MAX = 4096,
};

#define NO_PROFILE SIZE_MAX

/* -EINVAL with "FILE:LINE:COLUMN: …" of TOKEN. */
int parser_error(const Parser *parser, const Lexer *lexer, const LexToken *token,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
int parser_memory(const Parser *parser);

/* TOKEN's text as a string of the file; NULL without memory. */
const char *parser_text(const Parser *parser, const LexToken *token);

Variable *parser_variable(const Parser *parser, const char *name, size_t length);
const char *parser_boolean(const Parser *parser, const char *name, size_t length);

/* Appends what TEXT stands for with its variables expanded. PROFILE: for @{profile_name}. */
int parser_expand(const Parser *parser, const Lexer *lexer, const LexToken *token, const char *text,
                  size_t profile, Words *out);

/* The same for TOKEN as a path. */
int parser_expand_path(const Parser *parser, const Lexer *lexer, const LexToken *token,
                       size_t profile, Words *out);

/* The words become FIELD, which the file owns. */
int parser_own_field(const Parser *parser, Words *words, GlobField *field);

/* Adds a copy of RULE to PROFILE. */
int parser_add_rule(const Parser *parser, size_t profile, const ApparmorRule *rule);

/* Reads a rule whose first word is FIRST, up to and with its comma. 1 if it is no rule that
 * apparmor_rules.c knows. */
int parser_rule(Parser *parser, Lexer *lexer, size_t profile, const Prefix *prefix,
                const LexToken *first);

/* Files and links (apparmor_file_rules.c). */
int parser_file_rule(Parser *parser, Lexer *lexer, size_t profile, const Prefix *prefix,
                     const LexToken *first);
int parser_link_rule(Parser *parser, Lexer *lexer, size_t profile, const Prefix *prefix);

/* Sets text and place of RULE, which begins with PREFIX and ends where LEXER is. */
int parser_place_rule(const Parser *parser, const Lexer *lexer, const Prefix *prefix,
                      ApparmorRule *rule);

/* Mount flags: "0" or "1" for each, in the order of the table in apparmor_mounts.c. */
/* The names of the flags in TEXT, appended: "rw,bind". */
void mount_flags_print(const char *text, size_t length, Buffer *out);

/* OPTIONS as flags, a pattern of GLOB_APPARMOR; what is no flag is appended to DATA. ANY: each may
 * be there or not. */
int mount_flags_pattern(const Words *options, bool any, Buffer *out, Buffer *data);

/* The pattern of all flags, with NAME among them (NULL: none in particular). */
int mount_flags_any(const char *name, Buffer *out);
