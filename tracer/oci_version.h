/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* What RUNTIME, a program's path, says of its version ("1.1.5+ds1"), by running it; into OUT, ""
 * if it says nothing that looks like one. */
void oci_version(const char *runtime, char *out, size_t size);
