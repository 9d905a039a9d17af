/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the comparison share: generator/diff*.c and risk.c. */
#pragma once

#include "generator/apparmor_read.h"
#include "generator/diff.h"
#include "generator/glob_set.h"
#include "generator/knowledge.h"
#include "generator/seccomp_read.h"

/* What an input says, each part NULL or false where it says nothing of that. */
typedef struct DiffSide {
    const char *name; /* of the file, for messages; borrowed */
    const char *kind;
    Policy *policy; /* sorted */
    Recording *recording;
    SeccompProfile *seccomp;
    bool has_capabilities;
    uint64_t capabilities; /* bit N: capability N */
    ApparmorFile *apparmor;
    Buffer apparmor_text; /* what that was read from */
} DiffSide;

struct DiffInput {
    char *path;
    DiffSide side;
};

/* Each adds its changes to DIFF. 0 or a negative errno with ERR. */
int diff_seccomp(const SeccompProfile *old, const SeccompProfile *fresh, Diff *diff, Error *err);
int diff_capabilities(uint64_t old, uint64_t fresh, Diff *diff, Error *err);
int diff_policies(const Policy *old, const Policy *fresh, Diff *diff, Error *err);

/* PREFIX goes before the names of sections. */
int diff_apparmor(const ApparmorFile *old, const ApparmorFile *fresh, const char *prefix,
                  Diff *diff, Error *err);

/* One answer that differs, for one place: what a call and its conditions got and get. */
typedef struct CallChange {
    SeccompAnswer before, after;
    char *what;                  /* "socket 0=AF_PACKET"; owned */
    char *example;               /* values of the arguments; owned, may be NULL */
    uint64_t args[SYSCALL_ARGS]; /* the same as numbers */
    bool upper;                  /* only where the upper half of a 32-bit argument is not 0, */
    bool harmless;               /* and that same call, without, was allowed already */
    bool undecided;              /* too many conditions: it may be more that is allowed */
    const RiskRow *risk;
} CallChange;

typedef struct CallChanges {
    CallChange *items;
    size_t count, capacity;
} CallChanges;

void call_changes_deinit(CallChanges *changes);

/* What of the call NAME differs. -E2BIG: too many conditions. */
int call_compare(const SeccompProfile *old, const SeccompProfile *fresh, const SeccompPlace *place,
                 const char *name, CallChanges *changes);

/* Sets CHANGE's risk and why, of ROW; NULL: none. */
void risk_set(Change *change, const RiskRow *row);

/* The filters of both sides, each NULL where there is none. */
typedef struct DiffFilters {
    const SeccompProfile *old, *fresh;
} DiffFilters;

/* Fills who needed what became allowed, from facts of RECORDING. 0 or -ENOMEM. */
int diff_witnesses(Diff *diff, const Recording *recording, const DiffFilters *filters);
