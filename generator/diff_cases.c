/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each capability that an entry asks about is held or not, whatever the usual container has, and
 * each kernel that one names is reached or not. All combinations are tried of the few that one call
 * has in real profiles; of more, those that single entries ask for, and pairs.
 */
#include "generator/diff_cases.h"

#include "base/memory.h"
#include "generator/knowledge.h"

#include <errno.h>

enum { CAPS_MAX = 5, KERNELS_MAX = 7, CASES_MAX = 256 };

/* What entries of one call ask about. */
typedef struct Asked {
    uint64_t caps;
    uint32_t kernels[KERNELS_MAX]; /* the last one before each that is named */
    size_t kernels_count;
    bool cut;
} Asked;

void seccomp_cases_deinit(SeccompCases *cases)
{
    free(cases->items);
    *cases = (SeccompCases){0};
}

static void ask_kernel(Asked *asked, uint32_t kernel)
{
    if (kernel == 0)
        return;
    for (size_t i = 0; i < asked->kernels_count; i++) {
        if (asked->kernels[i] == kernel - 1)
            return;
    }
    if (asked->kernels_count < KERNELS_MAX)
        asked->kernels[asked->kernels_count++] = kernel - 1;
    else
        asked->cut = true;
}

static void ask(const SeccompProfile *profile, const char *name, Asked *asked)
{
    size_t end;

    for (size_t i = seccomp_profile_find(profile, name, &end); i < end; i++) {
        const SeccompGate *gate = &profile->entries[i].gate;
        asked->caps |= gate->caps | gate->caps_without;
        ask_kernel(asked, gate->kernel);
        ask_kernel(asked, gate->kernel_without);
    }
}

/* A container whose capabilities differ from the usual one's by FLIPPED, on KERNEL. */
static int add_case(SeccompCases *cases, uint64_t flipped, uint32_t kernel)
{
    const SeccompCase fresh = {docker_capabilities() ^ flipped, kernel};

    for (size_t i = 0; i < cases->count; i++) {
        if (cases->items[i].caps == fresh.caps && cases->items[i].kernel == fresh.kernel)
            return 0;
    }
    if (cases->count == CASES_MAX) {
        cases->cut = true;
        return 0;
    }
    if (array_reserve(&cases->items, &cases->capacity, cases->count, sizeof fresh) < 0)
        return -ENOMEM;
    cases->items[cases->count++] = fresh;
    return 0;
}

/* On every kernel that is asked about. */
static int add_flipped(SeccompCases *cases, const Asked *asked, uint64_t flipped)
{
    int r = add_case(cases, flipped, UINT32_MAX);

    for (size_t i = 0; i < asked->kernels_count && r == 0; i++)
        r = add_case(cases, flipped, asked->kernels[i]);
    return r;
}

/* Every subset of the capabilities that are asked about. */
static int add_subsets(SeccompCases *cases, const Asked *asked)
{
    uint64_t subset = 0;
    int r;

    do {
        r = add_flipped(cases, asked, subset);
        subset = (subset - asked->caps) & asked->caps;
    } while (subset && r == 0);
    return r;
}

/* What the entries of PROFILE ask for, each for itself. */
static int add_wanted(SeccompCases *cases, const Asked *asked, const SeccompProfile *profile,
                      const char *name)
{
    const uint64_t usual = docker_capabilities();
    size_t end;
    int r = 0;

    for (size_t i = seccomp_profile_find(profile, name, &end); i < end && r == 0; i++) {
        const SeccompGate *gate = &profile->entries[i].gate;
        r = add_flipped(cases, asked, (gate->caps & ~usual) | (gate->caps_without & usual));
    }
    return r;
}

/* Single capabilities and pairs. */
static int add_pairs(SeccompCases *cases, const Asked *asked)
{
    int r = 0;

    for (uint64_t one = asked->caps; one && r == 0; one &= one - 1)
        r = add_flipped(cases, asked, one & -one);
    for (uint64_t one = asked->caps; one && r == 0; one &= one - 1) {
        for (uint64_t two = one & (one - 1); two && r == 0; two &= two - 1)
            r = add_flipped(cases, asked, (one & -one) | (two & -two));
    }
    return r;
}

/* ---- order ---------------------------------------------------------------------------------- */

static int differences(const SeccompCase *which)
{
    return __builtin_popcountll(which->caps ^ docker_capabilities()) +
           (which->kernel != UINT32_MAX);
}

static int compare_cases(const void *left, const void *right)
{
    const SeccompCase *a = left;
    const SeccompCase *b = right;
    const int c = differences(a) - differences(b);

    if (c)
        return c;
    if (a->kernel != b->kernel)
        return a->kernel > b->kernel ? -1 : 1;
    return (a->caps > b->caps) - (a->caps < b->caps);
}

int seccomp_cases_make(const SeccompProfile *old, const SeccompProfile *fresh, const char *name,
                       SeccompCases *ret_cases)
{
    CLEANUP(seccomp_cases_deinit) SeccompCases made = {0};
    Asked asked = {0};
    int r;

    ask(old, name, &asked);
    ask(fresh, name, &asked);
    if (__builtin_popcountll(asked.caps) <= CAPS_MAX) {
        r = add_subsets(&made, &asked);
    } else {
        asked.cut = true;
        r = add_flipped(&made, &asked, 0);
        if (r == 0)
            r = add_wanted(&made, &asked, old, name);
        if (r == 0)
            r = add_wanted(&made, &asked, fresh, name);
        if (r == 0)
            r = add_pairs(&made, &asked);
    }
    if (r < 0)
        return r;
    qsort(made.items, made.count, sizeof *made.items, compare_cases);
    made.cut |= asked.cut;
    *ret_cases = made;
    made = (SeccompCases){0};
    return 0;
}

bool seccomp_case_within(const SeccompCase *inner, const SeccompCase *outer)
{
    const uint64_t usual = docker_capabilities();

    return ((inner->caps ^ usual) & ~(outer->caps ^ usual)) == 0 && inner->kernel >= outer->kernel;
}

void seccomp_case_put(const SeccompCase *which, Buffer *out)
{
    const uint64_t flipped = which->caps ^ docker_capabilities();
    const char *before = "";

    for (size_t i = 0; i < capability_count(); i++) {
        const Capability *capability = capability_at(i);
        if ((flipped >> capability->number & 1) == 0)
            continue;
        (void)buffer_printf(out, "%s%s %s", before,
                            which->caps >> capability->number & 1 ? "with" : "without",
                            capability->name);
        before = " and ";
    }
    if (which->kernel != UINT32_MAX) {
        const uint32_t from = which->kernel + 1;
        (void)buffer_printf(out, "%sbefore Linux %u.%u", before, from >> 16, from & 0xffff);
    }
}
