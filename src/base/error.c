/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* 0 is a mistake of the caller; an error it is all the same. */
static int negative(int code)
{
    if (code == 0)
        return -EIO;
    return code > 0 ? -code : code;
}

int(error_set)(Error *err, int code, const char *format, ...)
{
    if (err) {
        va_list args;
        err->code = negative(code);
        va_start(args, format);
        (void)vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return negative(code);
}

int(error_errno)(Error *err, int code, const char *format, ...)
{
    code = negative(code);
    if (err) {
        va_list args;
        err->code = code;
        va_start(args, format);
        (void)vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        const size_t used = strlen(err->text);
        (void)snprintf(err->text + used, sizeof err->text - used, ": %s", strerror(-code));
    }
    return code;
}

void error_prefix(Error *err, const char *format, ...)
{
    char prefix[ERROR_TEXT_MAX];
    char rest[ERROR_TEXT_MAX];
    va_list args;

    if (!err)
        return;
    va_start(args, format);
    (void)vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    memcpy(rest, err->text, sizeof rest);
    /* A text that is too long is cut, which is what is wanted. */
    if (snprintf(err->text, sizeof err->text, "%s: %s", prefix, rest) < 0)
        err->text[0] = '\0';
}

const char *errno_name(int n)
{
    return n > 0 ? strerrorname_np(n) : NULL;
}

int errno_from_name(const char *name)
{
    /* 133 (EHWPOISON) is the last errno of every architecture but mips, sparc and alpha. */
    for (int n = 1; n <= 133; n++) {
        const char *known = strerrorname_np(n);
        if (known && strcmp(known, name) == 0)
            return n;
    }
    return -1;
}
