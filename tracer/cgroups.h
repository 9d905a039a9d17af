/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups: which folder of which hierarchy, and how the kernel calls that (cgroups(7)).
 * Hierarchies are those mounted where this process can see them: v2, and each of v1's.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct Cgroup {
    char *folder;       /* its path */
    uint64_t id;        /* inode number of the folder, and the kernel's number of the cgroup */
    uint32_t hierarchy; /* the first number of a line in /proc/PID/cgroup; 0: v2 */
} Cgroup;

void cgroup_deinit(Cgroup *cgroup);

/* A mounted hierarchy, or a part of one. */
typedef struct CgroupMount {
    char *folder; /* where */
    char *root;   /* which cgroup of the hierarchy that is, as in /proc/PID/cgroup: "/" mostly */
    dev_t device;
    uint32_t hierarchy;
} CgroupMount;

/* v2 first, then v1's in the order that they were mounted in. */
typedef struct CgroupMounts {
    CgroupMount *mounts;
    size_t count;
    size_t capacity;
} CgroupMounts;

void cgroup_mounts_deinit(CgroupMounts *mounts);

/* From the texts of /proc/self/mountinfo and /proc/self/cgroup. 0 or -ENOMEM; what makes no sense
 * is left out. */
int cgroup_mounts_parse(const char *mountinfo, const char *self, CgroupMounts *ret_mounts);

/* This process's. 0 or a negative errno. */
int cgroup_mounts_read(CgroupMounts *ret_mounts, Error *err);

/* The cgroup whose folder is FOLDER. -ENOENT if there is no such folder, -EINVAL if it is no
 * cgroup's; another errno if it cannot be looked at. ERR says it in words. */
int cgroup_of_folder(const CgroupMounts *mounts, const char *folder, Cgroup *ret_cgroup,
                     Error *err);

/* NAME is a folder, or a cgroup as in /proc/PID/cgroup: then -ENOTUNIQ if there is one of that name
 * in several hierarchies. Other errors as above. */
int cgroup_find(const CgroupMounts *mounts, const char *name, Cgroup *ret_cgroup, Error *err);

/* The cgroup PATH ("/a/b", as in /proc/PID/cgroup) of MOUNT's hierarchy: its folder, to be freed,
 * whether it is there or not. NULL: it is not in what was mounted, or there is no memory. */
char *cgroup_mount_folder(const CgroupMount *mount, const char *path);

/* Moves this process to where PID is, in all hierarchies where it can be moved: it is to end, and
 * its resources are to be counted, with that one. */
void cgroup_follow(pid_t pid);

/* It has not been removed. */
bool cgroup_is_there(const Cgroup *cgroup);

/* Some process in the cgroup or below; 0 if there is none that this process can see. */
pid_t cgroup_some_process(const Cgroup *cgroup);
