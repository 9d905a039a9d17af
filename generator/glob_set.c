/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about two patterns, each a search for the shortest path that answers it. */
#include "generator/glob_private.h"

#include "base/memory.h"

#include <errno.h>

typedef struct Question {
    size_t part;         /* must match */
    const size_t *other; /* contains: none may match; intersects: the one that must */
    size_t count;
    bool intersects;
    Buffer *witness;
} Question;

/* What a step says of a pattern. */
typedef struct State {
    bool alive;   /* may match, now or behind more bytes */
    bool matched; /* matches here */
    bool endless; /* matches whatever follows */
} State;

static State state_of(const GlobView *view, size_t pattern)
{
    State state = {0};

    for (size_t i = 0; i < view->count; i++) {
        const GlobNode *node = glob_view_node(view, i);
        if (!node || node->owner != pattern)
            continue;
        state.alive = true;
        state.matched |= node->kind == GLOB_NODE_MATCH;
        state.endless |= node->endless;
    }
    return state;
}

static GlobVerdict judge(void *context, const GlobView *view)
{
    const Question *question = context;
    const State part = state_of(view, question->part);
    bool covered = false, beyond = false;

    if (!part.alive)
        return GLOB_CUT;
    for (size_t i = 0; i < question->count; i++) {
        const State other = state_of(view, question->other[i]);
        if (question->intersects && !other.alive)
            return GLOB_CUT;
        covered |= other.matched;
        beyond |= other.endless;
    }
    if (question->intersects)
        return part.matched && covered ? GLOB_FOUND : GLOB_GO_ON;
    if (beyond)
        return GLOB_CUT;
    return part.matched && !covered ? GLOB_FOUND : GLOB_GO_ON;
}

static int found(void *context, const char *bytes, size_t length)
{
    const Question *question = context;

    return question->witness ? buffer_append(question->witness, bytes, length) : 0;
}

static int ask(const GlobSet *set, Question *question)
{
    CLEANUP(free_pointer) size_t *patterns = calloc(question->count + 1, sizeof *patterns);
    CLEANUP(glob_scratch_deinit) GlobScratch scratch = {0};
    int r;

    if (!patterns)
        return -ENOMEM;
    r = glob_scratch_init(&scratch, set);
    if (r < 0)
        return r;
    patterns[0] = question->part;
    for (size_t i = 0; i < question->count; i++)
        patterns[i + 1] = question->other[i];
    return glob_search(&(GlobSearch){.set = set,
                                     .scratch = &scratch,
                                     .patterns = patterns,
                                     .count = question->count + 1,
                                     .paths = true,
                                     .judge = judge,
                                     .found = found,
                                     .context = question});
}

int glob_set_contains(const GlobSet *set, const size_t *whole, size_t count, size_t part,
                      Buffer *witness)
{
    Question question = {.part = part, .other = whole, .count = count, .witness = witness};
    const int r = ask(set, &question);

    return r < 0 ? r : !r;
}

int glob_set_intersects(const GlobSet *set, size_t a, size_t b, Buffer *witness)
{
    Question question = {
        .part = a, .other = &b, .count = 1, .intersects = true, .witness = witness};

    return ask(set, &question);
}

int glob_set_equal(const GlobSet *set, size_t a, size_t b)
{
    const int r = glob_set_contains(set, &a, 1, b, NULL);

    return r == 1 ? glob_set_contains(set, &b, 1, a, NULL) : r;
}

/* ---- one path ---------------------------------------------------------------------------------
 */

/* Marks NODE and what it splits into. STACK has room for all nodes twice. */
static void mark(const GlobSet *set, const GlobPattern *pattern, bool *marks, uint32_t *stack,
                 uint32_t start)
{
    size_t depth = 0;

    stack[depth++] = start;
    while (depth > 0) {
        const uint32_t at = stack[--depth];
        const GlobNode *node = &set->nodes[at];
        if (marks[at - pattern->start])
            continue;
        marks[at - pattern->start] = true;
        if (node->kind != GLOB_NODE_SPLIT)
            continue;
        if (node->other != GLOB_NONE)
            stack[depth++] = node->other;
        if (node->next != GLOB_NONE)
            stack[depth++] = node->next;
    }
}

int glob_set_matches(const GlobSet *set, size_t id, const char *path, size_t length)
{
    const GlobPattern *pattern = &set->patterns[id];
    const size_t count = pattern->end - pattern->start;
    CLEANUP(free_pointer) bool *marks = calloc(2 * count, sizeof *marks);
    CLEANUP(free_pointer) uint32_t *stack = calloc(2 * count + 1, sizeof *stack);
    bool *now = marks, *then;

    if (!marks || !stack)
        return -ENOMEM;
    then = marks + count;
    mark(set, pattern, now, stack, pattern->start);
    for (size_t i = 0; i < length; i++) {
        bool *swap = now;
        memset(then, 0, count * sizeof *then);
        for (size_t n = 0; n < count; n++) {
            const GlobNode *node = &set->nodes[pattern->start + n];
            if (!now[n] || node->kind != GLOB_NODE_BYTES)
                continue;
            const ByteSet bytes = glob_set_bytes(set, node->set);
            if (byte_set_has(&bytes, (unsigned char)path[i]))
                mark(set, pattern, then, stack, node->next);
        }
        now = then;
        then = swap;
    }
    for (size_t n = 0; n < count; n++) {
        if (now[n] && set->nodes[pattern->start + n].kind == GLOB_NODE_MATCH)
            return 1;
    }
    return 0;
}

void glob_changes_deinit(GlobChanges *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        free(changes->items[i].witness);
    free(changes->items);
    *changes = (GlobChanges){0};
}

bool glob_same_fields(const GlobRule *a, const GlobRule *b)
{
    if (a->syntax != b->syntax || a->fields_count != b->fields_count)
        return false;
    for (size_t f = 0; f < a->fields_count; f++) {
        if (a->fields[f].count != b->fields[f].count)
            return false;
        for (size_t i = 0; i < a->fields[f].count; i++) {
            if (strcmp(a->fields[f].patterns[i], b->fields[f].patterns[i]) != 0)
                return false;
        }
    }
    return true;
}
