/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file rules may have a path in common with another one, without looking at all of them: of
 * those without wildcards, which are most, the ones with the same path, or whose path begins as the
 * pattern does; and all that have wildcards.
 */
#include "base/memory.h"
#include "generator/lint_private.h"

#include <errno.h>

static int compare_paths(const void *left, const void *right)
{
    const LintRule *const *a = left;
    const LintRule *const *b = right;
    const int c = strcmp((*a)->path, (*b)->path);

    return c ? c : (*a > *b) - (*a < *b);
}

int lint_near_make(Lint *lint)
{
    const size_t count = (size_t)(lint_end(lint, POLICY_FILES) - lint_begin(lint, POLICY_FILES));

    lint->near.paths = strset_new();
    lint->near.plain = calloc(count + 1, sizeof *lint->near.plain);
    lint->near.wild = calloc(count + 1, sizeof *lint->near.wild);
    if (!lint->near.paths || !lint->near.plain || !lint->near.wild)
        return -ENOMEM;
    for (LintRule *entry = lint_begin(lint, POLICY_FILES); entry < lint_end(lint, POLICY_FILES);
         entry++) {
        CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
        entry->wild = !lint_literal(entry->rule->name, &path);
        entry->path = path.error ? NULL : strset_add(lint->near.paths, buffer_text(&path));
        if (!entry->path)
            return -ENOMEM;
        if (entry->wild)
            lint->near.wild[lint->near.wild_count++] = entry;
        else
            lint->near.plain[lint->near.plain_count++] = entry;
    }
    if (lint->near.plain_count > 1)
        qsort(lint->near.plain, lint->near.plain_count, sizeof *lint->near.plain, compare_paths);
    return 0;
}

void lint_near_deinit(LintNear *near)
{
    near->paths = strset_free(near->paths);
    free(near->plain);
    free(near->wild);
}

LintNearby lint_nearby(const Lint *lint, const LintRule *entry)
{
    size_t low = 0;
    size_t high = lint->near.plain_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(lint->near.plain[middle]->path, entry->path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return (LintNearby){.entry = entry, .plain = low};
}

LintRule *lint_nearby_next(Lint *lint, LintNearby *nearby)
{
    const LintNear *near = &lint->near;
    const LintRule *entry = nearby->entry;

    if (!lint_may_pair(lint))
        return NULL;
    if (nearby->wild < near->wild_count)
        return near->wild[nearby->wild++];
    if (nearby->plain >= near->plain_count)
        return NULL;
    LintRule *other = near->plain[nearby->plain++];
    const bool meets = entry->wild ? strncmp(other->path, entry->path, strlen(entry->path)) == 0
                                   : strcmp(other->path, entry->path) == 0;
    return meets ? other : NULL;
}
