/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An explanation for a person: what was seen, by process, then the rules that depend on it. Facts
 * of processes of the same program, ancestry and command line stand together.
 */
#include "base/escape.h"
#include "base/memory.h"
#include "generator/explain.h"
#include "generator/explain_stacks.h"
#include "generator/fact_words.h"

#include <errno.h>

enum { PROCESSES_MAX = 8, FACTS_MAX = 8, STACKS_MAX = 4, LABELS_MAX = 8, RUNS_NAMED_MAX = 4 };

/* A fact with where it stands in the answer. */
typedef struct Sorted {
    const Recording *recording;
    const StoredFact *fact;
    size_t index;
} Sorted;

typedef struct Page {
    const ExplainInput *input;
    const Explanation *explanation;
    const ExplainStyle *style;
    Demangler *demangler;
    Sorted *sorted; /* by process */
    Buffer *out;
} Page;

/* ---- processes ------------------------------------------------------------------------------ */

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_processes(const Fact *a, const Fact *b)
{
    int c = compare_text(a->subject, b->subject);

    if (c == 0)
        c = (int)a->first.depth - (int)b->first.depth;
    for (size_t i = 0; c == 0 && i < a->first.depth; i++)
        c = strcmp(a->first.ancestry[i], b->first.ancestry[i]);
    return c ? c : compare_text(a->first.command, b->first.command);
}

static int compare_sorted(const void *left, const void *right)
{
    const Sorted *a = left, *b = right;
    Fact one, other;
    const int c = compare_processes(recording_view(a->recording, a->fact, &one),
                                    recording_view(b->recording, b->fact, &other));

    return c ? c : (a->index > b->index) - (a->index < b->index);
}

/* One past the last fact of the process that the fact at BEGIN is of. */
static size_t process_end(const Page *page, size_t begin)
{
    const Recording *recording = page->input->recording;
    size_t end = begin + 1;
    Fact first, next;

    (void)recording_view(recording, page->sorted[begin].fact, &first);
    while (end < page->explanation->facts_count &&
           compare_processes(&first, recording_view(recording, page->sorted[end].fact, &next)) == 0)
        end++;
    return end;
}

static void put_process(const Page *page, const Fact *fact)
{
    Buffer *out = page->out;
    /* What ancestry begins with is mostly the process itself. */
    const bool itself = fact->first.depth > 0 && fact->subject &&
                        strcmp(fact->first.ancestry[0], fact->subject) == 0;

    (void)buffer_printf(out, "\n%s", page->style->bold);
    if (!fact->subject)
        (void)buffer_puts(out, "a program that is not known");
    else if (strcmp(fact->subject, "*") == 0)
        (void)buffer_puts(out, "the workload as a whole");
    else
        fact_words_text(out, fact->subject);
    (void)buffer_puts(out, page->style->plain);
    for (size_t i = itself ? 1 : 0; i < fact->first.depth; i++) {
        (void)buffer_puts(out, i > (itself ? 1u : 0u) ? ", by " : ", started by ");
        fact_words_text(out, fact->first.ancestry[i]);
    }
    (void)buffer_putc(out, '\n');
    if (fact->first.command) {
        (void)buffer_puts(out, "  command  ");
        fact_words_text(out, fact->first.command);
        (void)buffer_putc(out, '\n');
    }
}

/* ---- facts ---------------------------------------------------------------------------------- */

static void put_labels(Buffer *out, const Fact *fact)
{
    for (size_t i = 0; i < fact->labels_count && i < LABELS_MAX; i++) {
        (void)buffer_puts(out, i == 0 ? "; label " : ", ");
        fact_words_text(out, fact->labels[i]);
    }
    if (fact->labels_count > LABELS_MAX)
        (void)buffer_printf(out, " and %zu more", fact->labels_count - LABELS_MAX);
}

static void put_runs(Buffer *out, const ExplainInput *input, const Fact *fact)
{
    const size_t runs = recording_runs_count(input->recording);

    if (runs > 1)
        (void)buffer_printf(out, "; in %zu of %zu runs", fact->runs_count, runs);
    for (size_t i = 0; runs > 1 && i < fact->runs_count && i < RUNS_NAMED_MAX; i++) {
        const Run *run = recording_run(input->recording, fact->runs[i].run);
        if (!run->label || fact->runs_count == runs)
            continue;
        (void)buffer_puts(out, i == 0 ? ": " : ", ");
        fact_words_text(out, run->label);
    }
}

static void put_fact(const Page *page, const Fact *fact)
{
    CLEANUP(buffer_deinit) Buffer details = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer results = BUFFER_INIT;
    Buffer *out = page->out;

    fact_words_details(&details, fact);
    fact_words_results(&results, &fact->results);
    (void)buffer_puts(out, "  ");
    fact_words_number(out, fact_count(fact));
    (void)buffer_printf(out, "x  %s ", fact_kind_name(fact->kind));
    fact_words_text(out, fact->name);
    if (details.length)
        (void)buffer_printf(out, " %s", buffer_text(&details));
    if (results.length)
        (void)buffer_printf(out, ": %s%s", buffer_text(&results),
                            fact->predicted ? " (predicted)" : "");
    (void)buffer_puts(out, page->style->dim);
    if (fact->first.syscall && fact->kind != FACT_SYSCALL) {
        (void)buffer_puts(out, "; in ");
        fact_words_text(out, fact->first.syscall);
    }
    if (fact->rule) {
        (void)buffer_puts(out, "; inferred by ");
        fact_words_text(out, fact->rule);
    } else {
        (void)buffer_puts(out, "; observed");
    }
    if (fact->phase != PHASE_RUN)
        (void)buffer_printf(out, "; phase %s", phase_name(fact->phase));
    put_runs(out, page->input, fact);
    put_labels(out, fact);
    (void)buffer_printf(out, "%s\n", page->style->plain);
}

static void put_more(Buffer *out, size_t count, const char *indent, const char *what)
{
    (void)buffer_printf(out, "%sand %zu more %s%s: --all tells of them\n", indent, count, what,
                        count == 1 ? "" : "s");
}

/* Of the facts from BEGIN up to END, which are of one process. */
static void put_stacks(const Page *page, size_t begin, size_t end)
{
    CLEANUP(free_pointer) StoredFact **facts = calloc(end - begin + 1, sizeof(StoredFact *));

    for (size_t i = begin; facts && i < end; i++)
        facts[i - begin] = page->explanation->facts[page->sorted[i].index];
    if (!facts || explain_put_stacks(page->input->recording, facts, end - begin,
                                     page->style->all ? SIZE_MAX : STACKS_MAX, page->demangler,
                                     page->out) < 0)
        page->out->error = -ENOMEM;
}

static void put_facts(const Page *page)
{
    const size_t count = page->explanation->facts_count;
    const Recording *recording = page->input->recording;
    size_t processes = 0, left = 0;
    Fact view;

    for (size_t begin = 0; begin < count;) {
        const size_t end = process_end(page, begin);
        const size_t shown = page->style->all || end - begin <= FACTS_MAX ? end : begin + FACTS_MAX;
        if (processes++ >= PROCESSES_MAX && !page->style->all) {
            left += end - begin;
            begin = end;
            continue;
        }
        put_process(page, recording_view(recording, page->sorted[begin].fact, &view));
        for (size_t i = begin; i < shown; i++)
            put_fact(page, recording_view(recording, page->sorted[i].fact, &view));
        if (shown < end)
            put_more(page->out, end - shown, "  ", "fact");
        put_stacks(page, begin, end);
        begin = end;
    }
    if (left > 0) {
        (void)buffer_putc(page->out, '\n');
        put_more(page->out, left, "", "fact");
    }
}

/* ---- rules ---------------------------------------------------------------------------------- */

static const struct {
    const char *origin;
    const char *words;
} origins[] = {
    {"baseline", "start-up set: the workload makes this call sooner or later"},
    {"equivalent", "not seen itself: stands for what was seen"},
    {"not-seen", "nothing in the recording needs it: written by hand, or learned from another one"},
    {"unknown", "who needed it is not known: name a recording with --recording"},
};

static void put_rule(const Page *page, const ExplainedRule *found)
{
    const PolicyRule *rule = &found->place->rule;
    Buffer *out = page->out;

    (void)buffer_puts(out, "  ");
    if (page->input->policy_path) {
        fact_words_text(out, page->input->policy_path);
        (void)buffer_printf(out, ":%zu: ", found->place->line);
    }
    (void)buffer_printf(out, "%s: ", policy_section_name(rule->section));
    (void)policy_rule_print(rule, out);
    if (rule->deny != POLICY_ALLOW) {
        (void)buffer_puts(out, ", denied");
        if (rule->deny != POLICY_DENY) {
            (void)buffer_puts(out, ": ");
            (void)policy_deny_print(rule->deny, out);
        }
    }
    if (rule->keep)
        (void)buffer_puts(out, ", keep");
    (void)buffer_puts(out, page->style->dim);
    if (found->facts > 0)
        (void)buffer_printf(out, "  (%zu fact%s", found->facts, found->facts == 1 ? "" : "s");
    if (found->facts > 0 && strcmp(found->origin, "generalised") == 0)
        (void)buffer_printf(out, "; generalised: stands for %zu path%s of these", found->names,
                            found->names == 1 ? "" : "s");
    (void)buffer_printf(out, "%s%s\n", found->facts > 0 ? ")" : "", page->style->plain);
    if (rule->reason) {
        (void)buffer_puts(out, "    reason: ");
        fact_words_text(out, rule->reason);
        (void)buffer_putc(out, '\n');
    }
    if (found->others > 0)
        (void)buffer_printf(out, "    %zu other fact%s of the recording need%s it\n", found->others,
                            found->others == 1 ? "" : "s", found->others == 1 ? "s" : "");
    for (size_t i = 0; i < ARRAY_LENGTH(origins); i++) {
        if (strcmp(origins[i].origin, found->origin) == 0)
            (void)buffer_printf(out, "    %s\n", origins[i].words);
    }
}

static void put_rules(const Page *page)
{
    const Explanation *explanation = page->explanation;

    if (explanation->rules_count > 0)
        (void)buffer_printf(page->out, "\n%s%s%s\n", page->style->bold,
                            page->input->policy_path ? "rules about it"
                                                     : "rules that `whittle generate` makes of it",
                            page->style->plain);
    for (size_t i = 0; i < explanation->rules_count; i++)
        put_rule(page, &explanation->rules[i]);
}

/* ---- the head ------------------------------------------------------------------------------- */

static void put_counts(const Page *page)
{
    const Explanation *explanation = page->explanation;
    const Recording *recording = page->input->recording;
    const size_t runs = recording ? recording_runs_count(recording) : 0;
    CLEANUP(free_pointer) bool *seen = calloc(runs + 1, sizeof *seen);
    size_t in = 0;
    uint64_t count = 0;
    Fact view;

    if (!recording || !seen) {
        (void)buffer_puts(page->out, recording ? "\n" : ", no recording was named\n");
        return;
    }
    for (size_t i = 0; i < explanation->facts_count; i++) {
        const Fact *fact = recording_view(recording, explanation->facts[i], &view);
        count += fact_count(fact);
        for (size_t k = 0; k < fact->runs_count; k++) {
            in += !seen[fact->runs[k].run];
            seen[fact->runs[k].run] = true;
        }
    }
    (void)buffer_printf(page->out, ": %zu fact%s", explanation->facts_count,
                        explanation->facts_count == 1 ? "" : "s");
    if (explanation->facts_count > 0) {
        (void)buffer_puts(page->out, ", ");
        fact_words_number(page->out, count);
        (void)buffer_printf(page->out, " time%s, in %zu of %zu run%s", count == 1 ? "" : "s", in,
                            runs, runs == 1 ? "" : "s");
    }
    (void)buffer_puts(page->out, explanation->stand_in ? ", of what it was allowed for\n" : "\n");
}

static void put_head(const Page *page)
{
    const Explanation *explanation = page->explanation;
    const char *also = "taken as a ";

    (void)buffer_printf(page->out, "%s%s ", page->style->bold,
                        explain_kind_name(explanation->kind));
    fact_words_text(page->out, buffer_text(&explanation->what));
    (void)buffer_puts(page->out, page->style->plain);
    put_counts(page);
    if (explanation->also) {
        (void)buffer_printf(page->out, "%s%s; ", also, explain_kind_name(explanation->kind));
        for (int i = 0; i < EXPLAIN_KIND_COUNT; i++) {
            if (explanation->also >> i & 1)
                (void)buffer_printf(page->out, "%s--kind %s",
                                    explanation->also & ((1u << i) - 1) ? ", " : "",
                                    explain_kind_name((ExplainKind)i));
        }
        (void)buffer_puts(page->out, " finds something, too\n");
    }
    if (page->input->recording && !recording_is_complete(page->input->recording))
        (void)buffer_puts(page->out, "the recording is not complete: something that was done is "
                                     "not in there (whittle show)\n");
    if (explanation->notes.length)
        (void)buffer_puts(page->out, buffer_text(&explanation->notes));
}

int explain_print_text(const ExplainInput *input, const Explanation *explanation,
                       const ExplainStyle *style, Buffer *out)
{
    CLEANUP(free_pointer)
    Sorted *sorted = calloc(explanation->facts_count + 1, sizeof *sorted);
    CLEANUP(demangler_cleanup) Demangler *demangler = demangler_new();
    const Page page = {input, explanation, style, demangler, sorted, out};

    if (!sorted || !demangler)
        return -ENOMEM;
    for (size_t i = 0; i < explanation->facts_count; i++)
        sorted[i] = (Sorted){input->recording, explanation->facts[i], i};
    qsort(sorted, explanation->facts_count, sizeof *sorted, compare_sorted);
    put_head(&page);
    put_facts(&page);
    put_rules(&page);
    return out->error;
}
