/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that differ between runs only by the home of whoever ran. The evidence is of two people,
 * each in runs of their own: a run is somebody's if all that its processes own in homes is in one,
 * and a path is that person's if no other runs came to it and nobody but its owner used it. What
 * two homes have alike under these terms becomes one pattern for what the process owns in any home,
 * so that nobody's files are opened to somebody else. Keys and programs stay what they are.
 */
#include "generator/path_shapes_private.h"

#include "base/strset.h"

#include <errno.h>

/* Borrowed; no length: nothing is known yet. */
typedef struct Home {
    const char *path;
    size_t length;
    bool several; /* the run was in more than one */
} Home;

/* What is alike in homes, without them. */
typedef struct Alike {
    const char *key;
    size_t use;
    Home home;
} Alike;

typedef struct Finder {
    PathShapes *shapes;
    const Recording *recording;
    Home *runs;    /* of each run */
    bool *strayed; /* uses that other people's runs had as well */
    StringSet *keys;
    Alike *items;
    size_t count, capacity;
} Finder;

static void finder_deinit(Finder *finder)
{
    free(finder->runs);
    free(finder->strayed);
    strset_free(finder->keys);
    free(finder->items);
}

size_t path_home_length(const char *path)
{
    static const char root[] = "/root", homes[] = "/home/";
    const size_t folder = strlen(homes);

    if (strncmp(path, homes, folder) == 0) {
        const size_t name = strcspn(path + folder, "/");
        return name > 0 ? folder + name : 0;
    }
    if (strncmp(path, root, strlen(root)) != 0)
        return 0;
    return path[strlen(root)] == '/' || path[strlen(root)] == '\0' ? strlen(root) : 0;
}

static bool same_home(const Home *a, const Home *b)
{
    return a->length == b->length && strncmp(a->path, b->path, a->length) == 0;
}

static bool is_root(const Home *home)
{
    return home->length == strlen("/root");
}

/* ---- whose a run is ------------------------------------------------------------------------- */

/* Calls LOOK with the facts of paths in homes. */
static void each_fact(Finder *finder, void (*look)(Finder *finder, const Fact *fact, Home home))
{
    for (size_t i = 0; i < recording_facts_count(finder->recording); i++) {
        Fact view;
        const Fact *fact = recording_fact(finder->recording, i, &view);
        if ((fact->kind != FACT_FILE && fact->kind != FACT_EXEC) ||
            fact->phase == PHASE_RUNTIME_INIT || !results_may_be_checked(&fact->results))
            continue;
        const size_t length = path_home_length(fact->name);
        if (length > 0)
            look(finder, fact, (Home){.path = fact->name, .length = length});
    }
}

static void note_home(Finder *finder, const Fact *fact, Home home)
{
    if (!fact_has(fact, FIELD_OWNER) || !fact_number(fact, FIELD_OWNER, 0))
        return;
    for (size_t i = 0; i < fact->runs_count; i++) {
        if (fact->runs[i].run >= finder->shapes->runs_count)
            continue;
        Home *run = &finder->runs[fact->runs[i].run];
        if (run->length == 0)
            *run = home;
        run->several |= !same_home(run, &home);
    }
}

static void note_strayed(Finder *finder, const Fact *fact, Home home)
{
    const PathUses *uses = finder->shapes->uses;
    const PathUse *use = path_uses_find(uses, fact->name, strlen(fact->name));

    for (size_t i = 0; i < fact->runs_count && use; i++) {
        const uint32_t at = fact->runs[i].run;
        const Home *run = at < finder->shapes->runs_count ? &finder->runs[at] : NULL;
        finder->strayed[use - uses->items] |= !run || run->several || !same_home(run, &home);
    }
}

/* ---- what homes have alike ------------------------------------------------------------------ */

static bool is_somebodys(const Finder *finder, size_t i)
{
    const uint32_t harmless = FILE_READ | FILE_WRITE | FILE_APPEND | FILE_LOCK;
    const PathUse *use = &finder->shapes->uses->items[i];

    return !finder->strayed[i] && use->owner != 0 && (use->owner & ~harmless) == 0 &&
           use->other == 0 && use->exec == 0 && !use->linked && !use->changed &&
           !path_is_secret(use->path);
}

static int gather(Finder *finder)
{
    const PathUses *uses = finder->shapes->uses;

    for (size_t i = 0; i < uses->count; i++) {
        CLEANUP(buffer_deinit) Buffer key = BUFFER_INIT;
        const PathUse *use = &uses->items[i];
        Alike new = {.use = i, .home = {.path = use->path, .length = path_home_length(use->path)}};
        uint32_t kinds = 0;
        if (new.home.length == 0 || !is_somebodys(finder, i))
            continue;
        path_print_pattern(finder->shapes, use->path, new.home.length, strlen(use->path), &key,
                           &kinds);
        (void)buffer_puts(&key, use->directory ? "/" : "");
        new.key = key.error ? NULL : strset_add(finder->keys, buffer_text(&key));
        if (!new.key ||
            array_reserve(&finder->items, &finder->capacity, finder->count, sizeof new) < 0)
            return -ENOMEM;
        finder->items[finder->count++] = new;
    }
    return 0;
}

static int compare_alike(const void *a, const void *b)
{
    const Alike *x = a, *y = b;
    const int c = strcmp(x->key, y->key);

    return c ? c : (x->use > y->use) - (x->use < y->use);
}

static void mark(Finder *finder)
{
    if (finder->count > 0)
        qsort(finder->items, finder->count, sizeof *finder->items, compare_alike);
    for (size_t from = 0, to; from < finder->count; from = to) {
        const Alike *first = &finder->items[from];
        bool root = false, several = false;
        for (to = from; to < finder->count && finder->items[to].key == first->key; to++) {
            root |= is_root(&finder->items[to].home);
            several |= !same_home(&finder->items[to].home, &first->home);
        }
        for (size_t i = from; i < to && several; i++)
            finder->shapes->shapes[finder->items[i].use].homes =
                root ? HOMES_OF_ALL : HOMES_OF_USERS;
    }
}

int path_mark_homes(PathShapes *shapes, const Recording *recording)
{
    CLEANUP(finder_deinit)
    Finder finder = {.shapes = shapes, .recording = recording, .keys = strset_new()};
    int r;

    finder.runs = calloc(shapes->runs_count + 1, sizeof *finder.runs);
    finder.strayed = calloc(shapes->uses->count + 1, sizeof *finder.strayed);
    if (!finder.runs || !finder.strayed || !finder.keys)
        return -ENOMEM;
    each_fact(&finder, note_home);
    each_fact(&finder, note_strayed);
    r = gather(&finder);
    if (r == 0)
        mark(&finder);
    return r;
}
