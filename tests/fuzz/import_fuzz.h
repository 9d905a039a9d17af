/* SPDX-License-Identifier: Apache-2.0 */
/* What is imported from whatever input is a policy or recording that reads back as the same text;
 * what is not has a message. */
#pragma once

#include "base/memory.h"
#include "generator/import.h"
#include "require.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_check_policy(Policy *policy)
{
    CLEANUP(buffer_deinit) Buffer first = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer second = BUFFER_INIT;
    Policy *again = NULL;
    Error err = {0};

    require(policy_print(policy, &first) == 0);
    require(policy_parse("again", buffer_text(&first), first.length, &again, &err) == 0);
    policy_sort(again);
    require(policy_print(again, &second) == 0);
    policy_free(again);
    require(first.length == second.length && memcmp(first.data, second.data, first.length) == 0);
}

static inline void fuzz_check_recording(Recording *recording)
{
    CLEANUP(buffer_deinit) Buffer first = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer second = BUFFER_INIT;
    Recording *again = NULL;
    Error err = {0};

    require(recording_print(recording, &first) == 0);
    require(recording_parse("again", buffer_text(&first), first.length, &again, &err) == 0);
    require(recording_print(again, &second) == 0);
    recording_free(again);
    require(first.length == second.length && memcmp(first.data, second.data, first.length) == 0);
}

static inline int fuzz_import(const char *form, const uint8_t *data, size_t size)
{
    static const char *const nowhere[] = {"/nonexistent"};
    CLEANUP(imported_deinit) Imported imported = {0};
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    Error err = {0};

    require(buffer_append(&text, data, size) == 0);
    const ImportSource source = {.name = "fuzz",
                                 .text = buffer_text(&text),
                                 .length = text.length,
                                 .include = nowhere,
                                 .include_count = 1};
    for (size_t i = 0; i < importers_count; i++)
        (void)importers[i].detect(&source);
    const int r = import_text(&source, form, NULL, &imported, &notes, &err);
    if (r < 0)
        require(!imported.policy && !imported.recording && err.text[0] != '\0');
    else if (imported.policy)
        fuzz_check_policy(imported.policy);
    else
        fuzz_check_recording(imported.recording);
    return 0;
}
