/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is of a plan's patterns. Landlock knows no patterns, so a plan grants the folder
 * before the first wildcard of one. Where files come and go with their packages alone, that is
 * narrowed to what the pattern stands for now: a folder all of whose content it matches, and single
 * files.
 */
#pragma once

#include "generator/landlock_plan.h"

/* The folders where the system's packages have what is only read. NULL at the end. */
extern const char *const landlock_settled[];

/* Narrows the patterns of PLAN that begin in one of the folders SETTLED (without links, NULL at the
 * end). One that stands for very much stays as it is. 0 or -ENOMEM. */
int landlock_plan_narrow(LandlockPlan *plan, const char *const *settled);
