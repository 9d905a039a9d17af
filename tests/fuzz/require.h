/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold whatever the input: a fuzzer takes an abort for a finding. */
#pragma once

#include <stdbool.h>
#include <stdlib.h>

static inline void require(bool holds)
{
    if (!holds)
        abort();
}
