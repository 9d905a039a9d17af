/* SPDX-License-Identifier: Apache-2.0 */
/* Small text files of /proc, proc(5). */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* What one read(2) gives of PATH, at most SIZE - 1 bytes, into TEXT, ended by NUL. Its length,
 * which may be 0, or a negative errno. */
ssize_t procfs_read(const char *path, char *text, size_t size);

/* The same of /proc/TID/NAME. */
ssize_t procfs_read_task(pid_t tid, const char *name, char *text, size_t size);

/* The state of PID ('R', 'S', 'T', …) and who its parent is. 0 or a negative errno. */
int procfs_stat(pid_t pid, char *ret_state, pid_t *ret_parent);

/* The number that is field FIELD of /proc/PID/stat, proc(5), counted from 1 and at least 4. 0 or a
 * negative errno. */
int procfs_stat_number(pid_t pid, int field, long long *ret_number);

/* What stands behind "FIELD:" in TEXT, which has a field a line (/proc/PID/status, fdinfo); NULL if
 * there is none. Not only that line, but all from there. */
const char *procfs_field(const char *text, const char *field);

/* The last of the numbers of FIELD, which of NSpid and the like is that of the innermost namespace;
 * 0 if there is none. */
pid_t procfs_innermost(const char *text, const char *field);
