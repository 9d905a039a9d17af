/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tracer/paths.h"

enum { TEXT_MAX = PATH_MAX + 512, LINKS_MAX = 40 /* the kernel's MAXSYMLINKS */ };

typedef struct Slot {
    int fd;     /* O_PATH of what was found; -1 */
    bool named; /* text is what the kernel prints for fd */
    char text[TEXT_MAX];
} Slot;

typedef struct MountType {
    dev_t device;
    const char *name;
    UT_hash_handle hh;
} MountType;

struct Resolver {
    ProcessTable *table; /* borrowed */
    Slot slots[2];
    MountType *mounts; /* file system types by device */
    char own_proc[32]; /* "/proc/PID" of whittle itself */
};

/*
 * Resolves component by component, which is slower than the kernel's own look-up but can follow
 * what openat2(2) refuses: /proc/self as the tracee's, and the magic links below /proc/PID.
 * BASE is an O_PATH descriptor of the starting folder, ROOT one of the tracee's root. Gives an
 * O_PATH descriptor or a negative errno. With NOFOLLOW a plain link as last component is not
 * followed.
 */
int path_walk(const Tracee *tracee, int root, int base, const char *raw, bool nofollow);
