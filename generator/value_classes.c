/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests that compare part the values into intervals, in each of which they all say the same. Tests
 * with a mask part what is in an interval further, one after the other: a class so far is known by
 * its interval and one value in it; whether some of it passes the next test, and some does not, is
 * found by looking for one. A value that a mask must not match, and does, has to have another bit
 * there: one bit after the other is tried.
 */
#include "generator/value_classes.h"

#include "base/memory.h"

#include <errno.h>

enum { CLASSES_MAX = 4096, STEPS_MAX = 20000, TRIES_MAX = 1 << 26, BITS = 64 };

bool value_passes(const ValueTest *test, uint64_t x)
{
    const bool less = x < test->value;
    const bool equal = x == test->value;
    const bool passes[VALUE_OP_COUNT] = {
        [VALUE_NE] = !equal,
        [VALUE_LT] = less,
        [VALUE_LE] = less || equal,
        [VALUE_EQ] = equal,
        [VALUE_GE] = !less,
        [VALUE_GT] = !less && !equal,
        [VALUE_MASKED_EQ] = (x & test->mask) == (test->value & test->mask),
    };

    return passes[test->op];
}

void value_classes_deinit(ValueClasses *classes)
{
    free(classes->examples);
    *classes = (ValueClasses){0};
}

/* ---- classes while they are made ------------------------------------------------------------- */

typedef struct Class {
    uint64_t low, high; /* the interval, both in it */
    uint64_t example;
} Class;

typedef struct Maker {
    const ValueTest *tests;
    size_t count;
    uint64_t within;
    Class *classes;
    size_t classes_count, capacity;
    size_t tries; /* of tests so far */
} Maker;

static void maker_deinit(Maker *maker)
{
    free(maker->classes);
}

static int add_class(Maker *maker, uint64_t low, uint64_t high, uint64_t example)
{
    if (maker->classes_count == CLASSES_MAX)
        return -E2BIG;
    if (array_reserve(&maker->classes, &maker->capacity, maker->classes_count, sizeof(Class)) < 0)
        return -ENOMEM;
    maker->classes[maker->classes_count++] = (Class){low, high, example};
    return 0;
}

/* ---- searching --------------------------------------------------------------------------------
 */

/* The smallest x from FROM on with (x & mask) == value; false: there is none. */
static bool next_match(uint64_t from, uint64_t mask, uint64_t value, uint64_t *ret)
{
    const uint64_t differs = (from ^ value) & mask;

    if (differs == 0) {
        *ret = from;
        return true;
    }
    const unsigned top = BITS - 1 - (unsigned)__builtin_clzll(differs);
    const uint64_t bit = (uint64_t)1 << top;
    if (value & bit) {
        *ret = (from & ~(bit | (bit - 1))) | (value & (bit | (bit - 1)));
        return true;
    }
    /* One that is free and 0 has to become 1 above, the lowest. */
    for (unsigned i = top + 1; i < BITS; i++) {
        const uint64_t higher = (uint64_t)1 << i;
        if ((mask & higher) || (from & higher))
            continue;
        *ret = (from & ~(higher | (higher - 1))) | higher | (value & (higher - 1));
        return true;
    }
    return false;
}

/* What is looked for: in the interval, with the bits of MASK as in VALUE, and matching none of the
 * masked tests that are wanted to fail. */
typedef struct Search {
    Maker *maker;
    const Class *class;
    size_t last; /* the tests up to this one count */
    bool passes; /* what is wanted of the last; of the others what the class's example does */
    size_t steps;
} Search;

static bool is_wanted(const Search *search, size_t test)
{
    return test == search->last ? search->passes
                                : value_passes(&search->maker->tests[test], search->class->example);
}

/* A masked test that X passes and should not; NULL: none. */
static const ValueTest *fault_of(const Search *search, uint64_t x)
{
    for (size_t i = 0; i <= search->last; i++) {
        const ValueTest *test = &search->maker->tests[i];
        if (test->op == VALUE_MASKED_EQ && value_passes(test, x) && !is_wanted(search, i))
            return test;
    }
    return NULL;
}

/* 1, 0: there is none, -E2BIG. */
static int look(Search *search, uint64_t mask, uint64_t value, uint64_t *ret)
{
    uint64_t x;

    search->maker->tries += search->last + 1;
    if (++search->steps > STEPS_MAX || search->maker->tries > TRIES_MAX)
        return -E2BIG;
    if (!next_match(search->class->low, mask, value, &x) || x > search->class->high)
        return 0;
    const ValueTest *fault = fault_of(search, x);
    if (!fault) {
        *ret = x;
        return 1;
    }
    /* One of the bits that are still free has to be another than the test's. */
    for (uint64_t rest = fault->mask & ~mask; rest; rest &= rest - 1) {
        const uint64_t bit = rest & -rest;
        mask |= bit;
        const int r = look(search, mask, value | (~fault->value & bit), ret);
        if (r != 0)
            return r;
        value |= fault->value & bit;
    }
    return 0;
}

/* A value in CLASS that fares as its example in the masked tests before LAST, and in LAST as PASSES
 * says. 1, 0: there is none, -E2BIG. */
static int find(Maker *maker, const Class *class, size_t last, bool passes, uint64_t *ret)
{
    Search search = {.maker = maker, .class = class, .last = last, .passes = passes};
    uint64_t mask = ~maker->within, value = 0;

    for (size_t i = 0; i <= last; i++) {
        const ValueTest *test = &maker->tests[i];
        if (test->op != VALUE_MASKED_EQ || !is_wanted(&search, i))
            continue;
        if ((value ^ test->value) & mask & test->mask)
            return 0;
        mask |= test->mask;
        value |= test->value & test->mask;
    }
    return look(&search, mask, value, ret);
}

/* ---- intervals --------------------------------------------------------------------------------
 */

static int compare_numbers(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;

    return (*a > *b) - (*a < *b);
}

static int make_intervals(Maker *maker)
{
    CLEANUP(free_pointer) uint64_t *starts = calloc(2 * maker->count + 1, sizeof *starts);
    size_t count = 1;
    int r = 0;

    if (!starts)
        return -ENOMEM;
    for (size_t i = 0; i < maker->count; i++) {
        const ValueTest *test = &maker->tests[i];
        if (test->op == VALUE_MASKED_EQ)
            continue;
        if (test->op != VALUE_LE && test->op != VALUE_GT)
            starts[count++] = test->value;
        if (test->op != VALUE_LT && test->op != VALUE_GE && test->value != UINT64_MAX)
            starts[count++] = test->value + 1;
    }
    qsort(starts, count, sizeof *starts, compare_numbers);
    for (size_t i = 0; i < count && r == 0; i++) {
        const uint64_t high = i + 1 < count ? starts[i + 1] - 1 : UINT64_MAX;
        uint64_t example;
        if ((i + 1 < count && starts[i + 1] == starts[i]) ||
            !next_match(starts[i], ~maker->within, 0, &example) || example > high)
            continue;
        r = add_class(maker, starts[i], high, example);
    }
    return r;
}

static int split(Maker *maker, size_t test)
{
    const size_t before = maker->classes_count;

    for (size_t i = 0; i < before; i++) {
        const Class class = maker->classes[i];
        uint64_t other;
        int r =
            find(maker, &class, test, !value_passes(&maker->tests[test], class.example), &other);
        if (r > 0)
            r = add_class(maker, class.low, class.high, other);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- the same in several intervals ------------------------------------------------------------
 */

/* Values that pass the same tests become neighbours. */
static int compare_fates(const void *left, const void *right, void *context)
{
    const Maker *maker = context;
    const Class *a = left;
    const Class *b = right;

    for (size_t i = 0; i < maker->count; i++) {
        const bool one = value_passes(&maker->tests[i], a->example);
        const bool other = value_passes(&maker->tests[i], b->example);
        if (one != other)
            return one ? -1 : 1;
    }
    return 0;
}

static int compare_examples(const void *left, const void *right)
{
    const Class *a = left;
    const Class *b = right;

    return compare_numbers(&a->example, &b->example);
}

static void unite(Maker *maker)
{
    size_t kept = 0;

    if (maker->classes_count == 0)
        return;
    qsort_r(maker->classes, maker->classes_count, sizeof(Class), compare_fates, maker);
    for (size_t i = 1; i < maker->classes_count; i++) {
        Class *last = &maker->classes[kept];
        if (compare_fates(last, &maker->classes[i], maker) != 0)
            maker->classes[++kept] = maker->classes[i];
        else if (maker->classes[i].example < last->example)
            last->example = maker->classes[i].example;
    }
    maker->classes_count = kept + 1;
    qsort(maker->classes, maker->classes_count, sizeof(Class), compare_examples);
}

int value_classes_make(const ValueTest *tests, size_t count, uint64_t within,
                       ValueClasses *ret_classes)
{
    CLEANUP(maker_deinit) Maker maker = {.tests = tests, .count = count, .within = within};
    int r = make_intervals(&maker);

    for (size_t i = 0; i < count && r == 0; i++) {
        if (tests[i].op == VALUE_MASKED_EQ)
            r = split(&maker, i);
    }
    if (r < 0)
        return r;
    unite(&maker);
    uint64_t *examples = calloc(maker.classes_count + 1, sizeof *examples);
    if (!examples)
        return -ENOMEM;
    for (size_t i = 0; i < maker.classes_count; i++)
        examples[i] = maker.classes[i].example;
    *ret_classes = (ValueClasses){.examples = examples, .count = maker.classes_count};
    return 0;
}
