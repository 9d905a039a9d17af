/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The comparison as a comment on a change: what a reviewer has to decide first, the rest folded.
 * Names come from files and workloads: nothing of them is markup. GitHub takes comments of up to
 * 65,536 characters: each part ends where it would come near that, and tells how much is missing.
 */
#include "generator/diff_private.h"

#include "base/escape.h"
#include "base/memory.h"

#include <string.h>

enum { ROWS_MAX = 200, SHOWN_MAX = 12, TEXT_MAX = 400 };

/* How long the comment may be, in bytes, behind each of its parts. */
enum {
    LENGTH_ALLOWED = 34000,
    LENGTH_UNDECIDED = 40000,
    LENGTH_FOLDED = 46000,
    LENGTH_FORBIDDEN = 52000,
    LENGTH_CHANGED = 56000,
    LENGTH_NOTES = 58000,
};

/* TEXT, which is plain, with nothing in it that is markup, cut where it is very long. */
static void put_words(Buffer *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (p - text >= TEXT_MAX && ((unsigned char)*p & 0xc0) != 0x80) {
            (void)buffer_puts(out, "…");
            return;
        }
        if (*p == '&')
            (void)buffer_puts(out, "&amp;");
        else if (*p == '<')
            (void)buffer_puts(out, "&lt;");
        else if (*p == '>')
            (void)buffer_puts(out, "&gt;");
        else if (strchr("|*_`[]\\@#~$!:", *p))
            (void)buffer_printf(out, "&#%d;", (unsigned char)*p);
        else
            (void)buffer_putc(out, *p);
    }
}

/* The same as code in a table's cell. */
static void put_plain(Buffer *out, const char *text)
{
    (void)buffer_puts(out, "<code>");
    put_words(out, text);
    (void)buffer_puts(out, "</code>");
}

/* The same of bytes that may be anything. */
static void put_code(Buffer *out, const char *text)
{
    CLEANUP(buffer_deinit) Buffer escaped = BUFFER_INIT;

    (void)escape_append(&escaped, text, strlen(text));
    put_plain(out, buffer_text(&escaped));
}

static const char *const marks[RISK_COUNT] = {"⚪ none", "🔵 low", "🟡 medium", "🟠 **high**",
                                              "🔴 **critical**"};

static void put_why(const Change *change, Buffer *out)
{
    if (change->why)
        (void)buffer_puts(out, change->why);
    if (change->why && change->source && change->risk >= RISK_HIGH)
        (void)buffer_printf(out, " (%s)", change->source);
    if (change->example) {
        (void)buffer_puts(out, "; for example ");
        put_plain(out, change->example);
    }
    for (size_t i = 0; i < change->who_count && i < 2; i++) {
        const DiffWitness *who = &change->who[i];
        (void)buffer_printf(out, "%s by ", i ? " and" : "<br>needed");
        put_code(out, who->subject);
        if (who->labels) {
            (void)buffer_puts(out, " in test ");
            put_code(out, who->labels);
        }
    }
    if (change->who_count > 2)
        (void)buffer_printf(out, " and %zu more", change->who_count - 2);
    if (change->reason) {
        (void)buffer_puts(out, "<br>reason given: ");
        put_code(out, change->reason);
    }
}

static void put_what(const Change *change, Buffer *out)
{
    put_words(out, change->section);
    (void)buffer_putc(out, ' ');
    put_plain(out, change->what);
    if (change->when) {
        (void)buffer_puts(out, " (");
        put_words(out, change->when);
        (void)buffer_putc(out, ')');
    }
}

/* What became allowed, of risk FROM to BELOW (not included), for certain or perhaps. */
typedef struct Rows {
    Risk from, below;
    bool undecided;
} Rows;

static bool rows_have(const Rows *rows, const Change *change)
{
    return change->kind == DIFF_ALLOWED && change->undecided == rows->undecided &&
           change->risk >= rows->from && change->risk < rows->below;
}

static void put_step(const Change *change, Buffer *out)
{
    (void)buffer_puts(out, ": ");
    put_plain(out, change->before);
    (void)buffer_puts(out, " → ");
    put_plain(out, change->after);
}

/* A row of a table or list, or a count of those that are left out. */
typedef struct Space {
    size_t limit; /* of the whole comment */
    size_t shown, left;
} Space;

/* Appends ROW where there is space, and none has been left out before. */
static void put_row(Space *space, const Buffer *row, Buffer *out)
{
    if (space->left || space->shown >= ROWS_MAX || out->length + row->length > space->limit) {
        space->left++;
        return;
    }
    space->shown++;
    (void)buffer_append(out, row->data, row->length);
    if (row->error)
        out->error = row->error;
}

static void put_allowed(const Diff *diff, const Rows *rows, size_t limit, Buffer *out)
{
    Space space = {.limit = limit};

    (void)buffer_printf(out, "| risk | %s | why it %s |\n| --- | --- | --- |\n",
                        rows->undecided ? "perhaps now allowed" : "now allowed",
                        rows->undecided ? "would matter" : "matters");
    for (size_t i = 0; i < diff->count; i++) {
        const Change *change = &diff->changes[i];
        CLEANUP(buffer_deinit) Buffer row = BUFFER_INIT;
        if (!rows_have(rows, change))
            continue;
        (void)buffer_printf(&row, "| %s | ", marks[change->risk]);
        put_what(change, &row);
        if (change->before && change->after && strcmp(change->section, "settings") == 0)
            put_step(change, &row);
        (void)buffer_puts(&row, " | ");
        put_why(change, &row);
        (void)buffer_puts(&row, " |\n");
        put_row(&space, &row, out);
    }
    if (space.left)
        (void)buffer_printf(out, "\n… and %zu more; `whittle diff` lists them.\n", space.left);
    (void)buffer_puts(out, "\n");
}

static size_t count_rows(const Diff *diff, const Rows *rows)
{
    size_t count = 0;

    for (size_t i = 0; i < diff->count; i++)
        count += rows_have(rows, &diff->changes[i]);
    return count;
}

static void put_others(const Diff *diff, DiffKind kind, const char *head, size_t limit, Buffer *out)
{
    const size_t count = diff_count(diff, kind);
    Space space = {.limit = limit};

    if (count == 0)
        return;
    (void)buffer_printf(out, "<details><summary>%s: %zu</summary>\n\n", head, count);
    for (size_t i = 0; i < diff->count; i++) {
        const Change *change = &diff->changes[i];
        CLEANUP(buffer_deinit) Buffer row = BUFFER_INIT;
        if (change->kind != kind)
            continue;
        (void)buffer_puts(&row, "- ");
        put_what(change, &row);
        if (change->before && change->after)
            put_step(change, &row);
        (void)buffer_puts(&row, "\n");
        put_row(&space, &row, out);
    }
    if (space.left)
        (void)buffer_printf(out, "- … and %zu more; `whittle diff` lists them.\n", space.left);
    (void)buffer_puts(out, "\n</details>\n\n");
}

/* How many became allowed for certain, of risk FROM to BELOW (not included). */
static size_t count_risk(const Diff *diff, Risk from, Risk below)
{
    return count_rows(diff, &(Rows){from, below, false});
}

static void put_verdict(const Diff *diff, Buffer *out)
{
    const size_t allowed = count_risk(diff, RISK_NONE, RISK_COUNT);
    const size_t undecided = diff_count(diff, DIFF_ALLOWED) - allowed;
    const size_t dangerous = count_risk(diff, RISK_HIGH, RISK_COUNT);

    (void)buffer_puts(out, "### Security profile: ");
    if (diff->count == 0)
        (void)buffer_puts(out, "nothing changes\n\n");
    else if (allowed + undecided == 0)
        (void)buffer_puts(out, "✅ nothing more is allowed\n\n");
    else if (dangerous)
        (void)buffer_printf(out, "⚠️ %zu dangerous permission%s to decide about\n\n", dangerous,
                            dangerous == 1 ? "" : "s");
    else if (undecided)
        (void)buffer_printf(out, "⚠️ %zu rule%s to read, which could not be compared\n\n",
                            undecided, undecided == 1 ? "" : "s");
    else
        (void)buffer_printf(out, "%zu new permission%s, none of them known as dangerous\n\n",
                            allowed, allowed == 1 ? "" : "s");
    if (diff->count == 0)
        return;
    (void)buffer_printf(
        out,
        "What the program may do under this profile: **%zu** new permissions "
        "(%zu critical, %zu high, %zu medium, %zu low or none), **%zu** taken away, "
        "%zu otherwise changed. ",
        allowed, count_risk(diff, RISK_CRITICAL, RISK_COUNT),
        count_risk(diff, RISK_HIGH, RISK_CRITICAL), count_risk(diff, RISK_MEDIUM, RISK_HIGH),
        count_risk(diff, RISK_NONE, RISK_MEDIUM), diff_count(diff, DIFF_FORBIDDEN),
        diff_count(diff, DIFF_CHANGED));
    if (undecided)
        (void)buffer_printf(out, "Of **%zu** more it is not known whether they are new. ",
                            undecided);
    if (dangerous)
        (void)buffer_puts(out, "Approve only if you know why the program needs what is in the "
                               "first table: an attacker who takes it over gets that too.");
    (void)buffer_puts(out, "\n\n");
}

static void put_undecided(const Diff *diff, Buffer *out)
{
    const Rows rows = {RISK_NONE, RISK_COUNT, true};

    if (count_rows(diff, &rows) == 0)
        return;
    (void)buffer_puts(out, "**Not known:** these have more conditions or patterns than could be "
                           "compared, so that they may allow more than before, or not. Read them "
                           "in the profile itself before you approve.\n\n");
    put_allowed(diff, &rows, LENGTH_UNDECIDED, out);
}

int diff_print_markdown(const Diff *diff, const DiffColours *colours, Buffer *out)
{
    const Risk fold = count_risk(diff, RISK_NONE, RISK_COUNT) <= SHOWN_MAX ? RISK_LOW : RISK_MEDIUM;
    const size_t shown = count_risk(diff, fold, RISK_COUNT);
    const size_t folded = count_risk(diff, RISK_NONE, fold);

    (void)colours;
    put_verdict(diff, out);
    if (shown)
        put_allowed(diff, &(Rows){fold, RISK_COUNT, false}, LENGTH_ALLOWED, out);
    put_undecided(diff, out);
    if (folded) {
        (void)buffer_printf(out, "<details><summary>Now allowed, of little risk: %zu</summary>\n\n",
                            folded);
        put_allowed(diff, &(Rows){RISK_NONE, fold, false}, LENGTH_FOLDED, out);
        (void)buffer_puts(out, "</details>\n\n");
    }
    put_others(diff, DIFF_FORBIDDEN, "No longer allowed", LENGTH_FORBIDDEN, out);
    put_others(diff, DIFF_CHANGED, "Changed, neither more nor less allowed", LENGTH_CHANGED, out);
    (void)buffer_puts(out, "<sub>");
    put_code(out, diff->old_name);
    (void)buffer_printf(out, " (%s) against ", diff->old_kind);
    put_code(out, diff->new_name);
    (void)buffer_printf(out, " (%s)", diff->new_kind);
    for (const char *at = buffer_text(&diff->notes); *at;) {
        const size_t length = strcspn(at, "\n");
        CLEANUP(free_pointer) char *note = strndup(at, length);
        if (out->length > LENGTH_NOTES) {
            (void)buffer_puts(out, "; and more, which `whittle diff` tells");
            break;
        }
        (void)buffer_puts(out, "; ");
        put_words(out, note ? note : "");
        at += length + (at[length] == '\n');
    }
    (void)buffer_puts(out, "</sub>\n");
    return out->error;
}
