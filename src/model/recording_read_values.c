/* SPDX-License-Identifier: Apache-2.0 */
/* Typed access to the JSON of a line. Nothing in the file is believed: types and lengths are
 * checked. */
#include "base/escape.h"
#include "base/memory.h"
#include "model/recording_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int reader_error(Reader *reader, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(reader->err, -EINVAL, "%s: line %zu: %s", reader->name, reader->line, text);
}

int reader_failure(Reader *reader, int code)
{
    return error_errno(reader->err, code, "%s: line %zu", reader->name, reader->line);
}

/* ---- values --------------------------------------------------------------------------------- */

/* VALUE's text, decoded: borrowed from VALUE, or from the recording if it had escapes. */
int reader_text(Reader *reader, const json_t *value, const char *key, const char **ret_text)
{
    const char *text = json_string_value(value);

    if (!text)
        return reader_error(reader, "\"%s\" is not a string", key);
    if (json_string_length(value) > RECORDING_STRING_MAX * 4)
        return reader_error(reader, "\"%s\" is too long", key);
    if (strchr(text, '\\')) {
        CLEANUP(free_pointer) char *copy = strdup(text);
        if (!copy)
            return reader_failure(reader, -ENOMEM);
        if (unescape_in_place(copy) < 0)
            return reader_error(reader, "\"%s\" has a backslash that begins no \\xHH", key);
        text = strset_add(reader->recording->strings, copy);
        if (!text)
            return reader_failure(reader, -ENOMEM);
    }
    if (strlen(text) > RECORDING_STRING_MAX)
        return reader_error(reader, "\"%s\" is too long", key);
    *ret_text = text;
    return 0;
}

/* As reader_text() of OBJECT's KEY; NULL if that is not there. */
int reader_get_text(Reader *reader, const json_t *object, const char *key, const char **ret_text)
{
    const json_t *value = json_object_get(object, key);

    *ret_text = NULL;
    return value ? reader_text(reader, value, key, ret_text) : 0;
}

/* A number that is not negative; *RET_NUMBER is untouched if the key is not there. */
int reader_get_count(Reader *reader, const json_t *object, const char *key, uint64_t *ret_number)
{
    const json_t *value = json_object_get(object, key);

    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return reader_error(reader, "\"%s\" is not a whole number from 0 up", key);
    *ret_number = (uint64_t)json_integer_value(value);
    return 0;
}

int reader_get_flag(Reader *reader, const json_t *object, const char *key, bool *ret_flag)
{
    const json_t *value = json_object_get(object, key);

    if (!value)
        return 0;
    if (!json_is_boolean(value))
        return reader_error(reader, "\"%s\" is neither true nor false", key);
    *ret_flag = json_is_true(value);
    return 0;
}

/* The array OBJECT has at KEY, or NULL. */
int reader_get_array(Reader *reader, const json_t *object, const char *key, json_t **ret_array)
{
    json_t *value = json_object_get(object, key);

    *ret_array = NULL;
    if (value && !json_is_array(value))
        return reader_error(reader, "\"%s\" is not an array", key);
    *ret_array = value;
    return 0;
}
