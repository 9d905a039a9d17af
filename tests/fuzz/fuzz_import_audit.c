/* SPDX-License-Identifier: Apache-2.0 */
/* Logs of the audit system. */
#include "import_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_import("audit", data, size);
}
