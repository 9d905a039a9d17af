/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a recording: an error, or a recording whose canonical form is read back to the same
 * bytes, that merges with itself to itself.
 */
#include "base/memory.h"
#include "model/recording.h"
#include "require.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(recording_cleanup) Recording *recording = NULL;
    CLEANUP(recording_cleanup) Recording *back = NULL;
    CLEANUP(buffer_deinit) Buffer canonical = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer again = BUFFER_INIT;
    Error err = {0};

    (void)recording_detect((const char *)data, size);
    if (recording_parse("fuzz", (const char *)data, size, &recording, &err) < 0) {
        require(recording == NULL && err.code < 0 && err.text[0] != '\0');
        return 0;
    }
    require(recording_print(recording, &canonical) == 0);
    require(recording_parse("canonical", canonical.data, canonical.length, &back, &err) == 0);
    require(recording_merge(back, recording) == 0);
    require(recording_print(back, &again) == 0);
    require(again.length == canonical.length &&
            memcmp(again.data, canonical.data, again.length) == 0);
    buffer_clear(&again);
    require(recording_print_document(recording, &again) == 0);
    return 0;
}
