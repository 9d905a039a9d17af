/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where to start looking up paths of a process that may be gone: the root folders of other mount
 * namespaces, opened through /proc while some process with that root is there to be asked, and kept
 * for a moment after. Not for longer: what is held open here cannot be unmounted. So other roots in
 * them (chroot) are opened from there, for one event each. The namespaces
 * themselves are held while recorded tasks are there and until all they did has been looked at.
 */
#pragma once

#include "tracer/captured.h"

CaptureRoots *capture_roots_new(ProcessTable *table); /* borrowed */
CaptureRoots *capture_roots_free(CaptureRoots *roots);

/* The root of the process in CAPTURED; NULL where it cannot be had (any more). Good until the next
 * call. */
const Root *capture_root(CaptureRoots *roots, const Captured *captured);

/* The path of that root from the root of its mount namespace, "" for that itself. */
const char *capture_root_text(const Captured *captured);

/* The process is in whittle's own mount namespace; and has whittle's root, too. */
bool capture_namespace_is_own(const CaptureRoots *roots, const Captured *captured);
bool capture_root_is_own(const CaptureRoots *roots, const Captured *captured);

/* CAPTURED is a pivot_root() or moved a mount, maybe over the root. */
bool capture_moves_root(const Captured *captured);

/* A call was told that may have made another folder the root of that namespace. */
void capture_roots_moved(CaptureRoots *roots, uint32_t mount_namespace);

/* EVENT_NAMESPACE_ENTERED: the mount namespace is held until … */
void capture_roots_entered(CaptureRoots *roots, const Captured *captured);
/* … EVENT_NAMESPACE_LEFT, behind which nothing comes from there. */
void capture_roots_left(CaptureRoots *roots, uint32_t mount_namespace);

/* Closes what can be opened again at any time: it could not be unmounted. */
void capture_roots_release(CaptureRoots *roots);

/* To be called about once a second: closes what was not used for a while. */
void capture_roots_tick(CaptureRoots *roots);
