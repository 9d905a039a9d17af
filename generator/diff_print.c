/* SPDX-License-Identifier: Apache-2.0 */
/* The formats, and text for a terminal. */
#include "generator/diff_private.h"

#include "base/escape.h"

#include <inttypes.h>
#include <string.h>

const DiffFormat diff_formats[] = {
    {"text", diff_print_text},
    {"markdown", diff_print_markdown},
    {"json", diff_print_json},
    {"sarif", diff_print_sarif},
    {NULL, NULL},
};

const DiffFormat *diff_format_by_name(const char *name)
{
    for (const DiffFormat *format = diff_formats; format->name; format++) {
        if (strcmp(format->name, name) == 0)
            return format;
    }
    return NULL;
}

static void put_text(Buffer *out, const char *text)
{
    (void)escape_append(out, text, strlen(text));
}

static void put_who(const Change *change, const DiffColours *colours, Buffer *out)
{
    for (size_t i = 0; i < change->who_count && i < DIFF_WITNESSES_MAX; i++) {
        const DiffWitness *who = &change->who[i];
        (void)buffer_printf(out, "      %sneeded by ", colours->dim);
        put_text(out, who->subject);
        if (who->syscall && strcmp(who->syscall, change->name) != 0)
            (void)buffer_printf(out, ", in %s", who->syscall);
        if (who->labels) {
            (void)buffer_puts(out, ", label ");
            put_text(out, who->labels);
        }
        if (who->command) {
            (void)buffer_puts(out, ": ");
            put_text(out, who->command);
        }
        (void)buffer_printf(out, "%s\n", colours->plain);
    }
    if (change->who_count > DIFF_WITNESSES_MAX)
        (void)buffer_printf(out, "      %sand %zu more%s\n", colours->dim,
                            change->who_count - DIFF_WITNESSES_MAX, colours->plain);
}

static void put_change(const Change *change, const DiffColours *colours, Buffer *out)
{
    static const char signs[DIFF_KIND_COUNT] = {'+', '-', '~'};
    const char *colour = change->kind == DIFF_FORBIDDEN ? colours->green
                         : change->kind == DIFF_CHANGED ? ""
                         : change->risk >= RISK_HIGH    ? colours->red
                         : change->risk == RISK_MEDIUM  ? colours->yellow
                                                        : "";

    (void)buffer_printf(out, "  %s%c ", colour, signs[change->kind]);
    if (change->kind == DIFF_ALLOWED)
        (void)buffer_printf(out, "%-8s  ", risk_name(change->risk));
    (void)buffer_puts(out, change->what);
    (void)buffer_printf(out, "%s", *colour ? colours->plain : "");
    if (change->before && change->after && strcmp(change->section, "capabilities") != 0)
        (void)buffer_printf(out, "  %s → %s", change->before, change->after);
    if (change->when)
        (void)buffer_printf(out, "  (%s)", change->when);
    (void)buffer_puts(out, "\n");
    if (change->why && change->risk >= RISK_LOW)
        (void)buffer_printf(out, "      %s%s%s\n", colours->dim, change->why, colours->plain);
    if (change->example && change->kind == DIFF_ALLOWED)
        (void)buffer_printf(out, "      %sfor example %s%s\n", colours->dim, change->example,
                            colours->plain);
    if (change->reason) {
        (void)buffer_printf(out, "      %sreason: ", colours->dim);
        put_text(out, change->reason);
        (void)buffer_printf(out, "%s\n", colours->plain);
    }
    put_who(change, colours, out);
}

/* Of each kind, section by section in the order of the list's first. */
static void put_kind(const Diff *diff, DiffKind kind, const DiffColours *colours, Buffer *out)
{
    static const char *const heads[DIFF_KIND_COUNT] = {"Newly allowed", "No longer allowed",
                                                       "Changed"};
    const size_t count = diff_count(diff, kind);

    if (count == 0)
        return;
    (void)buffer_printf(out, "%s%s: %zu%s\n", colours->bold, heads[kind], count, colours->plain);
    for (size_t i = 0; i < diff->count; i++) {
        if (diff->changes[i].kind == kind)
            put_change(&diff->changes[i], colours, out);
    }
    (void)buffer_puts(out, "\n");
}

int diff_print_text(const Diff *diff, const DiffColours *colours, Buffer *out)
{
    (void)buffer_puts(out, colours->bold);
    put_text(out, diff->old_name);
    (void)buffer_printf(out, " (%s) → ", diff->old_kind);
    put_text(out, diff->new_name);
    (void)buffer_printf(out, " (%s)%s\n\n", diff->new_kind, colours->plain);
    for (DiffKind kind = 0; kind < DIFF_KIND_COUNT; kind++)
        put_kind(diff, kind, colours, out);
    if (diff->count == 0)
        (void)buffer_puts(out, "Both allow the same.\n");
    (void)buffer_puts(out, buffer_text(&diff->notes));
    return out->error;
}
