/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path arguments, resolved as the kernel will resolve them for the tracee: in its root, working
 * folder and mount namespace, with its own idea of /proc/self.
 */
#pragma once

#include "tracer/process_table.h"

/* What a resolved path found. Strings are in the Resolver and good until its next use. */
typedef struct PathResult {
    int error;     /* 0: the thing is there; else errno of the look-up (positive) */
    char *text;    /* canonical path in the tracee's view; NULL where none could be worked out */
    bool unsure;   /* nothing could be looked up: there may be links in TEXT */
    bool is_path;  /* false for what has no name in a file system: pipes, sockets, memfds */
    bool dangling; /* the last component is a link to nothing (error is ENOENT) */
    bool has_stat, has_parent;
    struct stat st;
    struct stat parent;
    const char *mount; /* file system type, "" unknown */
    bool served;       /* the workload serves that file system: only the name is known, served.h */
} PathResult;

typedef struct Resolver Resolver;

Resolver *resolver_new(ProcessTable *table);
Resolver *resolver_free(Resolver *resolver);

/* What is to be resolved. */
typedef struct PathQuery {
    int argument;    /* the call's argument that names it; -1: none does (an interpreter) */
    int dirfd;       /* RAW is relative to it; AT_FDCWD: to the working folder */
    const char *raw; /* as the program gave it */
    PathFinal final; /* what becomes of a link as last component */
    bool empty_ok;   /* an empty RAW names DIRFD itself (AT_EMPTY_PATH) */
    bool in_root;    /* DIRFD is the root of the look-up (RESOLVE_IN_ROOT); RAW is relative */
    bool opens;      /* the descriptor that the call returns is for it */
    uint32_t access; /* what the call does to it, ACCESS_*; 0 for an open() */
} PathQuery;

/*
 * RESULT is always filled; RESULT->error says what happened. Slot 0 or 1: which of the resolver's
 * two results to use, for calls with two paths. Of a call that is over (Tracee.captured) RESULT
 * tells how it was before, as far as is known.
 */
void resolver_resolve(Resolver *resolver, Tracee *tracee, const PathQuery *query, unsigned slot,
                      PathResult *result);

/*
 * What RESOLVE (RESOLVE_* of openat2(2)) makes of a QUERY that names something: RESULT_OK, EXDEV,
 * ELOOP, or RESULT_UNKNOWN where whittle cannot try. Not of what the workload serves.
 */
int resolver_confined(Resolver *resolver, Tracee *tracee, const PathQuery *query, uint64_t resolve);

/* What descriptor FD of the tracee names. */
void resolver_descriptor(Resolver *resolver, Tracee *tracee, int fd, unsigned slot,
                         PathResult *result);

/* The file that is mapped at ADDRESS; error ENOENT if that is none with a name. */
void resolver_mapping(Resolver *resolver, Tracee *tracee, uint64_t address, unsigned slot,
                      PathResult *result);

/* From now on the workload may serve file systems itself. */
void resolver_expect_served(Resolver *resolver);

/* Whether it may. */
bool resolver_expects_served(const Resolver *resolver);

/* From now on the workload may be asked whether a file may be opened (fanotify(7)): whittle opens
 * none any more, since who has to answer may wait for whittle. */
void resolver_open_nothing(Resolver *resolver);

/* Closes what the last resolves found. To be called before the tracee goes on: a folder that is
 * held open here is one that the tracee cannot unmount. */
void resolver_release(Resolver *resolver);

/* Opens what the last resolve into SLOT found, for reading; a descriptor or a negative errno,
 * -EBUSY after resolver_open_nothing().
 * Regular files only. */
int resolver_open(Resolver *resolver, unsigned slot);
