/* SPDX-License-Identifier: Apache-2.0 */
/* Each piece is in the arena behind a word with its length. */
#include "base/blobset.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/reftable.h"

struct BlobSet {
    HashKey key;
    Arena arena;
    RefTable table;
};

BlobSet *blobset_new(void)
{
    BlobSet *set = malloc(sizeof *set);

    if (!set)
        return NULL;
    *set = (BlobSet){.arena = ARENA_INIT(3), .table = REFTABLE_INIT};
    hash_key_init(&set->key);
    return set;
}

BlobSet *blobset_free(BlobSet *set)
{
    if (!set)
        return NULL;
    arena_deinit(&set->arena);
    reftable_deinit(&set->table);
    free(set);
    return NULL;
}

const void *blobset_at(const BlobSet *set, uint32_t ref, size_t *ret_length)
{
    const uint64_t *place = arena_at(&set->arena, ref);

    *ret_length = (size_t)place[0];
    return place + 1;
}

static uint32_t find(const BlobSet *set, uint64_t hash, const void *bytes, size_t length)
{
    size_t at = REFTABLE_BEGIN;
    size_t known;
    uint32_t ref;

    while ((ref = reftable_next(&set->table, hash, &at)) != 0) {
        const void *piece = blobset_at(set, ref, &known);
        if (known == length && memcmp(piece, bytes, length) == 0)
            break;
    }
    return ref;
}

uint32_t blobset_add(BlobSet *set, const void *bytes, size_t length)
{
    const uint64_t hash = hash_bytes(&set->key, bytes, length);
    uint32_t ref = find(set, hash, bytes, length);

    if (ref != 0)
        return ref;
    if (length > UINT32_MAX || reftable_reserve(&set->table) < 0)
        return 0;
    uint64_t *place = arena_take(&set->arena, sizeof *place + length, &ref);
    if (!place)
        return 0;
    place[0] = length;
    memcpy(place + 1, bytes, length);
    reftable_insert(&set->table, hash, ref);
    return ref;
}

uint32_t blobset_find(const BlobSet *set, const void *bytes, size_t length)
{
    return find(set, hash_bytes(&set->key, bytes, length), bytes, length);
}

size_t blobset_memory(const BlobSet *set)
{
    return sizeof *set + arena_memory(&set->arena) + set->table.capacity * sizeof(uint64_t);
}
