/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of new files that speak for themselves: a UUID, a hash, the time of the run, the number of
 * the process, what their creator is known to call its scratch files.
 */
#include "generator/path_shapes_private.h"

enum { WRITES = ACCESS_WRITE | ACCESS_APPEND | ACCESS_CREATE | ACCESS_DELETE | ACCESS_RENAME };

bool path_in_scratch(const char *path)
{
    static const char *const scratch[] = {"/tmp/", "/var/tmp/", "/dev/shm/", "/run/"};

    for (size_t i = 0; i < ARRAY_LENGTH(scratch); i++) {
        if (strncmp(path, scratch[i], strlen(scratch[i])) == 0)
            return true;
    }
    return false;
}

/* How many hexadecimal digits stand in folders right above that a hash may be spread over: those of
 * the *DEPTH nearest ones. */
static size_t fanned_digits(const PathShapes *shapes, size_t use, unsigned depth)
{
    const char *path = shapes->uses->items[use].path;
    const char *end = shapes->shapes[use].name - 1;
    size_t digits = 0;

    for (; depth > 0; depth--) {
        const char *start = end;
        while (start > path && start[-1] != '/')
            start--;
        if (!name_is_fan_out(start, (size_t)(end - start)))
            return SIZE_MAX;
        digits += (size_t)(end - start);
        end = start - 1;
    }
    return digits;
}

bool path_find_hash(const PathShapes *shapes, size_t use, NameSpans *spans)
{
    enum { FOLDERS_MAX = 2 };
    const Shape *shape = &shapes->shapes[use];

    for (unsigned depth = 0; depth <= FOLDERS_MAX && depth < shape->depth; depth++) {
        const size_t digits = fanned_digits(shapes, use, depth);
        if (digits == SIZE_MAX)
            return false;
        if (name_find_hash(shape->name, shape->length, digits, spans))
            return true;
    }
    return false;
}

static bool is_dated(const TemporaryName *row)
{
    return row && strcmp(row->prefix, TEMPORARY_DATE_PID) == 0;
}

static bool find_temporary(const PathShapes *shapes, size_t i, const TemporaryName *row,
                           NameSpans *spans)
{
    const PathUse *use = &shapes->uses->items[i];
    const Shape *shape = &shapes->shapes[i];
    NameSpan span;

    if (!row || !name_find_temporary(shape->name, shape->length, row, &span))
        return false;
    const bool scratch = path_in_scratch(use->path);
    const bool word = name_is_word(shape->name + span.start, span.end - span.start);
    if (strcmp(row->folder, "scratch") == 0) {
        /* Without a prefix a word is a word, but none of the kind "UgyVbwWhUz" that is removed. */
        const bool capital = strpbrk(shape->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL;
        if (!scratch ||
            (row->prefix[0] == '\0' && word && !(capital && path_use_is_transient(use))))
            return false;
    } else if (row->folder[0]) {
        const size_t length = strlen(row->folder);
        if (shape->name - use->path <= (ptrdiff_t)length + 1 ||
            strncmp(shape->name - 1 - length, row->folder, length) != 0)
            return false;
    }
    /* Its maker makes nothing else, or nobody writes so long a number. */
    const bool any = strcmp(row->prefix, "*") == 0 || is_dated(row);
    return (scratch || any || path_use_is_transient(use) || !word) && name_spans_add(spans, span);
}

/* What Python's tempfile makes to see whether it can: eight characters, and removes at once. */
static bool find_python(const PathUse *use, const Shape *shape, NameSpans *spans)
{
    enum { PYTHON_LENGTH = 8 };

    return use->python && path_use_is_transient(use) && path_in_scratch(use->path) &&
           shape->length == PYTHON_LENGTH &&
           strspn(shape->name, "abcdefghijklmnopqrstuvwxyz0123456789_") == PYTHON_LENGTH &&
           name_spans_add(spans, (NameSpan){0, PYTHON_LENGTH, SPAN_MADE_UP});
}

/* What follows a date is a time of day, if that does not leave a name that has its process's number
 * without one. */
static void find_dates(const PathShapes *shapes, const PathUse *use, const Shape *shape,
                       NameSpans *spans)
{
    const NameSpans before = *spans;

    (void)name_find_dates(shape->name, shape->length, true, shapes->times, shapes->runs_count,
                          spans);
    NameSpans rest = *spans;
    if (!use->named_after || spans->count == before.count ||
        (!is_dated(use->temporary[0]) && name_find_pid(shape->name, shape->length, &rest)))
        return;
    *spans = before;
    (void)name_find_dates(shape->name, shape->length, false, shapes->times, shapes->runs_count,
                          spans);
}

/* A new file in the folder of use I, named by a number, that is not named after its process. */
static bool is_other_number(const PathShapes *shapes, size_t i, size_t other)
{
    const PathUse *use = &shapes->uses->items[other];
    const Shape *shape = &shapes->shapes[other];
    const size_t folder = (size_t)(shapes->shapes[i].name - shapes->uses->items[i].path);

    return path_use_created(use) && !use->named_after && !use->named_hex &&
           (size_t)(shape->name - use->path) == folder &&
           strncmp(use->path, shapes->uses->items[i].path, folder) == 0 &&
           strspn(shape->name, "0123456789") == shape->length;
}

/* Where files are called by numbers (those of a database, say), one of them is its maker's sooner
 * or later. */
static bool is_coincidence(const PathShapes *shapes, size_t i)
{
    enum { NEAR = 8, OTHERS_MIN = 4 };
    const size_t from = i > NEAR ? i - NEAR : 0;
    size_t others = 0;

    if (strspn(shapes->shapes[i].name, "0123456789") != shapes->shapes[i].length)
        return false;
    for (size_t other = from; other < shapes->uses->count && other <= i + NEAR; other++)
        others += is_other_number(shapes, i, other);
    return others >= OTHERS_MIN;
}

void path_find_own(const PathShapes *shapes, size_t i, NameSpans *spans)
{
    static const char inode[] = "#[inode]";
    const PathUse *use = &shapes->uses->items[i];
    const Shape *shape = &shapes->shapes[i];

    /* No name at all: what stands for it in a recording would match nothing. */
    if (strcmp(shape->name, inode) == 0)
        (void)name_spans_add(spans, (NameSpan){1, sizeof inode - 1, SPAN_INODE});
    if (shapes->level == GENERALISE_EXACT || spans->count > 0)
        return;
    const bool loaded = (use->access & ACCESS_MMAP_EXEC) != 0 && (use->access & WRITES) == 0;
    if (shapes->level == GENERALISE_BROAD && loaded)
        (void)name_find_version(shape->name, shape->length, spans);
    if (use->access & WRITES)
        find_dates(shapes, use, shape, spans);
    if (!path_use_created(use))
        return;
    (void)name_find_uuids(shape->name, shape->length, spans);
    (void)path_find_hash(shapes, i, spans);
    if (spans->count == 0) {
        for (size_t row = 0; row < ARRAY_LENGTH(use->temporary); row++)
            (void)find_temporary(shapes, i, use->temporary[row], spans);
    }
    if (spans->count == 0)
        (void)find_python(use, shape, spans);
    (void)name_find_counters(shape->name, shape->length, spans);
    if (is_coincidence(shapes, i))
        return;
    const bool named = (use->named_after && name_find_pid(shape->name, shape->length, spans)) ||
                       (use->named_hex && name_find_pid_hex(shape->name, shape->length, spans));
    if (named && is_dated(use->temporary[0]))
        (void)find_temporary(shapes, i, use->temporary[0], spans);
    /* What a process calls its own and removes again, it also counts. */
    if (named && path_use_is_transient(use))
        (void)name_find_beside(shape->name, shape->length, use->named_hex, spans);
}

void path_mark_fan_outs(PathShapes *shapes)
{
    for (size_t i = 0; i < shapes->uses->count; i++) {
        const char *path = shapes->uses->items[i].path;
        NameSpans spans = {0};
        if (!path_use_created(&shapes->uses->items[i]) || !path_find_hash(shapes, i, &spans))
            continue;
        const char *end = shapes->shapes[i].name - 1;
        for (unsigned depth = 0; depth < 2 && end > path; depth++) {
            const char *start = end;
            while (start > path && start[-1] != '/')
                start--;
            const PathUse *folder = path_uses_find(shapes->uses, path, (size_t)(end - path));
            if (!folder || !path_use_created(folder) ||
                !name_is_fan_out(start, (size_t)(end - start)))
                break;
            Shape *shape = &shapes->shapes[folder - shapes->uses->items];
            (void)name_spans_add(&shape->spans, (NameSpan){0, shape->length, SPAN_FAN_OUT});
            end = start - 1;
        }
    }
}
