/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of strings, each kept once at a stable address: equal strings have equal pointers.
 * The set owns the strings; they live until strset_free().
 */
#pragma once

#include <stddef.h>

typedef struct StringSet StringSet;

StringSet *strset_new(void);
StringSet *strset_free(StringSet *set);

/* The set's own copy of TEXT (bytes without NUL), added if new. NULL without memory. */
const char *strset_add(StringSet *set, const char *text);
const char *strset_add_bytes(StringSet *set, const char *bytes, size_t length);

/* The set's own copy, or NULL if TEXT is not in it. */
const char *strset_find(const StringSet *set, const char *text);

size_t strset_count(const StringSet *set);
