/* SPDX-License-Identifier: Apache-2.0 */
/* What infer.c calls: one file a part of the policy. All give 0 or -ENOMEM. */
#pragma once

#include "generator/infer.h"
#include "generator/knowledge.h"

/* What changes a file or its folder. */
enum {
    PATH_WRITES = ACCESS_WRITE | ACCESS_APPEND | ACCESS_CREATE | ACCESS_DELETE | ACCESS_RENAME |
                  ACCESS_LINK | ACCESS_CHMOD | ACCESS_CHOWN | ACCESS_TRUNCATE,
};

/* One path with all that was done to it, from all facts about it. */
typedef struct PathUse {
    const char *path; /* bytes, of the recording */
    uint32_t access;  /* ACCESS_*, by anybody */
    uint32_t owner;   /* FILE_* that its owner needed … */
    uint32_t other;   /* … and others, or where that is not known */
    uint32_t exec;    /* FILE_* that being executed or loaded needs */
    /* While facts are gathered: what the program SUBJECT needed while whose the file is was not
     * known, and whether it is known otherwise that the program's processes own it. */
    const char *subject;
    uint32_t unknown;
    uint32_t unsettled; /* of all programs */
    bool owned, not_owned;
    bool typed;       /* some fact tells what it is … */
    bool directory;   /* … a directory */
    bool linked;      /* a hard link to it was made */
    bool python;      /* a Python interpreter created it */
    bool named_after; /* … a process whose number is in the name, … */
    bool named_hex;   /* … in hexadecimal digits */
    bool changed;     /* its owner was changed */
    bool one_run;     /* only one run used it … */
    uint32_t run;     /* … this one */
    /* What its creator is known to call its scratch files, NULL nothing. */
    const TemporaryName *temporary[2];
} PathUse;

typedef struct PathUses {
    PathUse *items; /* sorted by path, each once */
    size_t count;
    size_t capacity;
    bool directories_renamed; /* so that a new name may be one */
} PathUses;

void path_uses_deinit(PathUses *uses);

/* All paths of RECORDING (sorted) for which a permission was needed and may have been used. */
int path_uses_collect(const Recording *recording, PathUses *uses);

/* The FILE_* that what FACT, of a file or program, shows asks for; 0: it asks for nothing. */
uint32_t infer_path_letters(const Fact *fact);

/* The use of the path of LENGTH bytes at PATH, NULL if there is none. */
const PathUse *path_uses_find(const PathUses *uses, const char *path, size_t length);

/* The workload made it: it was not there before. */
static inline bool path_use_created(const PathUse *use)
{
    return (use->access & ACCESS_CREATE) != 0;
}

typedef struct PathShapes PathShapes; /* path_shapes.h */

int infer_syscalls(Recording *recording, const InferOptions *options, Policy *policy,
                   Buffer *notes);
/* Before infer_syscalls(), whose rules keep the reasons that are there. */
int infer_io_uring(const Recording *recording, Policy *policy, Buffer *notes);
int infer_files(const PathUses *uses, const PathShapes *shapes, const InferOptions *options,
                Policy *policy, Buffer *notes);
/* The set of files that USE's stands for at LEVEL, NULL: none, or more than reading was needed. */
const PathSet *infer_path_set(const PathUse *use, Generalise level);
/* Appends the pattern of SET's rule to OUT and what it grants to REASON. */
int infer_set_pattern(const PathSet *set, Buffer *out, Buffer *reason);
/* Tells in NOTES of what POLICY's file rules let write and execute. */
int write_audit(const PathUses *uses, const Policy *policy, Buffer *notes);
/* The rule that allows what FACT, of a system call, shows: of clone3 that of clone, which libc
 * falls back to. False if the tables do not know the call. */
bool infer_call(const Fact *fact, PolicyRule *ret_rule);
/* The errno with which a filter refused FACT's call each time while a container was recorded; 0:
 * not so, or not by a filter. */
int infer_refusal(Recording *recording, const Fact *fact);
/* What of a socket's path is different in every run is so in its rules, too. */
int infer_system(const Recording *recording, const PathShapes *shapes, Policy *policy);
/* Adds the rule that allows what FACT, of one of these kinds, shows; none where it needs none. */
int infer_system_fact(const Fact *fact, Policy *policy);
/* The same of a FACT_UNIX, its address by SHAPES (NULL: as it is). */
int infer_unix_fact(const Fact *fact, const PathShapes *shapes, Policy *policy);
/* The kernel asks for this capability itself rather than for it or a larger one. */
bool infer_asks_strictly(const Fact *fact);
int infer_container(Recording *recording, const PathUses *uses, Policy *policy, Buffer *notes);
