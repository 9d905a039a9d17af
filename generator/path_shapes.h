/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a path that are different in every run: process ids under /proc, and names that
 * mkstemp(3) and its like made up. Only what the workload itself created can be a made-up name, and
 * only where scratch files are kept, or where it made several alike in one folder.
 */
#pragma once

#include "base/buffer.h"
#include "generator/infer_private.h"

typedef struct PathShapes PathShapes;

/* What is to be known about all paths together. NULL without memory. */
PathShapes *path_shapes_new(const PathUses *uses);
PathShapes *path_shapes_free(PathShapes *shapes);

/* Appends the pattern (model/policy.h) for PATH. *RET_REASON tells what was generalised, NULL
 * nothing (a process's number is none to tell of); a constant. */
int path_shapes_pattern(const PathShapes *shapes, const char *path, bool directory, Buffer *out,
                        const char **ret_reason);
