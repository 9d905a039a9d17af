/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File systems that the workload itself serves (FUSE). A look-up there waits for the server, and
 * the server, stopped in a call of its own, for the recorder: whoever asks waits for ever, beyond
 * the reach of SIGKILL, and sync(2) of the whole machine with it. So nothing here asks: names are
 * worked out from text as far as such a file system begins, and what is in it stays unknown.
 */
#pragma once

#include "tracer/process_table.h"

#include <linux/limits.h>

/* A mount of type FSTYPE may be served by the workload. */
bool served_type(const char *fstype);

/*
 * RAW, relative to descriptor DIRFD of TRACEE unless absolute, leads onto a served file system.
 * Then true, and OUT (of PATH_MAX bytes) is its name in ROOT, links resolved up to the mount, "."
 * and
 * ".." as if there were no links behind it.
 */
bool served_path(const Tracee *tracee, const Root *root, int dirfd, const char *raw, bool nofollow,
                 char *out);

/* What process PID, which runs already, has open to serve others by: a file system, or the answers
 * that fanotify(7) waits for. */
void served_by(pid_t pid, bool *ret_file_system, bool *ret_permissions);

/* The attributes of PATH that the kernel has, whoever serves the file system: device, inode and
 * type are right, the rest may be old. 0 or a negative errno. FLAGS as in statx(2). */
int served_stat(int dirfd, const char *path, int flags, struct stat *ret);
