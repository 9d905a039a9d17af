/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles lifted for learning: what a seccomp profile refuses is let through and logged by the
 * kernel instead. The filter itself stays, so that the recording begins where it does otherwise; so
 * do refusals by ENOSYS, from which libc falls back as it will later, and what the profile asks to
 * be notified of.
 */
#pragma once

#include "tracer/oci_profile.h"

/* Changes SECCOMP. 0 or -ENOMEM. */
int oci_permissive_widen(struct json_t *seccomp);

/*
 * Appends the names of the calls that BUNDLE's seccomp profile refuses whatever their arguments
 * are, and oci_permissive_widen() lets through, as Run.profile_denies has them (model/recording.h).
 * 0 or a negative errno with ERR. Nothing for a container without such a profile.
 */
int oci_permissive_denies(const OciBundle *bundle, Buffer *out, Error *err);
