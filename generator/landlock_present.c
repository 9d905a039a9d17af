/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/landlock_present.h"

#include "base/memory.h"
#include "generator/glob_set.h"

#include <errno.h>
#include <fts.h>
#include <string.h>

const char *const landlock_settled[] = {"/usr",   "/bin",   "/sbin",   "/lib",
                                        "/lib32", "/lib64", "/libx32", NULL};

enum {
    MOST_LOOKED_AT = 200000, /* a second or so */
    MOST_GRANTED = 20000,
};

/* How much of what is beneath a folder a pattern matches. */
typedef enum Share { SHARE_NONE, SHARE_SOME, SHARE_ALL } Share;

static int compare_folder(const char *pattern, const char *folder, Share *ret_share)
{
    CLEANUP(glob_set_cleanup) GlobSet *set = glob_set_new();
    CLEANUP(buffer_deinit) Buffer all = BUFFER_INIT;
    size_t wanted = 0;
    size_t beneath = 0;

    if (!set || policy_pattern_append_literal(&all, folder, strlen(folder)) < 0 ||
        buffer_puts(&all, "/**") < 0)
        return -ENOMEM;
    int r = glob_set_add(set, GLOB_POLICY, pattern, &wanted, NULL);
    if (r == 0)
        r = glob_set_add(set, GLOB_POLICY, buffer_text(&all), &beneath, NULL);
    const int some = r < 0 ? r : glob_set_intersects(set, wanted, beneath, NULL);
    const int whole = some <= 0 ? some : glob_set_contains(set, &wanted, 1, beneath, NULL);
    *ret_share = some == 0 ? SHARE_NONE : whole == 1 ? SHARE_ALL : SHARE_SOME;
    return whole < 0 ? whole : 0;
}

/* A search for what one pattern matches. */
typedef struct Search {
    const LandlockPath *wanted;
    GlobSet *set;
    size_t pattern; /* its number in the set */
    LandlockPlan *found;
    size_t looked_at;
} Search;

/* Grants ACCESS to PATH if the pattern matches that, followed by SUFFIX. */
static int grant_match(Search *search, const char *path, const char *suffix, uint32_t access)
{
    CLEANUP(buffer_deinit) Buffer name = BUFFER_INIT;

    if (buffer_printf(&name, "%s%s", path, suffix) < 0)
        return -ENOMEM;
    const int r = glob_set_matches(search->set, search->pattern, name.data, name.length);
    return r == 1 ? landlock_plan_grant(search->found, path, access) : r;
}

static int visit_folder(Search *search, FTS *tree, FTSENT *entry)
{
    const uint32_t access = search->wanted->access;
    Share share;

    const int r = compare_folder(search->wanted->pattern, entry->fts_path, &share);
    if (r < 0)
        return r;
    if (share != SHARE_SOME)
        (void)fts_set(tree, entry, FTS_SKIP);
    return share == SHARE_ALL
               ? landlock_plan_grant(search->found, entry->fts_path, access)
               : grant_match(search, entry->fts_path, "/", access & LANDLOCK_READ_DIR);
}

/* What is found has its own name, so links need not be followed. */
static int visit(Search *search, FTS *tree, FTSENT *entry)
{
    if (++search->looked_at > MOST_LOOKED_AT || search->found->rules.count > MOST_GRANTED)
        return -E2BIG;
    switch (entry->fts_info) {
    case FTS_D:
        return visit_folder(search, tree, entry);
    case FTS_F:
        return grant_match(search, entry->fts_path, "", search->wanted->access & LANDLOCK_OF_FILE);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return -EACCES;
    default:
        return 0;
    }
}

/* Adds to FOUND what there is of the pattern of WANTED. */
static int find(const LandlockPath *wanted, LandlockPlan *found)
{
    CLEANUP(glob_set_cleanup) GlobSet *set = glob_set_new();
    Search search = {.wanted = wanted, .set = set, .found = found};
    char *paths[] = {wanted->path, NULL};
    FTSENT *entry;

    if (!set)
        return -ENOMEM;
    int r = glob_set_add(set, GLOB_POLICY, wanted->pattern, &search.pattern, NULL);
    FTS *tree = r < 0 ? NULL : fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    if (!tree)
        return r < 0 ? r : -errno;
    while (r == 0 && (errno = 0, entry = fts_read(tree)))
        r = visit(&search, tree, entry);
    if (r == 0)
        r = -errno;
    fts_close(tree);
    return r;
}

static bool is_settled(const char *path, const char *const *settled)
{
    for (; *settled; settled++) {
        const size_t length = strlen(*settled);
        if (strncmp(path, *settled, length) == 0 && (path[length] == '/' || path[length] == '\0'))
            return true;
    }
    return false;
}

/* Puts the paths of FOUND into the place of the one at INDEX. */
static int replace(LandlockPlan *plan, size_t index, LandlockPlan *found)
{
    for (size_t i = 0; i < found->rules.count; i++) {
        const LandlockPath *path = &found->rules.paths[i];
        const int r = landlock_plan_grant(plan, path->path, path->access);
        if (r < 0)
            return r;
    }
    plan->rules.paths[index].access = 0;
    plan->covered--;
    plan->exact++;
    return 0;
}

int landlock_plan_narrow(LandlockPlan *plan, const char *const *settled)
{
    const size_t count = plan->rules.count;

    for (size_t i = 0; i < count; i++) {
        CLEANUP(landlock_plan_deinit) LandlockPlan found = {.exact = 0};
        const LandlockPath *wanted = &plan->rules.paths[i];
        if (!wanted->pattern || !is_settled(wanted->path, settled))
            continue;
        int r = find(wanted, &found);
        if (r == 0)
            r = replace(plan, i, &found);
        if (r == -ENOMEM)
            return r;
    }
    return 0;
}
