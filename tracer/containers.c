/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which container a name means, and which cgroup it has: the folder that has its id in its name, as
 * all engines do it ("docker-ID.scope", "docker/ID", "libpod-ID", "cri-containerd-ID.scope"), else
 * what its runtime has written down.
 */
#include "tracer/containers.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { LISTED_MAX = 8, SHORT_ID = 12, DEPTH_MAX = 16 };

/* ---- the list -------------------------------------------------------------------------------- */

void container_deinit(Container *container)
{
    free(TAKE(container->id));
    free(TAKE(container->name));
    free(TAKE(container->runtime));
    free(TAKE(container->image));
    free(TAKE(container->cgroup));
}

static bool copy_text(const char *text, char **ret_copy)
{
    *ret_copy = text ? strdup(text) : NULL;
    return !text || *ret_copy;
}

int container_copy(const Container *container, Container *ret_copy)
{
    CLEANUP(container_deinit) Container copy = {.stopped = container->stopped};

    if (!copy_text(container->id, &copy.id) || !copy_text(container->name, &copy.name) ||
        !copy_text(container->runtime, &copy.runtime) ||
        !copy_text(container->image, &copy.image) || !copy_text(container->cgroup, &copy.cgroup))
        return -ENOMEM;
    *ret_copy = copy;
    copy = (Container){0};
    return 0;
}

void containers_deinit(Containers *containers)
{
    for (size_t i = 0; i < containers->count; i++)
        container_deinit(&containers->list[i]);
    free(TAKE(containers->list));
    containers->count = containers->capacity = 0;
}

static void complete_text(char **text, char **more)
{
    if (!*text)
        *text = TAKE(*more);
}

int containers_add(Containers *containers, Container *container)
{
    for (size_t i = 0; i < containers->count; i++) {
        Container *known = &containers->list[i];
        if (strcmp(known->id, container->id) != 0)
            continue;
        complete_text(&known->name, &container->name);
        complete_text(&known->runtime, &container->runtime);
        complete_text(&known->image, &container->image);
        complete_text(&known->cgroup, &container->cgroup);
        known->stopped = known->stopped && container->stopped;
        return 0;
    }
    const int r = array_reserve(&containers->list, &containers->capacity, containers->count,
                                sizeof *containers->list);
    if (r < 0)
        return r;
    containers->list[containers->count++] = *container;
    *container = (Container){0};
    return 0;
}

/* ---- by name --------------------------------------------------------------------------------- */

typedef bool Match(const Container *container, const char *name);

static bool has_id(const Container *container, const char *name)
{
    return strcmp(container->id, name) == 0;
}

static bool has_name(const Container *container, const char *name)
{
    return container->name && strcmp(container->name, name) == 0;
}

static bool id_begins_with(const Container *container, const char *name)
{
    return strncmp(container->id, name, strlen(name)) == 0;
}

/* "name (0123456789ab), …": those that MATCH. */
static void list_some(const Containers *containers, Match *match, const char *name, Buffer *out)
{
    size_t told = 0;

    for (size_t i = 0; i < containers->count; i++) {
        const Container *one = &containers->list[i];
        if (one->stopped || (match && !match(one, name)))
            continue;
        if (told++ == LISTED_MAX) {
            (void)buffer_puts(out, ", …");
            return;
        }
        (void)buffer_printf(out, "%s%s%s%.*s%s", told > 1 ? ", " : "", one->name ? one->name : "",
                            one->name ? " (" : "", one->name ? SHORT_ID : CONTAINER_ID_LENGTH,
                            one->id, one->name ? ")" : "");
    }
}

static int is_ambiguous(const Containers *containers, Match *match, const char *name, Error *err)
{
    CLEANUP(buffer_deinit) Buffer list = BUFFER_INIT;

    list_some(containers, match, name, &list);
    return error_set(err, -ENOTUNIQ, "%s may be several containers: %s. Give more of the id", name,
                     buffer_text(&list));
}

static int is_unknown(const Containers *containers, const char *name, Error *err)
{
    CLEANUP(buffer_deinit) Buffer list = BUFFER_INIT;

    list_some(containers, NULL, name, &list);
    if (list.length == 0)
        return error_set(err, -ENOENT,
                         "there is no container %s: no running container was found here. Its "
                         "control group can be given by --cgroup",
                         name);
    return error_set(err, -ENOENT,
                     "there is no container %s; there are %s. Where that is not all, give its "
                     "control group by --cgroup",
                     name, buffer_text(&list));
}

int containers_find(const Containers *containers, const char *name, const Container **ret_container,
                    Error *err)
{
    static Match *const ways[] = {has_id, has_name, id_begins_with};
    const Container *stopped = NULL;

    for (size_t way = 0; way < ARRAY_LENGTH(ways) && *name; way++) {
        const Container *found = NULL;
        for (size_t i = 0; i < containers->count; i++) {
            const Container *one = &containers->list[i];
            if (!ways[way](one, name))
                continue;
            if (one->stopped)
                stopped = one;
            else if (found)
                return is_ambiguous(containers, ways[way], name, err);
            else
                found = one;
        }
        if (found) {
            *ret_container = found;
            return 0;
        }
    }
    if (stopped)
        return error_set(err, -ESRCH, "the container %s does not run: start it first", name);
    return is_unknown(containers, name, err);
}

/* ---- its cgroup ------------------------------------------------------------------------------ */

const char *container_id_in(const char *name)
{
    size_t length = strlen(name);
    const size_t suffix = strlen(".scope");

    if (length > suffix && strcmp(name + length - suffix, ".scope") == 0)
        length -= suffix;
    if (length < CONTAINER_ID_LENGTH || strstr(name, "conmon-"))
        return NULL;
    const char *id = name + length - CONTAINER_ID_LENGTH;
    const bool apart = id == name || id[-1] == '-' || id[-1] == ':';
    return apart && strspn(id, "0123456789abcdef") >= CONTAINER_ID_LENGTH ? id : NULL;
}

static bool is_of(const char *name, const char *id)
{
    const char *found = container_id_in(name);

    return found && strlen(id) == CONTAINER_ID_LENGTH &&
           strncmp(found, id, CONTAINER_ID_LENGTH) == 0;
}

/* The folder of that container in FOLDER or below; to be freed. NULL: none. */
static char *search(const char *folder, const char *id, unsigned depth)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    char *found = NULL;

    while (entries && !found && (entry = readdir(entries)) != NULL) {
        char *path;
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        if (asprintf(&path, "%s/%s", folder, entry->d_name) < 0)
            break;
        if (is_of(entry->d_name, id))
            found = TAKE(path);
        else if (depth < DEPTH_MAX)
            found = search(path, id, depth + 1);
        free(path);
    }
    if (entries)
        (void)closedir(entries);
    return found;
}

char *container_folder(const CgroupMounts *mounts, const char *id)
{
    char *folder = NULL;

    for (size_t i = 0; i < mounts->count && !folder; i++)
        folder = search(mounts->mounts[i].folder, id, 0);
    return folder;
}

typedef struct Choice {
    Cgroup cgroup; /* of those found so far: the first, or the first with processes */
    bool used;
} Choice;

static void choose(Choice *choice, const CgroupMounts *mounts, const char *folder)
{
    Cgroup one = {0};

    if (choice->used || cgroup_of_folder(mounts, folder, &one, NULL) < 0)
        return;
    choice->used = cgroup_some_process(&one) > 0;
    if (choice->used || !choice->cgroup.folder) {
        cgroup_deinit(&choice->cgroup);
        choice->cgroup = one;
    } else {
        cgroup_deinit(&one);
    }
}

static void choose_by_id(Choice *choice, const CgroupMounts *mounts, const char *id)
{
    for (size_t i = 0; i < mounts->count; i++) {
        CLEANUP(free_pointer) char *folder = search(mounts->mounts[i].folder, id, 0);
        if (folder)
            choose(choice, mounts, folder);
    }
}

/* CGROUP is a folder, or a path in some hierarchies. */
static void choose_by_path(Choice *choice, const CgroupMounts *mounts, const char *cgroup)
{
    choose(choice, mounts, cgroup);
    for (size_t i = 0; i < mounts->count && cgroup[0] == '/' && cgroup[1]; i++) {
        CLEANUP(free_pointer) char *folder = cgroup_mount_folder(&mounts->mounts[i], cgroup);
        if (folder)
            choose(choice, mounts, folder);
    }
}

int container_cgroup(const CgroupMounts *mounts, const Container *container, Cgroup *ret_cgroup,
                     Error *err)
{
    Choice choice = {.used = false};

    choose_by_id(&choice, mounts, container->id);
    if (!choice.cgroup.folder && container->cgroup)
        choose_by_path(&choice, mounts, container->cgroup);
    if (!choice.cgroup.folder)
        return error_set(err, -ENOENT,
                         "the container %s has no control group of its own that can be seen here",
                         container->id);
    *ret_cgroup = choice.cgroup;
    return 0;
}
