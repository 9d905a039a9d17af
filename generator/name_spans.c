/* SPDX-License-Identifier: Apache-2.0 */
/* Forms of names: uuids, hashes, numbers. Dates: name_dates.c; what mkstemp(3) makes:
 * name_made_up.c. */
#include "generator/name_spans.h"

#include "base/memory.h"
#include "model/policy.h"

#include <ctype.h>
#include <string.h>

bool name_spans_add(NameSpans *spans, NameSpan span)
{
    size_t at = spans->count;

    if (spans->count == NAME_SPANS_MAX || span.start >= span.end)
        return false;
    for (size_t i = 0; i < spans->count; i++) {
        if (span.start < spans->items[i].end && spans->items[i].start < span.end)
            return false;
    }
    for (; at > 0 && spans->items[at - 1].start > span.start; at--)
        spans->items[at] = spans->items[at - 1];
    spans->items[at] = span;
    spans->count++;
    return true;
}

static bool is_free(const NameSpans *spans, size_t at)
{
    for (size_t i = 0; i < spans->count; i++) {
        if (at >= spans->items[i].start && at < spans->items[i].end)
            return false;
    }
    return true;
}

static bool is_hex(char c)
{
    return isdigit((unsigned char)c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* No letter or digit on either side of START to END. */
static bool stands_alone(const char *name, size_t length, size_t start, size_t end)
{
    return (start == 0 || !isalnum((unsigned char)name[start - 1])) &&
           (end == length || !isalnum((unsigned char)name[end]));
}

bool name_fits_mask(const char *text, size_t length, const char *mask)
{
    if (strlen(mask) > length)
        return false;
    for (size_t i = 0; mask[i]; i++) {
        const bool fits = mask[i] == 'x'   ? is_hex(text[i])
                          : mask[i] == 'd' ? isdigit((unsigned char)text[i]) != 0
                                           : text[i] == mask[i];
        if (!fits)
            return false;
    }
    return true;
}

bool name_find_uuids(const char *name, size_t length, NameSpans *spans)
{
    static const char mask[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    const size_t size = sizeof mask - 1;
    bool found = false;

    for (size_t at = 0; at + size <= length; at++) {
        if (name_fits_mask(name + at, length - at, mask) &&
            stands_alone(name, length, at, at + size))
            found |= name_spans_add(spans, (NameSpan){at, at + size, SPAN_UUID});
    }
    return found;
}

bool name_find_counters(const char *name, size_t length, NameSpans *spans)
{
    enum { COUNTER_MIN = 8, ZEROS_MIN = 4 };
    bool found = false;

    for (size_t at = 0; at < length;) {
        size_t end = at;
        while (end < length &&
               (isdigit((unsigned char)name[end]) || (name[end] >= 'A' && name[end] <= 'F')))
            end++;
        if (end - at >= COUNTER_MIN && strncmp(name + at, "0000", ZEROS_MIN) == 0 &&
            stands_alone(name, length, at, end))
            found |= name_spans_add(spans, (NameSpan){at, end, SPAN_COUNTER});
        at = end + 1;
    }
    return found;
}

bool name_find_version(const char *name, size_t length, NameSpans *spans)
{
    const char *so = memmem(name, length, ".so.", 4);
    const size_t from = so ? (size_t)(so - name) + 4 : length;
    size_t major = from;

    while (major < length && isdigit((unsigned char)name[major]))
        major++;
    if (major == from || major + 1 >= length || name[major] != '.' ||
        !isdigit((unsigned char)name[major + 1]))
        return false;
    for (size_t i = major; i < length; i++) {
        if (!isdigit((unsigned char)name[i]) && name[i] != '.')
            return false;
    }
    return name_spans_add(spans, (NameSpan){major + 1, length, SPAN_VERSION});
}

/* ---- numbers -------------------------------------------------------------------------------- */

bool name_find_pid(const char *name, size_t length, NameSpans *spans)
{
    enum { PID_MIN = 2, PID_MAX = 7 };
    NameSpan best = {0};
    bool best_alone = false;

    for (size_t at = 0; at < length;) {
        size_t end = at;
        while (end < length && isdigit((unsigned char)name[end]) && is_free(spans, end))
            end++;
        const bool alone = stands_alone(name, length, at, end);
        if (end - at >= PID_MIN && end - at <= PID_MAX && name[at] != '0' &&
            (best.end == 0 || (alone && !best_alone))) {
            best = (NameSpan){at, end, SPAN_PID};
            best_alone = alone;
        }
        at = end + 1;
    }
    return name_spans_add(spans, best);
}

/* The next run of letters and digits that stand alone from *AT on, of digits (HEX: also a to f). */
static bool next_number(const char *name, size_t length, bool hex, const NameSpans *spans,
                        size_t *at, size_t *ret_end)
{
    for (size_t end; *at < length; *at = end + 1) {
        bool fits = true;
        for (end = *at; end < length && isalnum((unsigned char)name[end]); end++) {
            const char c = name[end];
            fits &=
                is_free(spans, end) && (isdigit((unsigned char)c) || (hex && c >= 'a' && c <= 'f'));
        }
        if (fits && end > *at) {
            *ret_end = end;
            return true;
        }
    }
    return false;
}

bool name_find_pid_hex(const char *name, size_t length, NameSpans *spans)
{
    enum { HEX_MIN = 3, HEX_MAX = 6 };
    NameSpan best = {0};

    /* The longest: counters are shorter. */
    for (size_t at = 0, end; next_number(name, length, true, spans, &at, &end); at = end + 1) {
        if (end - at >= HEX_MIN && end - at <= HEX_MAX && end - at > best.end - best.start)
            best = (NameSpan){at, end, SPAN_PID_HEX};
    }
    return name_spans_add(spans, best);
}

bool name_find_beside(const char *name, size_t length, bool hex, NameSpans *spans)
{
    bool found = false;

    for (size_t at = 0, end; next_number(name, length, hex, spans, &at, &end); at = end + 1)
        found |= name_spans_add(spans, (NameSpan){at, end, SPAN_BESIDE});
    return found;
}

bool name_find_variables(const char *name, size_t length, NameSpans *spans)
{
    enum { MIXED_MIN = 6 };
    bool found = false;

    for (size_t at = 0; at < length;) {
        size_t end = at;
        bool digit = false, letter = false;
        while (end < length && isalnum((unsigned char)name[end]) && is_free(spans, end)) {
            digit |= isdigit((unsigned char)name[end]) != 0;
            letter |= isalpha((unsigned char)name[end]) != 0;
            end++;
        }
        if (digit && !letter)
            found |= name_spans_add(spans, (NameSpan){at, end, SPAN_NUMBER});
        else if (end - at >= MIXED_MIN && !name_is_word(name + at, end - at))
            found |= name_spans_add(spans, (NameSpan){at, end, SPAN_RUNS});
        else if (digit) {
            /* "worker17": the number behind a word. */
            size_t from = end;
            while (from > at && isdigit((unsigned char)name[from - 1]))
                from--;
            found |= name_spans_add(spans, (NameSpan){from, end, SPAN_NUMBER});
        }
        at = end + 1;
    }
    return found;
}

/* ---- hashes --------------------------------------------------------------------------------- */

static bool is_hash_length(size_t length)
{
    static const size_t lengths[] = {32, 40, 56, 64, 96, 128};

    for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
        if (lengths[i] == length)
            return true;
    }
    return false;
}

bool name_find_hash(const char *name, size_t length, size_t fanned, NameSpans *spans)
{
    for (size_t at = 0; at < length;) {
        size_t end = at;
        bool digit = false, letter = false, upper = false, lower = false;
        while (end < length && is_hex(name[end])) {
            digit |= isdigit((unsigned char)name[end]) != 0;
            upper |= isupper((unsigned char)name[end]) != 0;
            lower |= islower((unsigned char)name[end]) != 0;
            end++;
        }
        letter = upper != lower;
        if (digit && letter && is_hash_length(end - at + fanned) &&
            stands_alone(name, length, at, end))
            return name_spans_add(spans, (NameSpan){at, end, SPAN_HASH});
        at = end + 1;
    }
    return false;
}

bool name_is_fan_out(const char *name, size_t length)
{
    enum { FAN_OUT_MAX = 3 };

    for (size_t i = 0; i < length; i++) {
        if (!is_hex(name[i]))
            return false;
    }
    return length > 0 && length <= FAN_OUT_MAX;
}

/* ---- patterns ------------------------------------------------------------------------------- */

static const struct {
    const char *evidence, *grant;
} words[SPAN_KIND_COUNT] = {
    [SPAN_MADE_UP] = {"a made-up name", "any other of that length"},
    [SPAN_OPEN] = {"a made-up name", "any other that begins like it"},
    [SPAN_OPEN_DIGITS] = {"a made-up number", "anything that begins with a digit"},
    [SPAN_OPEN_LETTERS] = {"a made-up name", "anything that begins with a letter or digit"},
    [SPAN_PID] = {"named after its process", "any process number"},
    [SPAN_PID_HEX] = {"named after its process", "anything that begins with a hexadecimal digit"},
    [SPAN_BESIDE] = {"counted by its process", "anything that begins with a hexadecimal digit"},
    [SPAN_UUID] = {"a UUID", "any other"},
    [SPAN_HASH] = {"named by a hash", "any other name of that length"},
    [SPAN_FAN_OUT] = {"named by a hash", "any other name of that length"},
    [SPAN_DATE] = {"the time of the run", "any other digits"},
    [SPAN_DATE_HEX] = {"the time of the run", "any other of that length"},
    [SPAN_COUNTER] = {"a counter", "any other number of that length"},
    [SPAN_NUMBER] = {"differs between runs", "anything that begins with a digit"},
    [SPAN_INODE] = {"a file without a name", "any inode's number"},
    [SPAN_VERSION] = {"a library's version", "others of the same major number"},
    [SPAN_RUNS] = {"differs between runs", "any other of that length"},
};

const char *span_evidence(SpanKind kind)
{
    return words[kind].evidence;
}

const char *span_grant(SpanKind kind)
{
    return words[kind].grant;
}

static void print_span(const char *name, const NameSpan *span, Buffer *out)
{
    static const char *const whole[SPAN_KIND_COUNT] = {
        [SPAN_OPEN_DIGITS] = "[0-9]*", [SPAN_OPEN_LETTERS] = "[0-9a-z]*",
        [SPAN_OPEN] = "[0-9a-f]*",     [SPAN_PID] = "@{pid}",
        [SPAN_PID_HEX] = "[0-9a-f]*",  [SPAN_BESIDE] = "[0-9a-f]*",
        [SPAN_NUMBER] = "[0-9]*",      [SPAN_INODE] = "[0-9]*",
        [SPAN_VERSION] = "[0-9]*",
    };
    bool letters = false;

    if (whole[span->kind]) {
        (void)buffer_puts(out, whole[span->kind]);
        return;
    }
    for (size_t i = span->start; i < span->end; i++)
        letters |= isalpha((unsigned char)name[i]) != 0;
    for (size_t i = span->start; i < span->end; i++) {
        const bool digit = isdigit((unsigned char)name[i]) != 0;
        if (span->kind == SPAN_DATE && digit)
            (void)buffer_puts(out, "[0-9]");
        else if (span->kind == SPAN_COUNTER)
            (void)buffer_puts(out, letters || span->end - span->start > 16 ? "[0-9A-F]" : "[0-9]");
        else if (span->kind == SPAN_DATE || (span->kind == SPAN_UUID && name[i] == '-'))
            (void)policy_pattern_append_literal(out, name + i, 1);
        else
            (void)buffer_putc(out, '?');
    }
}

int name_print_pattern(const char *name, size_t length, const NameSpans *spans, Buffer *out)
{
    size_t at = 0;

    for (size_t i = 0; i < spans->count; i++) {
        (void)policy_pattern_append_literal(out, name + at, spans->items[i].start - at);
        print_span(name, &spans->items[i], out);
        at = spans->items[i].end;
    }
    (void)policy_pattern_append_literal(out, name + at, length - at);
    return out->error;
}
