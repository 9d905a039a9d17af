/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel prints for a file, made into the name that is recorded. */
#include "tracer/paths_private.h"

#include "base/memory.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static const char deleted_suffix[] = " (deleted)";

/* statfs(2) gives a number; /proc/self/mountinfo the name, but only of mounts in whittle's own
 * namespace. These are the types where the name matters to a reader or to the generator. */
const char *filesystem_name(uint64_t magic)
{
    static const struct {
        uint64_t magic;
        const char *name;
    } names[] = {
        {0x9fa0, "proc"},           {0x62656572, "sysfs"},       {0x01021994, "tmpfs"},
        {0xef53, "ext4"},           {0x794c7630, "overlay"},     {0x58465342, "xfs"},
        {0x9123683e, "btrfs"},      {0x1cd1, "devpts"},          {0x27e0eb, "cgroup"},
        {0x63677270, "cgroup2"},    {0x64626720, "debugfs"},     {0x74726163, "tracefs"},
        {0x19800202, "mqueue"},     {0x958458f6, "hugetlbfs"},   {0x6969, "nfs"},
        {0x65735546, "fuse"},       {0x73717368, "squashfs"},    {0xcafe4a11, "bpf"},
        {0x73636673, "securityfs"}, {0x42494e4d, "binfmt_misc"}, {0x858458f6, "ramfs"},
        {0x6e736673, "nsfs"},       {0x01021997, "9p"},          {0x4d44, "vfat"},
        {0xf2f52010, "f2fs"},       {0x2fc12fc1, "zfs"},         {0x5346544e, "ntfs"},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (names[i].magic == magic)
            return names[i].name;
    }
    return "";
}

/* TEXT names what ST is about, for whittle or in the folder ROOT (-1: there is none). */
static bool is_name_of(const char *text, int root, const struct stat *st)
{
    struct stat other;

    if (lstat(text, &other) == 0 && other.st_ino == st->st_ino && other.st_dev == st->st_dev)
        return true;
    return root >= 0 && fstatat(root, text + 1, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
           other.st_ino == st->st_ino && other.st_dev == st->st_dev;
}

void path_cut_deleted(char *text, int root, const struct stat *st, const char *mount)
{
    const size_t length = strlen(text);
    const size_t suffix = sizeof deleted_suffix - 1;

    if (length <= suffix || strcmp(text + length - suffix, deleted_suffix) != 0)
        return;
    /* With links left, it may be the file's own name; else it was removed under another. Nothing is
     * asked of a file system that the workload may serve. */
    if (st->st_nlink == 0 || (strcmp(mount, "fuse") != 0 && !is_name_of(text, root, st)))
        text[length - suffix] = '\0';
}

/*
 * Process numbers mean nothing to the next run and would make a recording grow with every process:
 * /proc/NUMBER becomes /proc/self for the process itself and /proc/[pid] for another one, and
 * task/NUMBER below it becomes task/[tid]. docs/FORMATS.md, "Paths".
 */
void path_hide_numbers(Process *process, bool own_root, const char *root_prefix, char *text)
{
    static const char proc[] = "/proc/";
    static const char task[] = "/task/";
    static const char *const hidden[] = {"self", "[pid]"};
    const size_t prefix = strlen(root_prefix);
    char out[TEXT_MAX];
    const char *process_name = NULL;

    if (strncmp(text, root_prefix, prefix) == 0)
        text += prefix;
    if (strncmp(text, proc, sizeof proc - 1) != 0)
        return;
    const char *end = text + sizeof proc - 1;
    if (isdigit((unsigned char)*end)) {
        char *after;
        const long number = strtol(end, &after, 10);
        const bool self =
            number == process->pid || (!own_root && number == process_own_pid(process));
        process_name = self ? "self" : "[pid]";
        end = after;
    }
    /* Done before, when the rest was not known yet. */
    for (size_t i = 0; !process_name && i < ARRAY_LENGTH(hidden); i++) {
        if (strncmp(end, hidden[i], strlen(hidden[i])) == 0) {
            process_name = hidden[i];
            end += strlen(hidden[i]);
        }
    }
    if (!process_name || (*end != '\0' && *end != '/'))
        return;
    int n = snprintf(out, sizeof out, "%s%s", proc, process_name);
    if (strncmp(end, task, sizeof task - 1) == 0 && isdigit((unsigned char)end[sizeof task - 1])) {
        end += sizeof task - 1;
        end += strspn(end, "0123456789");
        n += snprintf(out + n, sizeof out - (size_t)n, "%s[tid]", task);
    }
    n += snprintf(out + n, sizeof out - (size_t)n, "%s", end);
    if ((size_t)n + prefix < PATH_MAX)
        memcpy(text, out, (size_t)n + 1);
}

bool path_is_named(const char *text)
{
    static const char *const nameless[] = {"/memfd:", "/SYSV", "/anon_hugepage",
                                           "/dev/zero (deleted)"};

    if (text[0] != '/')
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(nameless); i++) {
        if (strncmp(text, nameless[i], strlen(nameless[i])) == 0)
            return false;
    }
    return true;
}
