/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What apparmor_parser (parser_policy.c: profile_add_hat_rules(), add_proc_access()) adds of itself
 * to profiles that have hats or children, are hats, or have rules about change_profile: the files
 * that programs change hats and profiles with, for those who own them.
 */
#pragma once

#include "generator/apparmor_read.h"

enum { APPARMOR_IMPLIED_MAX = 4 };

/* The rules that PROFILE has beyond those that are written, in RULES; their number. */
size_t apparmor_implied(const ApparmorProfile *profile,
                        const ApparmorRule *rules[APPARMOR_IMPLIED_MAX]);

bool apparmor_is_implied(const ApparmorRule *rule);
