/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of paths that are different in every run, by evidence: what the workload itself made
 * up, named after a process, a hash or the time of the run, and what differs between runs of the
 * same command. docs/FORMATS.md, "Generalising paths", has the rules.
 */
#pragma once

#include "base/buffer.h"
#include "generator/infer_private.h"

/* What is to be known about all paths together; borrows USES. RECORDING tells of its runs. NULL
 * without memory. */
PathShapes *path_shapes_new(Recording *recording, const PathUses *uses, Generalise level);
PathShapes *path_shapes_free(PathShapes *shapes);

/*
 * Appends the pattern (model/policy.h) for PATH to OUT and, if something was generalised, to REASON
 * what speaks for it and what it grants (a process's number in /proc is none to tell of).
 */
int path_shapes_pattern(const PathShapes *shapes, const char *path, bool directory, Buffer *out,
                        Buffer *reason);

/* The pattern of USE is for the homes of all users, so its rule must be for owners alone. */
bool path_shapes_is_homes(const PathShapes *shapes, const PathUse *use);
