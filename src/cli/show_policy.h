/* SPDX-License-Identifier: Apache-2.0 */
/* A policy as text for a person, and as JSON for a program. */
#pragma once

#include "base/buffer.h"
#include "model/policy.h"

/* PATH is how to call it. Sorts POLICY. 0 or a negative errno. */
int show_policy(Policy *policy, const char *path, bool coloured, Buffer *out);

/* One JSON document, docs/FORMATS.md. */
int show_policy_json(Policy *policy, Buffer *out);
