/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML 1.0 as a flat list: each table, array and value in the order in which they are written. The
 * parser is toml++, which is C++; whittle may be built without it.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum TomlKind {
    TOML_TABLE,
    TOML_ARRAY, /* its elements follow, with the same path */
    TOML_STRING,
    TOML_BOOLEAN,
    TOML_OTHER, /* a number, a date */
} TomlKind;

/* Lent for the call it is told in. */
typedef struct TomlItem {
    TomlKind kind;
    bool element;     /* of an array */
    const char *path; /* "Network.Raw": keys with dots between */
    const char *text; /* TOML_STRING; has no NUL in it */
    bool boolean;     /* TOML_BOOLEAN */
    unsigned line;
    unsigned column;
} TomlItem;

/* A negative errno ends the reading. */
typedef int TomlSink(void *context, const TomlItem *item, Error *err);

/*
 * Tells SINK of every item of the LENGTH bytes of TEXT. 0, what SINK gave, -EINVAL with ERR
 * "NAME:LINE:COLUMN: what"; -ENOTSUP where whittle is built without TOML.
 */
int toml_read(const char *name, const char *text, size_t length, TomlSink *sink, void *context,
              Error *err);

#ifdef __cplusplus
}
#endif
