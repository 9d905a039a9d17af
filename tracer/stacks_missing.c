/* SPDX-License-Identifier: Apache-2.0 */
/* In place of stacks.c where libdw is missing. */
#include "tracer/stacks.h"

#include <errno.h>

int stacks_new(Stacks **ret_stacks, Error *err)
{
    (void)ret_stacks;
    return error_set(err, -ENOSYS,
                     "this whittle cannot take stacks: it was built without libdw (package "
                     "libdw-dev); build it again with that, or leave out --stacks");
}
