/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is each rule of a policy needed? Rules are taken away, and the workload is run with what is left:
 * `whittle verify --minimal`. Here is what that takes to know of policies and recordings; who runs
 * things is src/cli/verify_minimal.c.
 *
 * Sets of rules are arrays of bool, by the rule's index in the sorted policy.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "generator/judge.h"
#include "model/policy.h"
#include "model/recording.h"

/* A policy like POLICY (sorted) but for the rules TAKEN, sorted. 0 or -ENOMEM. */
int minimise_without(const Policy *policy, const bool *taken, Policy **ret_policy);

/* Adds to HIT the rules of AMONG (NULL: all) that allow what FINDINGS are about, but for what KNOWN
 * (NULL: nothing) finds too. 0, or a negative errno with ERR. */
int minimise_hits(const Findings *findings, const Findings *known, const Policy *policy,
                  const bool *among, bool *hit, Error *err);

/* Adds to USED the rules of SECTIONS of POLICY that allow something that RECORDING shows. 0, or a
 * negative errno with ERR. */
int minimise_used(Recording *recording, const Policy *policy, uint32_t sections, bool *used,
                  Error *err);

/*
 * Adds to RELATED the other rules of POLICY on which may depend whether INDEX is needed: those that
 * allow some of the same, and calls by which another libc, or the same one if the first is refused,
 * does the same thing. 0 or a negative errno.
 */
int minimise_related(const Policy *policy, size_t index, bool *related);

/* ---- refusing by what a call would do ------------------------------------------------------- */

/* What WHOLE allows and LEFT does not, both sorted and borrowed. */
typedef struct Withheld Withheld;

Withheld *withheld_new(const Policy *whole, const Policy *left, uint32_t sections);
Withheld *withheld_free(Withheld *withheld);

/*
 * As Enforcement.fact_refusal of tracer/enforcement.h: EACCES where FACT, if it came to pass, would
 * be something that only rules which were taken away allow, or a signal that LEFT does not allow;
 * to every process of the machine whatever SECTIONS: a shell that is refused getpid() takes -1 for
 * its own number, and kill(-1) would end more than the workload. Else 0. DATA is the Withheld.
 */
int withheld_refusal(void *data, const Fact *fact);
