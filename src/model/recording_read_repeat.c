/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that opens ten thousand files of a folder gives ten thousand lines that differ in the
 * name and the count only, and taking JSON apart is most of the work of reading. So lines are
 * remembered by
 *
 *     {"kind":"file","name":"…"  and  ,"access":["read"],…"count":12,… to the end
 *
 * with the fact that they made. A line of the same parts, and between them a name without anything
 * that JSON or our escapes would have changed, and a plain number, can only mean the same fact of
 * that name and that count.
 */
#include "base/memory.h"
#include "model/recording_reader.h"

enum { REPEATS = 4096, REPEAT_MAX = 4096, RECENT = 4, DIGITS_MAX = 15 };

typedef struct Repeat {
    uint64_t hash;
    char *tail;           /* without the count's digits */
    uint32_t before;      /* bytes of it before the digits, … */
    uint32_t tail_length; /* … and in all */
    FactKind kind;
    StoredFact fact;
} Repeat;

struct RepeatCache {
    HashKey key;
    Repeat repeats[REPEATS]; /* by hash; the later one wins */
    Repeat *recent[RECENT];  /* found last: looked at before anything is hashed */
    size_t next_recent;
};

typedef struct Parts {
    FactKind kind;
    const char *name;
    size_t name_length;
    const char *tail;
    size_t tail_length;
} Parts;

/* A tail with the digits of its count, if it has them, between two parts. */
typedef struct Tail {
    size_t before; /* bytes before the digits */
    size_t digits;
    uint64_t count;
} Tail;

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

static void skip_blanks(const char **at, const char *end)
{
    while (*at < end && **at == ' ')
        (*at)++;
}

/* Skips TEXT, before which blanks may stand. */
static bool skip_token(const char **at, const char *end, const char *text)
{
    skip_blanks(at, end);
    return skip(at, end, text);
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

    if (!skip_token(&at, end, "{") || !skip_token(&at, end, "\"kind\"") ||
        !skip_token(&at, end, ":") || !skip_token(&at, end, "\""))
        return false;
    const int kind = skip_kind(&at, end);
    if (kind < 0 || !skip(&at, end, "\"") || !skip_token(&at, end, ",") ||
        !skip_token(&at, end, "\"name\"") || !skip_token(&at, end, ":") ||
        !skip_token(&at, end, "\""))
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

/* The number at AT. Digits after DIGITS_MAX, which a count may have, are for JSON's own reader. */
static size_t read_digits(const char *at, const char *end, uint64_t *ret_count)
{
    size_t digits = 0;
    uint64_t count = 0;

    while (digits < DIGITS_MAX && at + digits < end && at[digits] >= '0' && at[digits] <= '9')
        count = count * 10 + (uint64_t)(at[digits++] - '0');
    if (digits > 1 && at[0] == '0')
        return 0;
    *ret_count = count;
    return digits;
}

/*
 * Where the count is in a tail: behind the first key of that name. Within a text its quotes would
 * have backslashes; whether it is one of the line's own keys or of an object within, those who
 * remember have to see. Of several runs each has a count of its own, elsewhere.
 */
static Tail find_count(const Reader *reader, const char *tail, size_t length)
{
    static const char key[] = "\"count\"";
    const char *end = tail + length;
    const char *at = memmem(tail, length, key, sizeof key - 1);
    Tail parts = {.before = length};

    if (!at || reader->recording->runs_count != 1)
        return parts;
    at += sizeof key - 1;
    if (!skip_token(&at, end, ":"))
        return parts;
    skip_blanks(&at, end);
    parts.digits = read_digits(at, end, &parts.count);
    parts.before = parts.digits ? (size_t)(at - tail) : length;
    return parts;
}

static uint64_t hash_tail(const RepeatCache *cache, const char *tail, size_t length,
                          const Tail *parts)
{
    const size_t after = parts->before + parts->digits;

    return hash_u64(hash_bytes(&cache->key, tail, parts->before),
                    hash_bytes(&cache->key, tail + after, length - after));
}

/* PARTS are those of REPEAT, but maybe for the count, which is put into *COUNT if there is one. */
static bool is_repeat(const Repeat *repeat, const Parts *parts, uint64_t *count)
{
    size_t digits = 0;

    if (!repeat->tail || repeat->kind != parts->kind || parts->tail_length < repeat->tail_length ||
        memcmp(repeat->tail, parts->tail, repeat->before) != 0)
        return false;
    if (repeat->before < repeat->tail_length) {
        digits = read_digits(parts->tail + repeat->before, parts->tail + parts->tail_length, count);
        if (digits == 0)
            return false;
    }
    return parts->tail_length == repeat->tail_length + digits &&
           memcmp(repeat->tail + repeat->before, parts->tail + repeat->before + digits,
                  repeat->tail_length - repeat->before) == 0;
}

static const Repeat *find_repeat(const Reader *reader, const Parts *parts, uint64_t *count)
{
    RepeatCache *cache = reader->repeats;

    for (size_t i = 0; i < RECENT; i++) {
        if (cache->recent[i] && is_repeat(cache->recent[i], parts, count))
            return cache->recent[i];
    }
    const Tail tail = find_count(reader, parts->tail, parts->tail_length);
    const uint64_t hash = hash_tail(cache, parts->tail, parts->tail_length, &tail);
    Repeat *repeat = &cache->repeats[hash % REPEATS];
    if (repeat->hash != hash || !is_repeat(repeat, parts, count))
        return NULL;
    cache->recent[cache->next_recent++ % RECENT] = repeat;
    return repeat;
}

int repeat_fact(Reader *reader, const char *line, size_t length)
{
    Parts parts;

    if (!reader->repeats || !take_apart(line, length, &parts))
        return 0;
    uint64_t count = 0;
    const Repeat *repeat = find_repeat(reader, &parts, &count);
    if (!repeat)
        return 0;
    StoredFact like = repeat->fact;
    if (repeat->before < repeat->tail_length)
        like.count = count;
    return recording_put_like(reader->recording, &like, parts.name, parts.name_length);
}

/* The byte at AT of LINE, which is good JSON, is in the line's own object and not in one within. */
static bool is_outermost(const char *line, const char *at)
{
    unsigned depth = 0;
    bool text = false;

    for (const char *c = line; c < at; c++) {
        if (*c == '\\')
            c++;
        else if (*c == '"')
            text = !text;
        else if (!text && (*c == '{' || *c == '['))
            depth++;
        else if (!text && (*c == '}' || *c == ']'))
            depth--;
    }
    return depth == 1 && !text;
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
    const Tail tail = find_count(reader, parts.tail, parts.tail_length);
    if (tail.digits > 0 &&
        (memmem(parts.tail, parts.tail_length, "\"runs\"", 6) || fact->run == STORED_NO_RUN ||
         fact->count != tail.count || !is_outermost(line, parts.tail + tail.before)))
        return;
    const uint64_t hash = hash_tail(reader->repeats, parts.tail, parts.tail_length, &tail);
    Repeat *repeat = &reader->repeats->repeats[hash % REPEATS];
    const size_t after = tail.before + tail.digits;
    char *kept = realloc(repeat->tail, parts.tail_length);
    if (!kept)
        return;
    memcpy(kept, parts.tail, tail.before);
    memcpy(kept + tail.before, parts.tail + after, parts.tail_length - after);
    *repeat = (Repeat){.hash = hash,
                       .tail = kept,
                       .before = (uint32_t)tail.before,
                       .tail_length = (uint32_t)(parts.tail_length - tail.digits),
                       .kind = parts.kind,
                       .fact = *fact};
}
