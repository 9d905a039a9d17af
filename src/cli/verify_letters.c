/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letters of file rules, step 5 of `whittle verify --minimal` (verify_minimal.c). Only the recorder
 * can refuse one letter alone (Landlock knows no m, k, a), and it refuses what it sees. A run
 * without a rule may show what one without a letter of it would: if all that was refused needed
 * that letter.
 */
#include "cli/verify_minimal.h"
#include "generator/minimise.h"

#include <errno.h>

bool is_tried_now(const Minimal *minimal, size_t index)
{
    const Verdict whole = minimal->proofs[minimal->units.items[index].whole].verdict;

    if (is_rule(minimal, index) || !minimal->letters)
        return is_rule(minimal, index) && !minimal->letters;
    return whole == VERDICT_NEEDED || whole == VERDICT_TOLERATED;
}

unsigned letters_to_try(const Minimal *minimal)
{
    unsigned count = 0;

    for (size_t i = minimal->units.rules; i < minimal->count && !minimal->letters; i++) {
        const Proof *whole = &minimal->proofs[minimal->units.items[i].whole];
        count += minimal->used[i] && minimal->proofs[i].verdict == VERDICT_NONE &&
                 whole->verdict != VERDICT_UNNEEDED && whole->verdict != VERDICT_UNTRIED;
    }
    return count;
}

int prove_same(Minimal *minimal, const Attempt *attempt)
{
    const Proof *whole = &minimal->proofs[attempt->rule];
    int r = 0;

    for (size_t i = minimal->units.rules; i < minimal->count && r == 0; i++) {
        if (!attempt->same[i] || minimal->proofs[i].verdict != VERDICT_NONE)
            continue;
        r = prove(minimal, i, whole->verdict, attempt);
        minimal->runs_left -= minimal->runs_left > 0;
    }
    return r;
}

int open_letters(Minimal *minimal, Error *err)
{
    (void)err;
    minimal->letters = true;
    for (size_t i = minimal->units.rules; i < minimal->count; i++) {
        Proof *proof = &minimal->proofs[i];
        if (!minimal->unseen || minimal->used[i] || !is_tried_now(minimal, i))
            continue;
        proof->verdict = VERDICT_UNTRIED;
        proof->why = "not all that happened was seen, and only what is seen can be refused it";
    }
    return 0;
}
