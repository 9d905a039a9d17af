/* SPDX-License-Identifier: Apache-2.0 */
/* What of the policy the kernel had in force for a container, by what it says of its process. */
#include "base/memory.h"
#include "cli/verify_engine_private.h"
#include "cli/verify_layers.h"

#include <errno.h>

static LayerState describe_calls(const EngineLayers *layers, Buffer *detail)
{
    const EngineSeen *seen = layers->seen;

    if ((seen->looked && seen->seccomp == 2) || layers->runtime_filtered) {
        (void)buffer_printf(detail, "seccomp.json%s",
                            seen->looked
                                ? ", a filter of the container's own in the kernel"
                                : ", loaded by the runtime before the container's program");
        return LAYER_ENFORCED;
    }
    (void)buffer_puts(detail, seen->looked ? "the kernel has no filter for the container, although "
                                             "the engine was told of seccomp.json"
                                           : "the container ended before it could be looked at");
    return LAYER_WATCHED;
}

static LayerState describe_capabilities(const EngineLayers *layers, Buffer *detail)
{
    const EngineSeen *seen = layers->seen;
    const uint64_t allowed = verify_capabilities(layers->policy);

    if (!seen->looked) {
        (void)buffer_puts(detail,
                          "as docker.args says; the container ended before the kernel could "
                          "be asked what it had");
        return LAYER_PARTLY;
    }
    (void)buffer_printf(detail, "%d in the bounding set, %d in effect%s",
                        __builtin_popcountll(seen->bounding), __builtin_popcountll(seen->effective),
                        seen->no_new_privs ? ", no_new_privs" : "");
    if ((seen->bounding & ~allowed) == 0)
        return LAYER_ENFORCED;
    (void)buffer_printf(detail, ": more than the %d of the policy", __builtin_popcountll(allowed));
    return LAYER_WATCHED;
}

/* AppArmor's part of a section, or why there is none. */
static LayerState describe_apparmor(const EngineLayers *layers, Buffer *detail)
{
    if (!layers->apparmor_reason) {
        (void)buffer_printf(detail, "AppArmor, %s",
                            layers->seen->looked && *layers->seen->apparmor
                                ? layers->seen->apparmor
                                : "as docker.args says");
        return LAYER_ENFORCED;
    }
    (void)buffer_printf(detail, "only AppArmor can refuse it: %s", layers->apparmor_reason);
    return LAYER_WATCHED;
}

static LayerState describe_files(const EngineLayers *layers, Buffer *detail)
{
    const bool read_only = layers->seen->looked && layers->seen->read_only;

    if (!layers->apparmor_reason || !policy_read_only_root(layers->policy))
        return describe_apparmor(layers, detail);
    (void)buffer_puts(detail,
                      read_only || !layers->seen->looked
                          ? "the root file system is read-only but for tmpfs and volumes"
                          : "the root file system is writable, although the engine was told "
                            "--read-only");
    (void)buffer_printf(detail, "; no AppArmor: %s", layers->apparmor_reason);
    return read_only || !layers->seen->looked ? LAYER_PARTLY : LAYER_WATCHED;
}

int engine_layers_make(EngineLayers *layers, uint32_t sections)
{
    static LayerState (*const describe[POLICY_SECTION_COUNT])(const EngineLayers *, Buffer *) = {
        [POLICY_SYSCALLS] = describe_calls,  [POLICY_CAPABILITIES] = describe_capabilities,
        [POLICY_FILES] = describe_files,     [POLICY_NETWORK] = describe_apparmor,
        [POLICY_UNIX] = describe_apparmor,   [POLICY_SIGNALS] = describe_apparmor,
        [POLICY_PTRACE] = describe_apparmor, [POLICY_MOUNTS] = describe_apparmor,
    };

    for (PolicySection section = 0; section < POLICY_SECTION_COUNT; section++) {
        CLEANUP(buffer_deinit) Buffer detail = BUFFER_INIT;
        if (!describe[section] || !(sections >> section & 1))
            continue;
        const LayerState state = describe[section](layers, &detail);
        char *text = buffer_steal(&detail);
        if (!text)
            return -ENOMEM;
        layers->layers[layers->count++] =
            (Layer){.name = policy_section_name(section), .state = state, .detail = text};
    }
    return 0;
}

void engine_layers_deinit(EngineLayers *layers)
{
    for (size_t i = 0; i < layers->count; i++)
        free(layers->layers[i].detail);
    layers->count = 0;
}
