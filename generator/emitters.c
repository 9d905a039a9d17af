/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/emitter.h"

#include <string.h>

const Emitter emitters[] = {
    {"policy", "policy.yaml", "the policy itself, to review and edit", true, emit_policy},
    {"seccomp", "seccomp.json", "seccomp profile for Docker, Podman, runc and crun", true,
     emit_seccomp},
    {"apparmor", "apparmor.profile", "AppArmor profile", true, emit_apparmor},
    {"capabilities", "capabilities.json", "capabilities to add and to drop", true,
     emit_capabilities},
    {"docker", "docker.args", "arguments for docker run, one a line", true, emit_docker},
    {NULL, NULL, NULL, false, NULL},
};

const Emitter *emitter_by_format(const char *format)
{
    for (const Emitter *emitter = emitters; emitter->format; emitter++) {
        if (strcmp(emitter->format, format) == 0)
            return emitter;
    }
    return NULL;
}
