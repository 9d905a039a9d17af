/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <errno.h>

int array_reserve(void *array, size_t *capacity, size_t used, size_t size)
{
    void *old;
    size_t bytes;

    if (used < *capacity)
        return 0;
    const size_t wanted = *capacity ? *capacity * 2 : 16;
    if (__builtin_mul_overflow(wanted, size, &bytes))
        return -ENOMEM;
    memcpy(&old, array, sizeof old);
    void *grown = realloc(old, bytes);
    if (!grown)
        return -ENOMEM;
    memcpy(array, &grown, sizeof grown);
    *capacity = wanted;
    return 0;
}
