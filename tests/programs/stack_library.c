/* SPDX-License-Identifier: Apache-2.0 */
#include "stack_library.h"

static volatile int after;

APART static void library_inner(void (*what)(void))
{
    what();
    after++;
}

__attribute__((visibility("default"))) void stack_library_call(void (*what)(void))
{
    library_inner(what);
    after++;
}
