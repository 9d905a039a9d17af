/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What in a file's name may differ from run to run, by its form alone. That it does, others must
 * show (generator/path_shapes.h): a form is no evidence.
 */
#pragma once

#include "base/buffer.h"
#include "generator/knowledge.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum SpanKind {
    SPAN_MADE_UP, /* letters and digits */
    SPAN_OPEN,    /* hexadecimal digits, as many as there are */
    SPAN_OPEN_DIGITS,
    SPAN_OPEN_LETTERS, /* small letters and digits */
    SPAN_PID,
    SPAN_PID_HEX,
    SPAN_BESIDE, /* a number in a name that has its process's */
    SPAN_UUID,
    SPAN_HASH,
    SPAN_FAN_OUT, /* a folder named after the first or last digits of the hashes in it */
    SPAN_DATE,
    SPAN_DATE_HEX,
    SPAN_COUNTER, /* with leading zeros */
    SPAN_NUMBER,  /* any other */
    SPAN_INODE,
    SPAN_VERSION, /* of a library, behind its first number */
    SPAN_RUNS,    /* letters and digits that differ between runs */
    SPAN_KIND_COUNT,
} SpanKind;

typedef struct NameSpan {
    size_t start, end; /* in the name */
    SpanKind kind;
} NameSpan;

enum { NAME_SPANS_MAX = 4 };

/* In order, none overlapping. */
typedef struct NameSpans {
    NameSpan items[NAME_SPANS_MAX];
    size_t count;
} NameSpans;

/* False, with nothing changed, if there is no room for SPAN or something is there already. */
bool name_spans_add(NameSpans *spans, NameSpan span);

/* TEXT begins as MASK: "x" a hexadecimal digit, "d" a digit, anything else itself. */
bool name_fits_mask(const char *text, size_t length, const char *mask);

/* When a run was. */
typedef struct TimeSpan {
    int64_t start, end; /* seconds since 1970 */
} TimeSpan;

/* "2024-01-31T10:00:00Z" in seconds; -1 if it is none. */
int64_t time_from_text(const char *text);

/* Each adds the spans of its kind that NAME (LENGTH bytes) has; true if there are any. */
bool name_find_uuids(const char *name, size_t length, NameSpans *spans);
bool name_find_counters(const char *name, size_t length, NameSpans *spans);

/* Dates (from the day before to the day after) and times since 1970 of one of the runs, these also
 * in eight hexadecimal digits, alone or with five more for the millionths of a second. TIMES: with
 * the time of day behind a date. */
bool name_find_dates(const char *name, size_t length, bool times, const TimeSpan *runs,
                     size_t runs_count, NameSpans *spans);

/* "libz.so.1.2.13": what stands behind "libz.so.1.". */
bool name_find_version(const char *name, size_t length, NameSpans *spans);

/* A number that may be a process's, outside of what SPANS has. */
bool name_find_pid(const char *name, size_t length, NameSpans *spans);

/* The same in hexadecimal digits. */
bool name_find_pid_hex(const char *name, size_t length, NameSpans *spans);

/* The other numbers in such a name, with HEX in hexadecimal digits. */
bool name_find_beside(const char *name, size_t length, bool hex, NameSpans *spans);

/* All numbers, and what has letters and digits mixed. */
bool name_find_variables(const char *name, size_t length, NameSpans *spans);

/* Hexadecimal digits of a hash's length, where FANNED more stand in the folders above. */
bool name_find_hash(const char *name, size_t length, size_t fanned, NameSpans *spans);
bool name_is_fan_out(const char *name, size_t length);

/* The prefix of a row that stands for a date and the number of a process. */
#define TEMPORARY_DATE_PID "DATE-PID-"

/* The made-up part of NAME if it is one of ROW's. */
bool name_find_temporary(const char *name, size_t length, const TemporaryName *row,
                         NameSpan *ret_span);

/* RANDOM in a name of the form PREFIX RANDOM SUFFIX, as mkstemp(3) makes them; *RET_LOOKS_RANDOM:
 * it is no word, date or counter. */
bool name_find_made_up(const char *name, size_t length, NameSpan *ret_span, bool *ret_looks_random);

/* "config", "Config", "CONFIG", "fooBarBaz", with a few digits behind or none; "20240131". */
bool name_is_word(const char *name, size_t length);

/* Appends the pattern of NAME with SPANS replaced by what stands for all of their kind. */
int name_print_pattern(const char *name, size_t length, const NameSpans *spans, Buffer *out);

/* What speaks for KIND, and what a pattern with it grants, in words; constants. */
const char *span_evidence(SpanKind kind);
const char *span_grant(SpanKind kind);
