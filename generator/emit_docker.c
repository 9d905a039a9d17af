/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker.args: one argument of `docker run` (or `podman run`) a line. Paths are relative to the
 * folder that the file is in, so that the folder can be committed and moved: run docker there.
 */
#include "base/memory.h"
#include "generator/emitter.h"

#include <inttypes.h>

/*
 * Folders to mount: paths that policy_rule_parse() has found to be no globs. A volume without a
 * source is a new one, which Docker and Podman fill with what the image has there, owners and modes
 * included.
 */
static void print_folders(const Policy *policy, PolicySection section, const char *option,
                          Buffer *out)
{
    size_t first, end;

    policy_range(policy, section, &first, &end);
    for (size_t i = first; i < end; i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
        if (!policy_grants(policy, i) || policy_pattern_to_literal(rule->name, &path) != 0)
            continue;
        (void)buffer_printf(out, "%s=%s%s%s\n", option, buffer_text(&path),
                            rule->options ? ":" : "", rule->options ? rule->options : "");
    }
}

static void print_limits(const Policy *policy, Buffer *out)
{
    static const struct {
        PolicyLimit limit;
        const char *option;
    } options[] = {
        {POLICY_LIMIT_MEMORY, "--memory="},
        {POLICY_LIMIT_NOFILE, "--ulimit=nofile="},
        {POLICY_LIMIT_PIDS, "--pids-limit="},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(options); i++) {
        const uint64_t value = policy_limit(policy, options[i].limit);
        if (value)
            (void)buffer_printf(out, "%s%" PRIu64 "\n", options[i].option, value);
    }
}

/* Whom --cap-add gives nothing by itself: what execve() would leave to such a user is all that
 * Docker and Kubernetes give it. */
static bool is_other_than_root(const char *user)
{
    return user && strspn(user, "0") != strcspn(user, ":") && strcmp(user, "root") != 0;
}

int emit_docker(const Policy *policy, Buffer *out, Buffer *notes, Error *err)
{
    bool capabilities = false;
    size_t first, end;

    (void)buffer_puts(out, "--security-opt=seccomp=seccomp.json\n");
    (void)buffer_printf(out, "--security-opt=apparmor=%s\n", policy_name(policy));
    if (policy_no_new_privs(policy))
        (void)buffer_puts(out, "--security-opt=no-new-privileges\n");
    (void)buffer_puts(out, "--cap-drop=ALL\n");
    policy_range(policy, POLICY_CAPABILITIES, &first, &end);
    for (size_t i = first; i < end; i++) {
        if (!policy_grants(policy, i))
            continue;
        capabilities = true;
        (void)buffer_printf(out, "--cap-add=%s\n", policy_rule(policy, i)->name);
    }
    if (capabilities && is_other_than_root(policy_user(policy)))
        (void)buffer_printf(
            notes,
            "docker.args: --cap-add gives user %s of Docker, and of Kubernetes, nothing%s; Podman "
            "gives it "
            "what is named\n",
            policy_user(policy),
            policy_no_new_privs(policy)
                ? ", and no-new-privileges keeps programs from taking it up"
                : " but what programs with set-user-id or file capabilities take up");
    if (policy_user(policy))
        (void)buffer_printf(out, "--user=%s\n", policy_user(policy));
    if (policy_read_only_root(policy))
        (void)buffer_puts(out, "--read-only\n");
    print_folders(policy, POLICY_TMPFS, "--tmpfs", out);
    print_folders(policy, POLICY_VOLUMES, "--volume", out);
    print_limits(policy, out);
    return out->error ? error_errno(err, out->error, "docker.args") : 0;
}
