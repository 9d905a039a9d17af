/* SPDX-License-Identifier: Apache-2.0 */
#include "capability_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static Outcome chown_give(void)
{
    const char *path = make_file("f", 0644, 0, 0);
    begin();
    return outcome(chown(path, USER_ID, (gid_t)-1) == 0);
}

static Outcome chown_own_group(void)
{
    const char *path = make_file("f", 0644, USER_ID, USER_ID);
    become_user();
    begin();
    return outcome(chown(path, (uid_t)-1, USER_GROUP) == 0);
}

static Outcome chown_foreign_group(void)
{
    const char *path = make_file("f", 0644, USER_ID, USER_ID);
    become_user();
    begin();
    return outcome(chown(path, (uid_t)-1, FOREIGN_GROUP) == 0);
}

static Outcome chmod_other(void)
{
    const char *path = make_file("f", 0644, USER_ID, USER_ID);
    begin();
    return outcome(chmod(path, 0600) == 0);
}

static Outcome chmod_own(void)
{
    const char *path = make_file("f", 0644, 0, 0);
    begin();
    return outcome(chmod(path, 0600) == 0);
}

static Outcome setgid_bit(void)
{
    const char *path = make_file("f", 0755, USER_ID, FOREIGN_GROUP);
    struct stat st;
    become_user();
    begin();
    return outcome(chmod(path, 02755) == 0 && stat(path, &st) == 0 && (st.st_mode & S_ISGID));
}

static Outcome setgid_bit_own(void)
{
    const char *path = make_file("f", 0755, USER_ID, USER_GROUP);
    struct stat st;
    become_user();
    begin();
    return outcome(chmod(path, 02755) == 0 && stat(path, &st) == 0 && (st.st_mode & S_ISGID));
}

static Outcome set_times(void)
{
    const struct timespec times[2] = {{5, 5}, {6, 6}};
    const char *path = make_file("f", 0666, USER_ID, USER_ID);
    begin();
    return outcome(utimensat(AT_FDCWD, path, times, 0) == 0);
}

static Outcome touch_other(void)
{
    const char *path = make_file("f", 0644, USER_ID, USER_ID);
    begin();
    return outcome(utimensat(AT_FDCWD, path, NULL, 0) == 0);
}

static Outcome touch_writable(void)
{
    const char *path = make_file("f", 0666, USER_ID, USER_ID);
    begin();
    return outcome(utimensat(AT_FDCWD, path, NULL, 0) == 0);
}

static Outcome sticky_delete(void)
{
    const char *path;
    (void)make_folder("sticky", 01777, 0, 0);
    path = make_file("sticky/f", 0666, 0, 0);
    become_user();
    begin();
    return outcome(unlink(path) == 0);
}

static Outcome sticky_delete_own(void)
{
    const char *path;
    (void)make_folder("sticky", 01777, 0, 0);
    path = make_file("sticky/f", 0666, USER_ID, USER_ID);
    become_user();
    begin();
    return outcome(unlink(path) == 0);
}

static Outcome noatime(void)
{
    const char *path = make_file("f", 0644, USER_ID, USER_ID);
    begin();
    return outcome(open(path, O_RDONLY | O_NOATIME) >= 0);
}

static Outcome hardlink(void)
{
    const char *path = make_file("f", 0644, 0, 0);
    const char *new = at("open/link");
    if (read_sysctl("fs/protected_hardlinks") != 1)
        return cannot("fs.protected_hardlinks is off");
    (void)make_folder("open", 0777, 0, 0);
    (void)unlink(new);
    become_user();
    begin();
    return outcome(link(path, new) == 0);
}

static Outcome open_read(void)
{
    const char *path = make_file("f", 0600, USER_ID, USER_ID);
    begin();
    return outcome(open(path, O_RDONLY) >= 0);
}

static Outcome open_read_own(void)
{
    const char *path = make_file("f", 0400, 0, 0);
    begin();
    return outcome(open(path, O_RDONLY) >= 0);
}

static Outcome open_write(void)
{
    const char *path = make_file("f", 0644, USER_ID, USER_ID);
    begin();
    return outcome(open(path, O_WRONLY) >= 0);
}

static Outcome open_read_only_own(void)
{
    const char *path = make_file("f", 0444, 0, 0);
    begin();
    return outcome(open(path, O_RDWR) >= 0);
}

static Outcome truncate_other(void)
{
    const char *path = make_file("f", 0644, USER_ID, USER_ID);
    begin();
    return outcome(truncate(path, 3) == 0);
}

static Outcome exec_other(void)
{
    const char *path = make_file("script", 0700, USER_ID, USER_ID);
    char *argv[] = {(char *)path, NULL};
    int fd = open(path, O_WRONLY | O_TRUNC), status;
    pid_t pid;
    check(fd >= 0 && write(fd, "#!/bin/true\n", 12) == 12 && close(fd) == 0, "script");
    begin();
    pid = fork();
    if (pid == 0) {
        (void)execv(path, argv);
        _exit(1);
    }
    return outcome(waitpid(pid, &status, 0) == pid && status == 0);
}

static Outcome folder_write(void)
{
    const char *path;
    (void)make_folder("theirs", 0755, USER_ID, USER_ID);
    path = at("theirs/new");
    (void)rmdir(path);
    begin();
    return outcome(mkdir(path, 0755) == 0);
}

static Outcome folder_create(void)
{
    const char *path;
    (void)make_folder("theirs", 0755, USER_ID, USER_ID);
    path = at("theirs/file");
    (void)unlink(path);
    begin();
    return outcome(open(path, O_WRONLY | O_CREAT, 0600) >= 0);
}

static Outcome folder_write_open(void)
{
    const char *path;
    (void)make_folder("all", 0777, USER_ID, USER_ID);
    path = at("all/new");
    (void)rmdir(path);
    begin();
    return outcome(mkdir(path, 0755) == 0);
}

/* Its ".." is in it. */
static Outcome folder_move(void)
{
    const char *from, *to;
    (void)make_folder("one", 0777, 0, 0);
    (void)make_folder("two", 0777, 0, 0);
    to = at("two/moved");
    (void)rmdir(to);
    from = make_folder("one/moved", 0755, USER_ID, USER_ID);
    begin();
    return outcome(rename(from, to) == 0);
}

static Outcome folder_rename(void)
{
    const char *from, *to;
    (void)make_folder("one", 0777, 0, 0);
    to = at("one/renamed");
    (void)rmdir(to);
    from = make_folder("one/moved", 0755, USER_ID, USER_ID);
    begin();
    return outcome(rename(from, to) == 0);
}

static Outcome folder_search(void)
{
    const char *path;
    struct stat st;
    (void)make_folder("closed", 0700, USER_ID, USER_ID);
    path = make_file("closed/f", 0644, 0, 0);
    begin();
    return outcome(stat(path, &st) == 0);
}

static Outcome folder_search_relative(void)
{
    struct stat st;
    (void)make_folder("closed", 0700, USER_ID, USER_ID);
    (void)make_file("closed/f", 0644, 0, 0);
    begin();
    return outcome(stat("closed/f", &st) == 0);
}

static Outcome folder_search_link(void)
{
    const char *link = at("link-to-closed"), *path;
    struct stat st;
    (void)make_folder("closed", 0700, USER_ID, USER_ID);
    path = make_file("closed/f", 0644, 0, 0);
    (void)unlink(link);
    check(symlink(path, link) == 0, link);
    begin();
    return outcome(stat(link, &st) == 0);
}

/* The kernel does not search what lies above the working folder. */
static Outcome folder_search_below(void)
{
    struct stat st;
    const char *closed = make_folder("closed", 0700, USER_ID, USER_ID);
    const char *below = make_folder("closed/below", 0755, 0, 0);
    (void)make_file("closed/below/f", 0644, 0, 0);
    check(closed && chdir(below) == 0, "chdir");
    begin();
    return outcome(stat("f", &st) == 0);
}

/* Nor what lies above a file that is reached by its descriptor. */
static Outcome folder_search_magic(void)
{
    char name[64];
    int fd;
    struct stat st;
    (void)make_folder("closed", 0700, USER_ID, USER_ID);
    fd = open(make_file("closed/f", 0644, 0, 0), O_RDONLY);
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    begin();
    return outcome(fd >= 0 && stat(name, &st) == 0);
}

static Outcome folder_search_group(void)
{
    const char *path;
    struct stat st;
    (void)make_folder("group", 0710, OTHER_ID, USER_GROUP);
    path = make_file("group/f", 0644, 0, 0);
    become_user();
    begin();
    return outcome(stat(path, &st) == 0);
}

static Outcome folder_read(void)
{
    const char *path = make_folder("closed", 0711, USER_ID, USER_ID);
    begin();
    return outcome(open(path, O_RDONLY | O_DIRECTORY) >= 0);
}

static Outcome chdir_closed(void)
{
    const char *path = make_folder("closed", 0700, USER_ID, USER_ID);
    begin();
    return outcome(chdir(path) == 0);
}

static Outcome mknod_device(void)
{
    const char *path = at("device");
    (void)unlink(path);
    begin();
    return outcome(mknod(path, S_IFCHR | 0600, makedev(1, 3)) == 0);
}

static Outcome mknod_fifo(void)
{
    const char *path = at("fifo");
    (void)unlink(path);
    begin();
    return outcome(mknod(path, S_IFIFO | 0600, 0) == 0);
}

static Outcome file_capability(void)
{
    /* Version 2, cap_net_raw permitted. */
    static const unsigned char value[20] = {0, 0, 0, 2, 0, 0x20};
    const char *path = make_file("f", 0755, 0, 0);
    begin();
    return outcome(setxattr(path, "security.capability", value, sizeof value, 0) == 0);
}

static Outcome trusted_xattr(void)
{
    const char *path = make_file("f", 0755, 0, 0);
    begin();
    return outcome(setxattr(path, "trusted.trial", "x", 1, 0) == 0);
}

static Outcome user_xattr(void)
{
    const char *path = make_file("f", 0644, 0, 0);
    begin();
    if (setxattr(path, "user.trial", "x", 1, 0) == 0)
        return WORKED;
    return errno == ENOTSUP ? cannot("no user attributes here") : REFUSED;
}

static Outcome lease(void)
{
    const char *path = make_file("f", 0666, 0, 0);
    int fd;
    become_user();
    fd = open(path, O_RDONLY);
    check(fd >= 0, "open");
    begin();
    return outcome(fcntl(fd, F_SETLEASE, F_RDLCK) == 0);
}

static Outcome immutable(void)
{
    const char *path = make_file("f", 0644, 0, 0);
    int fd = open(path, O_RDONLY);
    int flags = 0, changed;
    bool worked;
    check(fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0, "no inode flags here");
    changed = flags | FS_APPEND_FL;
    begin();
    worked = ioctl(fd, FS_IOC_SETFLAGS, &changed) == 0;
    if (worked)
        (void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
    return outcome(worked);
}

static Outcome file_handle(void)
{
    union {
        struct file_handle handle;
        char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } name = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
    const char *path = make_file("f", 0644, 0, 0);
    int mount, folder = open(".", O_RDONLY | O_DIRECTORY);
    check(name_to_handle_at(AT_FDCWD, path, &name.handle, &mount, 0) == 0, "no file handles here");
    begin();
    return outcome(open_by_handle_at(folder, &name.handle, O_RDONLY) >= 0);
}

/* The kernel asks whether names of trusted.* are to be shown. */
static Outcome list_xattr(void)
{
    const char *path = "/dev/shm/whittle-capability-trial";
    char names[256];
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ssize_t n;
    check(fd >= 0, path);
    check(unlink(path) == 0, path);
    begin();
    n = flistxattr(fd, names, sizeof names);
    return n < 0 && errno == ENOTSUP ? cannot("no attributes in /dev/shm") : outcome(n >= 0);
}

/* Asks as the real user. */
static Outcome access_other(void)
{
    const char *path = make_file("access", 0600, USER_ID, USER_ID);
    begin();
    return outcome(access(path, R_OK) == 0);
}

static Outcome access_own(void)
{
    const char *path = make_file("access", 0600, 0, 0);
    begin();
    return outcome(access(path, R_OK | W_OK) == 0);
}

const Action file_actions[] = {
    {"chown-give", "CAP_CHOWN", "-", chown_give},
    {"chown-own-group", "-", "-", chown_own_group},
    {"chown-foreign-group", "CAP_CHOWN", "-", chown_foreign_group},
    {"chmod-other", "CAP_FOWNER", "-", chmod_other},
    {"chmod-own", "-", "-", chmod_own},
    {"setgid-bit", "CAP_FSETID", "-", setgid_bit},
    {"setgid-bit-own", "-", "-", setgid_bit_own},
    {"set-times", "CAP_FOWNER", "-", set_times},
    {"touch-other", "CAP_FOWNER", "CAP_DAC_OVERRIDE", touch_other},
    {"touch-writable", "-", "-", touch_writable},
    {"sticky-delete", "CAP_FOWNER", "-", sticky_delete},
    {"sticky-delete-own", "-", "-", sticky_delete_own},
    {"noatime", "CAP_FOWNER", "-", noatime},
    {"hardlink", "CAP_FOWNER", "CAP_DAC_OVERRIDE", hardlink},
    {"open-read", "CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE", open_read},
    {"open-read-own", "-", "-", open_read_own},
    {"open-write", "CAP_DAC_OVERRIDE", "-", open_write},
    {"open-read-only-own", "CAP_DAC_OVERRIDE", "-", open_read_only_own},
    {"truncate", "CAP_DAC_OVERRIDE", "-", truncate_other},
    {"exec", "CAP_DAC_OVERRIDE", "-", exec_other},
    {"folder-write", "CAP_DAC_OVERRIDE", "-", folder_write},
    {"folder-create", "CAP_DAC_OVERRIDE", "-", folder_create},
    {"folder-write-open", "-", "-", folder_write_open},
    {"folder-move", "CAP_DAC_OVERRIDE", "-", folder_move},
    {"folder-rename", "-", "-", folder_rename},
    {"folder-search", "CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE", folder_search},
    {"folder-search-relative", "CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE", folder_search_relative},
    {"folder-search-link", "CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE", folder_search_link},
    {"folder-search-below", "-", "-", folder_search_below},
    {"folder-search-magic", "-", "-", folder_search_magic},
    {"folder-search-group", "-", "-", folder_search_group},
    {"folder-read", "CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE", folder_read},
    {"chdir", "CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE", chdir_closed},
    {"access", "CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE", access_other},
    {"access-own", "-", "-", access_own},
    {"list-xattr", "-", "-", list_xattr},
    {"mknod-device", "CAP_MKNOD", "-", mknod_device},
    {"mknod-fifo", "-", "-", mknod_fifo},
    {"file-capability", "CAP_SETFCAP", "-", file_capability},
    {"trusted-xattr", "CAP_SYS_ADMIN", "-", trusted_xattr},
    {"user-xattr", "-", "-", user_xattr},
    {"lease", "CAP_LEASE", "-", lease},
    {"immutable", "CAP_LINUX_IMMUTABLE", "-", immutable},
    {"file-handle", "CAP_DAC_READ_SEARCH", "-", file_handle},
    {NULL, NULL, NULL, NULL},
};
