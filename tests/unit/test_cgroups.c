/* SPDX-License-Identifier: Apache-2.0 */
/* Which hierarchies are mounted where, and what their folders are called. */
#include "base/memory.h"
#include "suite.h"
#include "tracer/cgroups.h"

#include <errno.h>
#include <sys/sysmacros.h>

static const char mountinfo[] =
    "23 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:1 master:2 - cgroup cgroup rw,cpu,cpuacct\n"
    "33 31 0:30 /docker/abc /sys/fs/cgroup/my\\040memory rw - cgroup cgroup rw,memory\n"
    "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset,noprefix\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
    "42 31 0:39 / /sys/fs/cgroup/gone rw - cgroup cgroup rw,name=gone\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    "a line that makes no sense\n"
    "9 8 0:1 / /short - cgroup2\n";
static const char self[] = "12:cpuset:/\n9:name=systemd:/x\n4:memory:/docker/abc\n3:cpu,cpuacct:/\n"
                           "x:freezer:/\n0::/\n";

static const struct {
    const char *folder;
    const char *root;
    unsigned minor;
    uint32_t hierarchy;
} mounted[] = {
    {"/sys/fs/cgroup/unified", "/", 38, 0},
    {"/sys/fs/cgroup/cpu,cpuacct", "/", 29, 3},
    {"/sys/fs/cgroup/my memory", "/docker/abc", 30, 4},
    {"/sys/fs/cgroup/cpuset", "/", 31, 12},
    {"/sys/fs/cgroup/systemd", "/", 37, 9},
};

START_TEST(test_mounts)
{
    CLEANUP(cgroup_mounts_deinit) CgroupMounts mounts = {0};

    ck_assert_int_eq(cgroup_mounts_parse(mountinfo, self, &mounts), 0);
    ck_assert_uint_eq(mounts.count, ARRAY_LENGTH(mounted));
    for (size_t i = 0; i < ARRAY_LENGTH(mounted); i++) {
        ck_assert_str_eq(mounts.mounts[i].folder, mounted[i].folder);
        ck_assert_str_eq(mounts.mounts[i].root, mounted[i].root);
        ck_assert_uint_eq(mounts.mounts[i].device, makedev(0, mounted[i].minor));
        ck_assert_uint_eq(mounts.mounts[i].hierarchy, mounted[i].hierarchy);
    }
}
END_TEST

static const struct {
    const char *root;
    const char *path;
    const char *folder; /* NULL: not in there */
} folders[] = {
    {"/", "/a/b", "/mnt/a/b"},
    {"/", "/", "/mnt/"},
    {"/docker/abc", "/docker/abc", "/mnt"},
    {"/docker/abc", "/docker/abc/init", "/mnt/init"},
    {"/docker/abc", "/docker/abcd", NULL},
    {"/docker/abc", "/docker", NULL},
    {"/docker/abc", "/../other", NULL},
};

START_TEST(test_folders)
{
    CgroupMount mount = {.folder = strdup("/mnt"), .root = strdup(folders[_i].root)};
    CLEANUP(free_pointer) char *folder = cgroup_mount_folder(&mount, folders[_i].path);

    if (folders[_i].folder) {
        ck_assert_ptr_nonnull(folder);
        ck_assert_str_eq(folder, folders[_i].folder);
    } else {
        ck_assert_ptr_null(folder);
    }
    free(mount.folder);
    free(mount.root);
}
END_TEST

static const struct {
    const char *name;
    int code;
    const char *said;
} unknown[] = {
    {"/etc", -EINVAL, "/etc is not the folder of a control group"},
    {"/etc/passwd", -EINVAL, "/etc/passwd is not the folder of a control group"},
    {"/no/such/cgroup", -ENOENT, "there is no control group /no/such/cgroup"},
    {"no-such-cgroup", -ENOENT, "there is no control group no-such-cgroup"},
};

START_TEST(test_unknown)
{
    CLEANUP(cgroup_mounts_deinit) CgroupMounts mounts = {0};
    Cgroup cgroup = {.id = 77};
    Error err = {0};

    ck_assert_int_eq(cgroup_mounts_parse(mountinfo, self, &mounts), 0);
    ck_assert_int_eq(cgroup_find(&mounts, unknown[_i].name, &cgroup, &err), unknown[_i].code);
    ck_assert_msg(strncmp(err.text, unknown[_i].said, strlen(unknown[_i].said)) == 0, "%s",
                  err.text);
    ck_assert_uint_eq(cgroup.id, 77);
    ck_assert_ptr_null(cgroup.folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cgroups");

    suite_add(suite, "mounts", test_mounts, 1);
    suite_add(suite, "folders", test_folders, ARRAY_LENGTH(folders));
    suite_add(suite, "unknown", test_unknown, ARRAY_LENGTH(unknown));
    return suite_run(suite);
}
