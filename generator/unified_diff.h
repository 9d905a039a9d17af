/* SPDX-License-Identifier: Apache-2.0 */
/* A change to a text as patch(1) and `git apply` take it. */
#pragma once

#include "base/buffer.h"

/* Appends what turns OLD into FRESH, both text of the file NAME; nothing if they are equal. Meant
 * for texts that mostly gained lines: it is right for all, but short for those. 0 or -ENOMEM. */
int unified_diff(const char *name, const char *old, const char *fresh, Buffer *out);
