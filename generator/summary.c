/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/summary.h"

#include "base/memory.h"
#include "generator/knowledge.h"
#include "generator/seccomp_rules.h"

#include <errno.h>
#include <inttypes.h>

/* What is allowed of a call. */
enum {
    CALL_ALLOWED = 1,
    CALL_WORKLOAD = 2,
    CALL_CONDITIONAL = 4,
    CALL_DOCKER = 8,
};

static bool docker_has_capability(const char *name)
{
    for (size_t i = 0; i < docker_grants_count; i++) {
        if (strcmp(docker_grants[i].kind, "capability") == 0 &&
            strcmp(docker_grants[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Does Docker's default let this call through, at least with some arguments, on ARCH? */
static bool docker_allows(const DefaultGrant *grant, Arch arch)
{
    if (strcmp(grant->when, "architecture") == 0)
        return has_word(grant->value, arch_name(arch));
    if (strcmp(grant->when, "capability") == 0)
        return docker_has_capability(grant->value);
    return true;
}

static Arch first_arch(uint32_t archs)
{
    if (archs == 0 || (archs >> arch_native() & 1))
        return arch_native();
    return (Arch)__builtin_ctz(archs);
}

static void mark_docker(uint8_t *calls, Arch arch)
{
    for (size_t i = 0; i < docker_grants_count; i++) {
        const DefaultGrant *grant = &docker_grants[i];
        const Syscall *syscall =
            strcmp(grant->kind, "syscall") == 0 ? syscall_by_name(grant->name) : NULL;
        if (syscall && syscall_number(syscall, arch) >= 0 && docker_allows(grant, arch))
            calls[syscall->index] |= CALL_DOCKER;
    }
}

static void count_calls(const uint8_t *calls, PolicySummary *summary)
{
    for (size_t i = 0; i < syscall_count(); i++) {
        const bool allowed = calls[i] & CALL_ALLOWED;
        const bool docker = calls[i] & CALL_DOCKER;
        summary->calls += allowed;
        summary->calls_workload += (calls[i] & CALL_WORKLOAD) != 0;
        summary->calls_conditional += (calls[i] & CALL_CONDITIONAL) != 0;
        summary->calls_docker += docker;
        summary->calls_kept += allowed && docker;
        summary->calls_extra += allowed && !docker;
    }
}

/* Calls that io_uring does past the filter, each once. */
static void count_ring(const uint8_t *calls, PolicySummary *summary)
{
    const Syscall *setup = syscall_by_name("io_uring_setup");

    summary->rings = setup && (calls[setup->index] & CALL_ALLOWED);
    for (size_t i = 0; summary->rings && i < io_uring_operation_count(); i++) {
        const Syscall *syscall = io_uring_operation(i)->syscall;
        size_t first = 0;
        while (io_uring_operation(first)->syscall != syscall)
            first++;
        if (syscall && first == i && !(calls[syscall->index] & CALL_ALLOWED))
            summary->ring_calls++;
    }
}

static int summarise_calls(const Policy *policy, PolicySummary *summary, Error *err)
{
    CLEANUP(seccomp_rules_deinit) SeccompRules rules = {0};
    CLEANUP(free_pointer) uint8_t *calls = calloc(syscall_count(), 1);
    size_t first, end;
    int r = calls ? 0 : error_errno(err, -ENOMEM, "counting system calls");

    if (r == 0)
        r = seccomp_rules_make(policy, &rules, NULL, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < rules.count; i++) {
        if (rules.rules[i].action != SECCOMP_ALLOW)
            continue;
        calls[rules.rules[i].syscall->index] |=
            (uint8_t)(CALL_ALLOWED | (rules.rules[i].args_present ? CALL_CONDITIONAL : 0));
    }
    policy_range(policy, POLICY_SYSCALLS, &first, &end);
    for (size_t i = first; i < end; i++) {
        const Syscall *syscall = syscall_by_name(policy_rule(policy, i)->name);
        if (syscall && (calls[syscall->index] & CALL_ALLOWED))
            calls[syscall->index] |= CALL_WORKLOAD;
    }
    mark_docker(calls, first_arch(rules.archs));
    count_calls(calls, summary);
    count_ring(calls, summary);
    return 0;
}

int policy_summary_make(const Policy *policy, PolicySummary *summary, Error *err)
{
    PolicySummary made = {0};
    const int r = summarise_calls(policy, &made, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < policy_rules_count(policy); i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        if (!policy_grants(policy, i))
            continue;
        made.rules[rule->section]++;
        if (rule->section == POLICY_CAPABILITIES) {
            const bool docker = docker_has_capability(rule->name);
            made.capabilities++;
            made.capabilities_kept += docker;
            made.capabilities_extra += !docker;
        }
        made.files_written +=
            rule->section == POLICY_FILES && (rule->access & (FILE_WRITE | FILE_APPEND));
        made.files_executed += rule->section == POLICY_FILES && (rule->access & FILE_ANY_EXEC);
    }
    for (size_t i = 0; i < docker_grants_count; i++)
        made.capabilities_docker += strcmp(docker_grants[i].kind, "capability") == 0;
    *summary = made;
    return 0;
}

/* ---- text ----------------------------------------------------------------------------------- */

static void print_seen(const Recording *recording, Buffer *out)
{
    size_t kinds[FACT_KIND_COUNT] = {0};
    const size_t runs = recording_runs_count(recording);
    Fact view;

    for (size_t i = 0; i < recording_facts_count(recording); i++)
        kinds[recording_fact(recording, i, &view)->kind]++;
    (void)buffer_printf(out, "Seen in %zu run%s: ", runs, runs == 1 ? "" : "s");
    for (FactKind kind = 0; kind < FACT_KIND_COUNT; kind++) {
        if (kinds[kind])
            (void)buffer_printf(out, "%zu %s, ", kinds[kind], fact_kind_name(kind));
    }
    (void)buffer_printf(out, "%zu facts in all.\n", recording_facts_count(recording));
    if (!recording_is_complete(recording))
        (void)buffer_puts(out, "The recording is INCOMPLETE: the profile may deny what the "
                               "workload needs (`whittle show` tells what was lost).\n");
}

static void print_capabilities(const Policy *policy, const PolicySummary *summary, Buffer *out)
{
    const char *before = ": ";
    size_t first, end;

    (void)buffer_printf(out, "  capabilities   %zu of Docker's %zu kept, %zu dropped, %zu more",
                        summary->capabilities_kept, summary->capabilities_docker,
                        summary->capabilities_docker - summary->capabilities_kept,
                        summary->capabilities_extra);
    policy_range(policy, POLICY_CAPABILITIES, &first, &end);
    for (size_t i = first; i < end; i++) {
        if (!policy_grants(policy, i))
            continue;
        (void)buffer_printf(out, "%s%s", before, policy_rule(policy, i)->name);
        before = " ";
    }
    (void)buffer_putc(out, '\n');
}

int policy_summary_print(const Policy *policy, const PolicySummary *summary,
                         const Recording *recording, Buffer *out)
{
    size_t others = 0;

    if (recording)
        print_seen(recording, out);
    (void)buffer_printf(out, "Granted to \"%s\", against what Docker grants by default:\n",
                        policy_name(policy) ? policy_name(policy) : "");
    (void)buffer_printf(out,
                        "  system calls   %zu of Docker's %zu kept, %zu dropped, %zu more\n"
                        "                 (%zu for the workload, the others to start a container; "
                        "%zu only with certain arguments)\n",
                        summary->calls_kept, summary->calls_docker,
                        summary->calls_docker - summary->calls_kept, summary->calls_extra,
                        summary->calls_workload, summary->calls_conditional);
    if (summary->rings)
        (void)buffer_printf(out,
                            "  io_uring       ALLOWED: its operations pass no filter, so that %zu "
                            "denied calls can be done all the same\n",
                            summary->ring_calls);
    print_capabilities(policy, summary, out);
    (void)buffer_printf(out, "  files          %zu rules, %zu to write, %zu to execute\n",
                        summary->rules[POLICY_FILES], summary->files_written,
                        summary->files_executed);
    for (PolicySection i = POLICY_NETWORK; i <= POLICY_MOUNTS; i++)
        others += summary->rules[i];
    (void)buffer_printf(out,
                        "  others         %zu rules: network %zu, unix %zu, signals %zu, ptrace "
                        "%zu, mounts %zu\n",
                        others, summary->rules[POLICY_NETWORK], summary->rules[POLICY_UNIX],
                        summary->rules[POLICY_SIGNALS], summary->rules[POLICY_PTRACE],
                        summary->rules[POLICY_MOUNTS]);
    (void)buffer_printf(out, "  root           %s, %zu tmpfs, %zu volumes%s\n",
                        policy_read_only_root(policy) ? "read-only" : "writable",
                        summary->rules[POLICY_TMPFS], summary->rules[POLICY_VOLUMES],
                        policy_no_new_privs(policy) ? "; no new privileges" : "");
    return out->error;
}
