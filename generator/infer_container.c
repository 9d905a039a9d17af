/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the container around the workload can be: a read-only root with a tmpfs or volume wherever
 * the workload writes, the user, and no_new_privs.
 *
 * For each path written to, the folder that must be writable is the nearest one above that the
 * workload did not create itself. profiles/baselines/places.csv says whether such a folder is
 * scratch (a tmpfs) or data (a volume). A tmpfs hides what the image has there, so where something
 * that was there before is used below it, it becomes a volume, which starts as a copy of the
 * image's. So it does where a user other than root may have written, since a tmpfs is root's
 * whatever the image's folder was (and runc before 1.1.8 takes no mode for it). One write
 * elsewhere, and the root stays writable. What was mounted for every recorded container (a bind, a
 * volume) whoever starts it mounts again: Podman refuses a second mount at the same place.
 *
 * Peaks of resources become no limits: what a test run happened to need is no bound of a workload.
 */
#include "base/memory.h"
#include "generator/infer_private.h"
#include "generator/knowledge.h"

#include <errno.h>

enum { EXECUTES = FILE_MMAP_EXEC | FILE_EXEC_INHERIT };

static bool kind_is(const Place *place, const char *kind)
{
    return place && strcmp(place->kind, kind) == 0;
}

/* The length of the nearest folder above PATH that was there before the workload. */
static size_t writable_folder(const PathUses *uses, const char *path)
{
    size_t length = strlen(path);

    do {
        while (length > 0 && path[length - 1] != '/')
            length--;
        if (length > 0)
            length--;
        const PathUse *folder = length ? path_uses_find(uses, path, length) : NULL;
        if (!folder || !path_use_created(folder))
            break;
    } while (length > 0);
    return length;
}

static bool is_below(const char *path, const char *folder, size_t length)
{
    return strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* The first use whose path sorts behind that of LENGTH bytes followed by a slash. */
static size_t first_below(const PathUses *uses, const char *folder, size_t length)
{
    size_t low = 0;
    size_t high = uses->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const char *path = uses->items[middle].path;
        const int c = strncmp(path, folder, length);
        if (c < 0 || (c == 0 && (unsigned char)path[length] < '/'))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Something below FOLDER was there before: neither created nor below what was created. */
static bool has_content(const PathUses *uses, const char *folder, bool *ret_executes)
{
    const size_t length = strlen(folder);
    bool content = false;

    for (size_t i = first_below(uses, folder, length); i < uses->count; i++) {
        const PathUse *use = &uses->items[i];
        if (!is_below(use->path, folder, length))
            break;
        *ret_executes |=
            (use->access & (ACCESS_EXEC | ACCESS_MMAP_EXEC)) != 0 || (use->exec & EXECUTES) != 0;
        content |= !path_use_created(use) && writable_folder(uses, use->path) <= length;
    }
    return content;
}

/* The folders that must be writable, each once. */
typedef struct Folders {
    StringSet *set;
    const char **items;
    size_t count, capacity;
    StringSet *given; /* mounts that are written to, */
    Buffer told;      /* the same as text, a blank before each */
} Folders;

static void folders_deinit(Folders *folders)
{
    strset_free(folders->set);
    strset_free(folders->given);
    buffer_deinit(&folders->told);
    free(folders->items);
}

static bool is_scratch(const Place *place)
{
    return kind_is(place, "tmpfs") || kind_is(place, "shared");
}

/* Whether a tmpfs at FOLDER is as writable as FOLDER was. */
static bool tmpfs_suffices(const Place *place, const char *folder, bool only_root)
{
    return is_scratch(place) &&
           (only_root || (kind_is(place, "shared") && strcmp(place->path, folder) == 0));
}

/* Mounts can hold only paths that a command line can carry. */
static bool can_be_mounted(const char *folder)
{
    for (const char *c = folder; *c; c++) {
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f || strchr(",:\"'\\", *c))
            return false;
    }
    return is_scratch(place_of(folder)) || kind_is(place_of(folder), "volume");
}

/* Are the LENGTH bytes of PATH where MOUNTS, a run's, has a bind or a volume? A path that is not
 * written there as it is counts as none. */
static bool is_given(const char *mounts, const char *path, size_t length)
{
    for (const char *at = mounts; *at; at += strcspn(at, " "), at += *at == ' ') {
        const char *mounted = strchr(at, ':');
        if (!mounted || strncmp(at, "tmpfs:", 6) == 0)
            continue;
        mounted++;
        if (strcspn(mounted, " ") == length && strncmp(mounted, path, length) == 0)
            return true;
    }
    return false;
}

/* The length of that part of PATH which was mounted in every run; 0: none was. */
static size_t given_mount(Recording *recording, const char *path)
{
    const uint32_t runs = (uint32_t)recording_runs_count(recording);

    for (size_t length = strlen(path); runs > 0 && length > 1; length--) {
        bool given = path[length] == '\0' || path[length] == '/';
        for (uint32_t i = 0; i < runs && given; i++) {
            const char *mounts = recording_run(recording, i)->mounts;
            given = mounts && is_given(mounts, path, length);
        }
        if (given)
            return length;
    }
    return 0;
}

/* Notes the mount at the LENGTH bytes of PATH, once. */
static int tell_mount(Folders *folders, const char *path, size_t length)
{
    const size_t before = strset_count(folders->given);

    if (!strset_add_bytes(folders->given, path, length))
        return -ENOMEM;
    return strset_count(folders->given) == before
               ? 0
               : buffer_printf(&folders->told, " %.*s", (int)length, path);
}

/* *RET_ELSEWHERE gets the first path for which no mount helps. */
static int collect_folders(Recording *recording, const PathUses *uses, Folders *folders,
                           const char **ret_elsewhere)
{
    for (size_t i = 0; i < uses->count; i++) {
        const PathUse *use = &uses->items[i];
        if ((use->access & PATH_WRITES) == 0 || kind_is(place_of(use->path), "given"))
            continue;
        const size_t mount = given_mount(recording, use->path);
        if (mount > 0) {
            if (tell_mount(folders, use->path, mount) < 0)
                return -ENOMEM;
            continue;
        }
        const size_t before = strset_count(folders->set);
        const char *folder =
            strset_add_bytes(folders->set, use->path, writable_folder(uses, use->path));
        if (!folder || array_reserve(&folders->items, &folders->capacity, folders->count,
                                     sizeof *folders->items) < 0)
            return -ENOMEM;
        if (strset_count(folders->set) == before)
            continue;
        folders->items[folders->count++] = folder;
        if (!can_be_mounted(folder) && !*ret_elsewhere)
            *ret_elsewhere = use->path;
    }
    return 0;
}

static int add_mount(const PathUses *uses, const char *folder, bool only_root, Policy *policy)
{
    CLEANUP(buffer_deinit) Buffer pattern = BUFFER_INIT;
    const Place *place = place_of(folder);
    bool executes = false;
    const bool content = has_content(uses, folder, &executes);
    const bool volume = content || !tmpfs_suffices(place, folder, only_root);
    PolicyRule rule = {.section = volume ? POLICY_VOLUMES : POLICY_TMPFS};

    if (policy_pattern_append_literal(&pattern, folder, strlen(folder)) < 0)
        return -ENOMEM;
    rule.name = buffer_text(&pattern);
    if (!volume && executes)
        rule.options = "exec";
    if (content && !kind_is(place, "volume"))
        rule.reason = "the image has files there that are used";
    else if (volume && is_scratch(place))
        rule.reason = "not only root may write there";
    return policy_add(policy, &rule);
}

static bool is_other_than_root(const char *user)
{
    return user && *user >= '1' && *user <= '9' && strspn(user, "0123456789:") == strlen(user);
}

/*
 * Whom all runs were started as, if not root: a container's root without capabilities could not
 * read that user's files, let alone write them. For root there is nothing to say: an image may have
 * a user of its own.
 */
static int infer_user(Recording *recording, Policy *policy, bool *ret_only_root)
{
    const uint32_t count = (uint32_t)recording_runs_count(recording);
    const char *user = count > 0 ? recording_run(recording, 0)->user : NULL;
    bool only_root = true, same = true;

    for (uint32_t i = 0; i < count; i++) {
        const char *run = recording_run(recording, i)->user;
        only_root &= !is_other_than_root(run);
        same &= user && run && strcmp(run, user) == 0;
    }
    *ret_only_root = only_root;
    return same && is_other_than_root(user) ? policy_set_user(policy, user) : 0;
}

/* Facts do not tell whom a process runs as; that it can become another user, they do. */
static bool changes_user(const Policy *policy)
{
    for (size_t i = 0; i < policy_rules_count(policy); i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        if (rule->section == POLICY_CAPABILITIES && strcmp(rule->name, "CAP_SETUID") == 0)
            return true;
    }
    return false;
}

/* A container whose command cannot be started leaves what its runtime did. */
static int note_no_workload(Recording *recording, Buffer *notes)
{
    const uint32_t runs = (uint32_t)recording_runs_count(recording);

    for (uint32_t i = 0; i < runs; i++) {
        if (!recording_run(recording, i)->container_id)
            return 0;
    }
    for (size_t i = 0; i < recording_facts_count(recording); i++) {
        Fact view;
        const Fact *fact = recording_fact(recording, i, &view);
        if (fact->kind != FACT_RESOURCE && fact->phase != PHASE_RUNTIME_INIT)
            return 0;
    }
    return runs == 0 ? 0
                     : buffer_puts(notes, "no workload was recorded, only the container runtime: "
                                          "did the container start?\n");
}

int infer_container(Recording *recording, const PathUses *uses, Policy *policy, Buffer *notes)
{
    CLEANUP(folders_deinit)
    Folders folders = {.set = strset_new(), .given = strset_new(), .told = BUFFER_INIT};
    const char *elsewhere = NULL;
    bool no_new_privs = recording_runs_count(recording) > 0;
    bool only_root = true;
    int r = folders.set && folders.given ? collect_folders(recording, uses, &folders, &elsewhere)
                                         : -ENOMEM;

    if (r == 0)
        r = infer_user(recording, policy, &only_root);
    only_root &= !changes_user(policy);
    for (size_t i = 0; i < folders.count && r == 0 && !elsewhere; i++)
        r = add_mount(uses, folders.items[i], only_root, policy);
    for (uint32_t i = 0; i < recording_runs_count(recording); i++)
        no_new_privs &= recording_run(recording, i)->no_new_privs;
    if (r == 0)
        r = note_no_workload(recording, notes);
    if (r == 0 && folders.told.length > 0)
        r = buffer_printf(
            notes,
            "written to, and mounted while the container was recorded: mount it again "
            "when the profile is used:%s\n",
            buffer_text(&folders.told));
    if (r < 0)
        return r;
    if (elsewhere) {
        (void)buffer_puts(notes, "the root cannot be read-only: ");
        (void)policy_pattern_append_literal(notes, elsewhere, strlen(elsewhere));
        (void)buffer_puts(notes, " is written to\n");
    }
    policy_set_read_only_root(policy, !elsewhere);
    policy_set_no_new_privs(policy, no_new_privs);
    return 0;
}
