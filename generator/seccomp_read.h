/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp profiles in JSON as container engines take them: the OCI runtime specification's form
 * (runc, crun, whittle's own) and Docker's and Podman's, where entries hold only in containers with
 * certain capabilities, on certain machines or kernels.
 *
 * What a profile means is what libseccomp makes of it in runc and crun: entries of one call are
 * ORed, conditions of one entry ANDed, but where an entry has two conditions on the same argument
 * each condition is an entry of its own; an entry that answers as the default is none; an
 * entry without conditions goes before all others of its call; where entries of one call with
 * different answers overlap the first one counts. (libseccomp 2.5 itself may pass over an entry of
 * a call with several that have overlapping negations or inequalities, and answer by default.)
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "base/strset.h"
#include "generator/seccomp_rules.h"
#include "generator/value_classes.h"
#include "model/tables.h"

/* Answers are the kernel's own: SECCOMP_RET_* with errno or trace data (linux/seccomp.h). */
typedef uint32_t SeccompAnswer;

/* "allowed", "EPERM", "killed", …, in OUT. */
const char *seccomp_answer_text(SeccompAnswer answer, char *out, size_t size);

/* 0: the call does not run. 1: another process decides. 2: it runs. */
int seccomp_answer_rank(SeccompAnswer answer);

/* Where and when an entry holds. */
typedef struct SeccompGate {
    uint64_t caps;         /* bit N: capability N must be held */
    uint64_t caps_without; /* of these none may be held */
    uint32_t machines;     /* bit i: holds on a machine of Arch i; 0: on all */
    uint32_t machines_without;
    bool machines_unknown;   /* it names only machines that whittle does not know */
    uint32_t kernel;         /* major << 16 | minor: holds from there on */
    uint32_t kernel_without; /* … and before this one; 0: on all */
} SeccompGate;

typedef struct SeccompCondition {
    unsigned index;
    ValueTest test;
} SeccompCondition;

typedef struct SeccompEntry {
    const char *name;       /* in the profile's strings */
    const Syscall *syscall; /* NULL: not in whittle's tables */
    SeccompAnswer answer;
    SeccompGate gate;
    SeccompCondition conditions[SYSCALL_ARGS]; /* each index once */
    size_t conditions_count;
    size_t order; /* in the file */
} SeccompEntry;

typedef struct SeccompProfile {
    StringSet *strings;
    SeccompAnswer default_answer;
    /* By machine's Arch: bit i: Arch i is let through there. A profile that names none has just the
     * machine's own. */
    uint32_t archs[ARCH_COUNT];
    SeccompEntry *entries; /* by name, then order */
    size_t count, capacity;
} SeccompProfile;

void seccomp_profile_deinit(SeccompProfile *profile);

/* JSON with "defaultAction": a seccomp profile? LENGTH bytes of TEXT, not ended by NUL. */
bool seccomp_profile_detect(const char *text, size_t length);

/*
 * NAME is for messages, which say where. What is passed over (an architecture that whittle does not
 * know) is appended to NOTES (may be NULL), a line each. 0, -EINVAL or -ENOMEM with ERR.
 */
int seccomp_profile_parse(const char *name, const char *text, size_t length,
                          SeccompProfile *ret_profile, Buffer *notes, Error *err);

/* The same of a policy's rules. */
int seccomp_profile_from_rules(const SeccompRules *rules, SeccompProfile *ret_profile, Error *err);

/* ---- what it means --------------------------------------------------------------------------- */

/* A container to ask about. */
typedef struct SeccompPlace {
    Arch arch; /* of the call */
    uint64_t caps;
    uint32_t kernel;
} SeccompPlace;

/* PROFILE lets calls of the place's architecture through at all. */
bool seccomp_profile_has_arch(const SeccompProfile *profile, Arch arch);

/* ENTRY holds there, and says something else than the default. */
bool seccomp_entry_holds(const SeccompProfile *profile, const SeccompEntry *entry,
                         const SeccompPlace *place);

/* Entries of the call of that NAME: the first, and *RET_END one past the last. */
size_t seccomp_profile_find(const SeccompProfile *profile, const char *name, size_t *ret_end);

/* The test of CONDITION as it is on ARCH: of 32 bits, where registers are. */
ValueTest seccomp_condition_test(const SeccompCondition *condition, Arch arch);

/* The answer to a call by NAME. */
SeccompAnswer seccomp_profile_answer(const SeccompProfile *profile, const SeccompPlace *place,
                                     const char *name, const uint64_t args[SYSCALL_ARGS]);
