/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of `whittle verify --minimal` that take rules away one by one or where nothing was
 * asked of them: 2, 3 and 4 of verify_minimal.c. */
#include "base/memory.h"
#include "cli/verify_minimal.h"
#include "generator/minimise.h"

#include <errno.h>

/* ---- verdicts ------------------------------------------------------------------------------- */

int prove(Minimal *minimal, size_t index, Verdict verdict, const Attempt *attempt)
{
    Proof *proof = &minimal->proofs[index];
    const bool broken = !attempt->passed && !attempt->outcome.timed_out;
    char *denied = NULL;
    char *words = NULL;

    if (attempt->denied && !(denied = strdup(attempt->denied)))
        return -ENOMEM;
    if (!attempt->passed && attempt->outcome.last_words[0] &&
        !(words = strdup(attempt->outcome.last_words))) {
        free(denied);
        return -ENOMEM;
    }
    free(proof->denied);
    free(proof->last_words);
    *proof = (Proof){.verdict = verdict,
                     .elsewhere = proof->elsewhere,
                     .exit_status = attempt->outcome.exit_status,
                     .timed_out = attempt->outcome.timed_out,
                     .output_differs = broken && output_differs(minimal, &attempt->outcome),
                     .errors_differ = broken && errors_differ(minimal, &attempt->outcome),
                     .denied = denied,
                     .last_words = words,
                     .stands_in = proof->stands_in};
    return 0;
}

/* Of a rule that stays. */
static Verdict verdict_of(const Attempt *attempt)
{
    return attempt->passed ? VERDICT_TOLERATED : VERDICT_NEEDED;
}

int note_stands_in(Minimal *minimal, size_t index, const bool *set)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    for (size_t i = 0; i < minimal->count; i++) {
        if (!set[i] || i == index)
            continue;
        if (text.length > 0)
            (void)buffer_puts(&text, "; ");
        (void)minimise_print(&minimal->units, i, &text);
    }
    char *noted = text.length > 0 ? buffer_steal(&text) : NULL;
    if (text.length > 0 && !noted)
        return -ENOMEM;
    free(minimal->proofs[index].stands_in);
    minimal->proofs[index].stands_in = noted;
    return 0;
}

/* ---- one run -------------------------------------------------------------------------------- */

/* Without TAKEN and all that is gone already. ATTEMPT is to be given up if this gives 0. */
int run_without(Minimal *minimal, const bool *taken, Attempt *attempt, Error *err)
{
    CLEANUP(free_pointer) bool *all = calloc(minimal->count + 1, sizeof *all);

    if (!all)
        return minimal_no_memory(err);
    for (size_t i = 0; i < minimal->count; i++)
        all[i] = minimal->gone[i] || (taken && taken[i]);
    if (attempt_init(attempt, minimal, all, minimal->count) < 0)
        return minimal_no_memory(err);
    const int r = attempts_run(minimal, attempt, 1, NULL, err);
    if (r < 0)
        attempt_deinit(attempt);
    return r;
}

size_t set_size(const bool *set, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += set[i];
    return size;
}

/* The first or second half of SET; NULL without memory. */
bool *set_half(const bool *set, size_t count, bool second)
{
    const size_t size = set_size(set, count);
    bool *half = calloc(count + 1, sizeof *half);
    size_t seen = 0;

    for (size_t i = 0; half && i < count; i++) {
        if (set[i])
            half[i] = (seen++ >= size / 2) == second;
    }
    return half;
}

/* ---- 2: what nothing was asked of ----------------------------------------------------------- */

static int settle_gone(Minimal *minimal, const bool *set, const Attempt *attempt)
{
    for (size_t i = 0; i < minimal->count; i++) {
        if (!set[i])
            continue;
        minimal->gone[i] = true;
        if (prove(minimal, i, VERDICT_UNNEEDED, attempt) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int take_unused(Minimal *minimal, bool *set, Error *err);

/* The same, half by half. */
static int take_halves(Minimal *minimal, const bool *set, Error *err)
{
    int r = 0;

    minimal->runs_left += 2;
    for (int second = 0; second < 2 && r == 0; second++) {
        CLEANUP(free_pointer) bool *half = set_half(set, minimal->count, second != 0);
        r = half ? take_unused(minimal, half, err) : minimal_no_memory(err);
    }
    return r;
}

/* Takes SET, which is changed meanwhile, away as far as that can be done; the rest becomes used. */
static int take_unused(Minimal *minimal, bool *set, Error *err)
{
    int r = 0;

    while (r == 0 && set_size(set, minimal->count) > 0) {
        Attempt attempt;
        r = run_without(minimal, set, &attempt, err);
        if (r < 0)
            return r;
        for (size_t i = 0; i < minimal->count; i++) {
            minimal->used[i] |= attempt.hit[i];
            set[i] &= !attempt.hit[i];
        }
        const bool passed = attempt.passed && !attempt.missed;
        const bool missed = attempt.missed;
        r = passed ? settle_gone(minimal, set, &attempt) : 0;
        attempt_deinit(&attempt);
        if (r < 0)
            return minimal_no_memory(err);
        if (passed)
            return 0;
        if (missed)
            continue;
        if (set_size(set, minimal->count) == 1) {
            for (size_t i = 0; i < minimal->count; i++)
                minimal->used[i] |= set[i];
            return 0;
        }
        return take_halves(minimal, set, err);
    }
    return r;
}

int take_all_unused(Minimal *minimal, Error *err)
{
    CLEANUP(free_pointer) bool *set = calloc(minimal->count + 1, sizeof *set);

    for (size_t i = 0; set && i < minimal->count; i++)
        set[i] = !minimal->used[i] && minimal->proofs[i].verdict != VERDICT_UNTRIED &&
                 is_tried_now(minimal, i);
    return set ? take_unused(minimal, set, err) : minimal_no_memory(err);
}

/* ---- 3: each by itself ---------------------------------------------------------------------- */

static int told_single(Minimal *minimal, Attempt *attempt, Error *err)
{
    const bool redundant = attempt->passed && !attempt->missed;

    if (redundant) /* settled later */
        return 0;
    if (prove(minimal, attempt->rule, verdict_of(attempt), attempt) < 0 ||
        prove_same(minimal, attempt) < 0)
        return minimal_no_memory(err);
    return proofs_write(minimal, err);
}

static bool rule_is_open(const Minimal *minimal, size_t index)
{
    return minimal->used[index] && minimal->proofs[index].verdict == VERDICT_NONE &&
           is_tried_now(minimal, index);
}

int take_each(Minimal *minimal, Error *err)
{
    CLEANUP(free_pointer) bool *taken = calloc(minimal->count + 1, sizeof *taken);
    CLEANUP(free_pointer) Attempt *attempts = calloc(minimal->count + 1, sizeof *attempts);
    size_t count = 0;
    int r = taken && attempts ? 0 : -ENOMEM;

    if (r == 0)
        memcpy(taken, minimal->gone, minimal->count * sizeof *taken);
    for (size_t i = 0; i < minimal->count && r == 0; i++) {
        if (!rule_is_open(minimal, i))
            continue;
        taken[i] = true;
        r = attempt_init(&attempts[count], minimal, taken, i);
        count += r == 0;
        taken[i] = false;
    }
    minimal->runs_left = (unsigned)count + letters_to_try(minimal);
    r = r < 0 ? minimal_no_memory(err) : attempts_run(minimal, attempts, count, told_single, err);
    for (size_t i = 0; i < count; i++)
        attempt_deinit(&attempts[i]);
    return r;
}

/* ---- 4: what others allow too --------------------------------------------------------------- */

static int take_redundant(Minimal *minimal, size_t index, Error *err)
{
    CLEANUP(free_pointer) bool *related = calloc(minimal->count + 1, sizeof *related);
    CLEANUP(free_pointer) bool *taken = calloc(minimal->count + 1, sizeof *taken);
    Attempt attempt;

    if (!related || !taken || minimise_related(&minimal->units, index, related) < 0)
        return minimal_no_memory(err);
    taken[index] = true;
    int r = run_without(minimal, taken, &attempt, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < minimal->count; i++)
        related[i] &= minimal->gone[i];
    if (attempt.passed && !attempt.missed) {
        r = settle_gone(minimal, taken, &attempt);
    } else {
        r = prove(minimal, index, verdict_of(&attempt), &attempt);
        if (r == 0)
            r = note_stands_in(minimal, index, related);
    }
    attempt_deinit(&attempt);
    return r < 0 ? minimal_no_memory(err) : proofs_write(minimal, err);
}

int take_all_redundant(Minimal *minimal, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < minimal->count; i++)
        minimal->runs_left += rule_is_open(minimal, i);
    for (size_t i = 0; i < minimal->count && r == 0; i++) {
        if (rule_is_open(minimal, i))
            r = take_redundant(minimal, i, err);
    }
    return r;
}
