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

static bool fits_letters(unsigned char c, const char *letters)
{
    if (strcmp(letters, "hex") == 0)
        return isdigit(c) || (c >= 'a' && c <= 'f');
    if (strcmp(letters, "digits") == 0)
        return isdigit(c);
    if (c == '_')
        return strchr(letters, '_') != NULL;
    return strncmp(letters, "lower", 5) == 0 ? isdigit(c) || islower(c) : isalnum(c) != 0;
}

static size_t count_letters(const char *text, size_t length, const char *letters)
{
    size_t n = 0;

    while (n < length && fits_letters((unsigned char)text[n], letters))
        n++;
    return n;
}

/* "20240131…": a day of these centuries. */
static bool is_day(const char *digits)
{
    const int month = (digits[4] - '0') * 10 + digits[5] - '0';
    const int day = (digits[6] - '0') * 10 + digits[7] - '0';

    return (strncmp(digits, "19", 2) == 0 || strncmp(digits, "20", 2) == 0) && month >= 1 &&
           month <= 12 && day >= 1 && day <= 31;
}

/* A number of LEAST digits or more, none of them a leading zero, that ends the name or what stands
 * before its last dot. Nobody counts that far, but a date is no made-up number. */
static bool find_number(const char *name, size_t length, size_t least, NameSpan *ret_span)
{
    enum { DAY_LENGTH = 8 };
    const char *dot = memrchr(name, '.', length);
    size_t end = length;
    size_t start;

    for (;;) {
        for (start = end; start > 0 && isdigit((unsigned char)name[start - 1]);)
            start--;
        if (end - start >= least || end < length || !dot)
            break;
        end = (size_t)(dot - name);
    }
    if (end - start < least || name[start] == '0' ||
        (end - start >= DAY_LENGTH && is_day(name + start)))
        return false;
    *ret_span = (NameSpan){start, end, SPAN_OPEN_DIGITS};
    return true;
}

/* Where "20240131-1234-" ends in NAME. */
static size_t skip_date_pid(const char *name, size_t length)
{
    static const char mask[] = "dddddddd-d";

    for (size_t at = 0; at < length; at++) {
        if (!name_fits_mask(name + at, length - at, mask))
            continue;
        at += sizeof mask - 2;
        at += count_letters(name + at, length - at, "digits");
        if (at < length && name[at] == '-')
            return at + 1;
    }
    return 0;
}

/* Where what PREFIX says ends in NAME: 0 if that does not begin so. */
static size_t skip_prefix(const char *name, size_t length, const char *prefix)
{
    const size_t size = strlen(prefix);

    if (strcmp(prefix, TEMPORARY_DATE_PID) == 0)
        return skip_date_pid(name, length);
    if (prefix[0] == '*') {
        const char *found = NULL;
        for (const char *at = name; (at = strstr(at, prefix + 1)); at++)
            found = at;
        return found ? (size_t)(found - name) + size - 1 : 0;
    }
    return length > size && strncmp(name, prefix, size) == 0 ? size : 0;
}

bool name_find_temporary(const char *name, size_t length, const TemporaryName *row,
                         NameSpan *ret_span)
{
    const size_t wanted = (size_t)(*row->length - '0') * 10 + (size_t)(row->length[1] - '0');
    const bool digits = strcmp(row->letters, "digits") == 0;
    bool looks_random;

    if (strcmp(row->prefix, "*") == 0)
        return digits ? find_number(name, length, wanted, ret_span)
                      : name_find_made_up(name, length, ret_span, &looks_random);
    const size_t start = skip_prefix(name, length, row->prefix);
    if (start >= length || (start == 0 && row->prefix[0]))
        return false;
    const size_t letters = count_letters(name + start, length - start, row->letters);
    if (letters == 0 || (wanted > 0 && letters != wanted))
        return false;
    const size_t end = start + letters;
    const bool any = strcmp(row->suffix, "**") == 0;
    if (end < length && !any && !(strcmp(row->suffix, "*") == 0 && name[end] == '.'))
        return false;
    const SpanKind open = digits                             ? SPAN_OPEN_DIGITS
                          : strcmp(row->letters, "hex") == 0 ? SPAN_OPEN
                                                             : SPAN_OPEN_LETTERS;
    *ret_span = (NameSpan){start, end, wanted > 0 ? SPAN_MADE_UP : open};
    return true;
}
