/* SPDX-License-Identifier: Apache-2.0 */
/* Something larger than a page gets several, which are one allocation. */
#include "base/arena.h"

#include "base/memory.h"

#define PAGE_SIZE ((size_t)1 << ARENA_PAGE_BITS)

void arena_deinit(Arena *arena)
{
    for (size_t i = 0; i < arena->pages_count; i++) {
        if (arena->pages[i].begins)
            free(arena->pages[i].bytes);
    }
    free(arena->pages);
    *arena = ARENA_INIT(arena->shift);
}

static int add_pages(Arena *arena, size_t count)
{
    while (arena->pages_capacity - arena->pages_count < count) {
        const int r = array_reserve(&arena->pages, &arena->pages_capacity, arena->pages_capacity,
                                    sizeof *arena->pages);
        if (r < 0)
            return r;
    }
    char *bytes = malloc(count * PAGE_SIZE);
    if (!bytes)
        return -1;
    for (size_t i = 0; i < count; i++)
        arena->pages[arena->pages_count++] = (ArenaPage){bytes + i * PAGE_SIZE, i == 0};
    return 0;
}

void *arena_take(Arena *arena, size_t size, uint32_t *ret_ref)
{
    const uint64_t grain = (uint64_t)1 << arena->shift;
    const uint64_t end = (uint64_t)arena->pages_count * PAGE_SIZE;
    uint64_t place = arena->used;

    if (size > SIZE_MAX / 4)
        return NULL;
    size = size == 0 ? grain : (size + grain - 1) & ~(size_t)(grain - 1);
    if (end - place < size) {
        /* no reference is 0 */
        place = end > 0 ? end : grain;
        const uint64_t last = place + size - 1;
        if (last >> arena->shift > UINT32_MAX ||
            add_pages(arena, (size_t)(last / PAGE_SIZE) + 1 - arena->pages_count) < 0)
            return NULL;
    }
    arena->used = place + size;
    *ret_ref = (uint32_t)(place >> arena->shift);
    return arena_at(arena, *ret_ref);
}

size_t arena_memory(const Arena *arena)
{
    return arena->pages_count * PAGE_SIZE + arena->pages_capacity * sizeof *arena->pages;
}
