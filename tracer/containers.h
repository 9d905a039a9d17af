/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers that run on this machine, as the files of their engines and runtimes tell, and the
 * names of control groups. No engine is asked: that works without its socket and its client.
 */
#pragma once

#include "tracer/cgroups.h"

typedef struct Container {
    char *id;
    char *name;    /* NULL: it has none, or it is not known */
    char *runtime; /* "runc"; NULL: not known */
    char *image;   /* as it was asked for; NULL: not known */
    char *cgroup;  /* one of its cgroups: folder, or path in the hierarchy; NULL: not known */
    bool stopped;  /* it is there, but does not run */
} Container;

void container_deinit(Container *container);

/* All texts of its own. 0 or -ENOMEM. */
int container_copy(const Container *container, Container *ret_copy);

typedef struct Containers {
    Container *list;
    size_t count;
    size_t capacity;
} Containers;

void containers_deinit(Containers *containers);

/* Adds CONTAINER, or to the one of that id what was not known of it. Takes what it needs out of
 * CONTAINER. 0 or -ENOMEM. */
int containers_add(Containers *containers, Container *container);

/* All that can be found (container_files.c). What cannot be read is left out. 0 or -ENOMEM. */
int containers_read(const CgroupMounts *mounts, Containers *ret_containers);

/* The one with id NAME, else the one called NAME, else the only one whose id begins so. -ENOENT,
 * -ENOTUNIQ, or -ESRCH if it does not run: ERR says which there are. *RET_CONTAINER is borrowed. */
int containers_find(const Containers *containers, const char *name, const Container **ret_container,
                    Error *err);

/* The cgroup of a running container, where there are several (v1) one that has processes. 0 or a
 * negative errno. */
int container_cgroup(const CgroupMounts *mounts, const Container *container, Cgroup *ret_cgroup,
                     Error *err);

/* The folder that has the container ID in its name, in any hierarchy; to be freed. NULL: none. */
char *container_folder(const CgroupMounts *mounts, const char *id);

/* The id of the container that a cgroup called NAME is of: 64 hexadecimal digits at its end, before
 * ".scope" if it has that. NULL: it is none's. Borrowed from NAME, CONTAINER_ID_LENGTH long. */
enum { CONTAINER_ID_LENGTH = 64 };
const char *container_id_in(const char *name);
