/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory and cleanup helpers.
 *
 * Destructors take NULL and return NULL, so `x = thing_free(x)` is always right. CLEANUP(fn) runs
 * FN on the variable's address when it leaves scope; ownership leaves a variable by TAKE(), which
 * is the visible hand-off.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define TAKE(var)                                                                                  \
    __extension__({                                                                                \
        __typeof__(var) taken_ = (var);                                                            \
        (var) = NULL;                                                                              \
        taken_;                                                                                    \
    })

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* For `CLEANUP(free_pointer) char *s`: frees what the variable points to. */
static inline void free_pointer(void *address)
{
    void *p;
    memcpy(&p, address, sizeof p);
    free(p);
}

/* For `CLEANUP(file_close) FILE *f`. Errors of a file that was written must be checked by the
 * caller with fclose() before; this is for the error path and for reading. */
static inline void file_close(FILE **file)
{
    if (*file)
        (void)fclose(*file);
}

/*
 * Makes room for one more element of SIZE bytes in an array of USED elements, doubling.
 * *ARRAY is untouched on failure. Returns 0 or -ENOMEM.
 */
int array_reserve(void *array, size_t *capacity, size_t used, size_t size);
