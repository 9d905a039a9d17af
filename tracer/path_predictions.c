/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/path_predictions.h"

#include "base/memory.h"
#include "base/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/*
 * Files of other processes on procfs that the kernel opens for those only who may trace them. Their
 * mode does not say so. (fs/proc/base.c and task_mmu.c: proc_mem_open())
 */
static bool is_for_tracers(const PathResult *path)
{
    static const char *const names[] = {"auxv",      "environ", "maps",  "mem",
                                        "numa_maps", "pagemap", "smaps", "smaps_rollup"};
    static const char *const folder = "/proc/[pid]/";
    const char *last = path->text ? strrchr(path->text, '/') : NULL;

    if (!last || strcmp(path->mount, "proc") != 0 ||
        strncmp(path->text, folder, strlen(folder)) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(last + 1, names[i]) == 0)
            return true;
    }
    return false;
}

/* Security modules, what the other one is allowed, and whether its memory may be dumped have a say
 * as well. */
static bool may_trace_anyone(Tracee *tracee)
{
    const Credentials *credentials;

    return tracee_credentials(tracee, &credentials) == 0 && !credentials->own_user_namespace &&
           credentials->effective & 1ULL << CAP_SYS_PTRACE;
}

/* A socket is opened by connect() only, and /dev/tty by those only who have a terminal.
 * (fs/inode.c: no_open(); drivers/tty/tty_io.c: tty_open_current_tty()) */
static bool has_no_device(Tracee *tracee, const struct stat *st)
{
    enum { TTY_MAJOR = 5, TTY_MINOR = 0, FIELD_TERMINAL = 7 };

    long long terminal;

    if (S_ISSOCK(st->st_mode))
        return true;
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(TTY_MAJOR, TTY_MINOR) &&
           procfs_stat_number(tracee_pid(tracee), FIELD_TERMINAL, &terminal) == 0 && terminal == 0;
}

static int predict_open(Tracee *tracee, const Prediction *prediction)
{
    const PathResult *path = prediction->path;
    const uint64_t flags = prediction->flags;
    const bool must_be_new = (flags & O_CREAT) && (flags & O_EXCL);

    if (must_be_new && (flags & O_TMPFILE) != O_TMPFILE)
        return EEXIST;
    if (!path->has_stat)
        return RESULT_OK;
    if (S_ISLNK(path->st.st_mode) && !(flags & O_PATH))
        return ELOOP; /* O_NOFOLLOW */
    if ((flags & O_DIRECTORY) && !S_ISDIR(path->st.st_mode))
        return ENOTDIR;
    if (S_ISDIR(path->st.st_mode) && !(flags & O_PATH) && (flags & O_TMPFILE) != O_TMPFILE &&
        ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT)))
        return EISDIR;
    if (!(flags & O_PATH) && has_no_device(tracee, &path->st))
        return ENXIO;
    if (!(flags & O_PATH) && is_for_tracers(path) && !may_trace_anyone(tracee))
        return RESULT_UNKNOWN;
    return RESULT_OK;
}

/* What removing or renaming gives for a path that ends in no name: "/", ".", "..". (fs/namei.c) */
static int predict_nameless(const Prediction *prediction)
{
    const char *raw = prediction->raw;
    size_t length = strlen(raw);

    while (length > 0 && raw[length - 1] == '/')
        length--;
    size_t begin = length;
    while (begin > 0 && raw[begin - 1] != '/')
        begin--;
    const size_t last = length - begin;
    const bool dot = last == 1 && raw[begin] == '.';
    const bool dots = last == 2 && raw[begin] == '.' && raw[begin + 1] == '.';
    if (last > 0 && !dot && !dots)
        return RESULT_OK;
    if (prediction->access & ACCESS_RENAME)
        return EBUSY;
    if (!(prediction->flags & AT_REMOVEDIR) && strcmp(prediction->operation->name, "rmdir") != 0)
        return EISDIR;
    return dot ? EINVAL : dots ? ENOTEMPTY : EBUSY;
}

/* Calls that want a file of one type. */
static int predict_type(const Prediction *prediction)
{
    static const struct {
        const char *operation;
        mode_t type;
        int error;
    } rows[] = {
        {"chdir", S_IFDIR, ENOTDIR}, {"chroot", S_IFDIR, ENOTDIR}, {"readlink", S_IFLNK, EINVAL}};
    const PathResult *path = prediction->path;

    if (!path->has_stat || prediction->raw[0] == '\0')
        return RESULT_OK;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(rows[i].operation, prediction->operation->name) == 0 &&
            (path->st.st_mode & S_IFMT) != rows[i].type)
            return rows[i].error;
    }
    return RESULT_OK;
}

static int predict_alone(Tracee *tracee, const Prediction *prediction)
{
    const PathResult *path = prediction->path;
    const uint32_t access = prediction->access;
    const bool makes =
        prediction->opens ? (prediction->flags & O_CREAT) != 0 : (access & ACCESS_CREATE) != 0;

    if (path->error == ENOENT && path->has_parent && makes)
        return RESULT_OK;
    if (path->error != 0)
        return path->error;
    if (prediction->opens)
        return predict_open(tracee, prediction);
    if (prediction->final != PATH_FINAL_PARENT)
        return predict_type(prediction);
    return (access & ACCESS_CREATE) && !(access & ACCESS_RENAME) ? EEXIST
                                                                 : predict_nameless(prediction);
}

/* Of the folder of the path's last name, or of the path if that ends in none; 0: unknown. */
static dev_t folder_device(const PathResult *path)
{
    if (path->served)
        return 0;
    return path->has_parent ? path->parent.st_dev : path->has_stat ? path->st.st_dev : 0;
}

/*
 * Renaming to another file system fails before the names are looked up. Whether two folders of one
 * file system are below different mounts of it cannot be told here. (fs/namei.c)
 */
static int predict_across(const Prediction *prediction, int alone)
{
    const PathResult *from = prediction->first;
    const PathResult *to = prediction->path;
    const dev_t from_device = folder_device(from);
    const dev_t to_device = folder_device(to);

    if (from_device == 0 || to_device == 0 || from_device == to_device)
        return alone;
    if (prediction->access & ACCESS_RENAME) /* the subvolumes of btrfs are devices of one mount */
        return strcmp(from->mount, "btrfs") == 0 && strcmp(to->mount, "btrfs") == 0 ? RESULT_UNKNOWN
                                                                                    : EXDEV;
    /* A file of overlayfs may have another device than its folder. */
    return prediction->access & ACCESS_LINK && alone == RESULT_OK ? RESULT_UNKNOWN : alone;
}

int path_predict(Tracee *tracee, const Prediction *prediction)
{
    const int alone = predict_alone(tracee, prediction);

    return prediction->first ? predict_across(prediction, alone) : alone;
}
