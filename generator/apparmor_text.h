/* SPDX-License-Identifier: Apache-2.0 */
/* Words of the AppArmor policy language, apparmor.d(5). */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>

/* What @{pid} stands for: a number from 1 to 4194304, the kernel's own limit of process ids, as
 * tunables/kernelvars has it. */
extern const char apparmor_pid_pattern[];

/* Appends a policy's pattern as AppArmor reads it, in quotes where it must be. A pattern that is
 * none appends nothing and gives -EINVAL. */
int apparmor_append_pattern(Buffer *out, const char *pattern);

/* As apparmor_append_pattern(), with @{HOME} for APPARMOR_HOMES at the beginning of a path. */
int apparmor_append_path(Buffer *out, const char *pattern);

/* What @{HOME} stands for, as a pattern of a policy, and its definition. */
#define APPARMOR_HOMES "/{home/*,root}"
bool apparmor_is_in_homes(const char *pattern);
extern const char apparmor_homes_definition[];

/* The name of a signal ("SIGTERM" → "term", "SIGRT_3" → "rtmin+3"), in OUT; NULL if it has none. */
const char *apparmor_signal(const char *name, char *out, size_t size);

/* All network families, ended by NULL. */
const char *const *apparmor_families(void);
bool apparmor_knows_family(const char *family);
bool apparmor_knows_socket_type(const char *type);

/* A mount option or flag ("ro", "MS_NOSUID", "nosuid") as AppArmor calls it; NULL if it has none.
 */
const char *apparmor_mount_option(const char *name);
