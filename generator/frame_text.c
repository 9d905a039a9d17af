/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame is "MODULE+0xADDRESS [BUILD-ID] SYMBOL+0xOFFSET (FILE:LINE)", where all behind the
 * address may be missing, "MODULE+0xADDRESS inlined SYMBOL (FILE:LINE)", or "[WORD] NAME". Symbols
 * of C++ may have blanks and parentheses ("operator()<int, int>", where debug information has no
 * other name), and so may names of files: behind an offset all is the line, else the line is what
 * begins last.
 */
#include "generator/frame_text.h"

#include <string.h>

/* "+0x" and hexadecimal digits up to a blank or the end, from AT on. */
static Span find_address(const char *at, const char *end)
{
    for (; end - at > 3; at++) {
        if (strncmp(at, "+0x", 3) != 0)
            continue;
        const size_t digits = strspn(at + 3, "0123456789abcdef");
        if (digits > 0 && (at + 3 + digits >= end || at[3 + digits] == ' '))
            return (Span){at, 3 + digits};
    }
    return (Span){end, 0};
}

/* Does "(FILE:LINE)" end here? */
static bool ends_with_line(const char *at, const char *end)
{
    const char *digit = end - 1;

    if (end - at < 4 || *digit != ')')
        return false;
    while (digit > at && digit[-1] >= '0' && digit[-1] <= '9')
        digit--;
    return digit < end - 1 && digit > at && digit[-1] == ':';
}

/* What of AT up to END is a line, behind a symbol without offset. */
static Span find_line(const char *at, const char *end)
{
    if (!ends_with_line(at, end))
        return (Span){end, 0};
    for (const char *line = end - 1; line >= at; line--) {
        if (*line == '(' && line[-1] == ' ') /* AT is behind the address */
            return (Span){line, (size_t)(end - line)};
    }
    return (Span){end, 0};
}

static const char *skip_build_id(const char *at, const char *end)
{
    if (at == end || *at != '[')
        return at;
    while (at < end && *at != ']')
        at++;
    at += at < end;
    return at + (at < end);
}

Frame frame_parse(const char *text, size_t length)
{
    static const char inlined[] = "inlined ";
    const char *end = text + length;
    Frame frame = {.address = find_address(text, end)};

    frame.module = (Span){text, (size_t)(frame.address.at - text)};
    const char *at = frame.address.at + frame.address.length;
    at += at < end;
    at = skip_build_id(at, end);
    if ((size_t)(end - at) > sizeof inlined && strncmp(at, inlined, sizeof inlined - 1) == 0) {
        frame.inlined = true;
        at += sizeof inlined - 1;
    }
    const Span offset = find_address(at, end);
    const char *behind = offset.at + offset.length;
    if (!frame.inlined && offset.length > 0 && behind < end && behind[1] == '(' &&
        ends_with_line(behind + 1, end)) {
        frame.line = (Span){behind + 1, (size_t)(end - behind - 1)};
    } else {
        frame.line = find_line(at, end);
    }
    const char *symbol_end = frame.line.at;
    while (symbol_end > at && symbol_end[-1] == ' ')
        symbol_end--;
    if (!frame.inlined && offset.length > 0 && offset.at < symbol_end)
        symbol_end = offset.at;
    frame.symbol = (Span){at, (size_t)(symbol_end - at)};
    return frame;
}
