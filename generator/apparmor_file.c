/* SPDX-License-Identifier: Apache-2.0 */
/* A file of AppArmor profiles: read, asked and freed. */
#include "base/io.h"
#include "base/memory.h"
#include "generator/apparmor_preamble.h"

#include <errno.h>

ApparmorFile *apparmor_file_free(ApparmorFile *file)
{
    if (!file)
        return NULL;
    for (size_t i = 0; i < file->profiles_count; i++)
        free(file->rules[i]);
    for (size_t i = 0; i < file->owned_count; i++)
        free(file->owned[i]);
    free(file->profiles);
    free(file->rules);
    free(file->rules_room);
    free(file->owned);
    words_deinit(&file->missing);
    file->strings = strset_free(file->strings);
    free(file);
    return NULL;
}

void apparmor_file_cleanup(ApparmorFile **file)
{
    *file = apparmor_file_free(*file);
}

static void parser_deinit(Parser *parser)
{
    for (size_t i = 0; i < parser->variables_count; i++)
        words_deinit(&parser->variables[i].values);
    for (size_t i = 0; i < parser->booleans_count; i++)
        words_deinit(&parser->booleans[i].values);
    free(parser->variables);
    free(parser->booleans);
    free(parser->aliases);
    parser->included = strset_free(parser->included);
    parser->file = apparmor_file_free(parser->file);
}

int apparmor_parse(const char *name, const char *text, size_t length,
                   const ApparmorReadOptions *options, ApparmorFile **ret_file, Error *err)
{
    CLEANUP(parser_deinit)
    Parser parser = {.file = calloc(1, sizeof(ApparmorFile)),
                     .options = options,
                     .included = strset_new(),
                     .read = length,
                     .err = err};
    int r;

    if (parser.file)
        parser.file->strings = strset_new();
    if (!parser.file || !parser.file->strings || !parser.included)
        return parser_memory(&parser);
    r = parser_text_in(&parser, name, length ? text : "", length, NO_PROFILE);
    if (r < 0)
        return r;
    if (parser.file->profiles_count == 0)
        return error_set(err, -EINVAL, "%.300s: there is no profile in it", name);
    *ret_file = TAKE(parser.file);
    return 0;
}

int apparmor_read(const char *path, const ApparmorReadOptions *options, ApparmorFile **ret_file,
                  Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    const int r = read_file(path, &text, PARSER_READ_MAX, err);

    return r < 0 ? r
                 : apparmor_parse(strcmp(path, "-") == 0 ? "stdin" : path, buffer_text(&text),
                                  text.length, options, ret_file, err);
}

bool apparmor_detect(const char *text, size_t length)
{
    static const char *const words[] = {"profile", "abi", "include", "#include", "alias"};
    Lexer lexer = {.file = "", .text = text, .length = length, .line = 1};
    const LexToken token = lex_next(&lexer, LEX_KEY);
    LexToken next;

    if (token.kind != LEX_TEXT || token.length == 0)
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (lex_is(&token, words[i]))
            return true;
    }
    if ((token.text[0] == '@' || token.text[0] == '$') && token.length > 2)
        return true;
    next = lex_next(&lexer, LEX_KEY);
    return token.text[0] == '/' && (next.kind == LEX_OPEN || next.kind == LEX_PAREN ||
                                    lex_is(&next, "flags") || lex_is(&next, "xattrs"));
}

size_t apparmor_profiles_count(const ApparmorFile *file)
{
    return file->profiles_count;
}

const ApparmorProfile *apparmor_profile(const ApparmorFile *file, size_t index)
{
    return &file->profiles[index];
}

size_t apparmor_missing_count(const ApparmorFile *file)
{
    return file->missing.count;
}

const char *apparmor_missing(const ApparmorFile *file, size_t index)
{
    return file->missing.items[index];
}
