/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/unified_diff.h"

#include "base/memory.h"

#include <errno.h>

enum { CONTEXT = 3 };

typedef struct Line {
    const char *text;
    size_t length; /* with its newline */
} Line;

typedef struct Lines {
    Line *items;
    size_t count, capacity;
} Lines;

typedef struct Edit {
    char kind; /* ' ', '-', '+' */
    Line line;
} Edit;

typedef struct Edits {
    Edit *items;
    size_t count, capacity;
} Edits;

static void lines_deinit(Lines *lines)
{
    free(lines->items);
}

static void edits_deinit(Edits *edits)
{
    free(edits->items);
}

static int split(const char *text, Lines *lines)
{
    while (*text) {
        const char *newline = strchr(text, '\n');
        const size_t length = newline ? (size_t)(newline - text) + 1 : strlen(text);
        if (array_reserve(&lines->items, &lines->capacity, lines->count, sizeof *lines->items) < 0)
            return -ENOMEM;
        lines->items[lines->count++] = (Line){text, length};
        text += length;
    }
    return 0;
}

static bool equal(const Line *a, const Line *b)
{
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static int add_edit(Edits *edits, char kind, const Line *line)
{
    if (array_reserve(&edits->items, &edits->capacity, edits->count, sizeof *edits->items) < 0)
        return -ENOMEM;
    edits->items[edits->count++] = (Edit){kind, *line};
    return 0;
}

/* A line of OLD that comes again later in FRESH is where it was; what is before it is new. */
static int find_edits(const Lines *old, const Lines *fresh, Edits *edits)
{
    size_t next = 0;
    int r = 0;

    for (size_t i = 0; i < old->count && r == 0; i++) {
        size_t at = next;
        while (at < fresh->count && !equal(&old->items[i], &fresh->items[at]))
            at++;
        if (at == fresh->count) {
            r = add_edit(edits, '-', &old->items[i]);
            continue;
        }
        for (; next < at && r == 0; next++)
            r = add_edit(edits, '+', &fresh->items[next]);
        if (r == 0)
            r = add_edit(edits, ' ', &fresh->items[next++]);
    }
    for (; next < fresh->count && r == 0; next++)
        r = add_edit(edits, '+', &fresh->items[next]);
    return r;
}

/* One past the last edit of the hunk that begins with the change at FIRST. */
static size_t hunk_end(const Edits *edits, size_t first)
{
    size_t end = first + 1;

    for (size_t i = first + 1; i < edits->count && i <= end + (size_t)2 * CONTEXT; i++) {
        if (edits->items[i].kind != ' ')
            end = i + 1;
    }
    return end;
}

static void print_hunk(const Edits *edits, size_t from, size_t to, const size_t before[2],
                       Buffer *out)
{
    size_t counts[2] = {0, 0};

    for (size_t i = from; i < to; i++) {
        counts[0] += edits->items[i].kind != '+';
        counts[1] += edits->items[i].kind != '-';
    }
    (void)buffer_printf(out, "@@ -%zu,%zu +%zu,%zu @@\n", before[0] + (counts[0] > 0), counts[0],
                        before[1] + (counts[1] > 0), counts[1]);
    for (size_t i = from; i < to; i++) {
        const Line *line = &edits->items[i].line;
        (void)buffer_putc(out, edits->items[i].kind);
        (void)buffer_append(out, line->text, line->length);
        if (line->text[line->length - 1] != '\n')
            (void)buffer_puts(out, "\n\\ No newline at end of file\n");
    }
}

int unified_diff(const char *name, const char *old, const char *fresh, Buffer *out)
{
    CLEANUP(lines_deinit) Lines old_lines = {0};
    CLEANUP(lines_deinit) Lines fresh_lines = {0};
    CLEANUP(edits_deinit) Edits edits = {0};
    size_t before[2] = {0, 0}; /* lines of both texts before edit DONE */
    size_t done = 0;
    bool any = false;

    if (split(old, &old_lines) < 0 || split(fresh, &fresh_lines) < 0 ||
        find_edits(&old_lines, &fresh_lines, &edits) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < edits.count; i++) {
        if (edits.items[i].kind == ' ')
            continue;
        const size_t end = hunk_end(&edits, i);
        const size_t from = i > done + CONTEXT ? i - CONTEXT : done;
        const size_t to = end + CONTEXT < edits.count ? end + CONTEXT : edits.count;
        if (!any)
            (void)buffer_printf(out, "--- %s\n+++ %s\n", name, name);
        any = true;
        for (; done < from; done++) {
            before[0]++;
            before[1]++;
        }
        print_hunk(&edits, from, to, before, out);
        for (; done < to; done++) {
            before[0] += edits.items[done].kind != '+';
            before[1] += edits.items[done].kind != '-';
        }
        i = to - 1;
    }
    return out->error;
}
