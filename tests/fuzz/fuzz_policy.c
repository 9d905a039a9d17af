/* SPDX-License-Identifier: Apache-2.0 */
/* A policy file: what parses must print to what parses to the same; as a text it stays as it is,
 * and what is added to it or taken away is all that changes. */
#include "base/memory.h"
#include "model/policy_text.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A change may not fit a form that nobody would write, and then is no policy any more: then those
 * who made it leave the file alone. */
static void change(PolicyText *text)
{
    static const PolicyRule rules[] = {
        {.section = POLICY_SYSCALLS, .name = "read"},
        {.section = POLICY_FILES, .name = "/b{a,b}", .access = FILE_READ},
        {.section = POLICY_VOLUMES, .name = "/v"},
    };
    CLEANUP(policy_cleanup) Policy *back = NULL;
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    const Policy *old = policy_text_policy(text);

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        require(policy_text_add(text, &rules[i]) == 0);
    policy_text_add_arch(text, ARCH_ARM);
    policy_text_open_root(text);
    require(policy_text_print(text, &out) == 0);
    if (policy_parse("changed", buffer_text(&out), out.length, &back, NULL) == 0) {
        policy_sort(back);
        require(policy_rules_count(back) >= policy_rules_count(old));
        require(policy_archs(back) == (policy_archs(old) | 1u << ARCH_ARM));
        require(!policy_read_only_root(back));
    }
    for (size_t i = 0; i < policy_text_places_count(text); i += 2)
        policy_text_remove(text, i);
    require(policy_text_print(text, &out) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(policy_text_cleanup) PolicyText *kept = NULL;
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
    require(policy_text_parse("fuzz", (const char *)data, size, &kept, &err) == 0);
    require(policy_text_print(kept, &text) == 0);
    require(text.length == size && memcmp(text.data, data, size) == 0);
    buffer_clear(&text);
    change(kept);
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
