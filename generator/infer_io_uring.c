/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is submitted to a ring passes no seccomp filter: who may call io_uring_setup() may do all
 * that io_uring can, whatever the policy says of the system calls that do the same. No rule can
 * help that; so the rules of the ring's own calls say it. What operations worked on are facts of
 * files, sockets and capabilities as those of any call, and become rules like them.
 */
#include "base/memory.h"
#include "generator/infer_private.h"

#include <errno.h>

static const char ring_setup[] = "io_uring_setup";
static const char ring_enter[] = "io_uring_enter";

/* The operations that were seen, each once: "IORING_OP_ACCEPT IORING_OP_OPENAT". */
static size_t list_operations(const Recording *recording, Buffer *out)
{
    const char *last = "";
    size_t count = 0;
    Fact view;

    for (size_t i = 0; i < recording_facts_count(recording); i++) {
        const Fact *fact = recording_fact(recording, i, &view);
        if (fact->kind != FACT_IO_URING || strcmp(fact->name, last) == 0)
            continue;
        (void)buffer_printf(out, "%s%s", count ? " " : "", fact->name);
        last = fact->name;
        count++;
    }
    return count;
}

static bool has_call(const Recording *recording, const char *name)
{
    Fact view;

    for (size_t i = 0; i < recording_facts_count(recording); i++) {
        const Fact *fact = recording_fact(recording, i, &view);
        if (fact->kind == FACT_SYSCALL && strcmp(fact->name, name) == 0)
            return true;
    }
    return false;
}

static int add_rule(Policy *policy, const char *name, const Buffer *reason)
{
    const PolicyRule rule = {
        .section = POLICY_SYSCALLS, .name = name, .reason = buffer_text(reason)};

    return reason->error ? reason->error : policy_add(policy, &rule);
}

static void add_note(const Buffer *operations, size_t count, Buffer *notes)
{
    (void)buffer_printf(
        notes,
        "io_uring: %zu kind%s of operations went through a ring (%s), where seccomp sees nothing: "
        "with io_uring_setup allowed, the workload can do all that io_uring can, also what "
        "seccomp.json denies as a system call. AppArmor and capabilities hold for it as for "
        "calls. If the workload can do without, deny io_uring_setup in the policy (its rule: "
        "{rule: io_uring_setup, deny: ENOSYS}), or set the sysctl kernel.io_uring_disabled=2 on "
        "the host (1: only for a group and CAP_SYS_ADMIN)\n",
        count, count == 1 ? "" : "s", buffer_text(operations));
}

int infer_io_uring(const Recording *recording, Policy *policy, Buffer *notes)
{
    CLEANUP(buffer_deinit) Buffer operations = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer reason = BUFFER_INIT;
    const size_t count = list_operations(recording, &operations);
    int r = 0;

    if (has_call(recording, ring_setup)) {
        (void)buffer_puts(&reason, "opens a way past seccomp: operations of io_uring pass no "
                                   "filter, whatever calls are denied");
        r = add_rule(policy, ring_setup, &reason);
    }
    if (r == 0 && has_call(recording, ring_enter)) {
        buffer_clear(&reason);
        (void)buffer_printf(&reason, "what it submits passes no filter%s%s",
                            count ? "; seen: " : "", buffer_text(&operations));
        r = add_rule(policy, ring_enter, &reason);
    }
    if (r == 0 && count > 0)
        add_note(&operations, count, notes);
    return r < 0 ? r : operations.error;
}
