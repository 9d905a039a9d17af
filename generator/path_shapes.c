/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A made-up name is PREFIX RANDOM SUFFIX: RANDOM is 6 to 12 letters and digits at the start, after
 * one of ". - _", or after "tmp", up to the end or the last ".". Those of Python's tempfile are
 * eight of "a-z0-9_", after "tmp" or, for a file that it deletes at once, alone.
 *
 * Words, dates and counters are told from it by their look, which one made-up name in forty shares.
 * So names of the same template (all but RANDOM is equal) speak for each other: one that looks
 * random is enough for all, in a scratch folder by itself, elsewhere if there are two of them.
 */
#include "generator/path_shapes.h"

#include "base/memory.h"
#include "base/strset.h"

#include <ctype.h>

enum { RANDOM_MIN = 6, RANDOM_MAX = 12, MKTEMP_LENGTH = 10 };

struct PathShapes {
    StringSet *made_up; /* paths whose last component holds a made-up name */
    StringSet *python;  /* paths whose last component is of Python's tempfile */
};

typedef struct Span {
    size_t start, end; /* of the random part within a path */
    bool looks_random;
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

/* The length of what begins at S and is a word: small letters, of which the first may be a capital,
 * or capitals. */
static size_t word_length(const char *s, size_t length)
{
    size_t n = 0;

    while (n < length && isupper((unsigned char)s[n]))
        n++;
    if (n > 2)
        return n;
    if (n == 2)
        return 0;
    while (n < length && islower((unsigned char)s[n]))
        n++;
    return n;
}

/* "config", "Config", "CONFIG", "fooBarBaz", with a few digits behind or none; "20240131". */
static bool is_word(const char *s, size_t length)
{
    enum { COUNTER_LENGTH_MAX = 4, CAMEL_LENGTH_MIN = 7 };
    size_t at = 0;
    size_t step;

    while ((step = word_length(s + at, length - at)) > 1) {
        at += step;
        /* Six random letters look like "fooBar" too often. */
        if (length < CAMEL_LENGTH_MIN)
            break;
    }
    const bool counted = at == 0 || length - at <= COUNTER_LENGTH_MAX;
    while (at < length && isdigit((unsigned char)s[at]))
        at++;
    return at == length && counted;
}

/* A name of Python's tempfile, in the component that begins at START and ends with the text. */
static bool find_python_span(const char *path, size_t start, Span *ret)
{
    enum { PYTHON_LENGTH = 8 };
    const size_t prefix =
        strncmp(path + start, "tmp", 3) == 0 && strlen(path + start) >= 3 + PYTHON_LENGTH ? 3 : 0;
    const char *name = path + start + prefix;

    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != PYTHON_LENGTH ||
        (name[PYTHON_LENGTH] != '\0' && (name[PYTHON_LENGTH] != '.' || prefix == 0)))
        return false;
    *ret = (Span){start + prefix, start + prefix + PYTHON_LENGTH, true};
    return true;
}

static bool is_from_python(const PathUse *use, size_t start, Span *ret)
{
    return use->python && in_scratch(use->path) && find_python_span(use->path, start, ret) &&
           (ret->start > start || (use->access & ACCESS_DELETE));
}

static bool has_capital(const char *s, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (isupper((unsigned char)s[i]))
            return true;
    }
    return false;
}

/* The random part that ends at END of the component that begins at START. */
static bool find_span_before(const char *path, size_t start, size_t end, Span *ret)
{
    size_t from = end;

    while (from > start && isalnum((unsigned char)path[from - 1]))
        from--;
    if (strncmp(path + from, "tmp", 3) == 0 && end - from > 3)
        from += 3;
    if (end - from < RANDOM_MIN || end - from > RANDOM_MAX)
        return false;
    const bool mktemp =
        end - from == MKTEMP_LENGTH && from == start + 4 && strncmp(path + start, "tmp.", 4) == 0;
    const bool looks_random = mktemp || !is_word(path + from, end - from);
    /* Nothing before it speaks for a whole name: it must be no word, and have capitals among the
     * rest ("utf8map", "sha1sum" are names). */
    if (from == start && (!looks_random || !has_capital(path + from, end - from)))
        return false;
    *ret = (Span){from, end, looks_random};
    return true;
}

/* Finds what may be random in the component that begins at START and ends with the text. */
static bool find_span(const char *path, size_t start, Span *ret)
{
    const size_t length = strlen(path);
    Span whole = {0};
    Span cut = {0};

    /* An extension ("x.sock") is none of it, unless it is itself ("tmp.XXXXXXXXXX"). */
    const char *dot = memrchr(path + start, '.', length - start);
    const bool has_whole = find_span_before(path, start, length, &whole);
    const bool has_cut = dot && (size_t)(dot - path) > start &&
                         find_span_before(path, start, (size_t)(dot - path), &cut);
    if (has_whole && (whole.looks_random || !has_cut))
        *ret = whole;
    else if (has_cut)
        *ret = cut;
    return has_whole || has_cut;
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

/* What is known of templates while they are gathered. */
typedef struct Templates {
    StringSet *seen;
    StringSet *twice;
    StringSet *random; /* some name of it looks random */
} Templates;

static int gather_template(Templates *templates, const char *path, Span span)
{
    const size_t before = strset_count(templates->seen);
    const char *key = template_of(templates->seen, path, span);

    if (!key)
        return -1;
    /* In a scratch folder one name is enough. */
    if ((strset_count(templates->seen) == before || in_scratch(path)) &&
        !strset_add(templates->twice, key))
        return -1;
    return span.looks_random && !strset_add(templates->random, key) ? -1 : 0;
}

static int choose_made_up(PathShapes *shapes, Templates *templates, const char *path, Span span)
{
    const char *key = template_of(templates->seen, path, span);

    if (!key)
        return -1;
    if (!strset_find(templates->twice, key) || !strset_find(templates->random, key))
        return 0;
    return strset_add(shapes->made_up, path) ? 0 : -1;
}

static int find_made_up(PathShapes *shapes, const PathUses *uses)
{
    Templates templates = {strset_new(), strset_new(), strset_new()};
    int r = templates.seen && templates.twice && templates.random ? 0 : -1;

    for (unsigned pass = 0; pass < 2 && r == 0; pass++) {
        for (size_t i = 0; i < uses->count && r == 0; i++) {
            const char *path = uses->items[i].path;
            Span span;
            if (!path_use_created(&uses->items[i]))
                continue;
            if (is_from_python(&uses->items[i], last_component(path), &span)) {
                r = strset_add(shapes->python, path) ? 0 : -1;
                continue;
            }
            if (!find_span(path, last_component(path), &span))
                continue;
            r = pass == 0 ? gather_template(&templates, path, span)
                          : choose_made_up(shapes, &templates, path, span);
        }
    }
    strset_free(templates.seen);
    strset_free(templates.twice);
    strset_free(templates.random);
    return r;
}

PathShapes *path_shapes_new(const PathUses *uses)
{
    PathShapes *shapes = calloc(1, sizeof *shapes);

    if (!shapes)
        return NULL;
    shapes->made_up = strset_new();
    shapes->python = strset_new();
    if (!shapes->made_up || !shapes->python || find_made_up(shapes, uses) < 0)
        return path_shapes_free(shapes);
    return shapes;
}

PathShapes *path_shapes_free(PathShapes *shapes)
{
    if (!shapes)
        return NULL;
    strset_free(shapes->made_up);
    strset_free(shapes->python);
    free(shapes);
    return NULL;
}

/* The part of PATH up to END names a file with a made-up name; its random part. */
static bool made_up_span(const PathShapes *shapes, const char *path, size_t start, size_t end,
                         Span *ret)
{
    if (strset_count(shapes->made_up) + strset_count(shapes->python) == 0)
        return false;
    CLEANUP(free_pointer) char *prefix = strndup(path, end);
    if (!prefix)
        return false;
    if (strset_find(shapes->python, prefix))
        return find_python_span(prefix, start, ret);
    return strset_find(shapes->made_up, prefix) && find_span(prefix, start, ret);
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
