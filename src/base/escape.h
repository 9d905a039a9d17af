/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as text. A path is bytes; JSON and YAML want UTF-8. Valid UTF-8 stands for itself; every
 * byte of an invalid sequence, every control character (0x00-0x1f, 0x7f) and the backslash itself
 * is written \xHH with two lower-case hexadecimal digits. The text is unambiguous both ways.
 */
#pragma once

#include "base/buffer.h"

/* Appends the escaped form of LENGTH bytes. */
int escape_append(Buffer *out, const char *bytes, size_t length);

/* Decodes TEXT in place; returns the length, or -EINVAL (TEXT is then unspecified) where a
 * backslash does not begin \xHH or stands for a NUL. */
long unescape_in_place(char *text);
