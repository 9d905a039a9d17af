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
    MountType *mounts;  /* file system types by device */
    char own_proc[32];  /* "/proc/PID" of whittle itself */
    bool open_nothing;  /* the workload decides over opening files */
    bool expect_served; /* the workload has mounted FUSE */
};

/*
 * Resolves component by component, which is slower than the kernel's own look-up but can follow
 * what openat2(2) refuses: /proc/self as the tracee's, and the magic links below /proc/PID.
 * BASE is an O_PATH descriptor of the starting folder, ROOT one of the tracee's root. Gives an
 * O_PATH descriptor or a negative errno. With NOFOLLOW a plain link as last component is not
 * followed.
 */
int path_walk(const Tracee *tracee, int root, int base, const char *raw, bool nofollow);

/*
 * Looks RAW up, from BASE (an O_PATH descriptor of the folder it starts from, or AT_FDCWD where RAW
 * is absolute in whittle's own root), and fills RESULT and SLOT.
 */
void resolver_look_up(Resolver *resolver, const Tracee *tracee, const Root *root, Slot *slot,
                      int base, const char *raw, PathFinal final, PathResult *result);

/* The same with FOLDER, an O_PATH descriptor, as the root that neither links nor ".." lead out of,
 * for RAW that is relative to it; ROOT is still the tracee's. */
void resolver_look_up_below(Resolver *resolver, const Tracee *tracee, const Root *root, Slot *slot,
                            int folder, const char *raw, PathFinal final, PathResult *result);

/* The folder that RAW starts from, O_PATH; AT_FDCWD where none is needed; or a negative errno.
 * *OWNED is to be closed. */
int path_start(const Tracee *tracee, const Root *root, int dirfd, const char *raw, int *owned);

/* ---- names, path_names.c -------------------------------------------------------------------- */

/* By the number that statfs(2) gives; "" for one that no reader cares for. */
const char *filesystem_name(uint64_t magic);

/* Takes " (deleted)" off the name of what has no links, or others than that; ROOT: a folder that
 * TEXT may be relative to, -1 for none; MOUNT: the file system's type. */
void path_cut_deleted(char *text, int root, const struct stat *st, const char *mount);

/* Replaces process numbers in a path on procfs; TEXT has TEXT_MAX bytes. ROOT_PREFIX: that of the
 * process's root, OWN_ROOT: the root is whittle's. */
void path_hide_numbers(Process *process, bool own_root, const char *root_prefix, char *text);

/* TEXT, as the kernel prints it, is a path and no name of an object without one. */
bool path_is_named(const char *text);

/* ---- text, path_text.c ---------------------------------------------------------------------- */

/*
 * Splits RAW into the folder part and its last component. False where the last component is no
 * name ("/", "a/.", "..", empty) or longer than LAST_SIZE - 1. FOLDER, of PATH_MAX bytes, gets at
 * least ".".
 */
bool path_split(const char *raw, char *folder, char *last, size_t last_size);

/* The same, but takes "." and ".." for names. */
bool path_split_any(const char *raw, char *folder, char *last, size_t last_size);

/* Puts LAST behind TEXT (of PATH_MAX bytes) or before it, with a slash between. False: no room. */
bool path_append(char *text, const char *last);
bool path_prepend(char *text, size_t size, const char *first);

/*
 * TEXT, relative, without "." and "..", as if no component were a link. Of what would lead out
 * of the folder it starts from only the first component is left.
 */
void path_simplify(char *text);
