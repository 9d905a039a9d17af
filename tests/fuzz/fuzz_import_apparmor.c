/* SPDX-License-Identifier: Apache-2.0 */
/* AppArmor profiles. */
#include "import_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_import("apparmor", data, size);
}
