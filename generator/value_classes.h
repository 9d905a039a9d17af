/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions on one argument of 64 bits, decided exactly: all values are parted into classes, so
 * that two values of one class pass the same tests. Whoever wants to know something of every value
 * looks at one of each class.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The comparisons of seccomp profiles, all unsigned. */
typedef enum ValueOp {
    VALUE_NE,
    VALUE_LT,
    VALUE_LE,
    VALUE_EQ,
    VALUE_GE,
    VALUE_GT,
    VALUE_MASKED_EQ, /* (x & mask) == value */
    VALUE_OP_COUNT,
} ValueOp;

typedef struct ValueTest {
    ValueOp op;
    uint64_t value;
    uint64_t mask; /* with VALUE_MASKED_EQ only */
} ValueTest;

bool value_passes(const ValueTest *test, uint64_t x);

typedef struct ValueClasses {
    uint64_t *examples; /* one value of each class, ascending */
    size_t count;
} ValueClasses;

void value_classes_deinit(ValueClasses *classes);

/*
 * Parts the values whose bits outside of WITHIN are 0 by COUNT tests. 0, -ENOMEM, or -E2BIG where
 * there would be more than a few thousand classes, or it takes too long to find them.
 */
int value_classes_make(const ValueTest *tests, size_t count, uint64_t within,
                       ValueClasses *ret_classes);
