/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classes of values in words. A class is told by the tests of the filters that it passes, and by
 * those it does not pass only where these take something out of what it does pass. The class that
 * passes none, "all others", is told by what the set leaves out.
 */
#include "generator/diff_call.h"

#include "base/memory.h"

#include <inttypes.h>

uint64_t call_width(const CallWork *work, unsigned index)
{
    return work->syscall && !work->syscall->args[index].wide ? UINT32_MAX : UINT64_MAX;
}

void call_put_value(const CallWork *work, unsigned index, uint64_t value, Buffer *out)
{
    const FlagFamily *family = work->syscall ? work->syscall->args[index].family : NULL;
    char text[256];

    if (family && family->count && (value & ~family->mask) == 0)
        (void)buffer_puts(out, flag_text(family, value, text, sizeof text));
    else if (value < 4096)
        (void)buffer_printf(out, "%" PRIu64, value);
    else
        (void)buffer_printf(out, "0x%" PRIx64, value);
}

/* ---- one class --------------------------------------------------------------------------------
 */

/* The text of one class. */
typedef struct Telling {
    const CallWork *work;
    const CallArgument *arg;
    unsigned index;
    uint64_t x; /* of the class */
    uint64_t low, high;
    uint64_t mask, value; /* what the masks that it passes say together */
    size_t parts;
    const char *equals; /* "=", "!=" */
    Buffer *out;
} Telling;

static void begin_part(Telling *telling)
{
    (void)buffer_printf(telling->out, "%s%u", telling->parts++ ? " and " : "", telling->index);
}

static void put_equal(Telling *telling, uint64_t value, const char *equals)
{
    begin_part(telling);
    (void)buffer_puts(telling->out, equals);
    call_put_value(telling->work, telling->index, value, telling->out);
}

static void put_masked(Telling *telling, const ValueTest *test, const char *equals)
{
    const Syscall *syscall = telling->work->syscall;
    const FlagFamily *family = syscall ? syscall->args[telling->index].family : NULL;
    const uint64_t usual = telling->work->upper ? UINT64_MAX
                                                : (family ? family->mask : UINT64_MAX) &
                                                      call_width(telling->work, telling->index);

    begin_part(telling);
    if (test->mask != usual)
        (void)buffer_printf(telling->out, "&0x%" PRIx64, test->mask);
    (void)buffer_puts(telling->out, equals);
    call_put_value(telling->work, telling->index, test->value & test->mask, telling->out);
}

static bool is_equality(const ValueTest *test)
{
    return test->op == VALUE_EQ || test->op == VALUE_NE;
}

/* The interval that comparisons leave. */
static void find_interval(Telling *telling)
{
    for (size_t i = 0; i < telling->arg->shown; i++) {
        const ValueTest *test = &telling->arg->tests[i];
        const bool below = test->op == VALUE_LT || test->op == VALUE_GE;
        if (!below && test->op != VALUE_LE && test->op != VALUE_GT)
            continue;
        if (below ? telling->x < test->value : telling->x <= test->value) {
            const uint64_t high = test->value - below;
            telling->high = telling->high < high ? telling->high : high;
        } else {
            const uint64_t low = test->value + !below;
            telling->low = telling->low > low ? telling->low : low;
        }
    }
}

static void put_interval(Telling *telling)
{
    if (telling->low == 0 && telling->high == UINT64_MAX)
        return;
    begin_part(telling);
    (void)buffer_puts(telling->out, telling->equals);
    call_put_value(telling->work, telling->index, telling->low, telling->out);
    (void)buffer_puts(telling->out, "..");
    if (telling->high != UINT64_MAX)
        call_put_value(telling->work, telling->index, telling->high, telling->out);
}

/* What tests that it does not pass take out of those that it does. */
static void put_exceptions(Telling *telling)
{
    for (size_t i = 0; i < telling->arg->shown; i++) {
        const ValueTest *test = &telling->arg->tests[i];
        const uint64_t common = telling->mask & test->mask;
        if (is_equality(test) && test->value != telling->x && test->value >= telling->low &&
            test->value <= telling->high && ((test->value ^ telling->value) & telling->mask) == 0)
            put_equal(telling, test->value, "!=");
        else if (test->op == VALUE_MASKED_EQ && !value_passes(test, telling->x) &&
                 ((test->value ^ telling->value) & common) == 0)
            put_masked(telling, test, "!=");
    }
}

/* The number of conditions that were written; 0: nothing is special of class C. */
static size_t tell_class(const CallWork *work, unsigned index, size_t c, const char *equals,
                         Buffer *out)
{
    Telling telling = {
        .work = work,
        .arg = &work->args[index],
        .index = index,
        .x = work->args[index].classes.examples[c],
        .high = UINT64_MAX,
        .equals = equals,
        .out = out,
    };

    for (size_t i = 0; i < telling.arg->shown; i++) {
        const ValueTest *test = &telling.arg->tests[i];
        if (!is_equality(test) || test->value != telling.x)
            continue;
        put_equal(&telling, telling.x, equals);
        return 1;
    }
    find_interval(&telling);
    put_interval(&telling);
    for (size_t i = 0; i < telling.arg->shown; i++) {
        const ValueTest *test = &telling.arg->tests[i];
        if (test->op != VALUE_MASKED_EQ || !value_passes(test, telling.x))
            continue;
        put_masked(&telling, test, equals);
        telling.mask |= test->mask;
        telling.value |= test->value & test->mask;
    }
    if (telling.parts)
        put_exceptions(&telling);
    return telling.parts;
}

/* Class C, or that it is not that; false: nothing is special of it. */
static bool put_class(const CallWork *work, unsigned index, size_t c, bool negated, Buffer *out)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    const size_t parts = tell_class(work, index, c, "=", &text);

    if (parts == 1 && negated) {
        buffer_clear(&text);
        (void)tell_class(work, index, c, "!=", &text);
    }
    (void)buffer_printf(out, parts > 1 && negated ? "not (%s)" : "%s", buffer_text(&text));
    return parts > 0;
}

/* ---- sets of classes --------------------------------------------------------------------------
 */

/* The texts of the classes whose bit is WANTED, each once; their number. */
static size_t put_classes(const CallWork *work, unsigned index, const uint64_t *bits, bool wanted,
                          Buffer *out, bool *ret_rest)
{
    CLEANUP(buffer_deinit) Buffer seen = BUFFER_INIT;
    size_t told = 0;

    *ret_rest = false;
    for (size_t c = 0; c < work->args[index].classes.count; c++) {
        CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
        if (call_bit(bits, c) != wanted)
            continue;
        (void)buffer_puts(&text, "\n");
        if (!put_class(work, index, c, !wanted, &text)) {
            *ret_rest = true;
            continue;
        }
        (void)buffer_puts(&text, "\n");
        if (strstr(buffer_text(&seen), buffer_text(&text)))
            continue;
        (void)buffer_puts(&seen, buffer_text(&text));
        (void)buffer_printf(out, "%s%.*s", told ? (wanted ? " or " : " ") : "",
                            (int)text.length - 2, text.data + 1);
        told++;
    }
    return told;
}

void call_put_argument(const CallWork *work, unsigned index, const uint64_t *bits, Buffer *out)
{
    const size_t count = work->args[index].classes.count;
    CLEANUP(buffer_deinit) Buffer with = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer without = BUFFER_INIT;
    bool rest, other_rest;
    size_t set = 0;

    for (size_t c = 0; c < count; c++)
        set += call_bit(bits, c);
    if (set == count)
        return;
    const size_t told = put_classes(work, index, bits, true, &with, &rest);
    const size_t others = put_classes(work, index, bits, false, &without, &other_rest);
    if (rest || (others < told && !other_rest))
        (void)buffer_printf(out, " %s", buffer_text(&without));
    else
        (void)buffer_printf(out, told > 1 ? " (%s)" : " %s", buffer_text(&with));
}
