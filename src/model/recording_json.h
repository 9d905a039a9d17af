/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces of JSON that recordings are printed of: compact, without a blank. Texts are escaped by
 * base/escape.h first (they are bytes), and the result by JSON's rules. For recording_print*.c;
 * inline, since a million facts go through here. Errors stay in the buffer (Buffer.error).
 */
#pragma once

#include "base/escape.h"
#include "base/memory.h"
#include "model/recording_internal.h"

#include <errno.h>

static inline bool is_plain(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
            return false;
    }
    return true;
}

static inline void put_text(Buffer *out, const char *text)
{
    const size_t length = strlen(text);

    (void)buffer_putc(out, '"');
    if (is_plain(text, length)) {
        (void)buffer_append(out, text, length);
    } else {
        CLEANUP(buffer_deinit) Buffer escaped = BUFFER_INIT;
        if (escape_append(&escaped, text, length) < 0)
            out->error = -ENOMEM;
        for (size_t i = 0; i < escaped.length; i++) {
            if (escaped.data[i] == '"' || escaped.data[i] == '\\')
                (void)buffer_putc(out, '\\');
            (void)buffer_putc(out, escaped.data[i]);
        }
    }
    (void)buffer_putc(out, '"');
}

/* ,"KEY": */
static inline void put_key(Buffer *out, const char *key)
{
    (void)buffer_puts(out, ",\"");
    (void)buffer_puts(out, key);
    (void)buffer_puts(out, "\":");
}

static inline void put_key_text(Buffer *out, const char *key, const char *text)
{
    if (!text)
        return;
    put_key(out, key);
    put_text(out, text);
}

static inline void put_u64(Buffer *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    (void)buffer_append(out, digits + at, sizeof digits - at);
}

static inline void put_i64(Buffer *out, int64_t value)
{
    if (value < 0)
        (void)buffer_putc(out, '-');
    put_u64(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

static inline void put_bool(Buffer *out, bool value)
{
    (void)buffer_puts(out, value ? "true" : "false");
}

static inline void put_texts(Buffer *out, const char *key, const char *const *texts, size_t count)
{
    if (count == 0)
        return;
    put_key(out, key);
    for (size_t i = 0; i < count; i++) {
        (void)buffer_putc(out, i > 0 ? ',' : '[');
        put_text(out, texts[i]);
    }
    (void)buffer_putc(out, ']');
}

/* Ends the line that began at START; a line that no reader would take is not written. */
static inline int put_line_end(Buffer *out, size_t start)
{
    (void)buffer_putc(out, '\n');
    if (out->error)
        return out->error;
    if (out->length - start <= RECORDING_LINE_MAX)
        return 0;
    out->length = start;
    out->data[start] = '\0';
    return -EMSGSIZE;
}
