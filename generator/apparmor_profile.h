/* SPDX-License-Identifier: Apache-2.0 */
/* A policy's AppArmor profile, as apparmor.profile has it, but for those who load it themselves. */
#pragma once

#include "base/buffer.h"
#include "model/policy.h"

/* All is borrowed. */
typedef struct ApparmorProfile {
    const char *name;
    uint32_t sections; /* bit i: PolicySection i is confined; in others all is allowed */
    const char *more;  /* rules that are added, a line each; NULL none */
} ApparmorProfile;

/* Appends the profile to OUT, and to NOTES (NULL allowed), a line each, what of POLICY (sorted)
 * AppArmor cannot say. 0 or -ENOMEM. */
int apparmor_profile_print(const Policy *policy, const ApparmorProfile *profile, Buffer *out,
                           Buffer *notes);
