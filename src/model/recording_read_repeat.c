/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that opens ten thousand files of a folder gives ten thousand lines that differ in the
 * name only, and taking JSON apart is most of the work of reading. So lines are remembered by
 *
 *     {"kind":"file","name":"…"  and  ,"access":["read"],… to the end
 *
 * with the fact that they made. A line of the same two parts, and between them a name without
 * anything that JSON or our escapes would have changed, can only mean the same fact of that name.
 */
#include "base/memory.h"
#include "model/recording_reader.h"

enum { REPEATS = 4096, REPEAT_MAX = 4096 };

typedef struct Repeat {
    uint64_t hash;
    char *tail;
    uint32_t tail_length;
    FactKind kind;
    StoredFact fact;
} Repeat;

struct RepeatCache {
    HashKey key;
    Repeat repeats[REPEATS]; /* by hash; the later one wins */
};

typedef struct Parts {
    FactKind kind;
    const char *name;
    size_t name_length;
    const char *tail;
    size_t tail_length;
} Parts;

RepeatCache *repeat_cache_free(RepeatCache *cache)
{
    for (size_t i = 0; cache && i < REPEATS; i++)
        free(cache->repeats[i].tail);
    free(cache);
    return NULL;
}

static bool skip(const char **at, const char *end, const char *text)
{
    const size_t length = strlen(text);

    if ((size_t)(end - *at) < length || memcmp(*at, text, length) != 0)
        return false;
    *at += length;
    return true;
}

/* The kind at *AT, -1 for what is none or goes on. */
static int skip_kind(const char **at, const char *end)
{
    for (int kind = 0; kind < FACT_KIND_COUNT; kind++) {
        const char *after = *at;
        if (skip(&after, end, fact_kind_name((FactKind)kind)) && after < end && *after == '"') {
            *at = after;
            return kind;
        }
    }
    return -1;
}

static bool take_apart(const char *line, size_t length, Parts *parts)
{
    const char *end = line + length;
    const char *at = line;

    if (!skip(&at, end, "{\"kind\":\""))
        return false;
    const int kind = skip_kind(&at, end);
    if (kind < 0 || !skip(&at, end, "\",\"name\":\""))
        return false;
    parts->kind = (FactKind)kind;
    parts->name = at;
    while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at <= 0x7e && *at != '\\' &&
           *at != '"')
        at++;
    if (at == end || *at != '"')
        return false;
    parts->name_length = (size_t)(at - parts->name);
    parts->tail = at;
    parts->tail_length = (size_t)(end - at);
    return parts->name_length <= RECORDING_STRING_MAX && parts->tail_length <= REPEAT_MAX;
}

int repeat_fact(Reader *reader, const char *line, size_t length)
{
    const RepeatCache *cache = reader->repeats;
    Parts parts;

    if (!cache || !take_apart(line, length, &parts))
        return 0;
    const uint64_t hash = hash_bytes(&cache->key, parts.tail, parts.tail_length);
    const Repeat *repeat = &cache->repeats[hash % REPEATS];
    if (!repeat->tail || repeat->hash != hash || repeat->kind != parts.kind ||
        repeat->tail_length != parts.tail_length ||
        memcmp(repeat->tail, parts.tail, parts.tail_length) != 0)
        return 0;
    return recording_put_like(reader->recording, &repeat->fact, parts.name, parts.name_length);
}

void repeat_remember(Reader *reader, const char *line, size_t length, const StoredFact *fact)
{
    Parts parts;

    if (fact->more != 0 || !take_apart(line, length, &parts))
        return;
    if (!reader->repeats) {
        reader->repeats = calloc(1, sizeof *reader->repeats);
        if (!reader->repeats) /* slower, no worse */
            return;
        hash_key_init(&reader->repeats->key);
    }
    const uint64_t hash = hash_bytes(&reader->repeats->key, parts.tail, parts.tail_length);
    Repeat *repeat = &reader->repeats->repeats[hash % REPEATS];
    char *tail = realloc(repeat->tail, parts.tail_length);
    if (!tail)
        return;
    memcpy(tail, parts.tail, parts.tail_length);
    *repeat = (Repeat){hash, tail, (uint32_t)parts.tail_length, parts.kind, *fact};
}
