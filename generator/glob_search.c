/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breadth first over the steps of several automata at once. A step is the set of their nodes that
 * the bytes so far lead to; steps are made when they are needed (most of them never are), and equal
 * ones are one. Of all bytes that a step's nodes do not tell apart one is tried, the most readable.
 */
#include "base/hash.h"
#include "base/memory.h"
#include "generator/glob_private.h"

#include <errno.h>

enum {
    STEPS_MAX = 1 << 16,
    POSITIONS_MAX = 1 << 22,
    TRIES_MAX = 1 << 23,       /* bytes tried, times positions / 16 */
    SLASH_POSITION = 1u << 31, /* pseudo node: the byte before was a slash */
};

typedef struct Step {
    uint32_t first; /* of positions */
    uint32_t count;
    uint32_t parent;
    uint8_t byte; /* that led here from the parent */
} Step;

typedef struct Walk {
    const GlobSearch *search;
    Step *steps;
    size_t steps_count;
    size_t steps_capacity;
    uint32_t *positions;
    size_t positions_count;
    size_t positions_capacity;
    uint32_t *table; /* step + 1, open addressing */
    size_t table_size;
    GlobScratch *scratch;
    size_t work;
} Walk;

static void walk_deinit(Walk *walk)
{
    free(walk->steps);
    free(walk->positions);
    free(walk->table);
}

int glob_scratch_init(GlobScratch *scratch, const GlobSet *set)
{
    GlobScratch made = {.seen = calloc(set->nodes_count + 1, sizeof *made.seen),
                        .stack = calloc(2 * set->nodes_count + 2, sizeof *made.stack)};

    if (!made.seen || !made.stack) {
        glob_scratch_deinit(&made);
        return -ENOMEM;
    }
    *scratch = made;
    return 0;
}

void glob_scratch_deinit(GlobScratch *scratch)
{
    free(scratch->seen);
    free(scratch->stack);
}

/* Nothing is in the next closure yet. */
static void begin_closure(Walk *walk)
{
    GlobScratch *scratch = walk->scratch;

    if (++scratch->closure == 0) {
        memset(scratch->seen, 0, walk->search->set->nodes_count * sizeof *scratch->seen);
        scratch->closure = 1;
    }
}

static int push_position(Walk *walk, uint32_t position)
{
    if (walk->positions_count >= POSITIONS_MAX)
        return -E2BIG;
    if (array_reserve(&walk->positions, &walk->positions_capacity, walk->positions_count,
                      sizeof *walk->positions) < 0)
        return -ENOMEM;
    walk->positions[walk->positions_count++] = position;
    return 0;
}

/* NODE and what it splits into, at the end of the positions. */
static int close_over(Walk *walk, uint32_t start)
{
    const GlobNode *nodes = walk->search->set->nodes;
    uint32_t *stack = walk->scratch->stack, *seen = walk->scratch->seen;
    size_t depth = 0;

    stack[depth++] = start;
    while (depth > 0) {
        const uint32_t node = stack[--depth];
        if (seen[node] == walk->scratch->closure)
            continue;
        seen[node] = walk->scratch->closure;
        if (nodes[node].kind != GLOB_NODE_SPLIT) {
            const int r = push_position(walk, node);
            if (r < 0)
                return r;
            continue;
        }
        /* Each node is once on the stack for each that leads to it: two of a split. */
        if (nodes[node].other != GLOB_NONE)
            stack[depth++] = nodes[node].other;
        if (nodes[node].next != GLOB_NONE)
            stack[depth++] = nodes[node].next;
    }
    return 0;
}

static int compare_positions(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static uint64_t hash_positions(const uint32_t *positions, size_t count)
{
    uint64_t h = count;

    for (size_t i = 0; i < count; i++)
        h = hash_u64(h, positions[i]);
    return h;
}

static int grow_table(Walk *walk)
{
    const size_t size = walk->table_size ? walk->table_size * 2 : 256;
    uint32_t *table = calloc(size, sizeof *table);

    if (!table)
        return -ENOMEM;
    for (size_t i = 0; i < walk->steps_count; i++) {
        const Step *step = &walk->steps[i];
        size_t at = hash_positions(walk->positions + step->first, step->count) & (size - 1);
        while (table[at])
            at = (at + 1) & (size - 1);
        table[at] = (uint32_t)i + 1;
    }
    free(walk->table);
    walk->table = table;
    walk->table_size = size;
    return 0;
}

/* The positions from FIRST on become a step unless they are one. 1 if it is new. */
static int settle(Walk *walk, size_t first, uint32_t parent, uint8_t byte)
{
    const size_t count = walk->positions_count - first;
    uint32_t *positions = walk->positions + first;
    size_t at;

    if (walk->steps_count * 2 >= walk->table_size && grow_table(walk) < 0)
        return -ENOMEM;
    if (count > 1)
        qsort(positions, count, sizeof *positions, compare_positions);
    at = hash_positions(positions, count) & (walk->table_size - 1);
    for (; walk->table[at]; at = (at + 1) & (walk->table_size - 1)) {
        const Step *step = &walk->steps[walk->table[at] - 1];
        if (step->count == count && (count == 0 || memcmp(walk->positions + step->first, positions,
                                                          count * sizeof *positions) == 0)) {
            walk->positions_count = first;
            return 0;
        }
    }
    if (walk->steps_count >= STEPS_MAX)
        return -E2BIG;
    if (array_reserve(&walk->steps, &walk->steps_capacity, walk->steps_count, sizeof *walk->steps) <
        0)
        return -ENOMEM;
    walk->steps[walk->steps_count++] =
        (Step){.first = (uint32_t)first, .count = (uint32_t)count, .parent = parent, .byte = byte};
    walk->table[at] = (uint32_t)walk->steps_count;
    return 1;
}

static bool is_slash_position(uint32_t position)
{
    return position >= SLASH_POSITION;
}

/* Which bytes the nodes seen so far tell apart: those of one class they do not. */
typedef struct Classes {
    uint16_t of[GLOB_BYTES];
    uint16_t count;
    bool single[GLOB_BYTES];
    uint32_t done[16]; /* sets that are in, as many as fit: the common ones are soon here */
    size_t done_count;
} Classes;

static void classes_single(Classes *classes, unsigned byte)
{
    if (!classes->single[byte]) {
        classes->single[byte] = true;
        classes->of[byte] = classes->count++;
    }
}

/* Numbers them from 0 again: some have lost all their bytes. */
static void classes_renumber(Classes *classes)
{
    uint16_t number_of[4 * GLOB_BYTES] = {0};
    uint16_t count = 0;

    for (unsigned b = 0; b < GLOB_BYTES; b++) {
        if (number_of[classes->of[b]] == 0)
            number_of[classes->of[b]] = ++count;
        classes->of[b] = (uint16_t)(number_of[classes->of[b]] - 1);
    }
    classes->count = count;
}

static void classes_split(Classes *classes, const GlobSet *set, uint32_t id)
{
    const ByteSet bytes = glob_set_bytes(set, id);
    uint16_t split_of[4 * GLOB_BYTES] = {0};

    for (size_t i = 0; i < classes->done_count; i++) {
        if (classes->done[i] == id)
            return;
    }
    if (classes->done_count < ARRAY_LENGTH(classes->done))
        classes->done[classes->done_count++] = id;
    for (unsigned b = 0; b < GLOB_BYTES; b++) {
        if (!byte_set_has(&bytes, b))
            continue;
        if (split_of[classes->of[b]] == 0)
            split_of[classes->of[b]] = classes->count++;
        classes->of[b] = split_of[classes->of[b]];
    }
    classes_renumber(classes);
}

/* Bytes that all nodes of STEP treat alike, one each, the readable ones first. Gives their number.
 */
static size_t representatives(const Walk *walk, const Step *step, uint8_t *ret_bytes)
{
    static const char readable[] = "xabcdefghijklmnopqrstuvwyz0123456789"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-.+=:@%~, /";
    const GlobNode *nodes = walk->search->set->nodes;
    Classes classes = {.count = 1};
    bool taken[4 * GLOB_BYTES] = {false};
    size_t count = 0;

    /* Slashes are told apart even where no node does, for the rule that no two follow. */
    classes_single(&classes, '/');
    for (size_t i = 0; i < step->count; i++) {
        const uint32_t position = walk->positions[step->first + i];
        if (is_slash_position(position) || nodes[position].kind != GLOB_NODE_BYTES)
            continue;
        if (nodes[position].set < GLOB_BYTES)
            classes_single(&classes, nodes[position].set);
        else
            classes_split(&classes, walk->search->set, nodes[position].set);
    }
    for (size_t i = 0; i < sizeof readable - 1 + GLOB_BYTES; i++) {
        const uint8_t b =
            i < sizeof readable - 1 ? (uint8_t)readable[i] : (uint8_t)(i - sizeof readable + 1);
        if (!taken[classes.of[b]]) {
            taken[classes.of[b]] = true;
            ret_bytes[count++] = b;
        }
    }
    return count;
}

static bool node_takes(const GlobSet *set, const GlobNode *node, uint8_t byte)
{
    if (node->kind != GLOB_NODE_BYTES)
        return false;
    if (node->set < GLOB_BYTES)
        return node->set == byte;
    return byte_set_has(&set->sets[node->set - GLOB_BYTES], byte);
}

/* Steps that BYTE leads to from the step at INDEX. */
static int advance(Walk *walk, size_t index, uint8_t byte)
{
    const GlobSet *set = walk->search->set;
    const Step step = walk->steps[index];
    const size_t first = walk->positions_count;
    int r = 0;

    begin_closure(walk);
    walk->work += 1 + step.count / 16;
    if (walk->work > TRIES_MAX)
        return -E2BIG;
    for (size_t i = 0; i < step.count && r == 0; i++) {
        const uint32_t position = walk->positions[step.first + i];
        if (is_slash_position(position)) {
            if (byte == '/')
                return walk->positions_count = first, 0;
            continue;
        }
        if (node_takes(set, &set->nodes[position], byte))
            r = close_over(walk, set->nodes[position].next);
    }
    if (r < 0 || walk->positions_count == first)
        return r;
    if (byte == '/' && walk->search->paths)
        r = push_position(walk, SLASH_POSITION);
    return r < 0 ? r : settle(walk, first, (uint32_t)index, byte);
}

/* Tells of the bytes that lead to the step at INDEX. */
static int tell(const Walk *walk, size_t index)
{
    CLEANUP(buffer_deinit) Buffer bytes = BUFFER_INIT;

    if (!walk->search->found)
        return 0;
    for (size_t i = index; i != 0; i = walk->steps[i].parent)
        (void)buffer_putc(&bytes, (char)walk->steps[i].byte);
    for (size_t i = 0; i < bytes.length / 2; i++) {
        const char c = bytes.data[i];
        bytes.data[i] = bytes.data[bytes.length - 1 - i];
        bytes.data[bytes.length - 1 - i] = c;
    }
    if (bytes.error)
        return bytes.error;
    return walk->search->found(walk->search->context, buffer_text(&bytes), bytes.length);
}

static int visit(Walk *walk, size_t index)
{
    const Step step = walk->steps[index];
    const GlobView view = {
        .set = walk->search->set, .positions = walk->positions + step.first, .count = step.count};
    const GlobVerdict verdict = walk->search->judge(walk->search->context, &view);
    uint8_t bytes[GLOB_BYTES];
    size_t count;

    if (verdict == GLOB_FOUND || verdict == GLOB_NOTE) {
        const int r = tell(walk, index);
        if (r < 0 || verdict == GLOB_FOUND)
            return r < 0 ? r : 1;
    }
    if (verdict == GLOB_CUT)
        return 0;
    count = representatives(walk, &step, bytes);
    for (size_t i = 0; i < count; i++) {
        const int r = advance(walk, index, bytes[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

int glob_search(const GlobSearch *search)
{
    CLEANUP(walk_deinit) Walk walk = {.search = search, .scratch = search->scratch};
    int r;

    begin_closure(&walk);
    for (size_t i = 0; i < search->count; i++) {
        r = close_over(&walk, search->set->patterns[search->patterns[i]].start);
        if (r < 0)
            return r;
    }
    r = settle(&walk, 0, 0, 0);
    for (size_t i = 0; r >= 0 && i < walk.steps_count; i++) {
        r = visit(&walk, i);
        if (r != 0)
            return r;
    }
    return r < 0 ? r : 0;
}

const GlobNode *glob_view_node(const GlobView *view, size_t index)
{
    const uint32_t position = view->positions[index];

    return is_slash_position(position) ? NULL : &view->set->nodes[position];
}
