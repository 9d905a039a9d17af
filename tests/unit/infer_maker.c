/* SPDX-License-Identifier: Apache-2.0 */
#include "infer_maker.h"

#include "base/memory.h"
#include "generator/infer.h"

#include <check.h>

Recording *new_recording(void)
{
    Recording *recording = recording_new();
    const Run run = {.id = "a", .arch = "x86_64", .exit_status = -1, .complete = true};
    uint32_t index;

    ck_assert_int_eq(recording_add_run(recording, &run, &index), 0);
    return recording;
}

void add_fact(Recording *recording, Fact fact, int result)
{
    StoredFact *added;

    fact.subject = "/bin/x";
    results_add(&fact.results, result);
    ck_assert_int_ge(recording_add(recording, &fact, 0, 1, NULL, &added), 0);
}

void add_file(Recording *recording, const char *path, uint32_t access, int owner, const char *type)
{
    Fact fact = {.kind = FACT_FILE, .phase = PHASE_RUN, .name = path};

    fact_set_number(&fact, FIELD_ACCESS, access);
    fact_set_text(&fact, FIELD_FILE_TYPE, type);
    if (owner >= 0)
        fact_set_number(&fact, FIELD_OWNER, owner);
    add_fact(recording, fact, RESULT_OK);
}

void add_call(Recording *recording, const char *name, const char *arch, unsigned present,
              uint64_t a0, uint64_t a1, uint64_t a2)
{
    Fact fact = {.kind = FACT_SYSCALL, .phase = PHASE_RUN, .name = name};

    fact_set_text(&fact, FIELD_ARCH, arch);
    fact_set_number(&fact, FIELD_NUMBER, 1);
    fact.args_present = (uint8_t)present;
    fact.args[0] = present & 1 ? a0 : 0;
    fact.args[1] = present & 2 ? a1 : 0;
    fact.args[2] = present & 4 ? a2 : 0;
    add_fact(recording, fact, RESULT_UNKNOWN);
}

Policy *infer(Recording *recording, bool conditions, Buffer *notes)
{
    const InferOptions options = {.conditions = conditions, .generalise = GENERALISE_CAREFUL};
    Policy *policy = policy_new();
    Error err = {0};

    ck_assert_msg(infer_policy(recording, &options, policy, notes, &err) == 0, "%s", err.text);
    policy_sort(policy);
    return policy;
}

void check_section(const Policy *policy, PolicySection section, const char *wanted)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    size_t first, end;

    policy_range(policy, section, &first, &end);
    for (size_t i = first; i < end; i++) {
        (void)policy_rule_print(policy_rule(policy, i), &out);
        if (policy_rule(policy, i)->deny) {
            (void)buffer_puts(&out, " deny ");
            (void)policy_deny_print(policy_rule(policy, i)->deny, &out);
        }
        (void)buffer_putc(&out, '\n');
    }
    ck_assert_str_eq(buffer_text(&out), wanted);
}

void check_inferred(Recording *recording, PolicySection section, const char *wanted)
{
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    CLEANUP(policy_cleanup) Policy *policy = infer(recording, true, &notes);

    check_section(policy, section, wanted);
}
