/* SPDX-License-Identifier: Apache-2.0 */
/* What a recording shows that a policy does not allow. */
#pragma once

#include "base/error.h"
#include "generator/knowledge.h"
#include "model/policy.h"
#include "model/recording.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sections that a recording can be held against; the others say how a container is to be made. */
#define JUDGED_SECTIONS ((1u << POLICY_TMPFS) - 1)

/* One behaviour outside the policy, however often and by however many programs it was seen. */
typedef struct Finding {
    PolicySection section;
    char *rule;   /* owned: the text of the rule that would allow it */
    bool foreign; /* a system call of an architecture that the policy does not have: "open of i386"
                   */
    bool denied;  /* the policy has a rule against it */
    bool refused; /* the kernel did refuse it; judge() does not know */
    /* Of a signal: a refused call may be what made it go so wide, and of a write() that the program
     * complains of that (pid_doubt.h), so that no rule is proposed for it; NULL: none. */
    const PidCall *doubt;
    bool powerless;      /* of a capability: a rule would give it to nobody who asked; so none is
                            proposed */
    char *proposal;      /* owned: the rule that is proposed for it (findings_propose()) where that
                            is not RULE itself; NULL: it is */
    char *grant;         /* owned: what speaks for the proposal and what it grants; may be NULL */
    const RiskRow *risk; /* why it is dangerous to allow it; NULL: nothing is known */
    size_t *facts;       /* owned: indices into the recording, sorted */
    size_t facts_count, facts_capacity;
} Finding;

typedef struct Findings {
    Finding *items; /* sorted by section, then rule */
    size_t count, capacity;
} Findings;

void findings_deinit(Findings *findings);

/*
 * Appends to *FINDINGS what RECORDING shows of SECTIONS (bit i: PolicySection i)
 * that POLICY (sorted) does not allow. A system call counts also if it failed; all else if it may
 * have succeeded, and not in phase runtime-init. What a container's runtime does itself is not
 * judged. 0 or a negative errno with ERR.
 */
int judge(Recording *recording, const Policy *policy, uint32_t sections, Findings *findings,
          Error *err);

/*
 * The same of capabilities that were asked for in vain: whether the workload needed them only its
 * outcome tells. Those that POLICY grants, and that were had another time, are left out.
 */
int judge_withheld(Recording *recording, const Policy *policy, Findings *findings, Error *err);

/*
 * Says of each of FINDINGS, made by judge() of RECORDING and POLICY, which rule generate would make
 * of it: a path that is different in every run is a pattern, and a file that stands for a set the
 * set, unless POLICY has rules for single ones of these. 0 or a negative errno with ERR.
 */
int findings_propose(Findings *findings, Recording *recording, const Policy *policy, Error *err);
