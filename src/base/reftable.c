/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reftable.h"

#include <errno.h>
#include <stdlib.h>

enum { CAPACITY_MIN = 64 };

void reftable_deinit(RefTable *table)
{
    free(table->slots);
    *table = REFTABLE_INIT;
}

static void put(uint64_t *slots, size_t capacity, uint64_t entry)
{
    size_t i = (size_t)(entry >> 32) & (capacity - 1);

    while (slots[i] != 0)
        i = (i + 1) & (capacity - 1);
    slots[i] = entry;
}

int reftable_reserve(RefTable *table)
{
    if (table->count < table->capacity / 4 * 3)
        return 0;
    if (table->capacity > UINT32_MAX)
        return -ENOMEM;
    const size_t capacity = table->capacity > 0 ? table->capacity * 2 : CAPACITY_MIN;
    uint64_t *slots = calloc(capacity, sizeof *slots);
    if (!slots)
        return -ENOMEM;
    for (size_t i = 0; i < table->capacity; i++) {
        if (table->slots[i] != 0)
            put(slots, capacity, table->slots[i]);
    }
    free(table->slots);
    table->slots = slots;
    table->capacity = capacity;
    return 0;
}

void reftable_insert(RefTable *table, uint64_t hash, uint32_t ref)
{
    put(table->slots, table->capacity, (uint64_t)(uint32_t)hash << 32 | ref);
    table->count++;
}
