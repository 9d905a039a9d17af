/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call under two filters. The conditions of both part the values of each argument into classes
 * (value_classes.h); every combination of classes is tried in both, which is exact, since all
 * values of a class fare alike. What differs is told in boxes: for each argument a set of classes.
 *
 * The kernel looks at the lower half only of arguments of 32 bits, but filters see all 64. So the
 * comparison is made with the upper halves 0, and a second time with everything, for what only
 * differs there: a combination whose lower halves alone fare the same was told the first time.
 * Classes are parted further for that, by what the lower halves could be told from.
 */
#include "generator/diff_call.h"

#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>

enum {
    ENTRIES_MAX = 4096,
    BOXES_SHOWN = 64,
};

void call_changes_deinit(CallChanges *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        free(changes->items[i].what);
        free(changes->items[i].example);
    }
    free(changes->items);
    *changes = (CallChanges){0};
}

static void work_deinit(CallWork *work)
{
    free(work->old.entries);
    free(work->fresh.entries);
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        free(work->args[i].tests);
        free(work->args[i].alike);
        value_classes_deinit(&work->args[i].classes);
    }
}

/* ---- the conditions of both ----------------------------------------------------------------- */

static int gather(const SeccompProfile *profile, const SeccompPlace *place, const char *name,
                  CallSide *side)
{
    size_t end;

    side->fallback = profile->default_answer;
    side->constant = profile->default_answer;
    side->is_constant = true;
    for (size_t i = seccomp_profile_find(profile, name, &end); i < end; i++) {
        const SeccompEntry *entry = &profile->entries[i];
        if (!seccomp_entry_holds(profile, entry, place))
            continue;
        if (entry->conditions_count == 0) {
            side->constant = entry->answer;
            side->is_constant = true;
            side->count = 0;
            return 0;
        }
        side->is_constant = false;
        if (side->count == ENTRIES_MAX)
            return -E2BIG;
        if (array_reserve(&side->entries, &side->capacity, side->count, sizeof(void *)) < 0)
            return -ENOMEM;
        side->entries[side->count++] = entry;
    }
    return 0;
}

/* ---- answers -------------------------------------------------------------------------------- */

static SeccompAnswer answer(const CallSide *side, Arch arch, const uint64_t *args)
{
    if (side->is_constant)
        return side->constant;
    for (size_t i = 0; i < side->count; i++) {
        const SeccompEntry *entry = side->entries[i];
        bool holds = true;
        for (size_t c = 0; c < entry->conditions_count && holds; c++) {
            const ValueTest test = seccomp_condition_test(&entry->conditions[c], arch);
            holds = value_passes(&test, args[entry->conditions[c].index]);
        }
        if (holds)
            return entry->answer;
    }
    return side->fallback;
}

/* Has ARGS these answers, and was that not told of the lower halves alone? */
static bool is_of_pair(const CallWork *work, const uint64_t *args, SeccompAnswer before,
                       SeccompAnswer after)
{
    uint64_t low[SYSCALL_ARGS];

    if (answer(&work->old, work->arch, args) != before ||
        answer(&work->fresh, work->arch, args) != after)
        return false;
    if (!work->upper)
        return true;
    for (unsigned i = 0; i < SYSCALL_ARGS; i++)
        low[i] = args[i] & call_width(work, i);
    return answer(&work->old, work->arch, low) != before ||
           answer(&work->fresh, work->arch, low) != after;
}

static void args_at(const CallWork *work, const size_t *at, uint64_t *args)
{
    for (unsigned i = 0; i < SYSCALL_ARGS; i++)
        args[i] = work->args[i].classes.examples[at[i]];
}

/* The next combination; false after the last. */
static bool step(const CallWork *work, size_t *at)
{
    for (unsigned i = SYSCALL_ARGS; i-- > 0;) {
        if (++at[i] < work->args[i].classes.count)
            return true;
        at[i] = 0;
    }
    return false;
}

/* ---- boxes ---------------------------------------------------------------------------------- */

/* A set of combinations: for each argument a bit a class. */
typedef struct Box {
    uint64_t *bits;
} Box;

typedef struct Order {
    size_t words;
    size_t skip, skip_words; /* what does not count */
} Order;

static int compare_boxes(const void *left, const void *right, void *context)
{
    const Order *order = context;
    const Box *a = left;
    const Box *b = right;

    for (size_t i = 0; i < order->words; i++) {
        if (i >= order->skip && i < order->skip + order->skip_words)
            continue;
        if (a->bits[i] != b->bits[i])
            return a->bits[i] < b->bits[i] ? -1 : 1;
    }
    return 0;
}

/* Unites boxes that differ in one argument only, argument by argument. The boxes left. */
static size_t unite(const CallWork *work, Box *boxes, size_t count)
{
    for (unsigned i = SYSCALL_ARGS; i-- > 0;) {
        const CallArgument *arg = &work->args[i];
        Order order = {work->words, arg->offset, arg->words};
        size_t kept = 0;
        if (arg->classes.count < 2)
            continue;
        qsort_r(boxes, count, sizeof *boxes, compare_boxes, &order);
        for (size_t b = 1; b < count; b++) {
            if (compare_boxes(&boxes[kept], &boxes[b], &order) != 0) {
                boxes[++kept] = boxes[b];
                continue;
            }
            for (size_t w = arg->offset; w < arg->offset + arg->words; w++)
                boxes[kept].bits[w] |= boxes[b].bits[w];
        }
        count = count ? kept + 1 : 0;
    }
    return count;
}

static bool in_box(const CallWork *work, const Box *box, const size_t *at)
{
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if (!call_bit(box->bits + work->args[i].offset, at[i]))
            return false;
    }
    return true;
}

/* ---- changes -------------------------------------------------------------------------------- */

static int add_change(CallChanges *changes, CallChange *change)
{
    if (!change->what ||
        array_reserve(&changes->items, &changes->capacity, changes->count, sizeof *change) < 0) {
        free(change->what);
        free(change->example);
        return -ENOMEM;
    }
    changes->items[changes->count++] = *change;
    return 0;
}

/* The risk of the worst combination in BOX, and that as an example. */
static void look_into(const CallWork *work, const Box *box, CallChange *change, Buffer *example)
{
    size_t at[SYSCALL_ARGS] = {0};
    uint64_t args[SYSCALL_ARGS];
    uint8_t known = 0;
    bool first = true;

    change->harmless = true;
    for (unsigned i = 0; i < SYSCALL_ARGS; i++)
        known |= (uint8_t)((work->args[i].count > 0) << i);
    do {
        if (!in_box(work, box, at))
            continue;
        args_at(work, at, args);
        if (!is_of_pair(work, args, change->before, change->after))
            continue;
        uint64_t low[SYSCALL_ARGS];
        for (unsigned i = 0; i < SYSCALL_ARGS; i++)
            low[i] = args[i] & call_width(work, i);
        const RiskRow *row = risk_of_call(work->name, low, known);
        change->harmless &= seccomp_answer_rank(answer(&work->old, work->arch, low)) >=
                            seccomp_answer_rank(change->after);
        if (!first && risk_of_row(row) <= risk_of_row(change->risk))
            continue;
        first = false;
        change->risk = row;
        memcpy(change->args, args, sizeof args);
        buffer_clear(example);
        (void)buffer_printf(example, "%s(", work->name);
        for (unsigned i = 0, last = 0; i < SYSCALL_ARGS; i++) {
            for (; work->args[i].count > 0 && last < i; last++)
                (void)buffer_puts(example, "_, ");
            if (work->args[i].count == 0)
                continue;
            call_put_value(work, i, args[i], example);
            if (i + 1 < SYSCALL_ARGS && known >> (i + 1)) {
                (void)buffer_puts(example, ", ");
                last = i + 1;
            }
        }
        (void)buffer_puts(example, ")");
    } while (step(work, at));
}

static int add_boxes(const CallWork *work, Box *boxes, size_t count, SeccompAnswer before,
                     SeccompAnswer after)
{
    int r = 0;

    count = unite(work, boxes, count);
    for (size_t b = 0; b < count && r == 0; b++) {
        CallChange change = {.before = before, .after = after, .upper = work->upper};
        CLEANUP(buffer_deinit) Buffer what = BUFFER_INIT;
        CLEANUP(buffer_deinit) Buffer example = BUFFER_INIT;
        (void)buffer_puts(&what, work->name);
        if (b + 1 == BOXES_SHOWN && count > BOXES_SHOWN) {
            (void)buffer_printf(&what, " under %zu more sets of conditions", count - b);
            for (size_t more = b + 1; more < count; more++) {
                for (size_t w = 0; w < work->words; w++)
                    boxes[b].bits[w] |= boxes[more].bits[w];
            }
            count = b + 1;
        } else {
            for (unsigned i = 0; i < SYSCALL_ARGS; i++)
                call_put_argument(work, i, boxes[b].bits + work->args[i].offset, &what);
        }
        look_into(work, &boxes[b], &change, &example);
        change.harmless &= work->upper;
        if (what.length > strlen(work->name))
            change.example = buffer_steal(&example);
        change.what = buffer_steal(&what);
        r = add_change(work->changes, &change);
    }
    return r;
}

/* Is that pair of answers told already, in the same of the two comparisons? */
static bool is_told(const CallWork *work, SeccompAnswer before, SeccompAnswer after)
{
    for (size_t i = 0; i < work->changes->count; i++) {
        const CallChange *change = &work->changes->items[i];
        if (change->before == before && change->after == after && change->upper == work->upper)
            return true;
    }
    return false;
}

/* All combinations that had BEFORE and have AFTER, as boxes. */
static int add_pair(CallWork *work, SeccompAnswer before, SeccompAnswer after)
{
    CLEANUP(free_pointer) uint64_t *bits = NULL;
    CLEANUP(free_pointer) Box *boxes = NULL;
    size_t count = 0, total = 0;
    size_t at[SYSCALL_ARGS] = {0};
    uint64_t args[SYSCALL_ARGS];

    do {
        args_at(work, at, args);
        total += is_of_pair(work, args, before, after);
    } while (step(work, at));
    bits = calloc(total * work->words + 1, sizeof *bits);
    boxes = calloc(total + 1, sizeof *boxes);
    if (!bits || !boxes)
        return -ENOMEM;
    memset(at, 0, sizeof at);
    do {
        args_at(work, at, args);
        if (!is_of_pair(work, args, before, after))
            continue;
        boxes[count].bits = bits + count * work->words;
        for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
            const CallArgument *arg = &work->args[i];
            for (size_t w = 0; w < arg->words; w++)
                boxes[count].bits[arg->offset + w] = arg->alike[at[i] * arg->words + w];
        }
        count++;
    } while (step(work, at));
    return add_boxes(work, boxes, count, before, after);
}

static int compare_classes(CallWork *work)
{
    size_t at[SYSCALL_ARGS] = {0};
    uint64_t args[SYSCALL_ARGS];
    int r = call_make_classes(work);

    if (r < 0)
        return r;
    do {
        args_at(work, at, args);
        const SeccompAnswer before = answer(&work->old, work->arch, args);
        const SeccompAnswer after = answer(&work->fresh, work->arch, args);
        if (before != after && !is_told(work, before, after) &&
            is_of_pair(work, args, before, after))
            r = add_pair(work, before, after);
    } while (r == 0 && step(work, at));
    return r;
}

static bool is_narrow(Arch arch)
{
    return arch == ARCH_I386 || arch == ARCH_ARM || arch == ARCH_X32;
}

static int compare_conditions(CallWork *work)
{
    bool halves = false;
    int r = call_add_tests(work);

    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        work->within[i] = is_narrow(work->arch) ? UINT32_MAX : call_width(work, i);
        halves |= work->args[i].count > 0 && call_width(work, i) == UINT32_MAX;
    }
    if (r == 0)
        r = compare_classes(work);
    if (r < 0 || !halves || is_narrow(work->arch))
        return r;
    work->upper = true;
    for (unsigned i = 0; i < SYSCALL_ARGS; i++)
        work->within[i] = UINT64_MAX;
    r = call_add_halves(work);
    if (r == 0)
        r = compare_classes(work);
    if (r != -E2BIG)
        return r;
    call_drop_halves(work);
    return compare_classes(work);
}

/* Both say the same in the same words, however much that is. */
static bool is_alike(const CallSide *a, const CallSide *b)
{
    if (a->count != b->count || a->fallback != b->fallback || a->is_constant != b->is_constant ||
        a->constant != b->constant)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const SeccompEntry *left = a->entries[i];
        const SeccompEntry *right = b->entries[i];
        if (left->answer != right->answer || left->conditions_count != right->conditions_count)
            return false;
        for (size_t c = 0; c < left->conditions_count; c++) {
            const SeccompCondition *one = &left->conditions[c];
            const SeccompCondition *other = &right->conditions[c];
            if (one->index != other->index || one->test.op != other->test.op ||
                one->test.value != other->test.value || one->test.mask != other->test.mask)
                return false;
        }
    }
    return true;
}

int call_compare(const SeccompProfile *old, const SeccompProfile *fresh, const SeccompPlace *place,
                 const char *name, CallChanges *changes)
{
    CLEANUP(work_deinit)
    CallWork work = {.name = name, .arch = place->arch, .changes = changes};
    const Syscall *syscall = syscall_by_name(name);
    int r = gather(old, place, name, &work.old);

    if (r == 0)
        r = gather(fresh, place, name, &work.fresh);
    if (r < 0 || is_alike(&work.old, &work.fresh))
        return r;
    work.syscall = syscall ? syscall_on(syscall, place->arch) : NULL;
    if (!work.old.is_constant || !work.fresh.is_constant)
        return compare_conditions(&work);
    if (work.old.constant == work.fresh.constant)
        return 0;
    CallChange change = {
        .before = work.old.constant,
        .after = work.fresh.constant,
        .what = strdup(name),
        .risk = risk_of_call(name, NULL, 0),
    };
    return add_change(changes, &change);
}
