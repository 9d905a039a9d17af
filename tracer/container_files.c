/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where containers are written down:
 *
 * - Docker: ROOT/containers/ID/config.v2.json and hostconfig.json, with userns-remap in
 *   ROOT/UID.GID. ROOT is the engine's, or what a running dockerd was told on its command line,
 * seen through that process's root folder;
 * - Podman, CRI-O: each container has a conmon(8), whose command line tells id and name;
 * - runc, crun and who uses them: FOLDER/ID/state.json or status;
 * - all of them: the names of cgroups.
 *
 * Files and cgroups belong to root. A command line is anybody's to choose: one is believed if it is
 * root's, outside of containers, or the user's own, or that of a user whose cgroup the container
 * has (Podman without root). All is read as what it is: text from elsewhere.
 */
#include "tracer/containers.h"

#include "base/io.h"
#include "base/memory.h"
#include "base/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BYTES_MAX = 1024 * 1024, COMMAND_MAX = 64 * 1024, DEPTH_MAX = 16 };

#define DOCKER_ROOT "/var/lib/docker"

/* The object in a file; NULL if there is none. */
static json_t *read_object(const char *path)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (read_file(path, &text, BYTES_MAX, NULL) < 0)
        return NULL;
    json_t *json = json_loadb(buffer_text(&text), text.length, 0, NULL);
    if (json && !json_is_object(json)) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static char *copy_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? strdup(text) : NULL;
}

typedef int EachEntry(void *data, const char *folder, const char *name);

/* Calls EACH for every entry of FOLDER that is no hidden one; 0, or what EACH gave that was not 0.
 */
static int each_entry(const char *folder, EachEntry *each, void *data)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    int r = 0;

    while (entries && r == 0 && (entry = readdir(entries)) != NULL) {
        if (entry->d_name[0] != '.')
            r = each(data, folder, entry->d_name);
    }
    if (entries)
        (void)closedir(entries);
    return r;
}

/* ---- Docker ---------------------------------------------------------------------------------- */

/* The object in FOLDER/ID/FILE; NULL if there is none. */
static json_t *read_object_of(const char *folder, const char *id, const char *file)
{
    CLEANUP(free_pointer) char *path = NULL;

    if (asprintf(&path, "%s/%s/%s", folder, id, file) < 0) {
        path = NULL;
        return NULL;
    }
    return read_object(path);
}

static int add_docker(void *data, const char *folder, const char *id)
{
    CLEANUP(json_decrefp) json_t *json = read_object_of(folder, id, "config.v2.json");
    CLEANUP(json_decrefp) json_t *host = read_object_of(folder, id, "hostconfig.json");

    if (!json)
        return 0;
    const json_t *state = json_object_get(json, "State");
    CLEANUP(container_deinit)
    Container container = {
        .id = strdup(id),
        .name = copy_text(json, "Name"),
        .runtime = copy_text(host, "Runtime"),
        .image = copy_text(json_object_get(json, "Config"), "Image"),
        .stopped = !json_is_true(json_object_get(state, "Running")),
    };
    if (!container.id)
        return -ENOMEM;
    if (container.name && container.name[0] == '/')
        memmove(container.name, container.name + 1, strlen(container.name));
    return containers_add(data, &container);
}

static int add_dockers_at(Containers *containers, const char *root)
{
    CLEANUP(free_pointer) char *folder = NULL;

    if (asprintf(&folder, "%s/containers", root) < 0) {
        folder = NULL;
        return -ENOMEM;
    }
    return each_entry(folder, add_docker, containers);
}

/* With userns-remap the engine has all it knows in ROOT/UID.GID. */
static int add_remapped(void *data, const char *root, const char *name)
{
    static const char digits[] = "0123456789";
    const size_t user = strspn(name, digits);
    const size_t group = name[user] == '.' ? strspn(name + user + 1, digits) : 0;
    CLEANUP(free_pointer) char *folder = NULL;

    if (user == 0 || group == 0 || name[user + 1 + group] != '\0')
        return 0;
    if (asprintf(&folder, "%s/%s", root, name) < 0) {
        folder = NULL;
        return -ENOMEM;
    }
    return add_dockers_at(data, folder);
}

/* ROOT is the engine's folder as the process PID sees it; 0: as this one does. */
static int add_dockers(Containers *containers, pid_t pid, const char *root)
{
    CLEANUP(free_pointer) char *folder = NULL;
    char prefix[32] = "";

    if (pid > 0)
        (void)snprintf(prefix, sizeof prefix, "/proc/%d/root", pid);
    if (asprintf(&folder, "%s%s", prefix, root) < 0) {
        folder = NULL;
        return -ENOMEM;
    }
    const int r = add_dockers_at(containers, folder);
    return r == 0 ? each_entry(folder, add_remapped, containers) : r;
}

/* ---- command lines --------------------------------------------------------------------------- */

/* The word of a command line (words ended by NUL) that begins at *AT, which then is behind it;
 * NULL: there is none. */
static const char *next_word(const Buffer *command, size_t *at)
{
    const char *word = buffer_text(command) + *at;

    if (*at >= command->length)
        return NULL;
    *at += strlen(word) + 1;
    return word;
}

/* What follows the option SHORT or LONG ("--long X" or "--long=X"); NULL: it is not there. */
static const char *option_of(const Buffer *command, const char *short_name, const char *long_name)
{
    const size_t length = strlen(long_name);
    size_t at = 0;
    const char *word;

    while ((word = next_word(command, &at)) != NULL) {
        if (strcmp(word, short_name) == 0 || strcmp(word, long_name) == 0)
            return next_word(command, &at);
        if (strncmp(word, long_name, length) == 0 && word[length] == '=')
            return word + length + 1;
    }
    return NULL;
}

static char *base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;

    return path ? strdup(slash ? slash + 1 : path) : NULL;
}

typedef struct ProcessVisit {
    const CgroupMounts *mounts;
    Containers *containers;
} ProcessVisit;

typedef struct Speaker {
    pid_t pid;
    uid_t user;
    bool believed;
} Speaker;

/* Whose process it is. The owner of its folder is not always: set-user-ID programs may be given any
 * command line. 0 or a negative errno. */
static int read_speaker(pid_t pid, Speaker *ret_speaker)
{
    enum { STATUS_MAX = 8192, IDS = 4 /* real, effective, saved, of the file system */ };
    char status[STATUS_MAX];
    unsigned int ids[IDS];

    const ssize_t n = procfs_read_task(pid, "status", status, sizeof status);
    if (n < 0)
        return (int)n;
    const char *users = procfs_field(status, "Uid");
    const char *numbers = procfs_field(status, "NSpid");
    if (!users || !numbers ||
        sscanf(users, "%u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) != IDS)
        return -EINVAL;
    for (size_t i = 1; i < IDS; i++) {
        if (ids[i] != ids[0])
            return -EPERM;
    }
    /* One number: it is in no other process namespace than this. */
    numbers += strspn(numbers, " \t");
    const bool here = numbers[strspn(numbers, "0123456789")] == '\n';
    *ret_speaker = (Speaker){
        .pid = pid, .user = ids[0], .believed = here && (ids[0] == 0 || ids[0] == geteuid())};
    return 0;
}

static bool has_cgroup(const CgroupMounts *mounts, uid_t user, const char *id)
{
    CLEANUP(free_pointer) char *folder = container_folder(mounts, id);
    struct stat st;

    return folder && stat(folder, &st) == 0 && st.st_uid == user;
}

static int add_of_conmon(const ProcessVisit *visit, const Speaker *speaker, const Buffer *command)
{
    const char *id = option_of(command, "-c", "--cid");
    const char *name = option_of(command, "-n", "--name");

    if (!id || !*id || !(speaker->believed || has_cgroup(visit->mounts, speaker->user, id)))
        return 0;
    CLEANUP(container_deinit)
    Container container = {
        .id = strdup(id),
        .name = name ? strdup(name) : NULL,
        .runtime = base_name(option_of(command, "-r", "--runtime")),
    };
    return container.id ? containers_add(visit->containers, &container) : -ENOMEM;
}

static int add_of_dockerd(const ProcessVisit *visit, const Speaker *speaker, const Buffer *command)
{
    const pid_t pid = speaker->pid;
    const char *root = option_of(command, "-g", "--data-root");
    const char *configuration = option_of(command, "--config-file", "--config-file");
    CLEANUP(free_pointer) char *path = NULL;

    if (!speaker->believed)
        return 0;
    if (root)
        return add_dockers(visit->containers, pid, root);
    if (asprintf(&path, "/proc/%d/root%s", pid,
                 configuration ? configuration : "/etc/docker/daemon.json") < 0) {
        path = NULL;
        return -ENOMEM;
    }
    CLEANUP(json_decrefp) json_t *json = read_object(path);
    root = json_string_value(json_object_get(json, "data-root"));
    return add_dockers(visit->containers, pid, root ? root : DOCKER_ROOT);
}

static int add_of_process(void *data, const char *folder, const char *entry)
{
    static const struct {
        const char *program;
        int (*add)(const ProcessVisit *visit, const Speaker *speaker, const Buffer *command);
    } programs[] = {{"conmon", add_of_conmon}, {"dockerd", add_of_dockerd}};
    CLEANUP(buffer_deinit) Buffer command = BUFFER_INIT;
    Speaker speaker;
    char path[48];
    char *end;

    (void)folder;
    const long pid = strtol(entry, &end, 10);
    if (*end != '\0' || pid <= 0 || pid > INT_MAX)
        return 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/cmdline", pid);
    if (read_file(path, &command, COMMAND_MAX, NULL) < 0)
        return 0;
    CLEANUP(free_pointer) char *program = base_name(buffer_text(&command));
    for (size_t i = 0; program && i < ARRAY_LENGTH(programs); i++) {
        if (strcmp(program, programs[i].program) == 0)
            return read_speaker((pid_t)pid, &speaker) == 0
                       ? programs[i].add(data, &speaker, &command)
                       : 0;
    }
    return 0;
}

/* ---- runtimes -------------------------------------------------------------------------------- */

typedef struct Runtime {
    const char *folder;
    const char *file;
    const char *name;
} Runtime;

static const Runtime runtimes[] = {
    {"/run/runc", "state.json", "runc"},
    {"/run/docker/runtime-runc/moby", "state.json", "runc"},
    {"/run/containerd/runc/default", "state.json", "runc"},
    {"/run/containerd/runc/moby", "state.json", "runc"},
    {"/run/containerd/runc/k8s.io", "state.json", "runc"},
    {"/run/crun", "status", "crun"},
};

typedef struct RuntimeVisit {
    Containers *containers;
    const Runtime *runtime;
} RuntimeVisit;

/* runc tells the folders, by controller (v2: ""), crun the path that it has in all hierarchies. */
static char *cgroup_in(const json_t *json)
{
    static const char *const controllers[] = {"", "pids", "memory", "freezer", "devices"};
    const json_t *folders = json_object_get(json, "cgroup_paths");

    for (size_t i = 0; i < ARRAY_LENGTH(controllers); i++) {
        const json_t *folder = json_object_get(folders, controllers[i]);
        if (folder)
            return copy_text(folders, controllers[i]);
    }
    return copy_text(json, "cgroup-path");
}

static int add_of_runtime(void *data, const char *folder, const char *id)
{
    const RuntimeVisit *visit = data;
    CLEANUP(json_decrefp) json_t *json = read_object_of(folder, id, visit->runtime->file);

    if (!json)
        return 0;
    CLEANUP(container_deinit)
    Container container = {
        .id = strdup(id),
        .runtime = strdup(visit->runtime->name),
        .cgroup = cgroup_in(json),
    };
    return container.id ? containers_add(visit->containers, &container) : -ENOMEM;
}

static int add_of_runtimes(Containers *containers)
{
    int r = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(runtimes) && r == 0; i++) {
        RuntimeVisit visit = {.containers = containers, .runtime = &runtimes[i]};
        r = each_entry(runtimes[i].folder, add_of_runtime, &visit);
    }
    return r;
}

/* ---- cgroups --------------------------------------------------------------------------------- */

typedef struct CgroupVisit {
    Containers *containers;
    unsigned depth;
} CgroupVisit;

static int add_of_cgroup(void *data, const char *folder, const char *name)
{
    CgroupVisit *visit = data;
    const char *id = container_id_in(name);
    CLEANUP(free_pointer) char *path = NULL;

    if (id) {
        CLEANUP(container_deinit)
        Container container = {.id = strndup(id, CONTAINER_ID_LENGTH)};
        return container.id ? containers_add(visit->containers, &container) : -ENOMEM;
    }
    if (visit->depth >= DEPTH_MAX)
        return 0;
    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    CgroupVisit below = {.containers = visit->containers, .depth = visit->depth + 1};
    return each_entry(path, add_of_cgroup, &below);
}

static int add_of_cgroups(const CgroupMounts *mounts, Containers *containers)
{
    int r = 0;

    for (size_t i = 0; i < mounts->count && r == 0; i++) {
        CgroupVisit visit = {.containers = containers, .depth = 0};
        r = each_entry(mounts->mounts[i].folder, add_of_cgroup, &visit);
    }
    return r;
}

int containers_read(const CgroupMounts *mounts, Containers *ret_containers)
{
    CLEANUP(containers_deinit) Containers containers = {0};

    ProcessVisit visit = {.mounts = mounts, .containers = &containers};
    int r = each_entry("/proc", add_of_process, &visit);
    if (r == 0)
        r = add_dockers(&containers, 0, DOCKER_ROOT);
    if (r == 0)
        r = add_of_runtimes(&containers);
    if (r == 0)
        r = add_of_cgroups(mounts, &containers);
    if (r < 0)
        return r;
    *ret_containers = containers;
    containers = (Containers){0};
    return 0;
}
