/* SPDX-License-Identifier: Apache-2.0 */
/* Includes of AppArmor profiles. */
#include "base/io.h"
#include "base/memory.h"
#include "generator/apparmor_preamble.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#define DEFAULT_FOLDER "/etc/apparmor.d"

typedef struct Include {
    const char *name; /* without <> or quotes */
    bool search;      /* <>: only in the folders */
    bool if_exists;
    LexToken token;
} Include;

/* Not editors' and packages' copies. */
static int is_wanted(const struct dirent *entry)
{
    static const char *const endings[] = {".dpkg-new",    ".dpkg-old", ".dpkg-dist", ".dpkg-bak",
                                          ".dpkg-remove", ".pacsave",  ".pacnew",    ".rpmnew",
                                          ".rpmsave",     ".orig",     ".rej",       "~"};
    const size_t length = strlen(entry->d_name);

    if (entry->d_name[0] == '.' || strcmp(entry->d_name, "README") == 0)
        return 0;
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++) {
        const size_t ending = strlen(endings[i]);
        if (length >= ending && strcmp(entry->d_name + length - ending, endings[i]) == 0)
            return 0;
    }
    return 1;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Once in each profile, and once before all. 1 if it was there before. */
static int note_included(const Parser *parser, const char *path, size_t profile)
{
    CLEANUP(buffer_deinit) Buffer key = BUFFER_INIT;

    (void)buffer_printf(&key, "%zu:%s", profile, path);
    if (key.error)
        return key.error;
    if (strset_find(parser->included, buffer_text(&key)))
        return 1;
    return strset_add(parser->included, buffer_text(&key)) ? 0 : -ENOMEM;
}

static int include_file(Parser *parser, const Include *include, const Lexer *lexer,
                        const char *path, size_t profile)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    int r = note_included(parser, path, profile);

    if (r != 0)
        return r < 0 ? parser_memory(parser) : 0;
    r = read_file(path, &text, PARSER_READ_MAX - parser->read, parser->err);
    if (r < 0) {
        error_prefix(parser->err, "%.300s:%u:%u", lexer->file, include->token.line,
                     include->token.column);
        return r;
    }
    parser->read += text.length;
    return parser_text_in(parser, path, buffer_text(&text), text.length, profile);
}

static int include_folder(Parser *parser, const Include *include, const Lexer *lexer,
                          const char *path, size_t profile)
{
    struct dirent **entries;
    const int count = scandir(path, &entries, is_wanted, compare_names);
    int r = 0;

    if (count < 0)
        return parser_error(parser, lexer, &include->token, "cannot read the folder %.200s", path);
    for (int i = 0; i < count; i++) {
        CLEANUP(buffer_deinit) Buffer file = BUFFER_INIT;
        struct stat status;
        (void)buffer_printf(&file, "%s/%s", path, entries[i]->d_name);
        free(entries[i]);
        if (r == 0 && file.error)
            r = parser_memory(parser);
        if (r == 0 && stat(buffer_text(&file), &status) == 0 && S_ISREG(status.st_mode))
            r = include_file(parser, include, lexer, buffer_text(&file), profile);
    }
    free(entries);
    return r;
}

/* Is PATH there? Appends nothing; includes it. 1 if it is not there. */
static int include_path(Parser *parser, const Include *include, const Lexer *lexer,
                        const char *path, size_t profile)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return 1;
    if (S_ISDIR(status.st_mode))
        return include_folder(parser, include, lexer, path, profile);
    if (!S_ISREG(status.st_mode))
        return parser_error(parser, lexer, &include->token, "%.200s is no file", path);
    return include_file(parser, include, lexer, path, profile);
}

static int include_searched(Parser *parser, const Include *include, const Lexer *lexer,
                            size_t profile)
{
    static const char *const standard[] = {DEFAULT_FOLDER};
    const bool chosen = parser->options && parser->options->include_count > 0;
    const char *const *folders = chosen ? parser->options->include : standard;
    const size_t count = chosen ? parser->options->include_count : ARRAY_LENGTH(standard);

    for (size_t i = 0; i < count; i++) {
        CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
        (void)buffer_printf(&path, "%s/%s", folders[i], include->name);
        if (path.error)
            return parser_memory(parser);
        const int r = include_path(parser, include, lexer, buffer_text(&path), profile);
        if (r != 1)
            return r;
    }
    return 1;
}

static int include_any(Parser *parser, const Include *include, const Lexer *lexer, size_t profile)
{
    int r = 1;

    if (parser->skipping)
        return 0;
    if (!include->search)
        r = include_path(parser, include, lexer, include->name, profile);
    if (r == 1 && include->name[0] != '/')
        r = include_searched(parser, include, lexer, profile);
    if (r != 1 || include->if_exists)
        return r < 0 ? r : 0;
    if (parser->options && parser->options->missing_includes)
        return words_add(&parser->file->missing, include->name) < 0 ? parser_memory(parser) : 0;
    return parser_error(parser, lexer, &include->token,
                        "the include \"%.200s\" is not there: say where such files are, or write "
                        "\"include if exists\"",
                        include->name);
}

static char peek(const Lexer *lexer, size_t at)
{
    return at < lexer->length ? lexer->text[at] : '\0';
}

static void skip_spaces(Lexer *lexer)
{
    while (peek(lexer, lexer->at) && strchr(" \t\r", peek(lexer, lexer->at)))
        lexer->at++;
}

/* The rest of the line: "<name>", "\"name\"" or a name, trimmed. */
static bool read_include_name(const Parser *parser, Lexer *lexer, Include *include)
{
    size_t start, end;

    skip_spaces(lexer);
    include->token = (LexToken){.kind = LEX_TEXT,
                                .line = lexer->line,
                                .column = (unsigned)(lexer->at - lexer->line_start) + 1};
    start = end = lexer->at;
    include->search = peek(lexer, start) == '<';
    if (include->search || peek(lexer, start) == '"') {
        const char close = include->search ? '>' : '"';
        end = ++start;
        while (end < lexer->length && peek(lexer, end) != close && peek(lexer, end) != '\n')
            end++;
        if (peek(lexer, end) != close)
            return false;
        lexer->at = end + 1;
    } else {
        while (end < lexer->length && !isspace((unsigned char)peek(lexer, end)))
            end++;
        lexer->at = end;
    }
    while (start < end && peek(lexer, start) == ' ')
        start++;
    while (end > start && peek(lexer, end - 1) == ' ')
        end--;
    include->name = strset_add_bytes(parser->file->strings, lexer->text + start, end - start);
    return start < end;
}

int preamble_include(Parser *parser, Lexer *lexer, const LexToken *first, size_t profile)
{
    Include include = {0};
    const Lexer before = *lexer;
    const LexToken word = lex_next(lexer, LEX_WORD);
    const LexToken next = lex_is(&word, "if") ? lex_next(lexer, LEX_WORD) : word;

    include.if_exists = lex_is(&word, "if") && lex_is(&next, "exists");
    if (!include.if_exists)
        *lexer = before;
    if (!read_include_name(parser, lexer, &include))
        return parser_error(parser, lexer, first, "expected \"include <NAME>\"");
    if (!include.name)
        return parser_memory(parser);
    /* A comma is not needed, but some write one. */
    skip_spaces(lexer);
    if (peek(lexer, lexer->at) == ',')
        lexer->at++;
    return include_any(parser, &include, lexer, profile);
}
