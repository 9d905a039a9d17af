/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is each rule of a policy needed? Rules are taken away, and the workload is run with what is left:
 * `whittle verify --minimal`. Here is what that takes to know of policies and recordings; who runs
 * things is src/cli/verify_minimal.c.
 *
 * What is taken away are units: rules, and letters of file rules. (Of a call's argument each value
 * that is allowed is a rule.) Sets of them are arrays of bool, by the unit's index.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "generator/judge.h"
#include "model/policy.h"
#include "model/recording.h"

/* ---- units ---------------------------------------------------------------------------------- */

typedef struct MinimiseUnit {
    PolicyRule rule;             /* strings are the policy's; of a letter: with no other access */
    size_t whole;                /* the rule that it is a letter of; its own index: it is a rule */
    size_t letters, letters_end; /* of a rule: its letters, if it has several */
} MinimiseUnit;

/* The rules by their index in the sorted policy, which is borrowed; then the letters. */
typedef struct MinimiseUnits {
    const Policy *policy;
    MinimiseUnit *items;
    size_t rules, count;
    size_t capacity;
} MinimiseUnits;

/* 0 or -ENOMEM. */
int minimise_units_make(const Policy *policy, MinimiseUnits *ret_units);
void minimise_units_deinit(MinimiseUnits *units);

/* The access that is left of the file rule RULE, an index, without the units TAKEN. */
uint32_t minimise_letters_left(const MinimiseUnits *units, size_t rule, const bool *taken);

/* "w", of a letter. 0 or -ENOMEM. */
int minimise_print_letter(const MinimiseUnits *units, size_t index, Buffer *out);

/* "/a r", "w of /a rw". 0 or -ENOMEM. */
int minimise_print(const MinimiseUnits *units, size_t index, Buffer *out);

/* ---- with less ------------------------------------------------------------------------------ */

/* A policy like that of UNITS but for those TAKEN, sorted. 0 or -ENOMEM. */
int minimise_without(const MinimiseUnits *units, const bool *taken, Policy **ret_policy);

/* Adds to HIT the units of AMONG (NULL: all) that allow what FINDINGS are about, but for what KNOWN
 * (NULL: nothing) finds too. 0, or a negative errno with ERR. */
int minimise_hits(const Findings *findings, const Findings *known, const MinimiseUnits *units,
                  const bool *among, bool *hit, Error *err);

/* Adds to USED the units of SECTIONS that allow something that RECORDING shows. 0, or a negative
 * errno with ERR. */
int minimise_used(Recording *recording, const MinimiseUnits *units, uint32_t sections, bool *used,
                  Error *err);

/*
 * Adds to SAME the letters of the file rule RULE, an index, that each thing needs that RECORDING of
 * a run without that rule shows to have been asked of it, as FINDINGS say, but for KNOWN: had only
 * such a letter been missing, the same would have been refused. 0, or a negative errno with ERR.
 */
int minimise_same(const Recording *recording, const Findings *findings, const Findings *known,
                  const MinimiseUnits *units, size_t rule, bool *same, Error *err);

/*
 * Adds to RELATED the other units on which may depend whether INDEX is needed: those that allow
 * some of the same, and calls by which another libc, or the same one if the first is refused, does
 * the same thing. Neither is a letter of the same rule, nor the rule itself. 0 or a negative errno.
 */
int minimise_related(const MinimiseUnits *units, size_t index, bool *related);

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
