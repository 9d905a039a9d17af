/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the root downwards, a depth at a time, so that what is compared in a folder with a made-up
 * name finds that folder's pattern done:
 *
 * - A new name that speaks for itself, alone: named after its process, a UUID, a hash, the time of
 *   the run, what its creator is known to call its scratch files.
 * - Other new names that look made up: names of one template (all but the random part is equal)
 *   speak for each other, so that one that looks random is enough for all; outside of scratch
 *   folders there must be two, or it was removed again.
 * - Names of one template of which each run of the same command has its own.
 * - Older names that fit a pattern that new ones got.
 *
 * Nothing is done to what is only read in a guarded place; there a new name must have enough of its
 * own for its pattern not to fit others. At last, what several homes have alike (path_homes.c).
 */
#include "generator/path_shapes_private.h"

#include "base/strset.h"

#include <ctype.h>

/* A name that may be one of a template. */
typedef struct Candidate {
    const char *key;
    size_t use;
    NameSpans spans;
    bool looks_random;
} Candidate;

typedef struct Candidates {
    StringSet *keys;
    StringSet *patterns; /* that were given at this depth */
    Candidate *items;
    size_t count, capacity;
} Candidates;

static bool is_executed(const PathUse *use)
{
    return use->exec != 0 || (use->access & (ACCESS_EXEC | ACCESS_MMAP_EXEC)) != 0;
}

static const PathUse *folder_of(const PathShapes *shapes, const Shape *shape, const char *path)
{
    const size_t length = (size_t)(shape->name - path);

    return length > 1 ? path_uses_find(shapes->uses, path, length - 1) : NULL;
}

/* ---- printing ------------------------------------------------------------------------------- */

/* The component stands for any process (docs/FORMATS.md, "Paths"). */
static bool is_process(const char *name, size_t length)
{
    static const char *const words[] = {"self", "[pid]", "[tid]"};

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strlen(words[i]) == length && strncmp(name, words[i], length) == 0)
            return true;
    }
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)name[i]))
            return false;
    }
    return length > 0;
}

void path_print_pattern(const PathShapes *shapes, const char *path, size_t start, size_t length,
                        Buffer *out, uint32_t *kinds)
{
    const bool proc = strncmp(path, "/proc/", 6) == 0;
    unsigned depth = 0;

    for (size_t i = 0; i < start; i++)
        depth += path[i] == '/';
    while (start < length && path[start] == '/') {
        const size_t name = start + 1;
        const size_t end = name + strcspn(path + name, "/");
        const PathUse *use = depth < DEPTH_MAX ? path_uses_find(shapes->uses, path, end) : NULL;
        const NameSpans none = {.count = 0};
        const NameSpans *spans = use ? &shapes->shapes[use - shapes->uses->items].spans : &none;
        (void)buffer_putc(out, '/');
        depth++;
        const bool task = proc && depth == 4 && strncmp(path + start - 5, "/task", 5) == 0;
        if (proc && (depth == 2 || task) && is_process(path + name, end - name))
            (void)buffer_puts(out, task ? "@{tid}" : "@{pid}");
        else
            (void)name_print_pattern(path + name, end - name, spans, out);
        for (size_t i = 0; i < spans->count; i++)
            *kinds |= 1u << spans->items[i].kind;
        start = end;
    }
}

static const char homes_reason[] =
    "in the home of each who ran it (grants the same in any home, to its owner)";

static void print_reason(uint32_t kinds, Buffer *out)
{
    const char *separator = out->length ? ", " : "";
    const char *last = "";

    for (unsigned kind = 0; kind < SPAN_KIND_COUNT; kind++) {
        if ((kinds >> kind & 1) == 0 || strcmp(last, span_evidence(kind)) == 0)
            continue;
        last = span_evidence(kind);
        (void)buffer_printf(out, "%s%s (grants %s)", separator, last, span_grant(kind));
        separator = ", ";
    }
}

int path_shapes_pattern(const PathShapes *shapes, const char *path, bool directory, Buffer *out,
                        Buffer *reason)
{
    const size_t length = strlen(path);
    const PathUse *use = path_uses_find(shapes->uses, path, length);
    const char *homes = use ? shapes->shapes[use - shapes->uses->items].homes : NULL;
    uint32_t kinds = 0;

    if (homes)
        (void)buffer_puts(out, homes);
    path_print_pattern(shapes, path, homes ? path_home_length(path) : 0, length, out, &kinds);
    if (directory && out->length > 0 && out->data[out->length - 1] != '/')
        (void)buffer_putc(out, '/');
    print_reason(kinds, reason);
    if (homes)
        (void)buffer_printf(reason, "%s%s", reason->length ? ", " : "", homes_reason);
    return out->error ? out->error : reason->error;
}

bool path_shapes_is_homes(const PathShapes *shapes, const PathUse *use)
{
    return shapes->shapes[use - shapes->uses->items].homes != NULL;
}

/* ---- candidates ----------------------------------------------------------------------------- */

/* The use's pattern if it had SPANS. */
static const char *key_of(const PathShapes *shapes, StringSet *set, size_t use,
                          const NameSpans *spans)
{
    CLEANUP(buffer_deinit) Buffer key = BUFFER_INIT;
    const Shape *shape = &shapes->shapes[use];
    const char *path = shapes->uses->items[use].path;
    uint32_t kinds = 0;

    path_print_pattern(shapes, path, 0, (size_t)(shape->name - path) - 1, &key, &kinds);
    (void)buffer_putc(&key, '/');
    if (name_print_pattern(shape->name, shape->length, spans, &key) < 0)
        return NULL;
    return strset_add(set, buffer_text(&key));
}

static int add_candidate(const PathShapes *shapes, Candidates *candidates, size_t use,
                         const NameSpans *spans, bool looks_random)
{
    Candidate new = {.use = use, .spans = *spans, .looks_random = looks_random};

    new.key = key_of(shapes, candidates->keys, use, spans);
    if (!new.key ||
        array_reserve(&candidates->items, &candidates->capacity, candidates->count, sizeof new) < 0)
        return -1;
    candidates->items[candidates->count++] = new;
    return 0;
}

static int compare_candidates(const void *a, const void *b)
{
    const Candidate *x = a, *y = b;
    const int c = strcmp(x->key, y->key);

    return c ? c : (x->use > y->use) - (x->use < y->use);
}

/* In a guarded place the name must keep three characters of its own, or be of a length that no
 * other name has by chance; in a folder that the workload made, nothing is at stake. */
static bool is_specific(const PathShapes *shapes, size_t use, const NameSpans *spans)
{
    enum { OWN_MIN = 3, LENGTH_MIN = 16 };
    const Shape *shape = &shapes->shapes[use];
    const char *path = shapes->uses->items[use].path;
    size_t fixed = 0;

    if (!path_is_guarded(path))
        return true;
    const PathUse *folder = folder_of(shapes, shape, path);
    if (folder && path_use_created(folder))
        return true;
    for (size_t i = 0; i < spans->count; i++) {
        if (spans->items[i].kind == SPAN_INODE)
            return true;
        fixed += spans->items[i].end - spans->items[i].start;
    }
    return shape->length - fixed >= OWN_MIN || fixed >= LENGTH_MIN;
}

static int give(PathShapes *shapes, Candidates *candidates, size_t use, const NameSpans *spans)
{
    if (spans->count == 0 || !is_specific(shapes, use, spans))
        return 0;
    shapes->shapes[use].spans = *spans;
    return key_of(shapes, candidates->patterns, use, spans) ? 0 : -1;
}

/* ---- names that speak for each other -------------------------------------------------------- */

static int gather_made_up(const PathShapes *shapes, Candidates *candidates, size_t i)
{
    const Shape *shape = &shapes->shapes[i];
    NameSpans spans = {0};
    NameSpan span;
    bool looks_random;

    if (!path_use_created(&shapes->uses->items[i]) || shape->spans.count > 0 ||
        !name_find_made_up(shape->name, shape->length, &span, &looks_random))
        return 0;
    (void)name_spans_add(&spans, span);
    return add_candidate(shapes, candidates, i, &spans, looks_random);
}

static bool are_made_up(const PathShapes *shapes, const Candidate *items, size_t count)
{
    const bool enough = count > 1 || shapes->level == GENERALISE_BROAD;
    bool alone = false, random = false;

    for (size_t i = 0; i < count; i++) {
        const PathUse *use = &shapes->uses->items[items[i].use];
        alone |= path_in_scratch(use->path) || path_use_is_transient(use);
        random |= items[i].looks_random;
    }
    return random && (enough || alone);
}

static int gather_differing(const PathShapes *shapes, Candidates *candidates, size_t i)
{
    const PathUse *use = &shapes->uses->items[i];
    const Shape *shape = &shapes->shapes[i];
    const bool created = path_use_created(use);
    NameSpans spans = {0};

    if (shape->spans.count > 0 || shape->length == 0 ||
        (!created && (path_is_guarded(use->path) || is_executed(use))))
        return 0;
    /* A UUID (a boot id, say) has more parts than there is room for, of which some may be letters
     * alone. */
    const bool uuid = name_find_uuids(shape->name, shape->length, &spans);
    if (!name_find_variables(shape->name, shape->length, &spans) && !uuid)
        return 0;
    return add_candidate(shapes, candidates, i, &spans, false);
}

/* Each run has its own, and the runs were to do the same. */
static bool are_differing(const PathShapes *shapes, const Candidate *items, size_t count)
{
    const uint32_t first = shapes->uses->items[items[0].use].run;
    bool many = false;

    for (size_t i = 0; i < count; i++) {
        const PathUse *use = &shapes->uses->items[items[i].use];
        if (!use->one_run || use->run >= shapes->runs_count ||
            shapes->commands[use->run] != shapes->commands[first])
            return false;
        many |= use->run != first;
    }
    return many;
}

/* One way of finding out. */
typedef struct Method {
    int (*gather)(const PathShapes *shapes, Candidates *candidates, size_t use);
    bool (*are)(const PathShapes *shapes, const Candidate *items, size_t count);
} Method;

static const Method methods[] = {{gather_made_up, are_made_up}, {gather_differing, are_differing}};

static int apply(PathShapes *shapes, Candidates *candidates, const Method *method,
                 const size_t *uses, size_t count)
{
    int r = 0;

    candidates->count = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = method->gather(shapes, candidates, uses[i]);
    if (candidates->count == 0)
        return r;
    qsort(candidates->items, candidates->count, sizeof *candidates->items, compare_candidates);
    for (size_t from = 0, to; from < candidates->count && r == 0; from = to) {
        const Candidate *items = &candidates->items[from];
        to = from;
        while (to < candidates->count && candidates->items[to].key == items->key)
            to++;
        const bool yes = method->are(shapes, items, to - from);
        for (size_t i = from; i < to && r == 0 && yes; i++)
            r = give(shapes, candidates, candidates->items[i].use, &candidates->items[i].spans);
    }
    return r;
}

/* ---- names like those of new files ---------------------------------------------------------- */

static bool has_pattern(const PathShapes *shapes, const Candidates *candidates, size_t use,
                        const NameSpans *spans)
{
    StringSet *scratch = strset_new();
    const char *key = scratch ? key_of(shapes, scratch, use, spans) : NULL;
    const bool has = key && strset_find(candidates->patterns, key);

    strset_free(scratch);
    return has;
}

static void find_like(PathShapes *shapes, const Candidates *candidates, size_t i)
{
    const PathUse *use = &shapes->uses->items[i];
    Shape *shape = &shapes->shapes[i];
    NameSpans spans[2] = {{.count = 0}, {.count = 0}};
    NameSpan span;
    bool looks_random;

    if (shape->spans.count > 0 || path_use_created(use) || path_is_guarded(use->path) ||
        is_executed(use))
        return;
    (void)name_find_uuids(shape->name, shape->length, &spans[0]);
    (void)path_find_hash(shapes, i, &spans[0]);
    (void)name_find_counters(shape->name, shape->length, &spans[0]);
    if (name_find_made_up(shape->name, shape->length, &span, &looks_random) && looks_random)
        (void)name_spans_add(&spans[1], span);
    for (size_t way = 0; way < ARRAY_LENGTH(spans) && shape->spans.count == 0; way++) {
        if (spans[way].count > 0 && has_pattern(shapes, candidates, i, &spans[way]))
            shape->spans = spans[way];
    }
}

/* ---- all ------------------------------------------------------------------------------------ */

static int find_at_depth(PathShapes *shapes, Candidates *candidates, const size_t *uses,
                         size_t count)
{
    int r = 0;

    candidates->keys = strset_free(candidates->keys);
    candidates->patterns = strset_free(candidates->patterns);
    candidates->keys = strset_new();
    candidates->patterns = strset_new();
    if (!candidates->keys || !candidates->patterns)
        return -1;
    for (size_t i = 0; i < count && r == 0; i++) {
        NameSpans spans = {0};
        if (shapes->shapes[uses[i]].spans.count > 0) /* of a fan-out */
            continue;
        path_find_own(shapes, uses[i], &spans);
        r = give(shapes, candidates, uses[i], &spans);
    }
    if (shapes->level == GENERALISE_EXACT)
        return r;
    for (size_t i = 0; i < ARRAY_LENGTH(methods) && r == 0; i++)
        r = apply(shapes, candidates, &methods[i], uses, count);
    for (size_t i = 0; i < count && r == 0 && strset_count(candidates->patterns) > 0; i++)
        find_like(shapes, candidates, uses[i]);
    return r;
}

static int find_all(PathShapes *shapes, const Recording *recording)
{
    Candidates candidates = {0};
    const size_t count = shapes->uses->count;
    int r = 0;

    if (shapes->level != GENERALISE_EXACT)
        path_mark_fan_outs(shapes);
    for (size_t from = 0, to; from < count && r == 0; from = to) {
        const unsigned depth = shapes->shapes[shapes->order[from]].depth;
        if (depth == DEPTH_MAX)
            break;
        to = from;
        while (to < count && shapes->shapes[shapes->order[to]].depth == depth)
            to++;
        r = find_at_depth(shapes, &candidates, shapes->order + from, to - from);
    }
    strset_free(candidates.keys);
    strset_free(candidates.patterns);
    free(candidates.items);
    if (r == 0 && shapes->level != GENERALISE_EXACT)
        r = path_mark_homes(shapes, recording);
    return r;
}

static bool same_command(const Run *a, const Run *b)
{
    if (a->command_count != b->command_count)
        return false;
    for (size_t i = 0; i < a->command_count; i++) {
        if (strcmp(a->command[i], b->command[i]) != 0)
            return false;
    }
    return strcmp(a->label ? a->label : "", b->label ? b->label : "") == 0;
}

static void look_at_runs(PathShapes *shapes, Recording *recording)
{
    enum { DAY = 24 * 60 * 60 };

    for (uint32_t i = 0; i < shapes->runs_count; i++) {
        const Run *run = recording_run(recording, i);
        const int64_t start = time_from_text(run->start);
        const int64_t end = time_from_text(run->end);
        shapes->times[i].start = start < 0 ? INT64_MAX / 2 : start;
        shapes->times[i].end = start < 0 ? -DAY : end < start ? start + DAY : end;
        uint32_t first = 0;
        while (first < i && (shapes->commands[first] != first ||
                             !same_command(recording_run(recording, first), run)))
            first++;
        shapes->commands[i] = first;
    }
}

static void sort_by_depth(PathShapes *shapes)
{
    const size_t count = shapes->uses->count;
    size_t starts[DEPTH_MAX + 2] = {0};

    for (size_t i = 0; i < count; i++) {
        const char *path = shapes->uses->items[i].path;
        Shape *shape = &shapes->shapes[i];
        for (const char *c = path; *c && shape->depth < DEPTH_MAX; c++)
            shape->depth += *c == '/';
        shape->name = strrchr(path, '/') + 1;
        shape->length = strlen(shape->name);
        starts[shape->depth + 1]++;
    }
    for (unsigned depth = 1; depth <= DEPTH_MAX + 1; depth++)
        starts[depth] += starts[depth - 1];
    for (size_t i = 0; i < count; i++)
        shapes->order[starts[shapes->shapes[i].depth]++] = i;
}

PathShapes *path_shapes_new(Recording *recording, const PathUses *uses, Generalise level)
{
    PathShapes *shapes = calloc(1, sizeof *shapes);

    if (!shapes)
        return NULL;
    shapes->uses = uses;
    shapes->level = level;
    shapes->runs_count = recording_runs_count(recording);
    shapes->shapes = calloc(uses->count + 1, sizeof *shapes->shapes);
    shapes->order = calloc(uses->count + 1, sizeof *shapes->order);
    shapes->times = calloc(shapes->runs_count + 1, sizeof *shapes->times);
    shapes->commands = calloc(shapes->runs_count + 1, sizeof *shapes->commands);
    if (!shapes->shapes || !shapes->order || !shapes->times || !shapes->commands)
        return path_shapes_free(shapes);
    look_at_runs(shapes, recording);
    sort_by_depth(shapes);
    return find_all(shapes, recording) < 0 ? path_shapes_free(shapes) : shapes;
}

PathShapes *path_shapes_free(PathShapes *shapes)
{
    if (!shapes)
        return NULL;
    free(shapes->shapes);
    free(shapes->order);
    free(shapes->times);
    free(shapes->commands);
    free(shapes);
    return NULL;
}
