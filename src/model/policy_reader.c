/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's events with complaints that say where, and the places of things in the text. */
#include "model/policy_reader.h"

#include "base/memory.h"
#include "base/nearest.h"
#include "model/yaml_error.h"

#include <errno.h>

int reader_at_mark(PolicyReader *reader, const yaml_mark_t *mark, int code)
{
    return yaml_error_at(reader->name, mark, code, reader->err);
}

int reader_complain(PolicyReader *reader, const char *format, const char *detail)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const int r = error_set(reader->err, -EINVAL, format, detail);
#pragma GCC diagnostic pop

    return reader_at_mark(reader, &reader->event.start_mark, r);
}

int reader_complain_word(PolicyReader *reader, const char *text, const char *wrong,
                         const char *const *words)
{
    const char *meant = nearest_word(text, words);
    const int r = meant ? error_set(reader->err, -EINVAL, "\"%.100s\" %s; did you mean \"%s\"?",
                                    text, wrong, meant)
                        : error_set(reader->err, -EINVAL, "\"%.100s\" %s", text, wrong);

    return reader_at_mark(reader, &reader->event.start_mark, r);
}

/* ---- places --------------------------------------------------------------------------------- */

static bool continues(const PolicyText *text, size_t at)
{
    return at < text->length && ((unsigned char)text->bytes[at] & 0xc0) == 0x80;
}

/* libyaml counts characters. Marks are close to each other, forward or back. */
static size_t offset_of(PolicyReader *reader, const yaml_mark_t *mark)
{
    const PolicyText *text = reader->text;

    for (; reader->at_index > mark->index; reader->at_index--) {
        do
            reader->at--;
        while (continues(text, reader->at));
    }
    for (; reader->at_index < mark->index && reader->at < text->length; reader->at_index++) {
        do
            reader->at++;
        while (continues(text, reader->at));
    }
    return reader->at;
}

/* Where blocks end says only what comes next, which may be far below. */
static void note_content(PolicyReader *reader)
{
    const yaml_event_t *event = &reader->event;
    const char *bytes = reader->text->bytes;

    switch ((int)event->type) {
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.style != YAML_FLOW_SEQUENCE_STYLE)
            return;
        break;
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.style != YAML_FLOW_MAPPING_STYLE)
            return;
        break;
    case YAML_SCALAR_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        if (event->end_mark.index == event->start_mark.index)
            return;
        break;
    default:
        return;
    }
    size_t end = offset_of(reader, &event->end_mark);
    /* A text in lines of its own has the breaks behind it, too. */
    while (end > 0 && strchr(" \t\r\n", bytes[end - 1]))
        end--;
    reader->content_end = end;
}

size_t reader_begin(PolicyReader *reader)
{
    return reader->text ? offset_of(reader, &reader->event.start_mark) : 0;
}

void reader_list_begin(PolicyReader *reader, TextList *list)
{
    if (!reader->text)
        return;
    const yaml_event_t *event = &reader->event;
    list->form = TEXT_EMPTY;
    list->begin = reader->content_end;
    list->indent = reader->text->indent + 2;
    if (event->type == YAML_SEQUENCE_START_EVENT &&
        event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE) {
        list->form = TEXT_FLOW;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        list->form = TEXT_BLOCK;
        list->indent = event->start_mark.column;
    }
    list->end = list->begin;
}

void reader_list_end(const PolicyReader *reader, TextList *list)
{
    if (reader->text)
        list->end = reader->content_end;
}

/* How many lines begin in the text from BEGIN to END. */
static size_t count_lines(const PolicyText *text, size_t begin, size_t end)
{
    size_t lines = 0;

    for (size_t at = begin; at < end; at++)
        lines += text->bytes[at] == '\n';
    return lines;
}

int reader_item(PolicyReader *reader, TextList *list, const TextItem *item, size_t begin,
                const yaml_mark_t *mark)
{
    if (!reader->text)
        return 0;
    if (array_reserve(&list->items, &list->capacity, list->count, sizeof *list->items) < 0)
        return error_errno(reader->err, -ENOMEM, "%s", reader->name);
    TextItem *copy = &list->items[list->count++];
    *copy = *item;
    copy->begin = begin;
    copy->end = reader->content_end;
    copy->place.line = mark->line + 1;
    copy->place.column = mark->column + 1;
    copy->place.last_line = copy->place.line + count_lines(reader->text, begin, copy->end);
    return 0;
}

/* ---- events --------------------------------------------------------------------------------- */

int reader_next(PolicyReader *reader)
{
    if (reader->has_event)
        yaml_event_delete(&reader->event);
    reader->has_event = false;
    if (!yaml_parser_parse(&reader->parser, &reader->event))
        return yaml_error_set(reader->name, &reader->parser, reader->err);
    reader->has_event = true;
    const yaml_event_t *event = &reader->event;
    if (event->type == YAML_ALIAS_EVENT ||
        (event->type == YAML_SCALAR_EVENT && event->data.scalar.anchor))
        return reader_complain(reader, "a policy has no anchors and aliases%s", "");
    if (event->type == YAML_SCALAR_EVENT && event->data.scalar.length > POLICY_SCALAR_MAX)
        return reader_complain(reader, "this text is too long%s", "");
    if (reader->text)
        note_content(reader);
    return 0;
}

int reader_next_is(PolicyReader *reader, yaml_event_type_t type, const char *what)
{
    const int r = reader_next(reader);

    if (r < 0 || reader->event.type == type)
        return r;
    return reader_complain(reader, "%s is expected here", what);
}

const char *reader_scalar(PolicyReader *reader, const char *what)
{
    const yaml_event_t *event = &reader->event;

    if (event->type != YAML_SCALAR_EVENT) {
        (void)reader_complain(reader, "%s is expected here", what);
        return NULL;
    }
    const char *text = (const char *)event->data.scalar.value;
    if (strlen(text) != event->data.scalar.length) {
        (void)reader_complain(reader, "%s holds a zero byte", what);
        return NULL;
    }
    return text;
}

const char *reader_next_scalar(PolicyReader *reader, const char *what)
{
    return reader_next(reader) < 0 ? NULL : reader_scalar(reader, what);
}
