/* SPDX-License-Identifier: Apache-2.0 */
/* Resources of the Security Profiles Operator in YAML. */
#include "import_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_import("spo", data, size);
}
