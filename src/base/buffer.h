/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer, always NUL-terminated behind its length so that it can be read as text. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

typedef struct Buffer {
    char *data; /* NULL while nothing was ever appended */
    size_t length;
    size_t capacity;
    int error; /* first failure, -ENOMEM; sticky, so that a run of appends needs one check */
} Buffer;

#define BUFFER_INIT ((Buffer){0})

void buffer_deinit(Buffer *buffer);

/* Forgets the content and the error, keeps the memory. */
void buffer_clear(Buffer *buffer);

/* All return 0 or the sticky negative errno; a failed append leaves the content as it was. */
int buffer_append(Buffer *buffer, const void *bytes, size_t length);
int buffer_puts(Buffer *buffer, const char *text);
int buffer_putc(Buffer *buffer, char c);
int buffer_printf(Buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text so far, "" when empty. Borrowed: valid until the next change. */
const char *buffer_text(const Buffer *buffer);

/* Hands the content to the caller, who frees it; the buffer is empty after. NULL on a sticky error
 * or without memory; an empty buffer gives "". */
char *buffer_steal(Buffer *buffer);
