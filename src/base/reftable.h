/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding things by their hash: a table of references (base/arena.h or the like, never 0) with 32
 * bits of the hash beside each, so that few others are looked at and growing looks at none.
 *
 *     size_t at = REFTABLE_BEGIN;
 *     while ((ref = reftable_next(&table, hash, &at)) != 0)
 *         if (is_equal(ref, key)) …
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct RefTable {
    uint64_t *slots; /* hash << 32 | reference; 0 empty. Open addressing, at most 3/4 full */
    size_t capacity; /* 0 or a power of two */
    size_t count;
} RefTable;

#define REFTABLE_INIT  ((RefTable){0})
#define REFTABLE_BEGIN SIZE_MAX

void reftable_deinit(RefTable *table);

/* Makes room for one more. 0 or -ENOMEM. */
int reftable_reserve(RefTable *table);

/* Adds REF; there is room, and nothing equal is in the table. */
void reftable_insert(RefTable *table, uint64_t hash, uint32_t ref);

/* The next reference of that hash behind *AT, 0 if there is none. */
static inline uint32_t reftable_next(const RefTable *table, uint64_t hash, size_t *at)
{
    const uint32_t tag = (uint32_t)hash;

    if (table->capacity == 0)
        return 0;
    const size_t mask = table->capacity - 1;
    size_t i = (*at == REFTABLE_BEGIN ? tag : *at + 1) & mask;
    while (table->slots[i] != 0 && (uint32_t)(table->slots[i] >> 32) != tag)
        i = (i + 1) & mask;
    *at = i;
    return (uint32_t)table->slots[i];
}
