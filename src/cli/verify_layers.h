/* SPDX-License-Identifier: Apache-2.0 */
/* What of a policy can be put in force here, and how. */
#pragma once

#include "cli/verify_apparmor.h"
#include "generator/findings_report.h"
#include "generator/landlock_present.h"
#include "generator/minimise.h"
#include "generator/seccomp_rules.h"
#include "tracer/enforcement.h"

typedef struct VerifyLayers {
    Enforcement enforcement; /* points into this: it stays where it was made */
    SeccompRules calls;
    LandlockPlan landlock;
    const VerifyApparmor *apparmor; /* borrowed */
    Withheld *withheld;             /* owned: what is refused by what it would do */
    Layer layers[POLICY_SECTION_COUNT];
    size_t count;
} VerifyLayers;

void verify_layers_deinit(VerifyLayers *layers);

/* Of these sections the recorder is to be told everything. */
#define VERIFY_TOLD(sections) ((sections) | 1u << POLICY_SIGNALS)

/* For SECTIONS of POLICY (sorted), with APPARMOR (NULL: none), which is to outlive it: where that
 * is active, Landlock need not stand in. WHOLE is POLICY, or it with rules that were taken away: as
 * far as nothing else can refuse what those allow, the recorder does. 0 or a negative errno with
 * ERR; LAYERS is to be given up in either case. */
int verify_layers_make(const Policy *policy, const Policy *whole, uint32_t sections,
                       const VerifyApparmor *apparmor, VerifyLayers *layers, Error *err);

/* Notes in FINDINGS what was refused. */
void verify_layers_judge(const VerifyLayers *layers, Findings *findings);

/* Those that POLICY (sorted) grants, a bit each. */
uint64_t verify_capabilities(const Policy *policy);
