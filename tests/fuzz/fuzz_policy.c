/* SPDX-License-Identifier: Apache-2.0 */
/* A policy file: what parses must print to what parses to the same. */
#include "base/memory.h"
#include "model/policy.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void policy_cleanup(Policy **policy)
{
    *policy = policy_free(*policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(policy_cleanup) Policy *policy = NULL;
    CLEANUP(policy_cleanup) Policy *back = NULL;
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer again = BUFFER_INIT;
    Error err = {0};

    (void)policy_detect((const char *)data, size);
    if (policy_parse("fuzz", (const char *)data, size, &policy, &err) < 0) {
        require(policy == NULL && err.code < 0 && err.text[0] != '\0');
        return 0;
    }
    policy_sort(policy);
    require(policy_print(policy, &text) == 0);
    require(policy_parse("printed", text.data, text.length, &back, &err) == 0);
    policy_sort(back);
    require(policy_rules_count(back) == policy_rules_count(policy));
    for (size_t i = 0; i < policy_rules_count(policy); i++)
        require(policy_rule_compare(policy_rule(policy, i), policy_rule(back, i)) == 0);
    require(policy_print(back, &again) == 0);
    require(again.length == text.length && memcmp(again.data, text.data, text.length) == 0);
    return 0;
}
