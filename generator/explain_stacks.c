/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/explain_stacks.h"

#include "base/memory.h"
#include "generator/demangle.h"
#include "generator/fact_words.h"
#include "generator/frame_text.h"

#include <errno.h>

enum { NAMES_MAX = 4 };

typedef struct Group {
    Buffer key; /* its functions */
    const char *stack;
    size_t facts;
    Buffer names;
    const char *last;
} Group;

static void put_span(Buffer *out, Span span)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (buffer_append(&text, span.at, span.length) < 0)
        out->error = -ENOMEM;
    fact_words_text(out, buffer_text(&text));
}

/* What makes stacks alike: the functions, or where in which file there is no name for one. */
static void put_key(Buffer *key, const char *stack)
{
    for (const char *at = stack; *at;) {
        const size_t length = strcspn(at, "\n");
        const Frame frame = frame_parse(at, length);
        (void)buffer_append(key, frame.module.at, frame.module.length);
        (void)buffer_putc(key, '\n');
        const Span what = frame.symbol.length ? frame.symbol : frame.address;
        (void)buffer_append(key, what.at, what.length);
        (void)buffer_putc(key, '\n');
        at += length + (at[length] == '\n');
    }
}

static void put_frame(Buffer *out, Demangler *demangler, const char *at, size_t length)
{
    const Frame frame = frame_parse(at, length);
    const char *readable = demangler_name(demangler, frame.symbol.at, frame.symbol.length);

    (void)buffer_puts(out, "    ");
    if (frame.symbol.length) {
        if (readable)
            fact_words_text(out, readable);
        else
            put_span(out, frame.symbol);
        (void)buffer_putc(out, ' ');
        if (frame.line.length) {
            put_span(out, frame.line);
            (void)buffer_putc(out, ' ');
        }
        (void)buffer_puts(out, frame.inlined ? "inlined in " : "in ");
        put_span(out, frame.module);
    } else {
        put_span(out, frame.module);
        put_span(out, frame.address);
    }
    (void)buffer_putc(out, '\n');
}

static int add_to_group(Group *group, const Fact *fact)
{
    /* Facts are sorted by kind and name: the same call with other arguments is the next one. */
    if (group->last && strcmp(group->last, fact->name) == 0) {
        group->facts++;
        return 0;
    }
    group->facts++;
    group->last = fact->name;
    if (group->names.length > 0)
        (void)buffer_puts(&group->names, ", ");
    fact_words_text(&group->names, fact->name);
    return group->names.error;
}

static void put_group(const Group *group, Demangler *demangler, Buffer *out)
{
    size_t names = 0;
    const char *text = buffer_text(&group->names);
    size_t length = 0;

    while (text[length] && names < NAMES_MAX) {
        const char *comma = strstr(text + length + 1, ", ");
        length = comma ? (size_t)(comma - text) : strlen(text);
        names++;
    }
    (void)buffer_puts(out, "  stack of ");
    (void)buffer_append(out, text, length);
    (void)buffer_puts(out, text[length] ? ", …" : "");
    if (group->facts > 1)
        (void)buffer_printf(out, " (%zu facts)", group->facts);
    (void)buffer_putc(out, '\n');
    for (const char *at = group->stack; *at;) {
        const size_t frame = strcspn(at, "\n");
        put_frame(out, demangler, at, frame);
        at += frame + (at[frame] == '\n');
    }
}

static void groups_free(Group *groups, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer_deinit(&groups[i].key);
        buffer_deinit(&groups[i].names);
    }
    free(groups);
}

static int gather(const Recording *recording, StoredFact *const *facts, size_t count, Group *groups,
                  size_t *ret_count)
{
    CLEANUP(buffer_deinit) Buffer key = BUFFER_INIT;
    Fact view;

    for (size_t i = 0; i < count; i++) {
        const Fact *fact = recording_view(recording, facts[i], &view);
        size_t at = 0;
        if (!fact->first.stack)
            continue;
        buffer_clear(&key);
        put_key(&key, fact->first.stack);
        if (key.error)
            return key.error;
        while (at < *ret_count && strcmp(buffer_text(&groups[at].key), buffer_text(&key)) != 0)
            at++;
        if (at == *ret_count) {
            groups[(*ret_count)++] = (Group){.stack = fact->first.stack};
            if (buffer_puts(&groups[at].key, buffer_text(&key)) < 0)
                return -ENOMEM;
        }
        if (add_to_group(&groups[at], fact) < 0)
            return -ENOMEM;
    }
    return 0;
}

int explain_put_stacks(const Recording *recording, StoredFact *const *facts, size_t count,
                       size_t max, Demangler *demangler, Buffer *out)
{
    Group *groups = calloc(count + 1, sizeof *groups);
    size_t found = 0;

    if (!groups)
        return -ENOMEM;
    const int r = gather(recording, facts, count, groups, &found);
    for (size_t i = 0; r == 0 && i < found && i < max; i++)
        put_group(&groups[i], demangler, out);
    if (r == 0 && found > max)
        (void)buffer_printf(out, "  and %zu more stack%s: --all tells of them\n", found - max,
                            found - max == 1 ? "" : "s");
    groups_free(groups, found);
    return r < 0 ? r : out->error;
}
