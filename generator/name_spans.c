/* SPDX-License-Identifier: Apache-2.0 */
/* Forms of names: uuids, hashes, dates, numbers. What mkstemp(3) makes: name_made_up.c. */
#include "generator/name_spans.h"

#include "base/memory.h"
#include "model/policy.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

enum { DAY = 24 * 60 * 60, SLACK = 14 * 60 * 60 }; /* no time zone is further away */

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

/* MASK: "x" a hexadecimal digit, "d" a digit, anything else itself. */
static bool fits_mask(const char *text, size_t length, const char *mask)
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
        if (fits_mask(name + at, length - at, mask) && stands_alone(name, length, at, at + size))
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

/* ---- dates ---------------------------------------------------------------------------------- */

static int number_of(const char *digits, size_t length)
{
    int number = 0;

    for (size_t i = 0; i < length; i++)
        number = number * 10 + (digits[i] - '0');
    return number;
}

static int64_t seconds_of(int year, int month, int day, int hour, int minute, int second)
{
    struct tm tm = {.tm_year = year - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute,
                    .tm_sec = second};

    if (month < 1 || month > 12 || day < 1 || day > 31)
        return -1;
    return timegm(&tm);
}

int64_t time_from_text(const char *text)
{
    if (!text || !fits_mask(text, strlen(text), "dddd-dd-ddTdd:dd:dd"))
        return -1;
    return seconds_of(number_of(text, 4), number_of(text + 5, 2), number_of(text + 8, 2),
                      number_of(text + 11, 2), number_of(text + 14, 2), number_of(text + 17, 2));
}

/* A run was between FROM and TO, or a time zone away. */
static bool is_time_of_run(int64_t from, int64_t to, const TimeSpan *runs, size_t runs_count)
{
    for (size_t i = 0; i < runs_count; i++) {
        if (from >= 0 && from <= runs[i].end + SLACK && to >= runs[i].start - SLACK)
            return true;
    }
    return false;
}

/* The length of the time of day that follows a date at TEXT, 0 without one. */
static size_t time_length(const char *text, size_t length)
{
    static const char *const masks[] = {"dd:dd:dd", "dd-dd-dd", "dd.dd.dd", "dd_dd_dd",
                                        "dddddd",   "dddd",     "dd:dd",    "dd"};
    const size_t separator = length > 0 && strchr("-_T.:", text[0]) ? 1 : 0;

    for (size_t i = 0; i < ARRAY_LENGTH(masks); i++) {
        const size_t size = separator + strlen(masks[i]);
        if (separator < length && fits_mask(text + separator, length - separator, masks[i]) &&
            (size == length || !isalnum((unsigned char)text[size]) || text[size] == 'Z'))
            return size;
    }
    return 0;
}

/* The length of the date of one of the runs that begins at TEXT, 0 without one. */
static size_t date_length(const char *text, size_t length, const TimeSpan *runs, size_t runs_count)
{
    static const struct {
        const char *mask;
        size_t month, day; /* where they are; 0 for no day */
    } forms[] = {
        {"dddd-dd-dd", 5, 8}, {"dddd_dd_dd", 5, 8}, {"dddd.dd.dd", 5, 8},
        {"dddddddd", 4, 6},   {"dddd-dd", 5, 0},    {"dddd_dd", 5, 0},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        const size_t size = strlen(forms[i].mask);
        if (!fits_mask(text, length, forms[i].mask))
            continue;
        const int month = number_of(text + forms[i].month, 2);
        const int day = forms[i].day ? number_of(text + forms[i].day, 2) : 1;
        const int64_t from = seconds_of(number_of(text, 4), month, day, 0, 0, 0);
        const int64_t days = forms[i].day ? 1 : 31;
        if (!is_time_of_run(from, from + days * DAY, runs, runs_count))
            continue;
        const size_t more = forms[i].day ? time_length(text + size, length - size) : 0;
        if (size + more == length || !isdigit((unsigned char)text[size + more]))
            return size + more;
    }
    return 0;
}

/* Seconds, or thousandths, millionths, billionths of them. */
static bool is_time(const char *digits, size_t length, const TimeSpan *runs, size_t runs_count)
{
    enum { SECONDS_LENGTH = 10 };

    if (length < SECONDS_LENGTH || length > SECONDS_LENGTH + 9 ||
        (length - SECONDS_LENGTH) % 3 != 0)
        return false;
    int64_t seconds = 0;
    for (size_t i = 0; i < SECONDS_LENGTH; i++)
        seconds = seconds * 10 + (digits[i] - '0');
    return is_time_of_run(seconds, seconds, runs, runs_count);
}

bool name_find_dates(const char *name, size_t length, const TimeSpan *runs, size_t runs_count,
                     NameSpans *spans)
{
    bool found = false;

    for (size_t at = 0; at < length;) {
        size_t digits = 0;
        while (at + digits < length && isdigit((unsigned char)name[at + digits]))
            digits++;
        size_t size = digits ? date_length(name + at, length - at, runs, runs_count) : 0;
        if (size == 0 && is_time(name + at, digits, runs, runs_count))
            size = digits;
        if (size > 0)
            found |= name_spans_add(spans, (NameSpan){at, at + size, SPAN_DATE});
        at += size ? size : digits ? digits : 1;
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
    [SPAN_PID] = {"named after its process", "any process number"},
    [SPAN_PID_HEX] = {"named after its process", "anything that begins with a hexadecimal digit"},
    [SPAN_BESIDE] = {"counted by its process", "anything that begins with a hexadecimal digit"},
    [SPAN_UUID] = {"a UUID", "any other"},
    [SPAN_HASH] = {"named by a hash", "any other name of that length"},
    [SPAN_FAN_OUT] = {"named by a hash", "any other name of that length"},
    [SPAN_DATE] = {"the time of the run", "any other digits"},
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
        [SPAN_OPEN] = "[0-9a-f]*",   [SPAN_PID] = "@{pid}",    [SPAN_PID_HEX] = "[0-9a-f]*",
        [SPAN_BESIDE] = "[0-9a-f]*", [SPAN_NUMBER] = "[0-9]*", [SPAN_INODE] = "[0-9]*",
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
