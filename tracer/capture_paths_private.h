/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of capture_paths.c share. */
#pragma once

#include "tracer/capture_paths.h"

/* What was found is remembered for those who come when it is gone: capture_seen.h. */
void captured_remember(const Captured *captured, const PathResult *path);

/* The folder that QUERY starts from; NULL if there is none, and *RET_TOLD is whether that was
 * captured at all. */
const struct file_blob *captured_folder(const Captured *captured, const PathQuery *query,
                                        bool *ret_told);

/*
 * RAW goes through the magic link of a descriptor of the process's own: what that refers to, and in
 * *RET_REST how the path goes on from there. NULL where RAW is none, or the kernel side told
 * nothing.
 */
const struct file_blob *captured_through_descriptor(const Captured *captured, const char *raw,
                                                    const char **ret_rest);

/* Looks QUERY up now, into SLOT and RESULT, which is blank and stays without text and error where
 * that does not tell what the path was. capture_look_up.c */
void captured_look_up(Resolver *resolver, const Tracee *tracee, const PathQuery *query, Slot *slot,
                      PathResult *result);

/* RESULT is how it is now; it becomes how it was when the call was made, as the call's own result
 * tells: what a successful call made was not there, what it used was. capture_was.c */
void captured_as_it_was(const Captured *captured, const PathQuery *query, PathResult *result);
