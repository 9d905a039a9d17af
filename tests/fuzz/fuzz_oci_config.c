/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of whittle-oci: what is taken is complete, what is not says why. */
#include "base/memory.h"
#include "require.h"
#include "tracer/oci_config.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(oci_config_deinit) OciConfig config = {0};
    Error err = {0};

    if (oci_config_parse("fuzz", (const char *)data, size, &config, &err) < 0) {
        require(!config.runtime && !config.output && err.code < 0 && err.text[0] != '\0');
        return 0;
    }
    require(config.runtime[0] != '\0' && config.output[0] == '/');
    require(!config.label || config.label[0] != '\0');
    return 0;
}
