/* SPDX-License-Identifier: Apache-2.0 */
/* How far a policy may go beyond what was seen: `whittle generate --generalize`. */
#pragma once

#include <stdbool.h>

typedef enum Generalise {
    GENERALISE_CAREFUL, /* what the evidence shows to be different in every run; the default */
    GENERALISE_EXACT,   /* process numbers only, which a recording does not hold */
    GENERALISE_BROAD,   /* also what another machine, library or test would probably need */
} Generalise;

/* 0, or -EINVAL if TEXT is none of exact, careful, broad. */
int generalise_from_name(const char *text, Generalise *ret_level);

/* Does what a table marks with the level NAME hold at LEVEL? */
bool generalise_includes(Generalise level, const char *name);
