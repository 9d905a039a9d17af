/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/generalise.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

/* From the narrowest to the widest. */
static const struct {
    const char *name;
    Generalise level;
} levels[] = {
    {"exact", GENERALISE_EXACT},
    {"careful", GENERALISE_CAREFUL},
    {"broad", GENERALISE_BROAD},
};

int generalise_from_name(const char *text, Generalise *ret_level)
{
    for (size_t i = 0; i < ARRAY_LENGTH(levels); i++) {
        if (strcmp(levels[i].name, text) == 0) {
            *ret_level = levels[i].level;
            return 0;
        }
    }
    return -EINVAL;
}

bool generalise_includes(Generalise level, const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(levels); i++) {
        if (strcmp(levels[i].name, name) == 0)
            return true;
        if (levels[i].level == level)
            return false;
    }
    return false;
}
