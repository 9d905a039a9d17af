/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two seccomp filters, call by call: on every architecture that both let through, in a container
 * with Docker's capabilities on a new kernel, and, where entries hold only with a capability or
 * from some kernel on, in those that differ in that (diff_cases.h).
 */
#include "generator/diff_cases.h"
#include "generator/diff_private.h"

#include "base/memory.h"

#include <errno.h>
#include <linux/seccomp.h>

typedef struct Found {
    CallChange change;
    const char *name;
    uint32_t archs; /* where */
    SeccompCase place;
} Found;

typedef struct Comparison {
    const SeccompProfile *old, *fresh;
    bool cases_cut;
    Found *found;
    size_t count, capacity;
    uint32_t archs; /* that both have */
    Diff *diff;
    Error *err;
} Comparison;

static void comparison_deinit(Comparison *comparison)
{
    for (size_t i = 0; i < comparison->count; i++) {
        free(comparison->found[i].change.what);
        free(comparison->found[i].change.example);
    }
    free(comparison->found);
}

/* ---- collecting ----------------------------------------------------------------------------- */

static bool is_same(const CallChange *a, const CallChange *b)
{
    return a->before == b->before && a->after == b->after && a->upper == b->upper &&
           a->undecided == b->undecided && strcmp(a->what, b->what) == 0;
}

/* Adds what CHANGE says of ARCH; takes its texts. */
static int add_found(Comparison *comparison, const char *name, Arch arch, const SeccompCase *place,
                     size_t first, CallChange *change)
{
    for (size_t i = first; i < comparison->count; i++) {
        Found *found = &comparison->found[i];
        const bool here = found->place.caps == place->caps && found->place.kernel == place->kernel;
        if (!is_same(&found->change, change))
            continue;
        if (here)
            found->archs |= 1u << arch;
        /* as in a container that differs less from the usual one: nothing to say */
        if (here || (seccomp_case_within(&found->place, place) && (found->archs >> arch & 1)))
            return 0;
    }
    if (array_reserve(&comparison->found, &comparison->capacity, comparison->count,
                      sizeof *comparison->found) < 0)
        return -ENOMEM;
    comparison->found[comparison->count++] =
        (Found){.change = *change, .name = name, .archs = 1u << arch, .place = *place};
    change->what = NULL;
    change->example = NULL;
    return 0;
}

/* The default's change says that of all calls. */
static bool is_default_too(const Comparison *comparison, const CallChange *change)
{
    return change->before == comparison->old->default_answer &&
           change->after == comparison->fresh->default_answer &&
           seccomp_answer_rank(change->before) == seccomp_answer_rank(change->after);
}

/* Rather a change too many than one that nobody hears of. */
static int add_undecided(const Comparison *comparison, const char *name, CallChanges *changes)
{
    call_changes_deinit(changes);
    changes->items = calloc(1, sizeof *changes->items);
    if (!changes->items)
        return -ENOMEM;
    changes->count = 1;
    changes->items[0] = (CallChange){
        .before = comparison->old->default_answer,
        .after = SECCOMP_RET_ALLOW,
        .what = strdup(name),
        .undecided = true,
        .risk = risk_of_call(name, NULL, 0),
    };
    return changes->items[0].what ? 0 : -ENOMEM;
}

static int compare_at(Comparison *comparison, const char *name, Arch arch, const SeccompCase *place,
                      size_t first)
{
    CLEANUP(call_changes_deinit) CallChanges changes = {0};
    const SeccompPlace where = {arch, place->caps, place->kernel};
    int r = call_compare(comparison->old, comparison->fresh, &where, name, &changes);

    if (r == -E2BIG)
        r = add_undecided(comparison, name, &changes);
    for (size_t i = 0; i < changes.count && r == 0; i++) {
        if (!is_default_too(comparison, &changes.items[i]))
            r = add_found(comparison, name, arch, place, first, &changes.items[i]);
    }
    return r;
}

static int compare_call(Comparison *comparison, const char *name)
{
    CLEANUP(seccomp_cases_deinit) SeccompCases cases = {0};
    const Syscall *syscall = syscall_by_name(name);
    const size_t first = comparison->count;
    int r = seccomp_cases_make(comparison->old, comparison->fresh, name, &cases);

    comparison->cases_cut |= cases.cut;
    for (size_t place = 0; place < cases.count && r == 0; place++) {
        for (Arch arch = 0; arch < ARCH_COUNT && r == 0; arch++) {
            if ((comparison->archs >> arch & 1) == 0 ||
                (syscall && syscall_number(syscall, arch) < 0))
                continue;
            r = compare_at(comparison, name, arch, &cases.items[place], first);
        }
    }
    return r < 0 ? error_errno(comparison->err, r, "comparing system calls") : 0;
}

/* Is entry INDEX of PROFILE there, and about NAME? */
static bool is_about(const SeccompProfile *profile, size_t index, const char *name)
{
    const char *own = index < profile->count ? profile->entries[index].name : NULL;

    return own && strcmp(own, name) == 0;
}

/* Every name of both, in order. */
static int compare_calls(Comparison *comparison)
{
    const SeccompProfile *old = comparison->old;
    const SeccompProfile *fresh = comparison->fresh;
    size_t a = 0, b = 0;
    int r = 0;

    while ((a < old->count || b < fresh->count) && r == 0) {
        const char *left = a < old->count ? old->entries[a].name : NULL;
        const char *right = b < fresh->count ? fresh->entries[b].name : NULL;
        const char *name = !right || (left && strcmp(left, right) < 0) ? left : right;
        if (!name) /* never: all entries have one */
            break;
        r = compare_call(comparison, name);
        while (is_about(old, a, name))
            a++;
        while (is_about(fresh, b, name))
            b++;
    }
    return r;
}

/* ---- telling -------------------------------------------------------------------------------- */

static DiffKind kind_of(SeccompAnswer before, SeccompAnswer after)
{
    const int old = seccomp_answer_rank(before);
    const int fresh = seccomp_answer_rank(after);

    return fresh > old ? DIFF_ALLOWED : fresh < old ? DIFF_FORBIDDEN : DIFF_CHANGED;
}

/* "on i386, x32" unless it is so wherever the call exists. */
static void put_archs(const Comparison *comparison, const Found *found, Buffer *out)
{
    const Syscall *syscall = syscall_by_name(found->name);
    const char *before = "on ";
    uint32_t all = 0;

    for (Arch arch = 0; arch < ARCH_COUNT; arch++) {
        if ((comparison->archs >> arch & 1) && (!syscall || syscall_number(syscall, arch) >= 0))
            all |= 1u << arch;
    }
    if (found->archs == all)
        return;
    for (Arch arch = 0; arch < ARCH_COUNT; arch++) {
        if ((found->archs >> arch & 1) == 0)
            continue;
        (void)buffer_printf(out, "%s%s", before, arch_name(arch));
        before = ", ";
    }
}

/* Both answers in BEFORE and AFTER; where they differ in nothing else, with what the tracer is
 * told.
 */
static void put_answers(const CallChange *change, char *before, char *after, size_t size)
{
    (void)seccomp_answer_text(change->before, before, size);
    (void)seccomp_answer_text(change->after, after, size);
    if (strcmp(before, after) != 0)
        return;
    (void)snprintf(before + strlen(before), size - strlen(before), " (message %u)",
                   change->before & SECCOMP_RET_DATA);
    (void)snprintf(after + strlen(after), size - strlen(after), " (message %u)",
                   change->after & SECCOMP_RET_DATA);
}

static int tell(const Comparison *comparison, const Found *found)
{
    CLEANUP(buffer_deinit) Buffer when = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer place = BUFFER_INIT;
    const CallChange *from = &found->change;
    char before[64], after[64];
    Change change = {
        .kind = kind_of(from->before, from->after),
        .section = "syscalls",
        .name = found->name,
        .what = from->what,
        .before = before,
        .after = after,
        .example = from->example,
    };

    put_answers(from, before, after, sizeof before);
    put_archs(comparison, found, &when);
    seccomp_case_put(&found->place, &place);
    if (place.length)
        (void)buffer_printf(&when, "%s%s", when.length ? ", " : "", buffer_text(&place));
    if (from->undecided)
        (void)buffer_printf(&when, "%smaybe: the conditions are too many to be compared",
                            when.length ? ", " : "");
    if (from->upper)
        (void)buffer_printf(&when, "%sif the upper half of a 32-bit argument is not 0",
                            when.length ? ", " : "");
    change.when = when.length ? buffer_text(&when) : NULL;
    change.undecided = from->undecided;
    if (from->undecided)
        change.kind = DIFF_ALLOWED;
    if (change.kind == DIFF_ALLOWED)
        risk_set(&change, from->risk);
    if (change.kind == DIFF_ALLOWED && from->harmless) {
        change.risk = RISK_NONE;
        change.why = "the kernel does not look at that half: the same call was allowed before";
    }
    return diff_add(comparison->diff, &change);
}

static int tell_default(const Comparison *comparison)
{
    const SeccompAnswer old = comparison->old->default_answer;
    const SeccompAnswer fresh = comparison->fresh->default_answer;
    char before[64], after[64];
    Change change = {
        .kind = kind_of(old, fresh),
        .section = "syscalls",
        .name = "*",
        .what = "every system call that has no rule",
        .before = seccomp_answer_text(old, before, sizeof before),
        .after = seccomp_answer_text(fresh, after, sizeof after),
    };

    if (old == fresh)
        return 0;
    if (change.kind == DIFF_ALLOWED)
        risk_set(&change, risk_of_name("setting", "default-allow"));
    return diff_add(comparison->diff, &change);
}

static int tell_archs(Comparison *comparison)
{
    int r = 0;

    for (Arch arch = 0; arch < ARCH_COUNT && r == 0; arch++) {
        const bool had = seccomp_profile_has_arch(comparison->old, arch);
        const bool has = seccomp_profile_has_arch(comparison->fresh, arch);
        char what[64];
        Change change = {
            .kind = has ? DIFF_ALLOWED : DIFF_FORBIDDEN,
            .section = "architectures",
            .name = arch_name(arch),
            .what = what,
            .before = had ? "by rule" : "killed",
            .after = has ? "by rule" : "killed",
        };
        if (had && has)
            comparison->archs |= 1u << arch;
        if (had == has)
            continue;
        (void)snprintf(what, sizeof what, "system calls of %s", arch_name(arch));
        if (has)
            risk_set(&change, risk_of_name("setting", "architecture"));
        r = diff_add(comparison->diff, &change);
    }
    return r;
}

int diff_seccomp(const SeccompProfile *old, const SeccompProfile *fresh, Diff *diff, Error *err)
{
    CLEANUP(comparison_deinit)
    Comparison comparison = {
        .old = old,
        .fresh = fresh,
        .diff = diff,
        .err = err,
    };
    int r = tell_archs(&comparison);

    diff_compared(diff, "syscalls");
    if (r == 0)
        r = tell_default(&comparison);
    if (r < 0)
        return error_errno(err, r, "comparing system calls");
    if (comparison.archs == 0)
        (void)buffer_puts(&diff->notes, "the two have no architecture in common, so their system "
                                        "calls were not compared\n");
    r = compare_calls(&comparison);
    if (comparison.cases_cut)
        (void)buffer_puts(&diff->notes, "the profiles ask for so many capabilities that not all "
                                        "combinations were compared\n");
    for (size_t i = 0; i < comparison.count && r == 0; i++) {
        if (tell(&comparison, &comparison.found[i]) < 0)
            r = error_errno(err, -ENOMEM, "comparing system calls");
    }
    return r;
}
