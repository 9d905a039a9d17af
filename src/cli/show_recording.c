/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts of one kind and name are neighbours once sorted. They make one line: the name, what
 * distinguishes the facts (at most DETAILS_MAX of them are spelled out), how often, which failures.
 */
#include "cli/show_recording.h"

#include "base/escape.h"
#include "base/memory.h"
#include "cli/command.h"
#include "generator/fact_words.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

enum { DETAILS_MAX = 6, RUNS_MAX = 8, LABELS_MAX = 8, NAME_WIDTH = 20 };
enum { OUT_SIZE = 256 * 1024 };

/* ---- selecting --------------------------------------------------------------------------------
 */

/* Facts of a recording, in its order. */
typedef struct Selection {
    const Recording *recording;
    StoredFact **facts;
    size_t count;
} Selection;

static const Fact *view_of(const Selection *selection, size_t index, Fact *view)
{
    return recording_view(selection->recording, selection->facts[index], view);
}

static void selection_deinit(Selection *selection)
{
    free(selection->facts);
    *selection = (Selection){0};
}

static int selection_init(Selection *selection, Recording *recording, const ShowOptions *options)
{
    size_t count = recording_facts_count(recording);
    Selection result = {recording, calloc(count + 1, sizeof *result.facts), 0};
    int r = result.facts ? recording_sort(recording) : -ENOMEM;

    if (r < 0) {
        selection_deinit(&result);
        return r;
    }
    for (size_t i = 0; i < count; i++) {
        Fact view;
        const Fact *fact = recording_fact(recording, i, &view);

        if (options->kind >= 0 && (int)fact->kind != options->kind)
            continue;
        if (options->subject && (!fact->subject || strcmp(fact->subject, options->subject) != 0))
            continue;
        result.facts[result.count++] = recording_stored(recording, i);
    }
    *selection = result;
    return 0;
}

/* ---- one line a name ----------------------------------------------------------------------------
 */

/* Facts of the same kind and name. */
static Selection group_at(const Selection *all, size_t begin)
{
    Fact first;
    Fact next;
    size_t end = begin + 1;

    (void)view_of(all, begin, &first);
    while (end < all->count && view_of(all, end, &next)->kind == first.kind &&
           strcmp(next.name, first.name) == 0)
        end++;
    return (Selection){all->recording, all->facts + begin, end - begin};
}

/* The distinct details of the group's facts, most DETAILS_MAX of them. */
static void put_group_details(Buffer *out, const Selection *group)
{
    StringSet *seen = strset_new();
    size_t shown = 0, distinct = 0;

    for (size_t i = 0; seen && i < group->count; i++) {
        CLEANUP(buffer_deinit) Buffer one = BUFFER_INIT;
        size_t before = strset_count(seen);
        Fact view;

        fact_words_details(&one, view_of(group, i, &view));
        if (!one.length || !strset_add(seen, buffer_text(&one)) || strset_count(seen) == before)
            continue;
        distinct++;
        if (shown < DETAILS_MAX)
            (void)buffer_printf(out, "%s%s", shown++ ? "; " : "  ", buffer_text(&one));
    }
    if (distinct > shown)
        (void)buffer_printf(out, "; and %zu more", distinct - shown);
    strset_free(seen);
}

/* Of a file one wants to know what was done to it, all in all. */
static void put_file_details(Buffer *out, const Selection *group)
{
    Fact view;
    const char *type = fact_text(view_of(group, 0, &view), FIELD_FILE_TYPE);
    int64_t access = 0;

    for (size_t i = 0; i < group->count; i++)
        access |= fact_number(view_of(group, i, &view), FIELD_ACCESS, 0);
    (void)buffer_puts(out, "  ");
    fact_words_access(out, access);
    if (type && strcmp(type, "regular") != 0) {
        (void)buffer_puts(out, "  ");
        fact_words_text(out, type);
    }
}

static void put_group(Buffer *out, const Selection *group, const ShowOptions *options)
{
    Fact first;
    Fact view;
    Results results = {0};
    uint64_t count = 0;
    size_t begin;
    bool inferred = true;
    CLEANUP(buffer_deinit) Buffer failures = BUFFER_INIT;

    for (size_t i = 0; i < group->count; i++) {
        const Fact *fact = view_of(group, i, &view);

        count += fact_count(fact);
        inferred = inferred && fact->rule;
        for (size_t word = 0; word < RESULT_WORDS; word++)
            results.words[word] |= fact->results.words[word];
    }
    (void)buffer_puts(out, "  ");
    begin = out->length;
    fact_words_text(out, view_of(group, 0, &first)->name);
    if (out->length - begin < NAME_WIDTH)
        (void)buffer_printf(out, "%*s", (int)(NAME_WIDTH - (out->length - begin)), "");
    if (first.kind == FACT_FILE)
        put_file_details(out, group);
    else
        put_group_details(out, group);
    if (first.kind != FACT_RESOURCE) {
        (void)buffer_puts(out, options->coloured ? "  \033[2m" : "  ");
        fact_words_number(out, count);
        (void)buffer_puts(out, options->coloured ? "x\033[0m" : "x");
    }
    if (inferred)
        (void)buffer_printf(out, "  (inferred: %s)", first.rule);
    fact_words_failures(&failures, &results);
    if (failures.length)
        (void)buffer_printf(out, "  %s%s", results_may_succeed(&results) ? "also " : "only ",
                            buffer_text(&failures));
    (void)buffer_putc(out, '\n');
}

/* ---- the head
 * ------------------------------------------------------------------------------------ */

static void put_losses(Buffer *out, const Recording *recording, const ShowOptions *options)
{
    if (recording_is_complete(recording))
        return;
    (void)buffer_printf(out, "%sNOT COMPLETE%s: something this workload did is not in here.\n",
                        options->coloured ? "\033[1;31m" : "", options->coloured ? "\033[0m" : "");
    for (size_t i = 0; i < recording_losses_count(recording); i++) {
        const Loss *loss = recording_loss(recording, i);

        (void)buffer_puts(out, "  lost: ");
        fact_words_text(out, loss->cause);
        (void)buffer_puts(out, ", ");
        fact_words_number(out, loss->count);
        (void)buffer_puts(out, loss->count == 1 ? " time" : " times");
        if (loss->example) {
            (void)buffer_puts(out, ", first: ");
            fact_words_text(out, loss->example);
        }
        (void)buffer_putc(out, '\n');
    }
    (void)buffer_putc(out, '\n');
}

static void put_line(Buffer *out, const char *title, const char *text)
{
    if (!text)
        return;
    (void)buffer_printf(out, "  %-9s ", title);
    fact_words_text(out, text);
    (void)buffer_putc(out, '\n');
}

static void put_run(Buffer *out, const Run *run, size_t number)
{
    (void)buffer_printf(out, "run %zu%s\n", number, run->complete ? "" : ", not complete");
    if (run->command_count)
        (void)buffer_printf(out, "  %-9s", "command");
    for (size_t i = 0; i < run->command_count; i++) {
        (void)buffer_putc(out, ' ');
        fact_words_text(out, run->command[i]);
    }
    if (run->command_count)
        (void)buffer_putc(out, '\n');
    put_line(out, "label", run->label);
    put_line(out, "machine", run->arch);
    put_line(out, "kernel", run->kernel);
    put_line(out, "backend", run->backend);
    put_line(out, "features", run->features && *run->features ? run->features : NULL);
    put_line(out, "runtime", run->runtime);
    put_line(out, "image", run->image);
    put_line(out, "engine", run->engine);
    put_line(out, "service", run->service);
    put_line(out, "container", run->container);
    put_line(out, "cgroup", run->cgroup);
    put_line(out, "started", run->start);
    put_line(out, "ended", run->end);
    if (run->exit_status >= 0)
        (void)buffer_printf(out, "  %-9s %d\n", "status", run->exit_status);
    (void)buffer_printf(out, "  %-9s ", "calls");
    fact_words_number(out, run->calls);
    if (run->interrupted > 0) {
        (void)buffer_puts(out, ", of which a signal may have interrupted ");
        fact_words_number(out, run->interrupted);
    }
    (void)buffer_putc(out, '\n');
}

/* ---- the kinds
 * ----------------------------------------------------------------------------------- */

typedef struct KindTotals {
    size_t names, facts;
} KindTotals;

static void count_kinds(const Selection *all, KindTotals totals[FACT_KIND_COUNT])
{
    for (size_t i = 0; i < all->count;) {
        Selection group = group_at(all, i);
        Fact view;
        KindTotals *total = &totals[view_of(&group, 0, &view)->kind];

        total->names++;
        total->facts += group.count;
        i += group.count;
    }
}

static void put_totals(Buffer *out, const KindTotals totals[FACT_KIND_COUNT])
{
    (void)buffer_puts(out, "\nkind          names     facts\n");
    for (int kind = 0; kind < FACT_KIND_COUNT; kind++)
        if (totals[kind].facts)
            (void)buffer_printf(out, "%-10s %8zu  %8zu\n", fact_kind_name((FactKind)kind),
                                totals[kind].names, totals[kind].facts);
}

/* What `whittle mark` named, in the order of the facts; at most LABELS_MAX of it. */
static void put_labels(Buffer *out, const Selection *all)
{
    StringSet *seen = strset_new();

    for (size_t i = 0; seen && i < all->count; i++) {
        Fact view;
        const Fact *fact = view_of(all, i, &view);
        for (size_t k = 0; k < fact->labels_count; k++) {
            const char *label = fact->labels[k];
            size_t before = strset_count(seen);

            if (!strset_add(seen, label) || strset_count(seen) == before || before >= LABELS_MAX)
                continue;
            (void)buffer_puts(out, before == 0 ? "labels      " : ", ");
            fact_words_text(out, label);
        }
    }
    if (seen && strset_count(seen) > LABELS_MAX)
        (void)buffer_printf(out, ", and %zu more", strset_count(seen) - LABELS_MAX);
    if (seen && strset_count(seen) > 0)
        (void)buffer_putc(out, '\n');
    strset_free(seen);
}

static void put_lifted(Buffer *out, Recording *recording)
{
    CLEANUP(buffer_deinit) Buffer names = BUFFER_INIT;

    if (recording_profile_denied(recording, &names) == 0 && names.length > 0)
        (void)buffer_printf(
            out,
            "made, though the container's own seccomp profile, which was lifted, refuses: %s\n",
            buffer_text(&names));
}

static void put_head(Buffer *out, Recording *recording, const ShowOptions *options)
{
    size_t runs = recording_runs_count(recording);

    put_losses(out, recording, options);
    fact_words_text(out, options->path);
    (void)buffer_printf(out, ": a recording of %zu run%s\n", runs, runs == 1 ? "" : "s");
    for (size_t i = 0; i < runs && i < RUNS_MAX; i++)
        put_run(out, recording_run(recording, (uint32_t)i), i + 1);
    if (runs > RUNS_MAX)
        (void)buffer_printf(out, "and %zu more runs; --json shows them\n", runs - RUNS_MAX);
    put_lifted(out, recording);
}

static int empty_if_full(Buffer *out, const ShowOptions *options)
{
    if (out->error || !options->empty || out->length < OUT_SIZE)
        return out->error;
    return options->empty(out);
}

int show_recording(Recording *recording, const ShowOptions *options, Buffer *out)
{
    CLEANUP(selection_deinit) Selection all = {0};
    KindTotals totals[FACT_KIND_COUNT] = {0};
    int kind = -1, r = selection_init(&all, recording, options);

    if (r < 0)
        return r;
    put_head(out, recording, options);
    put_labels(out, &all);
    count_kinds(&all, totals);
    put_totals(out, totals);
    for (size_t i = 0; i < all.count;) {
        Selection group = group_at(&all, i);

        Fact view;

        if ((int)view_of(&group, 0, &view)->kind != kind) {
            kind = (int)view.kind;
            (void)buffer_printf(out, "\n%s%s%s\n", options->coloured ? "\033[1m" : "",
                                fact_kind_name(view.kind), options->coloured ? "\033[0m" : "");
        }
        put_group(out, &group, options);
        i += group.count;
        r = empty_if_full(out, options);
        if (r < 0)
            return r;
    }
    return out->error;
}

int show_recording_json(Recording *recording, const ShowOptions *options, Buffer *out)
{
    CLEANUP(selection_deinit) Selection all = {0};
    int r = selection_init(&all, recording, options);

    if (r == 0)
        r = recording_print_document_head(recording, out);
    for (size_t i = 0; r == 0 && i < all.count; i++) {
        (void)buffer_puts(out, i > 0 ? ",\n" : "\n");
        r = recording_print_fact(recording, all.facts[i], out);
        if (r < 0)
            return r;
        out->data[--out->length] = '\0'; /* the line's end comes with the comma */
        r = empty_if_full(out, options);
    }
    if (r < 0)
        return r;
    return buffer_puts(out, "\n]}\n");
}
