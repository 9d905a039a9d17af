/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder's file system tells which hierarchy it is in (by its device, which is in mountinfo); the
 * controllers among the options of that mount lead to the hierarchy's line in /proc/self/cgroup,
 * which has its number. Kernfs gives a folder the number of its cgroup as inode number.
 */
#include "tracer/cgroups.h"

#include "base/io.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { TEXT_MAX = 4 * 1024 * 1024, DEPTH_MAX = 64, MOUNT_WORDS_MAX = 64 };

void cgroup_deinit(Cgroup *cgroup)
{
    free(TAKE(cgroup->folder));
}

/* ---- mounts ---------------------------------------------------------------------------------- */

static void mount_deinit(CgroupMount *mount)
{
    free(TAKE(mount->folder));
    free(TAKE(mount->root));
}

void cgroup_mounts_deinit(CgroupMounts *mounts)
{
    for (size_t i = 0; i < mounts->count; i++)
        mount_deinit(&mounts->mounts[i]);
    free(TAKE(mounts->mounts));
    mounts->count = mounts->capacity = 0;
}

/* Is WORD, of LENGTH bytes, one of LIST, which has commas between? */
static bool list_has(const char *list, const char *word, size_t length)
{
    for (;;) {
        const size_t own = strcspn(list, ",");
        if (own == length && strncmp(list, word, length) == 0)
            return true;
        if (list[own] == '\0')
            return false;
        list += own + 1;
    }
}

static bool list_has_all(const char *list, const char *words, size_t length)
{
    const char *end = words + length;

    for (;;) {
        const char *comma = memchr(words, ',', (size_t)(end - words));
        const char *stop = comma ? comma : end;
        if (!list_has(list, words, (size_t)(stop - words)))
            return false;
        if (!comma)
            return true;
        words = comma + 1;
    }
}

/* The number of the v1 hierarchy mounted with OPTIONS, by the lines of /proc/self/cgroup; 0 none.
 */
static uint32_t hierarchy_of(const char *self, const char *options)
{
    for (const char *line = self; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        char *after;
        const unsigned long number = strtoul(line, &after, 10);
        if (after == line || *after != ':' || number == 0 || number > UINT32_MAX)
            continue;
        const char *controllers = after + 1;
        const size_t length = strcspn(controllers, ":\n");
        if (length > 0 && list_has_all(options, controllers, length))
            return (uint32_t)number;
    }
    return 0;
}

/* A field of mountinfo, where blanks and the like are octal numbers; NULL without memory. */
static char *unescape(const char *field)
{
    char *out = malloc(strlen(field) + 1);
    size_t length = 0;

    if (!out)
        return NULL;
    while (*field) {
        unsigned int code;
        if (field[0] == '\\' && strspn(field + 1, "01234567") >= 3 &&
            sscanf(field + 1, "%3o", &code) == 1) {
            out[length++] = (char)code;
            field += 4;
        } else {
            out[length++] = *field++;
        }
    }
    out[length] = '\0';
    return out;
}

static int add_mount(CgroupMounts *mounts, CgroupMount *mount)
{
    const int r = array_reserve(&mounts->mounts, &mounts->capacity, mounts->count, sizeof *mount);

    if (r < 0)
        return r;
    mounts->mounts[mounts->count++] = *mount;
    *mount = (CgroupMount){0};
    return 0;
}

/* LINE of mountinfo is taken apart in place. Only what is of the version V2 tells. 0 or -ENOMEM. */
static int parse_mount(char *line, const char *self, bool v2, CgroupMounts *mounts)
{
    enum { DEVICE = 2, ROOT = 3, FOLDER = 4, OPTIONAL = 6 };
    char *words[MOUNT_WORDS_MAX];
    size_t count = 0;
    size_t dash = OPTIONAL;
    char *state;

    for (char *word = strtok_r(line, " ", &state); word; word = strtok_r(NULL, " ", &state)) {
        if (count == MOUNT_WORDS_MAX)
            return 0;
        words[count++] = word;
    }
    while (dash < count && strcmp(words[dash], "-") != 0)
        dash++;
    unsigned int major_number;
    unsigned int minor_number;
    if (dash + 3 >= count || strcmp(words[dash + 1], v2 ? "cgroup2" : "cgroup") != 0 ||
        sscanf(words[DEVICE], "%u:%u", &major_number, &minor_number) != 2)
        return 0;
    const uint32_t hierarchy = v2 ? 0 : hierarchy_of(self, words[dash + 3]);
    if (!v2 && hierarchy == 0)
        return 0;
    CLEANUP(mount_deinit)
    CgroupMount mount = {
        .folder = unescape(words[FOLDER]),
        .root = unescape(words[ROOT]),
        .device = makedev(major_number, minor_number),
        .hierarchy = hierarchy,
    };
    return mount.folder && mount.root ? add_mount(mounts, &mount) : -ENOMEM;
}

static int parse_mounts(const char *mountinfo, const char *self, bool v2, CgroupMounts *mounts)
{
    CLEANUP(free_pointer) char *copy = strdup(mountinfo);
    char *state;
    int r = 0;

    if (!copy)
        return -ENOMEM;
    for (char *line = strtok_r(copy, "\n", &state); line && r == 0;
         line = strtok_r(NULL, "\n", &state))
        r = parse_mount(line, self, v2, mounts);
    return r;
}

int cgroup_mounts_parse(const char *mountinfo, const char *self, CgroupMounts *ret_mounts)
{
    CLEANUP(cgroup_mounts_deinit) CgroupMounts mounts = {0};

    int r = parse_mounts(mountinfo, self, true, &mounts);
    if (r == 0)
        r = parse_mounts(mountinfo, self, false, &mounts);
    if (r < 0)
        return r;
    *ret_mounts = mounts;
    mounts = (CgroupMounts){0};
    return 0;
}

int cgroup_mounts_read(CgroupMounts *ret_mounts, Error *err)
{
    CLEANUP(buffer_deinit) Buffer mountinfo = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer self = BUFFER_INIT;

    int r = read_file("/proc/self/mountinfo", &mountinfo, TEXT_MAX, err);
    if (r == 0)
        r = read_file("/proc/self/cgroup", &self, TEXT_MAX, err);
    if (r < 0)
        return r;
    r = cgroup_mounts_parse(buffer_text(&mountinfo), buffer_text(&self), ret_mounts);
    return r < 0 ? error_errno(err, r, "cannot tell where control groups are mounted") : 0;
}

char *cgroup_mount_folder(const CgroupMount *mount, const char *path)
{
    const size_t root = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);
    char *folder;

    if (strncmp(path, mount->root, root) != 0 || (path[root] != '/' && path[root] != '\0'))
        return NULL;
    return asprintf(&folder, "%s%s", mount->folder, path + root) < 0 ? NULL : folder;
}

/* ---- one cgroup ------------------------------------------------------------------------------ */

static const CgroupMount *mount_of(const CgroupMounts *mounts, dev_t device)
{
    for (size_t i = 0; i < mounts->count; i++) {
        if (mounts->mounts[i].device == device)
            return &mounts->mounts[i];
    }
    return NULL;
}

int cgroup_of_folder(const CgroupMounts *mounts, const char *folder, Cgroup *ret_cgroup, Error *err)
{
    struct stat st;

    if (stat(folder, &st) < 0)
        return error_errno(err, errno, "%s", folder);
    const CgroupMount *mount = mount_of(mounts, st.st_dev);
    if (!S_ISDIR(st.st_mode) || !mount)
        return error_set(err, -EINVAL, "%s is not the folder of a control group", folder);
    char *own = strdup(folder);
    if (!own)
        return error_errno(err, ENOMEM, "%s", folder);
    *ret_cgroup = (Cgroup){.folder = own, .id = st.st_ino, .hierarchy = mount->hierarchy};
    return 0;
}

/* NAME as in /proc/PID/cgroup. */
static int find_by_path(const CgroupMounts *mounts, const char *name, Cgroup *ret_cgroup,
                        Error *err)
{
    CLEANUP(cgroup_deinit) Cgroup found = {0};
    CLEANUP(free_pointer) char *path = NULL;

    if (asprintf(&path, "%s%s", *name == '/' ? "" : "/", name) < 0) {
        path = NULL;
        return error_errno(err, ENOMEM, "%s", name);
    }
    for (size_t i = 0; i < mounts->count; i++) {
        CLEANUP(free_pointer) char *folder = cgroup_mount_folder(&mounts->mounts[i], path);
        CLEANUP(cgroup_deinit) Cgroup one = {0};
        if (!folder || cgroup_of_folder(mounts, folder, &one, NULL) < 0)
            continue;
        if (found.folder && (found.id != one.id || found.hierarchy != one.hierarchy))
            return error_set(err, -ENOTUNIQ,
                             "there are several control groups called %s: give the folder of one, "
                             "%s or %s",
                             name, found.folder, one.folder);
        if (!found.folder) {
            found = one;
            one.folder = NULL;
        }
    }
    if (!found.folder)
        return error_set(err, -ENOENT,
                         "there is no control group %s: give its folder, which is below %s, or its "
                         "path in /proc/PID/cgroup",
                         name, mounts->count > 0 ? mounts->mounts[0].folder : "/sys/fs/cgroup");
    *ret_cgroup = found;
    found.folder = NULL;
    return 0;
}

int cgroup_find(const CgroupMounts *mounts, const char *name, Cgroup *ret_cgroup, Error *err)
{
    Error by_folder = {0};

    const int r = cgroup_of_folder(mounts, name, ret_cgroup, &by_folder);
    if (r == 0)
        return 0;
    if (r == -ENOENT || r == -ENOTDIR)
        return find_by_path(mounts, name, ret_cgroup, err);
    /* There is such a folder, but it is no cgroup's: "etc" may be both. */
    if (find_by_path(mounts, name, ret_cgroup, NULL) == 0)
        return 0;
    return error_set(err, r, "%s", by_folder.text);
}

bool cgroup_is_there(const Cgroup *cgroup)
{
    struct stat st;

    return stat(cgroup->folder, &st) == 0 && st.st_ino == cgroup->id;
}

/* ---- who is in it ---------------------------------------------------------------------------- */

static pid_t first_of(int folder)
{
    char text[32];

    CLEANUP(fd_close) int fd = openat(folder, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    return (pid_t)strtol(text, NULL, 10);
}

/* DEPTH folders below the first. */
static pid_t some_process(int parent, const char *name, unsigned depth)
{
    const int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    pid_t pid = first_of(fd);
    DIR *entries = fdopendir(fd);
    if (!entries) {
        (void)close(fd);
        return pid;
    }
    const struct dirent *entry;
    while (pid <= 0 && depth < DEPTH_MAX && (entry = readdir(entries)) != NULL) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            pid = some_process(fd, entry->d_name, depth + 1);
    }
    (void)closedir(entries);
    return pid > 0 ? pid : 0;
}

pid_t cgroup_some_process(const Cgroup *cgroup)
{
    return some_process(AT_FDCWD, cgroup->folder, 0);
}

/* ---- moving ---------------------------------------------------------------------------------- */

/* To the cgroup that LINE of /proc/PID/cgroup names: "HIERARCHY:CONTROLLERS:PATH". */
static void move_to(const CgroupMounts *mounts, const char *line)
{
    char *after;
    const unsigned long hierarchy = strtoul(line, &after, 10);
    const char *path = *after == ':' ? strchr(after + 1, ':') : NULL;

    for (size_t i = 0; path && i < mounts->count; i++) {
        CLEANUP(free_pointer) char *folder = NULL;
        CLEANUP(free_pointer) char *file = NULL;
        if (mounts->mounts[i].hierarchy != hierarchy)
            continue;
        folder = cgroup_mount_folder(&mounts->mounts[i], path + 1);
        if (!folder || asprintf(&file, "%s/cgroup.procs", folder) < 0)
            continue;
        CLEANUP(fd_close) int fd = open(file, O_WRONLY | O_CLOEXEC);
        if (fd >= 0)
            (void)write_all(fd, "0", 1);
    }
}

void cgroup_follow(pid_t pid)
{
    CLEANUP(cgroup_mounts_deinit) CgroupMounts mounts = {0};
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    char path[32];
    char *rest;

    (void)snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
    if (cgroup_mounts_read(&mounts, NULL) < 0 || read_file(path, &text, TEXT_MAX, NULL) < 0)
        return;
    CLEANUP(free_pointer) char *lines = strdup(buffer_text(&text));
    for (char *line = lines ? strtok_r(lines, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest))
        move_to(&mounts, line);
}
