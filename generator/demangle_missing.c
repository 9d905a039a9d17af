/* SPDX-License-Identifier: Apache-2.0 */
/* Stands for demangle.c where libiberty is missing: names stay as they are. */
#include "generator/demangle.h"

#include "base/memory.h"

struct Demangler {
    char nothing;
};

Demangler *demangler_new(void)
{
    return calloc(1, sizeof(Demangler));
}

Demangler *demangler_free(Demangler *demangler)
{
    free(demangler);
    return NULL;
}

void demangler_cleanup(Demangler **demangler)
{
    *demangler = demangler_free(*demangler);
}

const char *demangler_name(Demangler *demangler, const char *name, size_t length)
{
    (void)demangler, (void)name, (void)length;
    return NULL;
}
