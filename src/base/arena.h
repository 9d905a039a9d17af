/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for very many small things that live equally long: taken one behind the other from pages
 * that never move, and named by references of 32 bits instead of pointers of 64.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ArenaPage {
    char *bytes;
    bool begins; /* an allocation of malloc(); else inside the one before it */
} ArenaPage;

typedef struct Arena {
    ArenaPage *pages;
    size_t pages_count;
    size_t pages_capacity;
    uint64_t used;
    unsigned shift; /* everything begins at, and references count, multiples of 1 << shift bytes */
} Arena;

/* SHIFT 0: bytes, 4 GiB in all. 3: whatever holds pointers or 64-bit numbers, 32 GiB in all. */
#define ARENA_INIT(bits) ((Arena){.shift = (bits)})

void arena_deinit(Arena *arena);

/* SIZE bytes, not set to anything; NULL without memory or references left. *RET_REF gets their
 * reference, which is never 0. */
void *arena_take(Arena *arena, size_t size, uint32_t *ret_ref);

enum { ARENA_PAGE_BITS = 16 };

/* What REF names; it must come from arena_take() of this arena. */
static inline void *arena_at(const Arena *arena, uint32_t ref)
{
    const uint64_t offset = (uint64_t)ref << arena->shift;

    return arena->pages[offset >> ARENA_PAGE_BITS].bytes +
           (offset & (((uint64_t)1 << ARENA_PAGE_BITS) - 1));
}

/* Bytes that it holds. */
size_t arena_memory(const Arena *arena);
