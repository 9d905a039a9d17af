/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What parts the values of a call's arguments: the conditions of both filters; what is dangerous;
 * and, where upper halves count that the kernel passes over, what could tell lower halves apart.
 * Only the conditions are told: classes that these alone do not part are alike.
 */
#include "generator/diff_call.h"

#include "base/memory.h"

#include <errno.h>

enum {
    TESTS_MAX = 4096,
    COMBINATIONS_MAX = 1 << 18,
    TRIES_MAX = 1 << 24, /* of entries */
};

/* ---- tests ---------------------------------------------------------------------------------- */

static int add_test(CallArgument *arg, const ValueTest *test)
{
    for (size_t i = 0; i < arg->count; i++) {
        const ValueTest *old = &arg->tests[i];
        if (old->op == test->op && old->value == test->value && old->mask == test->mask)
            return 0;
    }
    if (arg->count == TESTS_MAX)
        return -E2BIG;
    if (array_reserve(&arg->tests, &arg->capacity, arg->count, sizeof *test) < 0)
        return -ENOMEM;
    arg->tests[arg->count++] = *test;
    return 0;
}

static int add_side(CallWork *work, const CallSide *side)
{
    int r = 0;

    for (size_t i = 0; i < side->count && r == 0; i++) {
        const SeccompEntry *entry = side->entries[i];
        for (size_t c = 0; c < entry->conditions_count && r == 0; c++) {
            const ValueTest test = seccomp_condition_test(&entry->conditions[c], work->arch);
            r = add_test(&work->args[entry->conditions[c].index], &test);
        }
    }
    return r;
}

/* So that what is dangerous is a class of its own. */
static int add_risks(CallWork *work)
{
    int r = 0;

    for (unsigned i = 0; i < SYSCALL_ARGS; i++)
        work->args[i].shown = work->args[i].count;
    for (size_t i = 0; i < risk_rows_count && r == 0; i++) {
        SeccompCondition condition;
        if (!risk_row_is_of_call(&risk_rows[i], work->name) ||
            !risk_row_condition(&risk_rows[i], &condition) ||
            work->args[condition.index].shown == 0)
            continue;
        r = add_test(&work->args[condition.index], &condition.test);
    }
    return r;
}

int call_add_tests(CallWork *work)
{
    int r = add_side(work, &work->old);

    if (r == 0)
        r = add_side(work, &work->fresh);
    return r == 0 ? add_risks(work) : r;
}

/* Parts what tests of the lower half of ARG would part. */
static int add_halves(CallArgument *arg)
{
    const ValueTest beyond = {.op = VALUE_LT, .value = (uint64_t)UINT32_MAX + 1};
    int r = arg->shown ? add_test(arg, &beyond) : 0;

    for (size_t i = 0; i < arg->shown && r == 0; i++) {
        const ValueTest *test = &arg->tests[i];
        const bool masked = test->op == VALUE_MASKED_EQ;
        const bool alone = masked || test->op == VALUE_EQ || test->op == VALUE_NE;
        ValueTest half = {VALUE_MASKED_EQ, test->value & UINT32_MAX, UINT32_MAX};
        if (masked)
            half.mask &= test->mask;
        r = add_test(arg, &half);
        half.value = (half.value - 1) & UINT32_MAX;
        if (r == 0 && !alone)
            r = add_test(arg, &half);
        half.value = (half.value + 2) & UINT32_MAX;
        if (r == 0 && !alone)
            r = add_test(arg, &half);
    }
    return r;
}

int call_add_halves(CallWork *work)
{
    int r = 0;

    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        CallArgument *arg = &work->args[i];
        arg->whole = arg->count;
        if (r == 0 && call_width(work, i) == UINT32_MAX)
            r = add_halves(arg);
    }
    return r;
}

void call_drop_halves(CallWork *work)
{
    for (unsigned i = 0; i < SYSCALL_ARGS; i++)
        work->args[i].count = work->args[i].whole;
}

/* ---- classes -------------------------------------------------------------------------------- */

/* What the tests that are shown say of X, as a number. */
static uint64_t told_of(const CallArgument *arg, uint64_t x)
{
    uint64_t told = 14695981039346656037u; /* FNV-1a */

    for (size_t i = 0; i < arg->shown; i++)
        told = (told ^ (uint64_t)(value_passes(&arg->tests[i], x) + 1)) * 1099511628211u;
    return told;
}

static int find_alike(CallArgument *arg)
{
    const size_t count = arg->classes.count;
    CLEANUP(free_pointer) uint64_t *told = calloc(count + 1, sizeof *told);
    uint64_t *alike = calloc(count * arg->words + 1, sizeof *alike);

    free(arg->alike);
    arg->alike = alike;
    if (!told || !alike)
        return -ENOMEM;
    for (size_t c = 0; c < count; c++)
        told[c] = told_of(arg, arg->classes.examples[c]);
    for (size_t c = 0; c < count; c++) {
        for (size_t other = 0; other < count; other++) {
            if (told[c] == told[other])
                alike[c * arg->words + other / WORD_BITS] |= (uint64_t)1 << (other % WORD_BITS);
        }
    }
    return 0;
}

int call_make_classes(CallWork *work)
{
    const size_t entries = work->old.count + work->fresh.count + 1;
    size_t combinations = 1;
    int r = 0;

    work->words = 0;
    for (unsigned i = 0; i < SYSCALL_ARGS && r == 0; i++) {
        CallArgument *arg = &work->args[i];
        value_classes_deinit(&arg->classes);
        r = value_classes_make(arg->tests, arg->count, work->within[i], &arg->classes);
        if (r < 0)
            return r;
        arg->offset = work->words;
        arg->words = (arg->classes.count + WORD_BITS - 1) / WORD_BITS;
        work->words += arg->words;
        if (arg->classes.count > COMBINATIONS_MAX / combinations)
            return -E2BIG;
        combinations *= arg->classes.count;
        r = find_alike(arg);
    }
    if (r == 0 && combinations > TRIES_MAX / entries)
        return -E2BIG;
    return r;
}
