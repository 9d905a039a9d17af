/* SPDX-License-Identifier: Apache-2.0 */
/* The reader's state, shared by recording_read.c (lines) and recording_read_*.c (what they say). */
#pragma once

#include "model/recording_internal.h"

#include <jansson.h>

typedef struct RepeatCache RepeatCache;

typedef struct Reader {
    const char *name; /* for messages; borrowed */
    Error *err;
    Recording *recording;
    Buffer rest;          /* the begin of a line whose end did not come yet */
    uint64_t bytes;       /* read so far */
    size_t line;          /* number of the last line, from 1 */
    bool footer;          /* was there */
    RepeatCache *repeats; /* recording_read_repeat.c */
} Reader;

/* "NAME: line N: …"; gives -EINVAL. */
int reader_error(Reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "NAME: line N: " and what errno CODE says; gives CODE. */
int reader_failure(Reader *reader, int code);

/*
 * Values of the line. All give 0, or a negative errno with the reader's error set: for a wrong type
 * and for texts beyond the limit. KEY is for the message.
 */

/* VALUE's text, decoded: borrowed from VALUE, or from the recording if it had escapes. */
int reader_text(Reader *reader, const json_t *value, const char *key, const char **ret_text);

/* OBJECT's KEY, with a result for a key that is not there: NULL, or *RET_… untouched. Counts are
 * not negative. */
int reader_get_text(Reader *reader, const json_t *object, const char *key, const char **ret_text);
int reader_get_array(Reader *reader, const json_t *object, const char *key, json_t **ret_array);
int reader_get_count(Reader *reader, const json_t *object, const char *key, uint64_t *ret_number);
int reader_get_flag(Reader *reader, const json_t *object, const char *key, bool *ret_flag);

/*
 * Lines that repeat an earlier one in everything but the name. repeat_fact(): 1 if LINE was one and
 * is in the recording now, 0 if it is to be parsed, -ENOMEM. repeat_remember(): LINE made the fact
 * FACT, which was not there before.
 */
int repeat_fact(Reader *reader, const char *line, size_t length);
void repeat_remember(Reader *reader, const char *line, size_t length, const StoredFact *fact);
RepeatCache *repeat_cache_free(RepeatCache *cache);

/* Each adds what one line says to the recording. JSON is an object. reader_fact() gives the fact if
 * it was not there before. */
int reader_header(Reader *reader, const json_t *json);
int reader_fact(Reader *reader, const json_t *json, const StoredFact **ret_new);
int reader_footer(Reader *reader, const json_t *json);
