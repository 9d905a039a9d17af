/* SPDX-License-Identifier: Apache-2.0 */
/* The strings one behind the other in an arena, and a table that finds them. */
#include "base/strset.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/reftable.h"

struct StringSet {
    HashKey key;
    Arena bytes;
    RefTable table;
};

StringSet *strset_new(void)
{
    StringSet *set = malloc(sizeof *set);

    if (!set)
        return NULL;
    *set = (StringSet){.bytes = ARENA_INIT(0), .table = REFTABLE_INIT};
    hash_key_init(&set->key);
    return set;
}

StringSet *strset_free(StringSet *set)
{
    if (!set)
        return NULL;
    arena_deinit(&set->bytes);
    reftable_deinit(&set->table);
    free(set);
    return NULL;
}

void strset_cleanup(StringSet **set)
{
    *set = strset_free(*set);
}

static uint32_t find(const StringSet *set, uint64_t hash, const char *bytes, size_t length)
{
    size_t at = REFTABLE_BEGIN;
    uint32_t ref;

    while ((ref = reftable_next(&set->table, hash, &at)) != 0) {
        const char *text = arena_at(&set->bytes, ref);
        if (strncmp(text, bytes, length) == 0 && text[length] == '\0')
            break;
    }
    return ref;
}

uint32_t strset_add_ref(StringSet *set, const char *bytes, size_t length)
{
    const uint64_t hash = hash_bytes(&set->key, bytes, length);
    uint32_t ref = find(set, hash, bytes, length);

    if (ref != 0)
        return ref;
    if (length == SIZE_MAX || reftable_reserve(&set->table) < 0)
        return 0;
    char *copy = arena_take(&set->bytes, length + 1, &ref);
    if (!copy)
        return 0;
    memcpy(copy, bytes, length);
    copy[length] = '\0';
    reftable_insert(&set->table, hash, ref);
    return ref;
}

uint32_t strset_find_ref(const StringSet *set, const char *text)
{
    const size_t length = strlen(text);

    return find(set, hash_bytes(&set->key, text, length), text, length);
}

const char *strset_text(const StringSet *set, uint32_t ref)
{
    return ref != 0 ? arena_at(&set->bytes, ref) : NULL;
}

const char *strset_add_bytes(StringSet *set, const char *bytes, size_t length)
{
    return strset_text(set, strset_add_ref(set, bytes, length));
}

const char *strset_add(StringSet *set, const char *text)
{
    return strset_add_bytes(set, text, strlen(text));
}

const char *strset_find(const StringSet *set, const char *text)
{
    return strset_text(set, strset_find_ref(set, text));
}

size_t strset_count(const StringSet *set)
{
    return set->table.count;
}

size_t strset_memory(const StringSet *set)
{
    return sizeof *set + arena_memory(&set->bytes) + set->table.capacity * sizeof(uint64_t);
}
