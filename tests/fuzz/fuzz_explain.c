/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked about: any bytes, of a small recording and a policy, as each kind. */
#include "base/memory.h"
#include "generator/explain.h"
#include "require.h"

#include <errno.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char recording[] =
    "{\"whittle\":\"recording\",\"format\":1,\"runs\":[{\"id\":\"a\"}]}\n"
    "{\"kind\":\"syscall\",\"name\":\"openat\",\"arch\":\"x86_64\",\"number\":257,\"subject\":"
    "\"/bin/x\",\"phase\":\"run\",\"count\":3,\"results\":[\"ok\",\"ENOENT\"],\"origin\":"
    "\"observed\"}\n"
    "{\"kind\":\"file\",\"name\":\"/etc/passwd\",\"access\":[\"read\"],\"subject\":\"/bin/x\","
    "\"phase\":\"run\",\"count\":1,\"results\":[\"ok\"],\"origin\":\"observed\"}\n"
    "{\"kind\":\"file\",\"name\":\"/proc/[pid]/stat\",\"access\":[\"read\"],\"subject\":\"/bin/"
    "x\",\"phase\":\"run\",\"count\":1,\"results\":[\"ok\"],\"origin\":\"observed\"}\n"
    "{\"kind\":\"capability\",\"name\":\"CAP_CHOWN\",\"syscall\":\"chown\",\"phase\":\"run\","
    "\"count\":1,\"results\":[\"ok\"],\"origin\":\"observed\"}\n"
    "{\"kind\":\"network\",\"name\":\"bind\",\"family\":\"inet\",\"socket_type\":\"stream\","
    "\"protocol\":\"tcp\",\"port\":80,\"phase\":\"run\",\"count\":1,\"results\":[\"ok\"],"
    "\"origin\":\"observed\"}\n";

static const char policy[] = "whittle: policy\nformat: 1\nruntimes: [runc]\n# why\nsyscalls:\n"
                             "  - openat\n  - rule: read\n    reason: because\nfiles:\n"
                             "  - /etc/* r\n  - /proc/@{pid}/stat r\nnetwork: [inet stream]\n";

static void ask(ExplainInput *input, const char *what, int kind)
{
    static const ExplainStyle style = {.bold = "", .dim = "", .plain = ""};
    CLEANUP(explanation_deinit) Explanation explanation = {.facts = NULL};
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer json = BUFFER_INIT;
    Error err = {0};

    const int r = explain(input, what, kind, &explanation, &err);
    require(r == 0 || r == 1 || (r == -EINVAL && err.text[0]));
    if (r < 0)
        return;
    require((r == 0) ==
            (explanation.facts_count || explanation.rules_count || explanation.notes.length));
    require(explain_print_text(input, &explanation, &style, &text) == 0);
    require(explain_print_json(input, &explanation, what, &json) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(explain_input_deinit) ExplainInput input = {.recording = NULL};
    CLEANUP(free_pointer) char *what = size > 0 ? strndup((const char *)data + 1, size - 1) : NULL;
    Error err = {0};

    if (!what || size > 4096)
        return 0;
    require(recording_parse("r", recording, sizeof recording - 1, &input.recording, &err) == 0);
    if (data[0] & 0x80) {
        require(policy_text_parse("policy.yaml", policy, sizeof policy - 1, &input.policy, &err) ==
                0);
        input.policy_path = strdup("policy.yaml");
        require(input.policy_path && buffer_puts(&input.policy_bytes, policy) == 0);
    }
    require(explain_input_finish(&input, &err) == 0);
    ask(&input, what, (data[0] & 0x7f) % (EXPLAIN_KIND_COUNT + 1) - 1);
    return 0;
}
