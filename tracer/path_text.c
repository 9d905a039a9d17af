/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as text: taking them apart and putting them together, without looking at any file. */
#include "tracer/paths_private.h"

#include <stdio.h>
#include <string.h>

bool path_split_any(const char *raw, char *folder, char *last, size_t last_size)
{
    size_t end = strlen(raw);

    while (end > 1 && raw[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && raw[start - 1] != '/')
        start--;
    const size_t length = end - start;
    if (length == 0 || length >= last_size || start >= PATH_MAX)
        return false;
    memcpy(last, raw + start, length);
    last[length] = '\0';
    if (start == 0) {
        /* "." has no folder part of its own. */
        if (strcmp(last, ".") == 0)
            return false;
        folder[0] = '.';
        folder[1] = '\0';
    } else {
        memcpy(folder, raw, start);
        folder[start] = '\0';
    }
    return true;
}

bool path_split(const char *raw, char *folder, char *last, size_t last_size)
{
    return path_split_any(raw, folder, last, last_size) && strcmp(last, ".") != 0 &&
           strcmp(last, "..") != 0;
}

bool path_append(char *text, const char *last)
{
    const size_t length = strlen(text);
    const bool slash = length == 0 || text[length - 1] != '/';
    const size_t extra = strlen(last);

    if (length + extra + 1 >= PATH_MAX)
        return false;
    if (slash)
        text[length] = '/';
    memcpy(text + length + (slash ? 1 : 0), last, extra + 1);
    return true;
}

bool path_prepend(char *text, size_t size, const char *first)
{
    const size_t length = strlen(text);
    const size_t added = strlen(first);
    const size_t slash = length > 0 ? 1 : 0;

    if (added + slash + length >= size)
        return false;
    memmove(text + added + slash, text, length + 1);
    memcpy(text, first, added);
    if (slash)
        text[added] = '/';
    return true;
}

void path_simplify(char *text)
{
    char first[NAME_MAX + 1];
    char *out = text; /* end of what is kept */
    const char *in = text;
    bool leads_out = false;

    (void)snprintf(first, sizeof first, "%.*s", (int)strcspn(text, "/"), text);
    while (*in != '\0' && !leads_out) {
        const size_t length = strcspn(in, "/");
        const char *next = in + length + strspn(in + length, "/");
        if (length == 2 && in[0] == '.' && in[1] == '.') {
            leads_out = out == text;
            while (out > text && *--out != '/')
                ;
        } else if (length > 0 && !(length == 1 && in[0] == '.')) {
            if (out > text)
                *out++ = '/';
            memmove(out, in, length);
            out += length;
        }
        in = next;
    }
    *out = '\0';
    if (leads_out || out == text)
        memcpy(text, first, strlen(first) + 1);
}
