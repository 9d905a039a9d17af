/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that the recorder need not be told of, since a policy is known that allows them and nothing
 * but the call itself would be recorded: whoever only asks what is outside the policy lets them run
 * at full speed.
 */
#pragma once

#include "tracer/observer.h"

#include <seccomp.h>

/* Lets CONTEXT, a filter that notifies, allow the calls of its native architecture that OBSERVER,
 * to which KNOWN was given, need not be told of. 0 or a negative errno. */
int known_calls_allow(const Observer *observer, scmp_filter_ctx context);
