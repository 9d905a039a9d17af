/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of a thousand merged recordings most facts are told with the same words but for the name and the
 * count. So lines are remembered without those, by what the fact refers to, and the later one of
 * the same place wins.
 */
#include "base/memory.h"
#include "model/recording_internal.h"

enum { FRAME_BITS = 12, FRAME_MAX = 4096 };

typedef struct Frame {
    char *text; /* NULL: nothing here */
    uint32_t shape;
    uint32_t first;
    uint32_t results;
    uint32_t label;
    bool predicted;
    LineFrame parts;
} Frame;

struct FrameCache {
    Frame frames[1 << FRAME_BITS];
};

FrameCache *frame_cache_new(void)
{
    return calloc(1, sizeof(FrameCache));
}

void frame_cache_free(FrameCache **cache)
{
    for (size_t i = 0; *cache && i < ARRAY_LENGTH((*cache)->frames); i++)
        free((*cache)->frames[i].text);
    free(*cache);
    *cache = NULL;
}

/* One run and at most one label, so that nothing of it is elsewhere. */
static bool is_simple(const StoredFact *fact)
{
    return fact->more == 0 && fact->run < STORED_MANY_RUNS;
}

static Frame *place_of(FrameCache *cache, const StoredFact *fact)
{
    uint64_t hash = hash_u64(fact->shape, fact->first);

    hash = hash_u64(hash, (uint64_t)fact->results << 32 | fact->label);
    return &cache->frames[hash % ARRAY_LENGTH(cache->frames)];
}

const LineFrame *frame_find(FrameCache *cache, const StoredFact *fact)
{
    if (!cache || !is_simple(fact))
        return NULL;
    const Frame *frame = place_of(cache, fact);
    const bool same = frame->text && frame->shape == fact->shape && frame->first == fact->first &&
                      frame->results == fact->results && frame->label == fact->label &&
                      frame->predicted == fact->predicted;
    return same ? &frame->parts : NULL;
}

void frame_remember(FrameCache *cache, const StoredFact *fact, const char *line,
                    const LineSeams *seams)
{
    if (!cache || !is_simple(fact))
        return;
    const size_t head = seams->name - seams->begin;
    const size_t middle = seams->count - seams->values;
    const size_t tail = seams->runs - seams->rest;
    if (head + middle + tail > FRAME_MAX)
        return;
    Frame *frame = place_of(cache, fact);
    char *text = realloc(frame->text, head + middle + tail);
    if (!text) /* slower, no worse */
        return;
    memcpy(text, line, head);
    memcpy(text + head, line + (seams->values - seams->begin), middle);
    memcpy(text + head + middle, line + (seams->rest - seams->begin), tail);
    *frame = (Frame){.text = text,
                     .shape = fact->shape,
                     .first = fact->first,
                     .results = fact->results,
                     .label = fact->label,
                     .predicted = fact->predicted,
                     .parts = {.head = text,
                               .head_length = head,
                               .middle = text + head,
                               .middle_length = middle,
                               .tail = text + head + middle,
                               .tail_length = tail}};
}
