/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser notes where each rule begins and ends; a change is so many bytes taken away at an
 * offset and others put there. Whole lines come and go in blocks, which have a line an item; in
 * "[a, b]" it is the item and its comma.
 */
#include "base/memory.h"
#include "model/policy_reader.h"
#include "model/policy_text.h"

#include <errno.h>

typedef struct Edit {
    size_t at;
    size_t removed;
    size_t order; /* in which it was made */
    char *added;  /* owned; NULL for nothing */
} Edit;

typedef struct Edits {
    const PolicyText *text;
    Edit *items;
    size_t count, capacity;
} Edits;

static void edits_deinit(Edits *edits)
{
    for (size_t i = 0; i < edits->count; i++)
        free(edits->items[i].added);
    free(edits->items);
}

/* ---- edits: changes as bytes ---------------------------------------------------------------- */

/* The first byte of the line that AT is in. */
static size_t line_begin(const PolicyText *text, size_t at)
{
    while (at > 0 && text->bytes[at - 1] != '\n')
        at--;
    return at;
}

/* The first byte behind the line that AT is in. */
static size_t line_end(const PolicyText *text, size_t at)
{
    const char *newline = memchr(text->bytes + at, '\n', text->length - at);

    return newline ? (size_t)(newline - text->bytes) + 1 : text->length;
}

/* How lines end here. */
static const char *newline_of(const PolicyText *text)
{
    const char *newline = memchr(text->bytes, '\n', text->length);

    return newline && newline > text->bytes && newline[-1] == '\r' ? "\r\n" : "\n";
}

/* ADDED is emptied; NULL for nothing. */
static int edit(Edits *edits, size_t at, size_t removed, Buffer *added)
{
    if ((added && added->error) ||
        array_reserve(&edits->items, &edits->capacity, edits->count, sizeof *edits->items) < 0)
        return -ENOMEM;
    char *bytes = added ? buffer_steal(added) : NULL;
    if (added && !bytes)
        return -ENOMEM;
    edits->items[edits->count] = (Edit){at, removed, edits->count, bytes};
    edits->count++;
    return 0;
}

/* LINES, each with its newline behind it, go behind the line that AT is in. */
static int insert_lines(Edits *edits, size_t at, const Buffer *lines)
{
    CLEANUP(buffer_deinit) Buffer added = BUFFER_INIT;
    const PolicyText *text = edits->text;
    const char *newline = newline_of(text);
    const size_t end = line_end(text, at);

    if (lines->error)
        return lines->error;
    /* The last line of a file that does not end with a newline still does not. */
    if (end == text->length && (end == 0 || text->bytes[end - 1] != '\n')) {
        (void)buffer_puts(&added, newline);
        (void)buffer_append(&added, lines->data, lines->length - strlen(newline));
    } else {
        (void)buffer_append(&added, lines->data, lines->length);
    }
    return edit(edits, end, 0, &added);
}

static size_t kept_items(const TextList *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++)
        kept += !list->items[i].removed;
    return kept;
}

/* "KEY: " and a list, which is not there: behind what ends at AT. */
static int insert_key(Edits *edits, const char *key, size_t at, bool as_flow, const Buffer *items)
{
    CLEANUP(buffer_deinit) Buffer added = BUFFER_INIT;
    const PolicyText *text = edits->text;
    const char *newline = newline_of(text);

    if (text->flow) {
        (void)buffer_printf(&added, ", %s: [%s]", key, buffer_text(items));
        return edit(edits, at, 0, &added);
    }
    if (as_flow)
        (void)buffer_printf(&added, "%*s%s: [%s]%s", (int)text->indent, "", key, buffer_text(items),
                            newline);
    else
        (void)buffer_printf(&added, "%s%*s%s:%s%s", newline, (int)text->indent, "", key, newline,
                            buffer_text(items));
    return insert_lines(edits, at, &added);
}

/* Puts ITEMS into LIST, which is there, at PLACE. */
static int insert_items(Edits *edits, const TextList *list, long place, const Buffer *items)
{
    CLEANUP(buffer_deinit) Buffer added = BUFFER_INIT;
    const size_t at = place < 0 ? list->begin : list->items[place].end;

    if (list->form == TEXT_FLOW) {
        (void)buffer_printf(&added, "%s%s%s", place >= 0 ? ", " : "", buffer_text(items),
                            place < 0 && kept_items(list) > 0 ? ", " : "");
        return edit(edits, at, 0, &added);
    }
    if (!edits->text->flow)
        return insert_lines(edits, at, items);
    /* "{…, files: }": behind the colon; "{…, files}": with one. */
    const size_t end = at + strcspn(edits->text->bytes + at, ":,}");
    const bool colon = edits->text->bytes[end] == ':';
    (void)buffer_printf(&added, "%s [%s]", colon ? "" : ":", buffer_text(items));
    return edit(edits, colon ? end + 1 : end, 0, &added);
}

/* Items of LIST have lines of their own. */
static bool has_lines(const PolicyText *text, const TextList *list)
{
    return !text->flow && list->form != TEXT_FLOW;
}

static int remove_lines(Edits *edits, const TextItem *item)
{
    const PolicyText *text = edits->text;
    size_t begin = line_begin(text, item->begin);

    /* The dash may have a line to itself. */
    while (begin > 0 && !memchr(text->bytes + begin, '-', item->begin - begin))
        begin = line_begin(text, begin - 1);
    return edit(edits, begin, line_end(text, item->end - 1) - begin, NULL);
}

static int remove_items(Edits *edits, const TextList *list)
{
    size_t tail = list->count;
    int r = 0;

    if (list->form == TEXT_BLOCK) {
        for (size_t i = 0; i < list->count && r == 0; i++) {
            if (list->items[i].removed)
                r = remove_lines(edits, &list->items[i]);
        }
        return r;
    }
    /* With the comma behind; of the last ones with that before. */
    while (tail > 0 && list->items[tail - 1].removed)
        tail--;
    for (size_t i = 0; i < tail && r == 0; i++) {
        const size_t begin = list->items[i].begin;
        if (list->items[i].removed)
            r = edit(edits, begin, list->items[i + 1].begin - begin, NULL);
    }
    if (r == 0 && tail < list->count) {
        const size_t begin = tail > 0 ? list->items[tail - 1].end : list->items[0].begin;
        r = edit(edits, begin, list->items[list->count - 1].end - begin, NULL);
    }
    return r;
}

static int change_items(Edits *edits, const TextList *list)
{
    int r = 0;

    for (size_t i = 0; i < list->count && r == 0; i++) {
        CLEANUP(buffer_deinit) Buffer added = BUFFER_INIT;
        const TextItem *item = &list->items[i];
        PolicyRule rule = item->place.rule;
        if (!item->changed || item->removed)
            continue;
        rule.access = item->access;
        r = policy_rule_print_item(&rule, &added);
        if (r == 0)
            r = edit(edits, item->begin, item->end - item->begin, &added);
    }
    return r;
}

/* ---- where things go ------------------------------------------------------------------------ */

/* A rule that was added, and the item behind which it goes: -1 for the list's beginning. */
typedef struct Addition {
    const PolicyRule *rule;
    long place;
    size_t order;
} Addition;

static int compare_additions(const void *a, const void *b)
{
    const Addition *x = a;
    const Addition *y = b;

    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static int compare_items(const void *a, const void *b)
{
    const TextItem *const *x = a;
    const TextItem *const *y = b;
    const int r = policy_rule_compare(&(*x)->place.rule, &(*y)->place.rule);

    return r != 0 ? r : (*x > *y) - (*x < *y);
}

/* SORTED are the items of LIST that stay, COUNT of them. */
static long place_for(const TextList *list, const TextItem *const *sorted, size_t count,
                      const PolicyRule *rule)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (policy_rule_compare(&sorted[middle]->place.rule, rule) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0)
        return sorted[low - 1] - list->items;
    /* Before the next one: behind what stands before that, so that comments on it stay with it. */
    long place = count > 0 ? sorted[0] - list->items - 1 : -1;
    while (place >= 0 && list->items[place].removed)
        place--;
    return place;
}

/* What was added to SECTION, *RET_COUNT of them, by place: for the caller to free, or NULL. */
static Addition *find_places(const PolicyText *text, PolicySection section, size_t *ret_count)
{
    const TextList *list = &text->sections[section];
    CLEANUP(free_pointer) const TextItem **sorted = calloc(list->count + 1, sizeof *sorted);
    Addition *additions = calloc(text->added_count + 1, sizeof *additions);
    size_t kept = 0;
    size_t count = 0;

    if (!sorted || !additions) {
        free(additions);
        return NULL;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (!list->items[i].removed)
            sorted[kept++] = &list->items[i];
    }
    if (kept > 0)
        qsort(sorted, kept, sizeof *sorted, compare_items);
    for (size_t i = 0; i < text->added_count; i++) {
        const PolicyRule *rule = &text->added[i];
        if (rule->section == section)
            additions[count++] = (Addition){rule, place_for(list, sorted, kept, rule), i};
    }
    if (count > 0)
        qsort(additions, count, sizeof *additions, compare_additions);
    *ret_count = count;
    return additions;
}

/* Behind which key a section goes that is not there. */
static size_t section_anchor(const PolicyText *text, PolicySection section)
{
    for (unsigned i = section; i-- > 0;) {
        if (text->sections[i].form != TEXT_ABSENT)
            return text->sections[i].end;
    }
    return text->head_end;
}

static int add_item(const PolicyText *text, const TextList *list, const char *item, Buffer *items)
{
    const bool block = list->form == TEXT_ABSENT ? !text->flow : has_lines(text, list);

    if (block)
        return buffer_printf(items, "%*s- %s%s",
                             (int)(list->form == TEXT_ABSENT ? text->indent + 2 : list->indent), "",
                             item, newline_of(text));
    return buffer_printf(items, "%s%s", items->length > 0 ? ", " : "", item);
}

static int edit_section(Edits *edits, PolicySection section)
{
    const PolicyText *text = edits->text;
    const TextList *list = &text->sections[section];
    size_t count;
    CLEANUP(free_pointer) Addition *additions = find_places(text, section, &count);
    int r = additions ? remove_items(edits, list) : -ENOMEM;
    if (r == 0)
        r = change_items(edits, list);

    for (size_t i = 0; r == 0 && i < count;) {
        CLEANUP(buffer_deinit) Buffer items = BUFFER_INIT;
        const long place = additions[i].place;
        for (; r == 0 && i < count && additions[i].place == place; i++) {
            CLEANUP(buffer_deinit) Buffer item = BUFFER_INIT;
            r = policy_rule_print_item(additions[i].rule, &item);
            if (r == 0)
                r = add_item(text, list, buffer_text(&item), &items);
        }
        if (r < 0)
            return r;
        r = list->form == TEXT_ABSENT ? insert_key(edits, policy_section_name(section),
                                                   section_anchor(text, section), false, &items)
                                      : insert_items(edits, list, place, &items);
    }
    return r;
}

static int edit_archs(Edits *edits)
{
    CLEANUP(buffer_deinit) Buffer items = BUFFER_INIT;
    const PolicyText *text = edits->text;
    const TextList *list = &text->archs;
    const TextList flow = {.form = TEXT_FLOW};

    for (Arch arch = 0; arch < ARCH_COUNT; arch++) {
        if (text->archs_added >> arch & 1)
            (void)add_item(text, list->form == TEXT_ABSENT ? &flow : list, arch_name(arch), &items);
    }
    if (items.error || items.length == 0)
        return items.error;
    if (list->form == TEXT_ABSENT)
        return insert_key(edits, "architectures", text->head_end, true, &items);
    return insert_items(edits, list, (long)list->count - 1, &items);
}

static int compare_edits(const void *a, const void *b)
{
    const Edit *x = a;
    const Edit *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static int apply(Edits *edits, Buffer *out)
{
    const PolicyText *text = edits->text;
    size_t at = 0;

    if (edits->count > 0)
        qsort(edits->items, edits->count, sizeof *edits->items, compare_edits);
    for (size_t i = 0; i < edits->count; i++) {
        const Edit *item = &edits->items[i];
        if (item->at > at)
            (void)buffer_append(out, text->bytes + at, item->at - at);
        if (item->added)
            (void)buffer_puts(out, item->added);
        const size_t end = item->at + item->removed;
        at = end > at ? end : at;
    }
    return buffer_append(out, text->bytes + at, text->length - at);
}

int policy_text_print(const PolicyText *text, Buffer *out)
{
    CLEANUP(edits_deinit) Edits edits = {.text = text};
    CLEANUP(buffer_deinit) Buffer closed = BUFFER_INIT;
    int r = edit_archs(&edits);

    if (r == 0 && text->open_root && text->root_end > text->root_begin) {
        (void)buffer_puts(&closed, "false");
        r = edit(&edits, text->root_begin, text->root_end - text->root_begin, &closed);
    }
    for (PolicySection i = 0; r == 0 && i < POLICY_SECTION_COUNT; i++)
        r = edit_section(&edits, i);
    return r == 0 ? apply(&edits, out) : r;
}
