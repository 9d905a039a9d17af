/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's description with its profiles lifted, for learning: what the seccomp profile
 * refuses is let through and logged by the kernel instead, and AppArmor is left out. The filter
 * itself stays, so that the recording begins where it does otherwise; so do refusals by ENOSYS,
 * from which libc falls back as it will later, and what the profile asks to be notified of.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "tracer/oci_bundle.h"

/* The text of BUNDLE's file, or of exec's, changed so, is appended to OUT. 0 or a negative errno
 * with ERR. */
int oci_permissive_text(const OciBundle *bundle, Buffer *out, Error *err);

/* What oci_permissive_text() made of BEFORE is in the file no more: who runs the container once
 * more has its profiles in force. A file that somebody else has changed stays as it is. BEFORE was
 * read before. 0 or a negative errno with ERR. */
int oci_permissive_undo(const OciBundle *before, Error *err);

/*
 * Appends the names of the calls that BUNDLE's seccomp profile refuses whatever their arguments
 * are, and oci_permissive_text() lets through, as Run.profile_denies has them (model/recording.h).
 * 0 or a negative errno with ERR. Nothing for a container without such a profile.
 */
int oci_permissive_denies(const OciBundle *bundle, Buffer *out, Error *err);
