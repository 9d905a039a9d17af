/* SPDX-License-Identifier: Apache-2.0 */
/* AppArmor in `whittle verify`: the policy's profile under a name of its own, in force for the
 * command alone, and what the kernel denied by it. */
#pragma once

#include "generator/judge.h"
#include "tracer/audit_reader.h"

typedef struct VerifyApparmor {
    char name[64];   /* the profile's, while ACTIVE */
    bool active;     /* it is loaded */
    Buffer obstacle; /* why not, or what the kernel cannot enforce of it; a line without its end */
    uint32_t
        mediated; /* bit i: this kernel's AppArmor refuses what PolicySection i does not allow */
    size_t rules; /* that the profile has of the policy */
    AuditReader reader;
    bool reads;    /* the kernel's denials are read */
    Buffer unread; /* why not, or not all */
    Buffer records;
    Recording *denials; /* owned; NULL: there were none */
} VerifyApparmor;

#define VERIFY_APPARMOR_NONE ((VerifyApparmor){.reader = AUDIT_READER_NONE})

void verify_apparmor_deinit(VerifyApparmor *apparmor);

/* Loads the profile of SECTIONS of POLICY (sorted) as NAME and starts reading denials. Where that
 * cannot be, APPARMOR says why: no error. 0 or a negative errno with ERR. */
int verify_apparmor_begin(const Policy *policy, uint32_t sections, const char *name,
                          VerifyApparmor *apparmor, Error *err);

/* After the run: takes the denials; by the policy's name. 0 or a negative errno with ERR. */
int verify_apparmor_end(VerifyApparmor *apparmor, const char *policy_name, Error *err);

/*
 * Notes in FINDINGS, of RECORDING, what AppArmor denied, and adds to both what it denied and the
 * recorder did not see, or the policy allows: then the profile is not what the policy says. 0 or a
 * negative errno with ERR.
 */
int verify_apparmor_judge(const VerifyApparmor *apparmor, const Policy *policy, uint32_t sections,
                          Recording *recording, Findings *findings, Error *err);
