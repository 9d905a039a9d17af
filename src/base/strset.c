/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing over pointers into chunks: 8 bytes of table and the bytes of the string each. */
#include "base/strset.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdint.h>

enum { CHUNK_SIZE = 64 * 1024 };

typedef struct Chunk Chunk;
struct Chunk {
    Chunk *next;
    size_t used;
    size_t size;
    char bytes[];
};

struct StringSet {
    const char **slots; /* capacity is a power of two, at most half full */
    size_t capacity;
    size_t count;
    Chunk *chunks;
};

StringSet *strset_new(void)
{
    StringSet *set = calloc(1, sizeof *set);

    if (!set)
        return NULL;
    set->capacity = 64;
    set->slots = calloc(set->capacity, sizeof *set->slots);
    if (!set->slots) {
        free(set);
        return NULL;
    }
    return set;
}

StringSet *strset_free(StringSet *set)
{
    if (!set)
        return NULL;
    while (set->chunks) {
        Chunk *next = set->chunks->next;
        free(set->chunks);
        set->chunks = next;
    }
    free(set->slots);
    free(set);
    return NULL;
}

static size_t slot_of(const StringSet *set, const char *bytes, size_t length)
{
    size_t i = hash_bytes(bytes, length) & (set->capacity - 1);

    while (set->slots[i] &&
           (strncmp(set->slots[i], bytes, length) != 0 || set->slots[i][length] != '\0'))
        i = (i + 1) & (set->capacity - 1);
    return i;
}

static int grow(StringSet *set)
{
    const char **old = set->slots;
    const size_t old_capacity = set->capacity;
    const char **slots = calloc(old_capacity * 2, sizeof *slots);

    if (!slots)
        return -1;
    set->slots = slots;
    set->capacity = old_capacity * 2;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i])
            set->slots[slot_of(set, old[i], strlen(old[i]))] = old[i];
    }
    free(old);
    return 0;
}

static char *chunk_take(StringSet *set, size_t size)
{
    if (!set->chunks || set->chunks->size - set->chunks->used < size) {
        const size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        Chunk *chunk = malloc(sizeof *chunk + room);
        if (!chunk)
            return NULL;
        *chunk = (Chunk){.next = set->chunks, .size = room};
        set->chunks = chunk;
    }
    char *place = set->chunks->bytes + set->chunks->used;
    set->chunks->used += size;
    return place;
}

const char *strset_add_bytes(StringSet *set, const char *bytes, size_t length)
{
    size_t i = slot_of(set, bytes, length);

    if (set->slots[i])
        return set->slots[i];
    if (set->count * 2 >= set->capacity) {
        if (grow(set) < 0)
            return NULL;
        i = slot_of(set, bytes, length);
    }
    char *copy = chunk_take(set, length + 1);
    if (!copy)
        return NULL;
    memcpy(copy, bytes, length);
    copy[length] = '\0';
    set->slots[i] = copy;
    set->count++;
    return copy;
}

const char *strset_add(StringSet *set, const char *text)
{
    return strset_add_bytes(set, text, strlen(text));
}

const char *strset_find(const StringSet *set, const char *text)
{
    return set->slots[slot_of(set, text, strlen(text))];
}

size_t strset_count(const StringSet *set)
{
    return set->count;
}
