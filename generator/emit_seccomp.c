/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp.json in the form that Docker, Podman, runc and crun all take: "architectures" rather than
 * Docker's "archMap", names in groups of the same action and conditions, no comments.
 */
#include "generator/emitter.h"
#include "generator/seccomp_rules.h"

#include <errno.h>
#include <inttypes.h>

static void print_action(int action, const char *key, const char *errno_key, const char *indent,
                         Buffer *out)
{
    const char *name = "SCMP_ACT_ERRNO";

    if (action == SECCOMP_ALLOW)
        name = "SCMP_ACT_ALLOW";
    else if (action == SECCOMP_LOG)
        name = "SCMP_ACT_LOG";
    else if (action == SECCOMP_KILL)
        name = "SCMP_ACT_KILL_PROCESS";
    (void)buffer_printf(out, "%s\"%s\": \"%s\"", indent, key, name);
    if (action > 0)
        (void)buffer_printf(out, ",\n%s\"%s\": %d", indent, errno_key, action);
}

/* The machine's own architecture first: readers take the first for the main one. */
static void print_archs(uint32_t archs, Buffer *out)
{
    const Arch native = arch_native();
    const char *before = "";

    (void)buffer_puts(out, "  \"architectures\": [");
    if (archs >> native & 1) {
        (void)buffer_printf(out, "\n    \"%s\"", arch_scmp_name(native));
        before = ",";
    }
    for (Arch arch = 0; arch < ARCH_COUNT; arch++) {
        if (arch == native || (archs >> arch & 1) == 0)
            continue;
        (void)buffer_printf(out, "%s\n    \"%s\"", before, arch_scmp_name(arch));
        before = ",";
    }
    (void)buffer_puts(out, "\n  ]");
}

static void print_condition(const SeccompRule *rule, unsigned index, const char *before,
                            Buffer *out)
{
    (void)buffer_printf(out, "%s\n        {\n          \"index\": %u,\n", before, index);
    if (rule->masks[index] == UINT64_MAX)
        (void)buffer_printf(out, "          \"value\": %" PRIu64 ",\n", rule->values[index]);
    else
        (void)buffer_printf(
            out, "          \"value\": %" PRIu64 ",\n          \"valueTwo\": %" PRIu64 ",\n",
            rule->masks[index], rule->values[index]);
    (void)buffer_printf(out, "          \"op\": \"%s\"\n        }",
                        rule->masks[index] == UINT64_MAX ? "SCMP_CMP_EQ" : "SCMP_CMP_MASKED_EQ");
}

/* One entry for COUNT rules that are alike. */
static void print_entry(const SeccompRule *rules, size_t count, Buffer *out)
{
    const char *before = "";

    (void)buffer_puts(out, "    {\n      \"names\": [");
    for (size_t i = 0; i < count; i++)
        (void)buffer_printf(out, "%s\n        \"%s\"", i ? "," : "", rules[i].syscall->name);
    (void)buffer_puts(out, "\n      ],\n");
    print_action(rules->action, "action", "errnoRet", "      ", out);
    if (rules->args_present) {
        (void)buffer_puts(out, ",\n      \"args\": [");
        for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
            if ((rules->args_present >> i & 1) == 0)
                continue;
            print_condition(rules, i, before, out);
            before = ",";
        }
        (void)buffer_puts(out, "\n      ]");
    }
    (void)buffer_puts(out, "\n    }");
}

int emit_seccomp(const Policy *policy, Buffer *out, Buffer *notes, Error *err)
{
    __attribute__((cleanup(seccomp_rules_deinit))) SeccompRules rules = {0};
    const int r = seccomp_rules_make(policy, &rules, notes, err);

    if (r < 0)
        return r;
    (void)buffer_puts(out, "{\n");
    print_action(rules.default_action, "defaultAction", "defaultErrnoRet", "  ", out);
    (void)buffer_puts(out, ",\n");
    print_archs(rules.archs, out);
    (void)buffer_puts(out, ",\n  \"syscalls\": [");
    for (size_t i = 0; i < rules.count;) {
        size_t count = 1;
        while (i + count < rules.count &&
               seccomp_rules_alike(&rules.rules[i], &rules.rules[i + count]))
            count++;
        (void)buffer_puts(out, i ? ",\n" : "\n");
        print_entry(&rules.rules[i], count, out);
        i += count;
    }
    (void)buffer_printf(out, "%s]\n}\n", rules.count ? "\n  " : "");
    return out->error ? error_errno(err, out->error, "seccomp.json") : 0;
}
