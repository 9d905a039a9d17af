/* SPDX-License-Identifier: Apache-2.0 */
#include "capture_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void opened(Site *site, const char *raw, uint64_t flags, const char *path, uint32_t file)
{
    maker_call(&site->maker, "openat", 3);
    maker_event(&site->maker)->args[0] = (uint64_t)AT_FDCWD;
    maker_text(&site->maker, 1, raw);
    maker_event(&site->maker)->args[2] = flags;
    maker_file(&site->maker, BLOB_FOLDER, 1, site->folder, S_IFDIR | 0755, 0);
    maker_file(&site->maker, BLOB_RESULT, 3, path, S_IFREG | 0644, file);
    site_take(site);
}

static void open_success(Site *site)
{
    opened(site, "link", O_RDONLY, "/data/target", 0);
}

static void open_created(Site *site)
{
    opened(site, "new", O_WRONLY | O_CREAT | O_TRUNC, "/data/new", FILE_CREATED);
}

static void open_there_already(Site *site)
{
    opened(site, "old", O_WRONLY | O_CREAT | O_APPEND, "/data/old", 0);
}

static void open_other_process(Site *site)
{
    opened(site, "/proc/123/maps", O_RDONLY, "/proc/123/maps", 0);
    opened(site, "/proc/self/maps", O_RDONLY, "/proc/900000001/maps", 0);
}

static void open_nameless(Site *site)
{
    opened(site, "/proc/self/fd/0", O_RDONLY, "pipe", FILE_NAMELESS);
}

static void open_too_long(Site *site)
{
    opened(site, "x", O_RDONLY, "/cut", FILE_CUT);
}

static void open_missing(Site *site)
{
    site_path_call(site, "open", -ENOENT, "none");
    /* Made meanwhile. */
    site_make_file(site, "late", "");
    site_path_call(site, "open", -ENOENT, "late");
}

static void stat_relative(Site *site)
{
    site_make_file(site, "file", "");
    ck_assert_int_eq(mkdir(site_path(site, "sub"), 0755), 0);
    site_path_call(site, "stat", 0, "sub/../file");
}

static void stat_gone(Site *site)
{
    site_path_call(site, "stat", 0, "gone/deeper/../file");
}

static void stat_without_folder(Site *site)
{
    maker_call(&site->maker, "stat", 0);
    maker_text(&site->maker, 0, "somewhere");
    site_take(site);
}

static void stat_bad_folder(Site *site)
{
    maker_call(&site->maker, "newfstatat", -EBADF);
    maker_text(&site->maker, 1, "somewhere");
    maker_file(&site->maker, BLOB_FOLDER, 1, "", 0, FILE_NONE);
    site_take(site);
}

/* What fails there is no look at the file that the descriptor stands for. */
static void stat_from_file(Site *site)
{
    maker_call(&site->maker, "newfstatat", -ENOTDIR);
    maker_text(&site->maker, 1, "./");
    maker_file(&site->maker, BLOB_FOLDER, 1, site_path(site, "regular"), S_IFREG | 0644, 0);
    site_take(site);
}

static void stat_below_file(Site *site)
{
    maker_call(&site->maker, "newfstatat", -ENOTDIR);
    maker_text(&site->maker, 1, "name");
    maker_file(&site->maker, BLOB_FOLDER, 1, "/nowhere/regular", S_IFREG | 0644, 0);
    site_take(site);
}

static void path_told(Site *site)
{
    maker_call(&site->maker, "chdir", 0);
    maker_text(&site->maker, 0, "there");
    maker_file(&site->maker, BLOB_PATH, 0, "/really/there", S_IFDIR | 0755, 0);
    site_take(site);
}

static void told(Site *site, int argument, const char *path, uint32_t mode)
{
    maker_file(&site->maker, BLOB_PATH, argument, path, mode, FILE_BEFORE);
}

/* Through a link that leads elsewhere by now, and what is there by now does not matter. */
static void path_told_before(Site *site)
{
    ck_assert_int_eq(mkdir(site_path(site, "l"), 0755), 0);
    ck_assert_int_eq(mkdir(site_path(site, "l/m"), 0755), 0);
    maker_call(&site->maker, "mkdir", 0);
    maker_text(&site->maker, 0, "l/m");
    maker_file(&site->maker, BLOB_FOLDER, 0, site->folder, S_IFDIR | 0755, 0);
    told(site, 0, "/real/m", 0);
    site_take(site);
    maker_call(&site->maker, "rename", 0);
    maker_text(&site->maker, 0, "l/m");
    told(site, 0, "/real/m", S_IFDIR | 0755);
    maker_text(&site->maker, 1, "l/n");
    told(site, 1, "/real/n", 0);
    site_take(site);
    maker_call(&site->maker, "rmdir", -ENOTEMPTY);
    maker_text(&site->maker, 0, "l/n");
    told(site, 0, "/real/n", S_IFDIR | 0755);
    site_take(site);
    maker_call(&site->maker, "mkdir", -EACCES);
    maker_text(&site->maker, 0, "l/o");
    told(site, 0, "/real/o", 0);
    site_take(site);
}

/* What a rename() replaced is gone; what is there from then on is what was renamed. */
static void replaced(Site *site)
{
    maker_call(&site->maker, "rename", 0);
    maker_text(&site->maker, 0, "p");
    told(site, 0, "/real/p", S_IFREG | 0644);
    maker_text(&site->maker, 1, "s");
    told(site, 1, "/real/s", S_IFSOCK | 0644);
    site_take(site);
    maker_call(&site->maker, "unlink", 0);
    maker_text(&site->maker, 0, "s");
    told(site, 0, "/real/s", S_IFREG | 0644);
    site_take(site);
}

static void unreadable_path(Site *site)
{
    maker_call(&site->maker, "stat", -EFAULT);
    maker_event(&site->maker)->args[0] = 8;
    maker_blob(&site->maker, BLOB_MEMORY, 0, 8, "", 0);
    ((struct blob *)(void *)(site->maker.bytes + sizeof(struct event)))->flags = BLOB_UNREADABLE;
    site_take(site);
    maker_call(&site->maker, "stat", 0);
    maker_event(&site->maker)->args[0] = 8; /* and nothing told of it */
    site_take(site);
}

static void unlink_known(Site *site)
{
    opened(site, "t", O_RDWR | O_CREAT, site_path(site, "t"), FILE_CREATED);
    site_path_call(site, "unlink", 0, "t");
}

static void unlink_unknown(Site *site)
{
    site_path_call(site, "unlink", 0, "u");
}

static void make_folder_there(Site *site)
{
    ck_assert_int_eq(mkdir(site_path(site, "d"), 0755), 0);
    site_path_call(site, "mkdir", 0, "d");
    site_path_call(site, "mkdir", -EEXIST, "d");
}

static void two_paths(Site *site, const char *name, const char *from, const char *to)
{
    maker_call(&site->maker, name, 0);
    maker_text(&site->maker, 0, from);
    maker_file(&site->maker, BLOB_FOLDER, 0, site->folder, S_IFDIR | 0755, 0);
    maker_text(&site->maker, 1, to);
    maker_file(&site->maker, BLOB_FOLDER, 1, site->folder, S_IFDIR | 0755, 0);
    site_take(site);
}

static void renamed(Site *site)
{
    site_make_file(site, "b", "");
    two_paths(site, "rename", "a", "b");
}

static void renamed_folder(Site *site)
{
    opened(site, "x/f", O_RDWR | O_CREAT, site_path(site, "x/f"), FILE_CREATED);
    ck_assert_int_eq(mkdir(site_path(site, "y"), 0755), 0);
    two_paths(site, "rename", "x", "y");
    site_path_call(site, "unlink", 0, "y/f");
}

static void own_by_another(Site *site)
{
    site_make_file(site, "c", "");
    maker_call(&site->maker, "chown", 0);
    maker_text(&site->maker, 0, "c");
    maker_event(&site->maker)->args[1] = geteuid(); /* it was another's, nobody knows whose */
    maker_file(&site->maker, BLOB_FOLDER, 0, site->folder, S_IFDIR | 0755, 0);
    site_take(site);
}

static void linked_and_gone(Site *site)
{
    opened(site, "l", O_RDWR | O_CREAT, site_path(site, "l"), FILE_CREATED);
    two_paths(site, "link", "l", "m");
    site_path_call(site, "unlink", 0, "m");
    maker_call(&site->maker, "mknod", 0);
    maker_text(&site->maker, 0, "n");
    maker_event(&site->maker)->args[1] = S_IFIFO | 0600;
    maker_file(&site->maker, BLOB_FOLDER, 0, site->folder, S_IFDIR | 0755, 0);
    site_take(site);
    site_path_call(site, "unlink", 0, "n");
}

/* What was told in order counts, not what is found by the time of a look-up. */
static void own_known(Site *site)
{
    opened(site, "k", O_RDWR | O_CREAT, site_path(site, "k"), FILE_CREATED);
    site_path_call(site, "chmod", 0, "k");
    maker_call(&site->maker, "chown", 0);
    maker_text(&site->maker, 0, "k");
    maker_event(&site->maker)->args[1] = 54321;
    maker_file(&site->maker, BLOB_FOLDER, 0, site->folder, S_IFDIR | 0755, 0);
    site_take(site);
    site_path_call(site, "unlink", 0, "k");
}

static void descriptor_changes(Site *site)
{
    maker_call(&site->maker, "fchmod", 0);
    maker_event(&site->maker)->args[0] = 4;
    maker_file(&site->maker, BLOB_FILE, 4, "/data/four", S_IFREG | 0600, FILE_DELETED);
    site_take(site);
}

static void mapped(Site *site)
{
    maker_call(&site->maker, "mmap", 0x7000);
    maker_event(&site->maker)->args[2] = PROT_READ | PROT_EXEC;
    maker_event(&site->maker)->args[3] = MAP_PRIVATE;
    maker_event(&site->maker)->args[4] = 5;
    maker_file(&site->maker, BLOB_FILE, 5, "/lib/five.so", S_IFREG | 0644, 0);
    site_take(site);
    maker_call(&site->maker, "mprotect", 0);
    maker_event(&site->maker)->args[2] = PROT_EXEC;
    maker_file(&site->maker, BLOB_VMA, 0, "/lib/six.so", S_IFREG | 0644, 0);
    site_take(site);
    maker_call(&site->maker, "mprotect", 0);
    maker_event(&site->maker)->args[2] = PROT_EXEC;
    maker_file(&site->maker, BLOB_VMA, 0, "", 0, FILE_NONE);
    site_take(site);
}

/* A root of its own: links and absolute paths start there, names do not. */
static void changed_root(Site *site)
{
    ck_assert_int_eq(mkdir(site_path(site, "root"), 0755), 0);
    site_make_file(site, "root/file", "");
    ck_assert_int_eq(symlink("/file", site_path(site, "root/link")), 0);
    maker_call(&site->maker, "stat", 0);
    maker_text(&site->maker, 0, "/link");
    maker_event(&site->maker)->flags |= EVENT_ROOT_CHANGED;
    maker_file(&site->maker, BLOB_ROOT, 0, site_path(site, "root"), S_IFDIR | 0755, 0);
    site_take(site);
}

static void foreign_namespace(Site *site)
{
    maker_call(&site->maker, "stat", 0);
    maker_text(&site->maker, 0, "etc/../passwd");
    maker_event(&site->maker)->mount_namespace = 1; /* nobody can be asked any more */
    maker_file(&site->maker, BLOB_FOLDER, 0, "/srv", S_IFDIR | 0755, 0);
    site_take(site);
}

/* Nobody can be asked, but the folder is the one of that name here. */
static void copied_namespace(Site *site)
{
    struct stat st;
    struct file_blob *file;

    ck_assert_int_eq(symlink("elsewhere", site_path(site, "link")), 0);
    ck_assert_int_eq(stat(site->folder, &st), 0);
    maker_call(&site->maker, "stat", 0);
    maker_file(&site->maker, BLOB_FOLDER, 0, site->folder, S_IFDIR | 0755, 0);
    file = (struct file_blob *)(void *)(site->maker.bytes + sizeof(struct event) +
                                        sizeof(struct blob));
    file->inode = st.st_ino;
    file->device = (uint64_t)major(st.st_dev) << 20 | minor(st.st_dev);
    maker_text(&site->maker, 0, "link/../x");
    maker_event(&site->maker)->mount_namespace = 1;
    ck_assert_int_eq(mkdir(site_path(site, "elsewhere"), 0755), 0);
    site_make_file(site, "x", "");
    site_take(site);
}

static void killed_in_call(Site *site)
{
    maker_call(&site->maker, "openat", 0);
    maker_event(&site->maker)->args[1] = 0x1000;
    maker_event(&site->maker)->flags |= EVENT_NO_RESULT;
    site_take(site);
}

/* clang-format off */
const CaptureRow capture_rows_files[] = {
    {"open", open_success,
     "syscall openat ok\nfile /data/target read regular owner ok\n"},
    {"open-created", open_created,
     "syscall openat ok\nfile /data/new write+create+truncate owner ok\n"},
    {"open-there", open_there_already,
     "syscall openat ok\nfile /data/old append regular owner ok\n"},
    {"open-proc", open_other_process,
     "syscall openat ok\nfile /proc/[pid]/maps read regular owner ok\n"
     "file /proc/self/maps read regular owner ok\n"},
    {"open-nameless", open_nameless, "syscall openat ok\n"},
    {"open-too-long", open_too_long, "syscall openat ok\nloss unresolved-path\n"},
    {"open-missing", open_missing,
     "syscall open ENOENT\nfile @/late read ENOENT\nfile @/none read ENOENT\n"},
    {"stat", stat_relative, "syscall stat ok\nfile @/file stat regular owner ok\n"},
    {"stat-gone", stat_gone, "syscall stat ok\nfile @/gone/file stat ok\n"},
    {"stat-without-folder", stat_without_folder, "syscall stat ok\nloss unresolved-path\n"},
    {"stat-bad-folder", stat_bad_folder, "syscall newfstatat EBADF\n"},
    {"stat-from-file", stat_from_file, "syscall newfstatat ENOTDIR\n"},
    {"stat-below-file", stat_below_file,
     "syscall newfstatat ENOTDIR\nfile /nowhere/regular/name stat ENOTDIR\n"},
    {"path-told", path_told, "syscall chdir ok\nfile /really/there stat directory owner ok\n"},
    {"path-told-before", path_told_before,
     "syscall mkdir ok EACCES\nsyscall rename ok\nsyscall rmdir ENOTEMPTY\n"
     "file /real/m create directory owner ok\nfile /real/m delete+rename directory owner ok\n"
     "file /real/n delete directory owner ENOTEMPTY\n"
     "file /real/n create+rename directory owner ok\nfile /real/o create directory owner EACCES\n"},
    {"replaced", replaced,
     "syscall rename ok\nsyscall unlink ok\nfile /real/p delete+rename regular owner ok\n"
     "file /real/s delete regular owner ok\nfile /real/s create+rename regular owner ok\n"},
    {"unreadable-path", unreadable_path, "syscall stat ok EFAULT\nloss unreadable-argument\n"},
    {"unlink", unlink_known,
     "syscall openat ok\nsyscall unlink ok\nfile @/t read+write+create owner ok\n"
     "file @/t delete regular owner ok\n"},
    {"unlink-unknown", unlink_unknown, "syscall unlink ok\nfile @/u delete ok\n"},
    {"mkdir", make_folder_there,
     "syscall mkdir ok EEXIST\nfile @/d create directory owner ok EEXIST\n"},
    {"rename", renamed,
     "syscall rename ok\nfile @/a delete+rename regular owner ok\n"
     "file @/b create+rename regular owner ok\n"},
    {"rename-folder", renamed_folder,
     "syscall openat ok\nsyscall rename ok\nsyscall unlink ok\n"
     "file @/x delete+rename directory owner ok\nfile @/x/f read+write+create owner ok\n"
     "file @/y create+rename directory owner ok\nfile @/y/f delete regular owner ok\n"},
    {"chown", own_by_another, "syscall chown ok\nfile @/c chown regular other ok\n"},
    {"chown-known", own_known,
     "syscall chmod ok\nsyscall chown ok\nsyscall openat ok\nsyscall unlink ok\n"
     "file @/k read+write+create owner ok\nfile @/k delete regular other ok\n"
     "file @/k chmod regular owner ok\nfile @/k chown regular owner ok\n"},
    {"linked", linked_and_gone,
     "syscall link ok\nsyscall mknod ok\nsyscall openat ok\nsyscall unlink ok\n"
     "file @/l read+write+create owner ok\nfile @/l link regular owner ok\n"
     "file @/m delete regular owner ok\nfile @/m create+link owner ok\n"
     "file @/n create owner ok\nfile @/n delete fifo owner ok\n"},
    {"descriptor", descriptor_changes,
     "syscall fchmod ok\nfile /data/four chmod regular owner ok\n"},
    {"mapped", mapped,
     "syscall mmap ok\nsyscall mprotect ok\nfile /lib/five.so read+mmap-exec regular owner ok\n"
     "file /lib/six.so mmap-exec regular owner ok\n"},
    {"changed-root", changed_root,
     "syscall stat ok\nfile @/root/file stat regular owner ok\n"},
    {"foreign-namespace", foreign_namespace, "syscall stat ok\nfile /srv/passwd stat ok\n"},
    {"copied-namespace", copied_namespace, "syscall stat ok\nfile @/x stat regular owner ok\n"},
    {"killed-in-call", killed_in_call, "syscall openat unknown\n"},
    {NULL, NULL, NULL},
};
/* clang-format on */
