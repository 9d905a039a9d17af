/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a policy Landlock can enforce, landlock(7). It grants beneath folders and never takes
 * away again, so a plan refuses no more than the policy does, and often less: what only lets files
 * be used that are there already is granted exactly; what makes or deletes files is granted for the
 * whole folder, and a pattern at the last folder before its first wildcard (but see
 * landlock_present.h).
 */
#pragma once

#include "generator/judge.h"
#include "model/landlock.h"
#include "model/policy.h"

typedef struct LandlockPlan {
    LandlockRules rules;
    size_t exact, covered;    /* file rules granted as they are, and at a folder */
    const char *files_reason; /* why files are left alone, constant; NULL: they are not */
    const char *tcp_reason;   /* the same of TCP */
} LandlockPlan;

void landlock_plan_deinit(LandlockPlan *plan);

/* The plan for SECTIONS of POLICY (sorted) in a kernel whose Landlock is of version ABI (0: none).
 * 0 or -ENOMEM. */
int landlock_plan_make(const Policy *policy, uint32_t sections, int abi, LandlockPlan *plan);

/* Does the plan refuse what FINDING is about? False too where some of it is granted by chance. */
bool landlock_plan_refuses(const LandlockPlan *plan, const Finding *finding);

/* Adds that PATH may be used with ACCESS. 0 or -ENOMEM. */
int landlock_plan_grant(LandlockPlan *plan, const char *path, uint32_t access);
