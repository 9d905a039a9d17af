/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AppArmor of the running kernel: what it mediates, loading a profile for a while and entering it.
 * Profiles are compiled and loaded by apparmor_parser(8), which knows what this kernel has; they
 * are taken away, and entered, through the kernel's own files.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>

/* Why no profile can be loaded here, a constant in words; NULL: it can. */
const char *apparmor_obstacle(void);

/* Has this kernel FEATURE, a path beneath /sys/kernel/security/apparmor/features? */
bool apparmor_has(const char *feature);

/*
 * Loads the profile of which PROFILE is the text, in place of any of its name. What this kernel
 * cannot enforce of it is appended to WARNINGS, a line each, as apparmor_parser says it. 0 or a
 * negative errno with ERR: -EINVAL if apparmor_parser refuses it.
 */
int apparmor_load(const Buffer *profile, Buffer *warnings, Error *err);

/* Takes the profile NAME away. 0, also where there is none of that name, or a negative errno. */
int apparmor_unload(const char *name);

/* The next execve() of the calling thread enters the profile NAME. Async-signal-safe. 0 or a
 * negative errno. */
int apparmor_enter_at_exec(const char *name);
