/* SPDX-License-Identifier: Apache-2.0 */
/* The comparison for programs: profiles/schema/diff.schema.json. */
#include "generator/diff_private.h"

#include "base/escape.h"
#include "base/memory.h"

#include <errno.h>
#include <jansson.h>

/* TEXT as JSON, escaped where it is no UTF-8; NULL gives NULL. */
static json_t *text_of(const char *text)
{
    CLEANUP(buffer_deinit) Buffer escaped = BUFFER_INIT;

    if (!text || escape_append(&escaped, text, strlen(text)) < 0)
        return NULL;
    return json_string(buffer_text(&escaped));
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        (void)json_object_set_new(object, key, text_of(text));
}

/* TEXT is plain already. */
static void set_plain(json_t *object, const char *key, const char *text)
{
    if (text)
        (void)json_object_set_new(object, key, json_string(text));
}

static json_t *lines_of(const Buffer *lines)
{
    json_t *array = json_array();
    const char *at = buffer_text(lines);

    while (*at) {
        const size_t length = strcspn(at, "\n");
        (void)json_array_append_new(array, json_stringn(at, length));
        at += length + (at[length] == '\n');
    }
    return array;
}

static json_t *who_of(const Change *change)
{
    json_t *array = json_array();

    for (size_t i = 0; i < change->who_count && i < DIFF_WITNESSES_MAX; i++) {
        const DiffWitness *who = &change->who[i];
        json_t *object = json_object();
        set_text(object, "subject", who->subject);
        set_text(object, "syscall", who->syscall);
        set_text(object, "command", who->command);
        set_text(object, "labels", who->labels);
        (void)json_object_set_new(object, "count", json_integer((json_int_t)who->count));
        (void)json_array_append_new(array, object);
    }
    return array;
}

static json_t *change_of(const Change *change)
{
    json_t *object = json_object();

    set_text(object, "change", diff_kind_name(change->kind));
    set_text(object, "section", change->section);
    set_plain(object, "name", change->name);
    set_plain(object, "what", change->what);
    set_text(object, "before", change->before);
    set_text(object, "after", change->after);
    set_text(object, "when", change->when);
    set_plain(object, "example", change->example);
    if (change->kind == DIFF_ALLOWED) {
        set_text(object, "risk", risk_name(change->risk));
        set_text(object, "why", change->why);
        set_text(object, "source", change->source);
    }
    set_text(object, "reason", change->reason);
    if (change->who_count)
        (void)json_object_set_new(object, "needed_by", who_of(change));
    return object;
}

static json_t *side_of(const char *name, const char *kind)
{
    json_t *object = json_object();

    set_text(object, "file", name);
    set_text(object, "kind", kind);
    return object;
}

static json_t *summary_of(const Diff *diff)
{
    json_t *object = json_object();
    Risk worst = RISK_NONE;

    for (size_t i = 0; i < diff->count; i++) {
        if (diff->changes[i].kind == DIFF_ALLOWED && diff->changes[i].risk > worst)
            worst = diff->changes[i].risk;
    }
    for (DiffKind kind = 0; kind < DIFF_KIND_COUNT; kind++)
        (void)json_object_set_new(object, diff_kind_name(kind),
                                  json_integer((json_int_t)diff_count(diff, kind)));
    set_text(object, "risk", risk_name(worst));
    return object;
}

int diff_print_json(const Diff *diff, const DiffColours *colours, Buffer *out)
{
    json_t *root = json_object();
    json_t *changes = json_array();

    (void)colours;
    set_text(root, "whittle", "diff");
    (void)json_object_set_new(root, "format", json_integer(1));
    (void)json_object_set_new(root, "old", side_of(diff->old_name, diff->old_kind));
    (void)json_object_set_new(root, "new", side_of(diff->new_name, diff->new_kind));
    (void)json_object_set_new(root, "summary", summary_of(diff));
    (void)json_object_set_new(root, "compared", lines_of(&diff->compared));
    (void)json_object_set_new(root, "notes", lines_of(&diff->notes));
    for (size_t i = 0; i < diff->count; i++)
        (void)json_array_append_new(changes, change_of(&diff->changes[i]));
    (void)json_object_set_new(root, "changes", changes);
    CLEANUP(free_pointer) char *text = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    if (!text)
        return -ENOMEM;
    (void)buffer_puts(out, text);
    return buffer_puts(out, "\n");
}
