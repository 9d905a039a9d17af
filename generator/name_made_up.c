/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that programs make up. Such a name is PREFIX RANDOM SUFFIX: RANDOM is 6 to 12 letters and
 * digits at the start, after one of ". - _", or after "tmp", up to the end or the last ".".
 *
 * Words, dates and counters are told from it by their look, which one made-up name in forty shares.
 * Programs whose names are known are in profiles/tables/temporary_names.csv.
 */
#include "generator/name_spans.h"

#include <ctype.h>
#include <string.h>

enum { RANDOM_MIN = 6, RANDOM_MAX = 12, MKTEMP_LENGTH = 10 };

/* The length of what begins at S and is a word: small letters, of which the first may be a capital,
 * or capitals. */
static size_t word_length(const char *s, size_t length)
{
    size_t n = 0;

    while (n < length && isupper((unsigned char)s[n]))
        n++;
    if (n > 2)
        return n;
    if (n == 2)
        return 0;
    while (n < length && islower((unsigned char)s[n]))
        n++;
    return n;
}

bool name_is_word(const char *s, size_t length)
{
    enum { COUNTER_LENGTH_MAX = 4, CAMEL_LENGTH_MIN = 7 };
    size_t at = 0;
    size_t step;

    while ((step = word_length(s + at, length - at)) > 1) {
        at += step;
        /* Six random letters look like "fooBar" too often. */
        if (length < CAMEL_LENGTH_MIN)
            break;
    }
    const bool counted = at == 0 || length - at <= COUNTER_LENGTH_MAX;
    while (at < length && isdigit((unsigned char)s[at]))
        at++;
    return at == length && counted;
}

static bool has_capital(const char *s, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (isupper((unsigned char)s[i]))
            return true;
    }
    return false;
}

/* The random part that ends at END. */
static bool find_span_before(const char *name, size_t end, NameSpan *ret, bool *ret_looks_random)
{
    size_t from = end;

    while (from > 0 && isalnum((unsigned char)name[from - 1]))
        from--;
    if (strncmp(name + from, "tmp", 3) == 0 && end - from > 3)
        from += 3;
    if (end - from < RANDOM_MIN || end - from > RANDOM_MAX)
        return false;
    const bool mktemp = end - from == MKTEMP_LENGTH && from == 4 && strncmp(name, "tmp.", 4) == 0;
    const bool looks_random = mktemp || !name_is_word(name + from, end - from);
    /* Nothing before it speaks for a whole name: it must be no word, and have capitals among the
     * rest ("utf8map", "sha1sum" are names). */
    if (from == 0 && (!looks_random || !has_capital(name, end)))
        return false;
    *ret = (NameSpan){from, end, SPAN_MADE_UP};
    *ret_looks_random = looks_random;
    return true;
}

bool name_find_made_up(const char *name, size_t length, NameSpan *ret_span, bool *ret_looks_random)
{
    NameSpan whole = {0}, cut = {0};
    bool whole_random = false, cut_random = false;

    /* An extension ("x.sock") is none of it, unless it is itself ("tmp.XXXXXXXXXX"). */
    const char *dot = memrchr(name, '.', length);
    const bool has_whole = find_span_before(name, length, &whole, &whole_random);
    const bool has_cut =
        dot && dot > name && find_span_before(name, (size_t)(dot - name), &cut, &cut_random);
    if (has_whole && (whole_random || !has_cut)) {
        *ret_span = whole;
        *ret_looks_random = whole_random;
    } else if (has_cut) {
        *ret_span = cut;
        *ret_looks_random = cut_random;
    }
    return has_whole || has_cut;
}

static size_t count_letters(const char *text, size_t length, const char *letters)
{
    const bool hex = strcmp(letters, "hex") == 0;
    const bool lower = strcmp(letters, "lower_") == 0;
    const bool underscore = strchr(letters, '_') != NULL;
    size_t n = 0;

    while (n < length) {
        const unsigned char c = (unsigned char)text[n];
        const bool fits = hex     ? isdigit(c) || (c >= 'a' && c <= 'f')
                          : lower ? isdigit(c) || islower(c)
                                  : isalnum(c) != 0;
        if (!fits && !(underscore && c == '_'))
            break;
        n++;
    }
    return n;
}

bool name_find_temporary(const char *name, size_t length, const TemporaryName *row,
                         NameSpan *ret_span)
{
    const size_t prefix = strlen(row->prefix);
    const size_t wanted = (size_t)(*row->length - '0') * 10 + (size_t)(row->length[1] - '0');
    bool looks_random;

    if (strcmp(row->prefix, "*") == 0)
        return name_find_made_up(name, length, ret_span, &looks_random);
    if (length <= prefix || strncmp(name, row->prefix, prefix) != 0)
        return false;
    size_t letters = count_letters(name + prefix, length - prefix, row->letters);
    if (wanted > 0 && letters != wanted)
        return false;
    const size_t end = prefix + letters;
    const bool any_suffix = strcmp(row->suffix, "*") == 0;
    if (letters == 0 || (end < length && !(any_suffix && name[end] == '.')))
        return false;
    *ret_span = (NameSpan){prefix, end, wanted > 0 ? SPAN_MADE_UP : SPAN_OPEN};
    return true;
}
