/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's description with other profiles than its own, while it is recorded.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "tracer/container_filter.h"
#include "tracer/oci_bundle.h"

typedef struct OciProfileChange {
    bool lift;            /* let through what the profiles refuse: tracer/oci_permissive.h */
    const char *listener; /* socket that is notified of calls: tracer/oci_listener.h; NULL: none */
    const char *metadata; /* what the listener is told besides */
} OciProfileChange;

/* The text of BUNDLE's file, or of exec's, changed so, is appended to OUT. 0 or a negative errno
 * with ERR. */
int oci_profile_text(const OciBundle *bundle, const OciProfileChange *change, Buffer *out,
                     Error *err);

/* What the listener of CHANGE has to refuse; NULL in *RET: BUNDLE has no profile. 0 or a negative
 * errno with ERR. */
int oci_profile_filter(const OciBundle *bundle, const OciProfileChange *change,
                       ContainerFilter **ret, Error *err);

/* What CHANGE made of BEFORE is in the file no more: who runs the container once more has its
 * profiles in force. A file that somebody else has changed stays as it is. BEFORE was read before
 * the change. 0 or a negative errno with ERR. */
int oci_profile_undo(const OciBundle *before, const OciProfileChange *change, Error *err);

/* linux.seccomp of BUNDLE, in which all numbers are whole ones; NULL in *RET: there is none. */
struct json_t;
int oci_profile_read(const OciBundle *bundle, struct json_t **ret, Error *err);

/* Does the action let the call run? */
bool oci_action_lets_run(const char *action);
