/* SPDX-License-Identifier: Apache-2.0 */
/* Steps 5 and 6 of `whittle verify --minimal` (verify_minimal.c): rules that the command can do
 * without, together, and smaller capabilities. */
#include "base/memory.h"
#include "cli/verify_minimal.h"
#include "generator/minimise.h"

#include <errno.h>

/* ---- 5: tolerated, and together ------------------------------------------------------------- */

/* SET (owned) fails: a part of it that does, not two parts of which together do. */
static int narrow(Minimal *minimal, bool **set, Error *err)
{
    bool smaller = true;

    while (smaller && set_size(*set, minimal->count) > 2) {
        smaller = false;
        for (int second = 0; second < 2 && !smaller; second++) {
            CLEANUP(free_pointer) bool *half = set_half(*set, minimal->count, second != 0);
            Attempt attempt;
            if (!half)
                return minimal_no_memory(err);
            minimal->runs_left++;
            const int r = run_without(minimal, half, &attempt, err);
            if (r < 0)
                return r;
            smaller = !attempt.passed;
            attempt_deinit(&attempt);
            if (smaller) {
                bool *whole = *set;
                *set = TAKE(half);
                free(whole);
            }
        }
    }
    return 0;
}

/* Those of SET that call by call do the same as INDEX, and INDEX. */
static int alike_in(const Minimal *minimal, const bool *set, size_t index, bool *alike)
{
    const int r = minimise_related(&minimal->units, index, alike);

    alike[index] = true;
    for (size_t i = 0; i < minimal->count; i++)
        alike[i] &= set[i];
    return r;
}

static int note_together(Minimal *minimal, const bool *set)
{
    int r = 0;

    for (size_t i = 0; i < minimal->count && r == 0; i++) {
        if (set[i])
            r = note_stands_in(minimal, i, set);
    }
    return r;
}

/* Takes what fails out of SET by what is known to stand in for one another, then by halves, until
 * all that is left of it can go together. */
static int find_conflicts(Minimal *minimal, bool *set, Error *err)
{
    for (size_t i = 0; i < minimal->count; i++) {
        CLEANUP(free_pointer) bool *alike = calloc(minimal->count + 1, sizeof *alike);
        Attempt attempt;
        if (!set[i])
            continue;
        if (!alike || alike_in(minimal, set, i, alike) < 0)
            return minimal_no_memory(err);
        if (set_size(alike, minimal->count) < 2)
            continue;
        const int r = run_without(minimal, alike, &attempt, err);
        if (r < 0)
            return r;
        const bool passed = attempt.passed;
        attempt_deinit(&attempt);
        if (passed)
            continue;
        if (note_together(minimal, alike) < 0)
            return minimal_no_memory(err);
        set[i] = false;
    }
    return 0;
}

int take_together(Minimal *minimal, Error *err)
{
    enum { ROUNDS_MAX = 16 };
    CLEANUP(free_pointer) bool *set = calloc(minimal->count + 1, sizeof *set);
    bool searched = false;
    int r = set ? 0 : minimal_no_memory(err);

    for (size_t i = 0; i < minimal->count && r == 0; i++)
        set[i] = minimal->proofs[i].verdict == VERDICT_TOLERATED &&
                 (is_rule(minimal, i) ||
                  minimal->proofs[minimal->units.items[i].whole].verdict != VERDICT_TOLERATED);
    for (int round = 0; r == 0 && round < ROUNDS_MAX && set_size(set, minimal->count) > 1;
         round++) {
        Attempt attempt;
        minimal->runs_left++;
        r = run_without(minimal, set, &attempt, err);
        if (r < 0)
            return r;
        const bool passed = attempt.passed;
        attempt_deinit(&attempt);
        if (passed) {
            minimal->together = round == 0;
            break;
        }
        if (!searched) {
            searched = true;
            const size_t before = set_size(set, minimal->count);
            r = find_conflicts(minimal, set, err);
            if (r < 0 || set_size(set, minimal->count) < before)
                continue;
        }
        bool *part = set_half(set, minimal->count, true);
        bool *rest = set_half(set, minimal->count, false);
        for (size_t i = 0; part && rest && i < minimal->count; i++)
            part[i] |= rest[i];
        free(rest);
        r = part ? narrow(minimal, &part, err) : minimal_no_memory(err);
        if (r == 0 && note_together(minimal, part) < 0)
            r = minimal_no_memory(err);
        for (size_t i = 0; r == 0 && i < minimal->count; i++) {
            if (part[i]) {
                set[i] = false;
                break;
            }
        }
        free(part);
    }
    return r;
}

/* ---- 6: smaller capabilities ---------------------------------------------------------------- */

/* With the capability SMALLER in place of the rule INDEX. */
static int try_smaller(Minimal *minimal, size_t index, const char *smaller, Error *err)
{
    CLEANUP(free_pointer) bool *taken = calloc(minimal->count + 1, sizeof *taken);
    const PolicyRule rule = {.section = POLICY_CAPABILITIES, .name = smaller};
    Attempt attempt;

    if (!taken)
        return minimal_no_memory(err);
    taken[index] = true;
    if (attempt_init(&attempt, minimal, taken, minimal->count) < 0)
        return minimal_no_memory(err);
    int r = policy_add(attempt.left, &rule);
    policy_sort(attempt.left);
    minimal->runs_left++;
    r = r < 0 ? minimal_no_memory(err) : attempts_run(minimal, &attempt, 1, NULL, err);
    if (r == 0 && attempt.passed)
        minimal->proofs[index].smaller = smaller;
    attempt_deinit(&attempt);
    return r;
}

int try_all_smaller(Minimal *minimal, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < minimal->count && r == 0; i++) {
        const PolicyRule *rule = rule_of(minimal, i);
        if (rule->section != POLICY_CAPABILITIES || rule->keep ||
            minimal->proofs[i].verdict != VERDICT_NEEDED)
            continue;
        const Capability *known = capability_by_name(rule->name);
        for (const char *const *name = known ? known->implied : NULL;
             name && *name && r == 0 && !minimal->proofs[i].smaller; name++)
            r = try_smaller(minimal, i, *name, err);
    }
    return r;
}
