/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_deinit(Buffer *buffer)
{
    free(buffer->data);
    *buffer = BUFFER_INIT;
}

void buffer_clear(Buffer *buffer)
{
    buffer->length = 0;
    buffer->error = 0;
    if (buffer->data)
        buffer->data[0] = '\0';
}

static int reserve(Buffer *buffer, size_t extra)
{
    size_t needed;

    if (buffer->error)
        return buffer->error;
    if (__builtin_add_overflow(buffer->length, extra, &needed) ||
        __builtin_add_overflow(needed, 1, &needed))
        return buffer->error = -ENOMEM;
    if (needed <= buffer->capacity)
        return 0;
    size_t capacity = buffer->capacity ? buffer->capacity : 64;
    while (capacity < needed) {
        if (__builtin_mul_overflow(capacity, 2, &capacity))
            return buffer->error = -ENOMEM;
    }
    char *grown = realloc(buffer->data, capacity);
    if (!grown)
        return buffer->error = -ENOMEM;
    buffer->data = grown;
    buffer->capacity = capacity;
    return 0;
}

int buffer_append(Buffer *buffer, const void *bytes, size_t length)
{
    const int r = reserve(buffer, length);

    if (r < 0)
        return r;
    if (length > 0)
        memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
    return 0;
}

int buffer_puts(Buffer *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}

int buffer_putc(Buffer *buffer, char c)
{
    return buffer_append(buffer, &c, 1);
}

int buffer_printf(Buffer *buffer, const char *format, ...)
{
    va_list args;
    va_list again;

    va_start(args, format);
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    int r = length < 0 ? -EINVAL : reserve(buffer, (size_t)length);
    if (r == 0) {
        (void)vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    } else if (!buffer->error) {
        buffer->error = r;
    }
    va_end(again);
    return r;
}

const char *buffer_text(const Buffer *buffer)
{
    return buffer->data ? buffer->data : "";
}

char *buffer_steal(Buffer *buffer)
{
    if (buffer_append(buffer, "", 0) < 0)
        return NULL;
    char *data = buffer->data;
    *buffer = BUFFER_INIT;
    return data;
}
