/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call under two filters: what diff_call_classes.c parts, diff_seccomp_call.c works out and
 * diff_seccomp_text.c tells.
 */
#pragma once

#include "generator/diff_private.h"

enum { WORD_BITS = 64 };

/* The entries of one profile that hold for the call. */
typedef struct CallSide {
    const SeccompEntry **entries;
    size_t count, capacity;
    SeccompAnswer constant; /* if there is no condition */
    bool is_constant;
    SeccompAnswer fallback;
} CallSide;

/* One argument. The first `shown` tests come from filters, those up to `whole` from the table of
 * risks, the others tell lower halves apart. */
typedef struct CallArgument {
    ValueTest *tests;
    size_t count, capacity, shown, whole;
    ValueClasses classes;
    size_t offset; /* of its bits in a box, in words */
    size_t words;
    uint64_t *alike; /* for each class the bits of those that shown tests do not tell from it */
} CallArgument;

typedef struct CallWork {
    const char *name;
    const Syscall *syscall;
    Arch arch;
    CallSide old, fresh;
    CallArgument args[SYSCALL_ARGS];
    size_t words; /* of a box */
    uint64_t within[SYSCALL_ARGS];
    CallChanges *changes;
    bool upper;
} CallWork;

/* Bit I of BITS. */
static inline bool call_bit(const uint64_t *bits, size_t i)
{
    return bits[i / WORD_BITS] >> (i % WORD_BITS) & 1;
}

/* Tests of both filters and of what is dangerous. 0, -E2BIG or -ENOMEM, as the next two. */
int call_add_tests(CallWork *work);

/* Tests of the lower halves of arguments of 32 bits; call_drop_halves() takes them away. */
int call_add_halves(CallWork *work);
void call_drop_halves(CallWork *work);

/* Parts the values within `within` by all tests. */
int call_make_classes(CallWork *work);

/* The bits of argument INDEX that the kernel looks at. */
uint64_t call_width(const CallWork *work, unsigned index);

/* VALUE of argument INDEX, by name if it has one. */
void call_put_value(const CallWork *work, unsigned index, uint64_t value, Buffer *out);

/* What the classes of argument INDEX whose bits are set have in common: " 0=AF_INET",
 * " 0!=AF_VSOCK"; nothing if that is all of them. */
void call_put_argument(const CallWork *work, unsigned index, const uint64_t *bits, Buffer *out);
