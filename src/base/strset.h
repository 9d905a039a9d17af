/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of strings, each kept once at a stable address: equal strings have equal pointers, and
 * equal references of 32 bits for those who keep very many. The set owns the strings; they live
 * until strset_free(). All of them together have 4 GiB at most.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct StringSet StringSet;

StringSet *strset_new(void);
StringSet *strset_free(StringSet *set);
void strset_cleanup(StringSet **set); /* for CLEANUP() */

/* The set's own copy of TEXT (bytes without NUL), added if new. NULL without memory. */
const char *strset_add(StringSet *set, const char *text);
const char *strset_add_bytes(StringSet *set, const char *bytes, size_t length);

/* The set's own copy, or NULL if TEXT is not in it. */
const char *strset_find(const StringSet *set, const char *text);

size_t strset_count(const StringSet *set);

/* The same by reference, where 0 stands for NULL. */
uint32_t strset_add_ref(StringSet *set, const char *bytes, size_t length);
uint32_t strset_find_ref(const StringSet *set, const char *text);
const char *strset_text(const StringSet *set, uint32_t ref);

/* Bytes that it holds. */
size_t strset_memory(const StringSet *set);
