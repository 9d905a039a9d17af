/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File rules in AppArmor's letters (docs/FORMATS.md, "Files").
 *
 * owner: only for what the workload created itself and only its owner ever touched, for its own
 * process's folder under /proc, and for what several homes have alike. Elsewhere a file's owner is
 * a property of the image, not of the workload, and which of its processes is first to read a file
 * is chance.
 *
 * Links: a fact says that a name became a hard link, and another that a file was linked to, but not
 * which to which. With few targets a rule lists them all; with more, AppArmor's own test must do:
 * what the rules allow with the link must be allowed with its target.
 */
#include "base/memory.h"
#include "generator/infer_private.h"
#include "generator/path_shapes.h"

#include <errno.h>

enum { LINK_TARGETS_MAX = 8 };

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The files that were linked to, as one pattern; "" if there are too many or none. */
static int link_targets(const PathUses *uses, const PathShapes *shapes, StringSet *strings,
                        Buffer *out)
{
    CLEANUP(buffer_deinit) Buffer pattern = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer reason = BUFFER_INIT;
    const char *targets[LINK_TARGETS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < uses->count; i++) {
        size_t known = 0;
        if (!uses->items[i].linked)
            continue;
        buffer_clear(&pattern);
        if (path_shapes_pattern(shapes, uses->items[i].path, false, &pattern, &reason) < 0)
            return -ENOMEM;
        const char *target = strset_add(strings, buffer_text(&pattern));
        while (known < count && targets[known] != target)
            known++;
        if (known < count)
            continue;
        if (!target || count == LINK_TARGETS_MAX)
            return target ? 0 : -ENOMEM;
        targets[count++] = target;
    }
    qsort(targets, count, sizeof *targets, compare_texts);
    if (count == 1)
        return buffer_puts(out, targets[0]);
    for (size_t i = 0; i < count; i++) {
        /* Alternatives within braces, whose commas are theirs. */
        (void)buffer_puts(out, i == 0 ? "/{" : ",");
        for (const char *c = targets[i] + 1; *c; c++)
            (void)buffer_printf(out, *c == ',' ? "\\%c" : "%c", *c);
    }
    return count ? buffer_putc(out, '}') : 0;
}

/* What a pattern grants: all paths that it came from together. */
typedef struct Grant {
    const char *pattern;
    const char *reason;
    uint32_t owner, other;
} Grant;

typedef struct Grants {
    StringSet *strings;
    Grant *items;
    size_t count, capacity;
} Grants;

static void grants_deinit(Grants *grants)
{
    strset_free(grants->strings);
    free(grants->items);
}

const PathSet *infer_path_set(const PathUse *use, Generalise level)
{
    const uint32_t letters = use->other | use->exec | use->owner;

    for (size_t i = 0; i < path_sets_count && letters == FILE_READ; i++) {
        if (generalise_includes(level, path_sets[i].level) &&
            path_set_has(&path_sets[i], use->path))
            return &path_sets[i];
    }
    return NULL;
}

int infer_set_pattern(const PathSet *set, Buffer *out, Buffer *reason)
{
    (void)buffer_puts(out, set->pattern);
    return buffer_printf(reason, "one of a set (grants all %s)", set->what);
}

static int add_grant(Grants *grants, const PathShapes *shapes, const PathUse *use, bool directory,
                     Generalise level)
{
    CLEANUP(buffer_deinit) Buffer pattern = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer reason = BUFFER_INIT;
    /* Once it is given away, it is no longer its maker's. */
    const bool may_own = (path_use_created(use) && !use->changed) ||
                         strncmp(use->path, "/proc/self/", strlen("/proc/self/")) == 0 ||
                         path_shapes_is_homes(shapes, use);
    Grant grant = {
        .other = use->other | use->exec | (may_own ? 0 : use->owner),
        .owner = may_own ? use->owner : 0,
    };
    const PathSet *set = infer_path_set(use, level);

    if (set)
        (void)infer_set_pattern(set, &pattern, &reason);
    else
        (void)path_shapes_pattern(shapes, use->path, directory, &pattern, &reason);
    grant.pattern = strset_add(grants->strings, buffer_text(&pattern));
    grant.reason = reason.length ? strset_add(grants->strings, buffer_text(&reason)) : NULL;
    if (pattern.error || reason.error || !grant.pattern || (reason.length && !grant.reason) ||
        array_reserve(&grants->items, &grants->capacity, grants->count, sizeof grant) < 0)
        return -ENOMEM;
    grants->items[grants->count++] = grant;
    return 0;
}

static int compare_grants(const void *a, const void *b)
{
    const Grant *x = a, *y = b;
    const int c = strcmp(x->pattern, y->pattern);

    return c ? c : strcmp(x->reason ? x->reason : "", y->reason ? y->reason : "");
}

static void unite_grants(Grants *grants)
{
    size_t kept = 0;

    if (grants->count == 0)
        return;
    qsort(grants->items, grants->count, sizeof *grants->items, compare_grants);
    for (size_t i = 1; i < grants->count; i++) {
        Grant *last = &grants->items[kept];
        const Grant *grant = &grants->items[i];
        if (last->pattern != grant->pattern) {
            grants->items[++kept] = *grant;
            continue;
        }
        last->owner |= grant->owner;
        last->other |= grant->other;
        last->reason = last->reason ? last->reason : grant->reason;
    }
    grants->count = kept + 1;
}

static int add_rule(Policy *policy, const Grant *grant, bool owner, uint32_t access,
                    const char *link_target)
{
    PolicyRule rule = {
        .section = POLICY_FILES, .name = grant->pattern, .owner = owner, .reason = grant->reason};
    int r = 0;

    /* The right to write includes that to append. */
    if ((access | (owner ? grant->other : 0)) & FILE_WRITE)
        access &= ~(uint32_t)FILE_APPEND;
    rule.access = link_target ? access & ~(uint32_t)FILE_LINK : access;
    if (rule.access)
        r = policy_add(policy, &rule);
    if (r == 0 && link_target && (access & FILE_LINK)) {
        rule.access = FILE_LINK;
        rule.target = link_target;
        r = policy_add(policy, &rule);
    }
    return r;
}

int infer_files(const PathUses *uses, const PathShapes *shapes, const InferOptions *options,
                Policy *policy, Buffer *notes)
{
    CLEANUP(buffer_deinit) Buffer targets = BUFFER_INIT;
    CLEANUP(grants_deinit) Grants grants = {.strings = strset_new()};
    int r = grants.strings ? link_targets(uses, shapes, grants.strings, &targets) : -ENOMEM;
    const char *link_target = targets.length ? buffer_text(&targets) : NULL;

    for (size_t i = 0; i < uses->count && r == 0; i++) {
        const PathUse *use = &uses->items[i];
        r = add_grant(&grants, shapes, use, use->directory, options->generalise);
        /* A new name whose kind no fact tells, while folders were renamed: it may be one. */
        if (r == 0 && !use->typed && (use->access & ACCESS_RENAME) && uses->directories_renamed)
            r = add_grant(&grants, shapes, use, true, options->generalise);
    }
    unite_grants(&grants);
    for (size_t i = 0; i < grants.count && r == 0; i++) {
        const Grant *grant = &grants.items[i];
        r = add_rule(policy, grant, false, grant->other, link_target);
        if (r == 0)
            r = add_rule(policy, grant, true, grant->owner & ~grant->other, link_target);
    }
    if (r == 0)
        r = write_audit(uses, policy, notes);
    return r;
}
