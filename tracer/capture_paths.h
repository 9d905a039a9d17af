/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolver for calls that are over: what the kernel side told of a file is the answer; where it
 * told only the folder, the path is looked up now, and what that finds is made into what it was.
 */
#pragma once

#include "tracer/capture_roots.h"
#include "tracer/capture_seen.h"
#include "tracer/paths_private.h"

/* What FILE tells, into SLOT and RESULT. */
void captured_describe(const Tracee *tracee, const struct file_blob *file, Slot *slot,
                       PathResult *result);

/* The parts of resolver_resolve(), resolver_descriptor() and resolver_mapping(): RESULT is blank
 * and SLOT empty. */
void captured_resolve(Resolver *resolver, Tracee *tracee, const PathQuery *query, Slot *slot,
                      PathResult *result);
void captured_resolve_descriptor(const Tracee *tracee, int fd, Slot *slot, PathResult *result);
void captured_mapping(const Tracee *tracee, Slot *slot, PathResult *result);
