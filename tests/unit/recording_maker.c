/* SPDX-License-Identifier: Apache-2.0 */
#include "recording_maker.h"

#include <check.h>

Recording *with_run(const char *id)
{
    Recording *recording = recording_new();
    const Run run = {.id = id, .exit_status = -1, .complete = true};
    uint32_t index;

    ck_assert_ptr_nonnull(recording);
    ck_assert_int_eq(recording_add_run(recording, &run, &index), 0);
    ck_assert_uint_eq(index, 0);
    return recording;
}

Fact file_fact(const char *path, int64_t access)
{
    Fact fact = {.kind = FACT_FILE, .phase = PHASE_RUN, .name = path, .subject = "/bin/cat"};

    fact_set_number(&fact, FIELD_ACCESS, access);
    return fact;
}
