/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A made-up name is PREFIX RANDOM SUFFIX: RANDOM is 6 to 12 letters and digits at the start, after
 * one of ". - _", or after "tmp", up to the end or the last ".". Dictionary words and counters are
 * told from it by the mixture: capitals among small letters, or digits among letters. Python's are
 * "tmp" and eight of "a-z0-9_".
 */
#include "generator/path_shapes.h"

#include "base/memory.h"
#include "base/strset.h"

#include <ctype.h>

enum { RANDOM_MIN = 6, RANDOM_MAX = 12 };

struct PathShapes {
    StringSet *made_up; /* paths whose last component holds a made-up name */
};

typedef struct Span {
    size_t start, end; /* of the random part within a path */
} Span;

static const char *const scratch[] = {"/tmp/", "/var/tmp/", "/dev/shm/", "/run/"};

static bool in_scratch(const char *path)
{
    for (size_t i = 0; i < ARRAY_LENGTH(scratch); i++) {
        if (strncmp(path, scratch[i], strlen(scratch[i])) == 0)
            return true;
    }
    return false;
}

/* Letters and digits mixed as no word and no numbered name is. */
static bool is_mixed(const char *s, size_t length)
{
    size_t turns = 0; /* from a letter to a digit or back */
    size_t upper_after_lower = 0;
    bool digit = false;

    for (size_t i = 0; i < length; i++) {
        digit |= isdigit((unsigned char)s[i]) != 0;
        if (i == 0)
            continue;
        turns += (isdigit((unsigned char)s[i]) != 0) != (isdigit((unsigned char)s[i - 1]) != 0);
        upper_after_lower += islower((unsigned char)s[i - 1]) && isupper((unsigned char)s[i]);
    }
    /* "Config1", "file01": one turn, at the end. */
    return turns >= 2 || upper_after_lower >= 2 ||
           (upper_after_lower == 1 && (digit || length <= 6)) ||
           (turns == 1 && isdigit((unsigned char)s[0]));
}

/* tempfile's names: "tmp" and eight random characters. */
static bool find_python_span(const char *path, size_t start, Span *ret)
{
    enum { PYTHON_LENGTH = 8 };
    const char *name = path + start + 3;

    if (strncmp(path + start, "tmp", 3) != 0 ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != PYTHON_LENGTH ||
        (name[PYTHON_LENGTH] != '\0' && name[PYTHON_LENGTH] != '.'))
        return false;
    *ret = (Span){start + 3, start + 3 + PYTHON_LENGTH};
    return true;
}

/* Finds the random part of the component that begins at START and ends with the text. */
static bool find_span(const char *path, size_t start, Span *ret)
{
    const size_t length = strlen(path);
    size_t at = length;

    if (find_python_span(path, start, ret))
        return true;
    /* An extension ("x.sock") is none of it, unless it is the whole tail ("tmp.XXXXXXXXXX"). */
    for (unsigned try = 0; try < 2; try++) {
        size_t from = at;
        while (from > start && isalnum((unsigned char)path[from - 1]))
            from--;
        if (strncmp(path + from, "tmp", 3) == 0 && at - from > 3)
            from += 3;
        const size_t size = at - from;
        if (size >= RANDOM_MIN && size <= RANDOM_MAX && is_mixed(path + from, size)) {
            *ret = (Span){from, at};
            return true;
        }
        const char *dot = memrchr(path + start, '.', length - start);
        if (!dot || (size_t)(dot - path) == start)
            return false;
        at = (size_t)(dot - path);
    }
    return false;
}

static size_t last_component(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* The path with its random part replaced: equal for names made of the same template. */
static const char *template_of(StringSet *set, const char *path, Span span)
{
    CLEANUP(free_pointer) char *copy = strdup(path);

    if (!copy)
        return NULL;
    memset(copy + span.start, '\x01', span.end - span.start);
    return strset_add(set, copy);
}

static int find_made_up(PathShapes *shapes, const PathUses *uses)
{
    StringSet *once = strset_new();
    StringSet *twice = strset_new();
    int r = once && twice ? 0 : -1;

    /* Names alike in one folder are evidence for each other: first count, then choose. */
    for (unsigned pass = 0; pass < 2 && r == 0; pass++) {
        for (size_t i = 0; i < uses->count && r == 0; i++) {
            const char *path = uses->items[i].path;
            Span span;
            if (!path_use_created(&uses->items[i]) || !find_span(path, last_component(path), &span))
                continue;
            if (pass == 0 && in_scratch(path)) {
                r = strset_add(shapes->made_up, path) ? 0 : -1;
            } else if (pass == 0) {
                const size_t before = strset_count(once);
                const char *key = template_of(once, path, span);
                if (!key || (strset_count(once) == before && !strset_add(twice, key)))
                    r = -1;
            } else if (!in_scratch(path)) {
                const char *key = template_of(once, path, span);
                if (!key || (strset_find(twice, key) && !strset_add(shapes->made_up, path)))
                    r = -1;
            }
        }
    }
    strset_free(once);
    strset_free(twice);
    return r;
}

PathShapes *path_shapes_new(const PathUses *uses)
{
    PathShapes *shapes = calloc(1, sizeof *shapes);

    if (!shapes)
        return NULL;
    shapes->made_up = strset_new();
    if (!shapes->made_up || find_made_up(shapes, uses) < 0)
        return path_shapes_free(shapes);
    return shapes;
}

PathShapes *path_shapes_free(PathShapes *shapes)
{
    if (!shapes)
        return NULL;
    strset_free(shapes->made_up);
    free(shapes);
    return NULL;
}

/* The part of PATH up to END names a file with a made-up name; its random part. */
static bool made_up_span(const PathShapes *shapes, const char *path, size_t start, size_t end,
                         Span *ret)
{
    if (strset_count(shapes->made_up) == 0)
        return false;
    CLEANUP(free_pointer) char *prefix = strndup(path, end);
    return prefix && strset_find(shapes->made_up, prefix) && find_span(prefix, start, ret);
}

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

int path_shapes_pattern(const PathShapes *shapes, const char *path, bool directory, Buffer *out,
                        const char **ret_reason)
{
    const bool proc = strncmp(path, "/proc/", 6) == 0;
    const char *reason = NULL;
    unsigned depth = 0;
    size_t start = 0;

    while (path[start] == '/') {
        const size_t name = start + 1;
        const size_t end = name + strcspn(path + name, "/");
        Span span;
        (void)buffer_putc(out, '/');
        depth++;
        const bool task = proc && depth == 4 && strncmp(path + start - 5, "/task", 5) == 0;
        if (proc && (depth == 2 || task) && is_process(path + name, end - name)) {
            (void)buffer_puts(out, task ? "@{tid}" : "@{pid}");
        } else if (made_up_span(shapes, path, name, end, &span)) {
            (void)policy_pattern_append_literal(out, path + name, span.start - name);
            for (size_t i = span.start; i < span.end; i++)
                (void)buffer_putc(out, '?');
            (void)policy_pattern_append_literal(out, path + span.end, end - span.end);
            reason = "a made-up name";
        } else {
            (void)policy_pattern_append_literal(out, path + name, end - name);
        }
        start = end;
    }
    if (directory && out->length > 0 && out->data[out->length - 1] != '/')
        (void)buffer_putc(out, '/');
    *ret_reason = reason;
    return out->error;
}
