/* SPDX-License-Identifier: Apache-2.0 */
/* capabilities.json and policy.yaml, each a few lines. */
#include "generator/emitter.h"

int emit_capabilities(const Policy *policy, Buffer *out, Buffer *notes, Error *err)
{
    const char *before = "";
    size_t first, end;

    (void)notes;
    policy_range(policy, POLICY_CAPABILITIES, &first, &end);
    (void)buffer_puts(out, "{\n  \"add\": [");
    for (size_t i = first; i < end; i++) {
        if (!policy_grants(policy, i))
            continue;
        (void)buffer_printf(out, "%s\n    \"%s\"", before, policy_rule(policy, i)->name);
        before = ",";
    }
    (void)buffer_printf(out, "%s],\n  \"drop\": [\"ALL\"]\n}\n", *before ? "\n  " : "");
    return out->error ? error_errno(err, out->error, "capabilities.json") : 0;
}
