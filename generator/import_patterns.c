/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of other programs, which are AppArmor's, as a policy's. */
#include "base/memory.h"
#include "generator/import_private.h"

#include <errno.h>

/* Variables that stand for one thing everywhere, or that policies have. */
static const struct {
    const char *variable, *pattern;
} variables[] = {
    {"@{PROC}", "/proc"},  {"@{pid}", "@{pid}"},
    {"@{pids}", "@{pid}"}, {"@{tid}", "@{tid}"},
    {"@{sys}", "/sys"},    {"@{run}", "{/var,}/run"},
    {"@{HOME}", NULL},     {"@{multiarch}", "*-linux-gnu*"},
};

/* Appends what the variable at TEXT stands for and gives its length; 0 if it is not known. */
static size_t append_variable(Buffer *out, const char *text)
{
    for (size_t i = 0; i < ARRAY_LENGTH(variables); i++) {
        const size_t length = strlen(variables[i].variable);
        if (variables[i].pattern && strncmp(text, variables[i].variable, length) == 0) {
            (void)buffer_puts(out, variables[i].pattern);
            return length;
        }
    }
    return 0;
}

int import_pattern(Buffer *out, const char *apparmor, Error *err)
{
    CLEANUP(buffer_deinit) Buffer pattern = BUFFER_INIT;

    for (const char *c = apparmor; *c; c++) {
        const unsigned char byte = (unsigned char)*c;
        if (*c == '@' && c[1] == '{') {
            const size_t length = append_variable(&pattern, c);
            if (length == 0)
                return error_set(err, -EINVAL, "the variable in \"%s\" is not known", apparmor);
            c += length - 1;
            /* "@{PROC}/" of profiles whose variable ends with a slash */
            if (c[1] == '/' && pattern.length && pattern.data[pattern.length - 1] == '/')
                c++;
        } else if (*c == '\\' && c[1]) {
            (void)buffer_append(&pattern, c, 2);
            c++;
        } else if (byte <= ' ' || byte == 0x7f || byte == '>') {
            (void)buffer_printf(&pattern, "\\x%02x", byte);
        } else if (byte >= 0x80) {
            size_t run = 1;
            while ((unsigned char)c[run] >= 0x80)
                run++;
            (void)policy_pattern_append_literal(&pattern, c, run);
            c += run - 1;
        } else {
            (void)buffer_putc(&pattern, *c);
        }
    }
    if (pattern.error)
        return error_errno(err, pattern.error, "a pattern");
    const int r = policy_pattern_check(buffer_text(&pattern), err);
    return r < 0 ? r : buffer_puts(out, buffer_text(&pattern));
}

/* ---- paths ---------------------------------------------------------------------------------- */

enum { PATTERNS_MAX = 4096, BRACES_DEEP = 4, ALTERNATIVES_MAX = 64 };

void import_patterns_deinit(ImportPatterns *patterns)
{
    free(patterns->items);
}

int import_patterns_add(ImportPatterns *patterns, StringSet *strings, const char *pattern)
{
    const char *kept = strset_add(strings, pattern);

    if (!kept || array_reserve(&patterns->items, &patterns->capacity, patterns->count,
                               sizeof *patterns->items) < 0)
        return -ENOMEM;
    patterns->items[patterns->count++] = kept;
    return 0;
}

/* Each alternative of the brace that PATTERN begins with, in its place. */
static int split(ImportPatterns *patterns, StringSet *strings, const char *pattern, unsigned depth)
{
    PatternReader reader = {.at = pattern};
    const char *begins[ALTERNATIVES_MAX];
    PatternToken token;
    size_t count = 0;
    int r = 0;

    if (*pattern == '/')
        return import_patterns_add(patterns, strings, pattern);
    if (*pattern != '{' || depth == BRACES_DEEP || patterns->count >= PATTERNS_MAX)
        return 1;
    do {
        if (pattern_next(&reader, &token) < 0 || count == ALTERNATIVES_MAX)
            return 1;
        if ((token.kind == PATTERN_OPEN || token.kind == PATTERN_COMMA) && reader.depth == 1)
            begins[count++] = reader.at;
    } while (reader.depth > 0);
    for (size_t i = 0; i < count && r == 0; i++) {
        CLEANUP(buffer_deinit) Buffer one = BUFFER_INIT;
        const char *end = i + 1 < count ? begins[i + 1] : reader.at;
        (void)buffer_append(&one, begins[i], (size_t)(end - begins[i]) - 1);
        (void)buffer_puts(&one, reader.at);
        r = one.error ? one.error : split(patterns, strings, buffer_text(&one), depth + 1);
    }
    return r;
}

int import_rooted(ImportPatterns *patterns, StringSet *strings, const char *pattern)
{
    return split(patterns, strings, pattern, 0);
}
