/* SPDX-License-Identifier: Apache-2.0 */
/* policy.yaml: the format is the model's own. */
#include "generator/emitter.h"

int emit_policy(const Policy *policy, Buffer *out, Buffer *notes, Error *err)
{
    const int r = policy_print(policy, out);

    (void)notes;
    return r < 0 ? error_errno(err, r, "policy.yaml") : 0;
}
