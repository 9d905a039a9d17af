/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and times in names: what is no time of a run is none. */
#include "generator/name_spans.h"

#include "base/memory.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

enum { DAY = 24 * 60 * 60, SLACK = 14 * 60 * 60 }; /* no time zone is further away */
enum { SECONDS_LENGTH = 10 };                      /* of the time as a decimal number */

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
    if (!text || !name_fits_mask(text, strlen(text), "dddd-dd-ddTdd:dd:dd"))
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

/* The length of thousandths, millionths or billionths of a second at TEXT, with what separates
 * them. */
static size_t fraction_length(const char *text, size_t length)
{
    static const char *const masks[] = {"ddddddddd", "dddddd", "ddd"};

    for (size_t i = 0; i < ARRAY_LENGTH(masks) && length > 0 && strchr("._-,", text[0]); i++) {
        const size_t size = 1 + strlen(masks[i]);
        if (name_fits_mask(text + 1, length - 1, masks[i]) &&
            (size == length || !isalnum((unsigned char)text[size]) || text[size] == 'Z'))
            return size;
    }
    return 0;
}

/* The length of the time of day that follows a date at TEXT, 0 without one. */
static size_t time_length(const char *text, size_t length)
{
    static const char *const masks[] = {"dd:dd:dd", "dd-dd-dd", "dd.dd.dd", "dd_dd_dd",
                                        "dddddd",   "dddd",     "dd:dd",    "dd"};
    enum { SECONDS_MASKS = 5 }; /* that many of them have seconds */
    const size_t separator = length > 0 && strchr("-_T.:", text[0]) ? 1 : 0;

    for (size_t i = 0; i < ARRAY_LENGTH(masks); i++) {
        size_t size = separator + strlen(masks[i]);
        if (separator >= length || !name_fits_mask(text + separator, length - separator, masks[i]))
            continue;
        if (i < SECONDS_MASKS)
            size += fraction_length(text + size, length - size);
        if ((size == length || !isalnum((unsigned char)text[size]) || text[size] == 'Z'))
            return size;
    }
    return 0;
}

/* The length of the date of one of the runs that begins at TEXT, 0 without one. */
static size_t date_length(const char *text, size_t length, bool times, const TimeSpan *runs,
                          size_t runs_count)
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
        if (!name_fits_mask(text, length, forms[i].mask))
            continue;
        const int month = number_of(text + forms[i].month, 2);
        const int day = forms[i].day ? number_of(text + forms[i].day, 2) : 1;
        const int64_t from = seconds_of(number_of(text, 4), month, day, 0, 0, 0);
        const int64_t days = forms[i].day ? 1 : 31;
        if (!is_time_of_run(from, from + days * DAY, runs, runs_count))
            continue;
        const size_t more = forms[i].day && times ? time_length(text + size, length - size) : 0;
        if (size + more == length || !isdigit((unsigned char)text[size + more]))
            return size + more;
    }
    return 0;
}

/* Seconds, or thousandths, millionths, billionths of them. */
static bool is_time(const char *digits, size_t length, const TimeSpan *runs, size_t runs_count)
{
    if (length < SECONDS_LENGTH || length > SECONDS_LENGTH + 9 ||
        (length - SECONDS_LENGTH) % 3 != 0)
        return false;
    int64_t seconds = 0;
    for (size_t i = 0; i < SECONDS_LENGTH; i++)
        seconds = seconds * 10 + (digits[i] - '0');
    return is_time_of_run(seconds, seconds, runs, runs_count);
}

/* What uniqid() of PHP makes and its like: the length of the time at TEXT, 0 without one. */
static size_t hex_time_length(const char *text, size_t length, bool alone, const TimeSpan *runs,
                              size_t runs_count)
{
    enum { HEX_SECONDS_LENGTH = 8, WITH_MICROSECONDS = 13 };
    int64_t seconds = 0;
    bool letter = false;
    size_t size = 0;

    for (; size < length &&
           (isdigit((unsigned char)text[size]) || (text[size] >= 'a' && text[size] <= 'f'));
         size++) {
        const int digit =
            isdigit((unsigned char)text[size]) ? text[size] - '0' : text[size] - 'a' + 10;
        letter |= digit > 9;
        if (size < HEX_SECONDS_LENGTH)
            seconds = seconds * 16 + digit;
    }
    if (size < length && isalnum((unsigned char)text[size]))
        return 0;
    if ((size != WITH_MICROSECONDS && (size != HEX_SECONDS_LENGTH || !alone)) || !letter)
        return 0;
    return is_time_of_run(seconds, seconds, runs, runs_count) ? size : 0;
}

static bool find_hex_times(const char *name, size_t length, const TimeSpan *runs, size_t runs_count,
                           NameSpans *spans)
{
    bool found = false;

    for (size_t at = 0; at < length; at++) {
        const bool alone = at == 0 || !isalnum((unsigned char)name[at - 1]);
        const size_t size = hex_time_length(name + at, length - at, alone, runs, runs_count);
        if (size > 0)
            found |= name_spans_add(spans, (NameSpan){at, at + size, SPAN_DATE_HEX});
    }
    return found;
}

bool name_find_dates(const char *name, size_t length, bool times, const TimeSpan *runs,
                     size_t runs_count, NameSpans *spans)
{
    bool found = false;

    for (size_t at = 0; at < length;) {
        size_t digits = 0;
        while (at + digits < length && isdigit((unsigned char)name[at + digits]))
            digits++;
        size_t size = digits ? date_length(name + at, length - at, times, runs, runs_count) : 0;
        if (size == 0 && is_time(name + at, digits, runs, runs_count))
            size = digits + (digits == SECONDS_LENGTH
                                 ? fraction_length(name + at + digits, length - at - digits)
                                 : 0);
        if (size > 0)
            found |= name_spans_add(spans, (NameSpan){at, at + size, SPAN_DATE});
        at += size ? size : digits ? digits : 1;
    }
    return find_hex_times(name, length, runs, runs_count, spans) || found;
}
