/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy means for seccomp, before any file format: a default answer and rules, of which
 * those for the same call are ORed. Adds to the policy's own rules what the container runtimes need
 * and, for calls that libc falls back from, the answer that makes it do so.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "model/policy.h"

/* How a filter answers: positive is an errno. */
enum {
    SECCOMP_ALLOW = 0,
    SECCOMP_LOG = POLICY_DENY_LOG,
    SECCOMP_KILL = POLICY_DENY_KILL,
};

typedef struct SeccompRule {
    const Syscall *syscall;
    int action;
    uint8_t args_present; /* bit i: (argument i & masks[i]) == values[i] must hold */
    uint64_t masks[SYSCALL_ARGS];
    uint64_t values[SYSCALL_ARGS];
    bool from_runtime; /* only a container runtime needs it */
} SeccompRule;

typedef struct SeccompRules {
    int default_action;
    uint32_t archs;     /* bit i: Arch i */
    SeccompRule *rules; /* sorted by action (allow first), conditions, name */
    size_t count, capacity;
} SeccompRules;

void seccomp_rules_deinit(SeccompRules *rules);

/*
 * POLICY must be sorted. What was decided and a person should know is appended to NOTES (may be
 * NULL), a line each. 0, or a negative errno with ERR where the policy cannot be put into a filter.
 */
int seccomp_rules_make(const Policy *policy, SeccompRules *rules, Buffer *notes, Error *err);

/* Same action and conditions: the two can share one entry of a profile. */
bool seccomp_rules_alike(const SeccompRule *a, const SeccompRule *b);

/* The answer to a call by SYSCALL with ARGS: what a filter made of RULES gives. */
int seccomp_rules_answer(const SeccompRules *rules, const Syscall *syscall,
                         const uint64_t args[SYSCALL_ARGS]);
