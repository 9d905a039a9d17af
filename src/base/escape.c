/* SPDX-License-Identifier: Apache-2.0 */
#include "base/escape.h"

#include <errno.h>
#include <stdbool.h>

/* The length of the valid UTF-8 sequence at S (at most N bytes), 0 if there is none (RFC 3629). */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    static const struct {
        unsigned char first, last, second_min, second_max, length;
    } forms[] = {
        {0x20, 0x7e, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        if (s[0] < forms[f].first || s[0] > forms[f].last)
            continue;
        if (forms[f].length > n)
            return 0;
        if (forms[f].length > 1 && (s[1] < forms[f].second_min || s[1] > forms[f].second_max))
            return 0;
        for (size_t i = 2; i < forms[f].length; i++) {
            if ((s[i] & 0xc0) != 0x80)
                return 0;
        }
        return forms[f].length;
    }
    return 0;
}

int escape_append(Buffer *out, const char *bytes, size_t length)
{
    const unsigned char *s = (const unsigned char *)bytes;
    size_t i = 0;

    while (i < length) {
        size_t plain = i;
        size_t step;
        while (plain < length && s[plain] != '\\' &&
               (step = utf8_length(s + plain, length - plain)) > 0)
            plain += step;
        if (plain > i)
            (void)buffer_append(out, bytes + i, plain - i);
        i = plain;
        if (i < length)
            (void)buffer_printf(out, "\\x%02x", s[i++]);
    }
    return out->error;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

long unescape_in_place(char *text)
{
    char *out = text;

    for (const char *in = text; *in;) {
        if (*in != '\\') {
            *out++ = *in++;
            continue;
        }
        const int high = in[1] == 'x' ? hex_value(in[2]) : -1;
        const int low = high >= 0 ? hex_value(in[3]) : -1;
        if (low < 0 || (high == 0 && low == 0))
            return -EINVAL;
        *out++ = (char)(high << 4 | low);
        in += 4;
    }
    *out = '\0';
    return out - text;
}
