/* SPDX-License-Identifier: Apache-2.0 */
/* An AppArmor profile on its way to a policy: what the parts of its import share. */
#pragma once

#include "generator/apparmor_read.h"
#include "generator/import_private.h"

/* A way to execute that a rule grants: of each pattern a policy can have one. */
typedef struct ApparmorExec {
    const char *name; /* in the policy's strings */
    bool owner;
    uint32_t access; /* FILE_EXEC_* */
    const ApparmorRule *rule;
    size_t order;
} ApparmorExec;

typedef struct ApparmorImport {
    const ImportSource *source;
    const ApparmorProfile *profile;
    const char *own; /* the profile's name as a pattern that matches just that */
    Policy *policy;
    ApparmorExec *execs;
    size_t execs_count, execs_capacity;
    /* What is decided at the end, when all rules are known. */
    const ApparmorRule **ptraces, **sockets;
    size_t ptraces_count, ptraces_capacity;
    size_t sockets_count, sockets_capacity;
    Buffer *notes;
} ApparmorImport;

/* "FILE:LINE: RULE: WHY". */
void apparmor_note(const ApparmorImport *import, const ApparmorRule *rule, const char *why);

/* As apparmor_note(), for what the policy lacks. Gives 0. */
int apparmor_left_out(const ApparmorImport *import, const ApparmorRule *rule, const char *why);

/* Adds what DRAFT says, with RULE's place as its reason and denying as it does. 0 or -ENOMEM. */
int apparmor_add(const ApparmorImport *import, const ApparmorRule *rule, PolicyRule *draft);

/*
 * Adds PATTERN, with variables expanded, as a policy's to *RET_PATTERNS; if it is a PATH, as
 * several that begin with "/". 0, with *RET_WHY set where a policy has no such pattern; -ENOMEM.
 */
int apparmor_policy_patterns(const ApparmorImport *import, const char *pattern, bool path,
                             ImportPatterns *ret_patterns, const char **ret_why);

/* ---- a function a class of rules; 0 or -ENOMEM -------------------------------------------------
 */

int apparmor_take_file(ApparmorImport *import, const ApparmorRule *rule);
int apparmor_take_link(ApparmorImport *import, const ApparmorRule *rule);

/* The ways to execute of all file rules, at the end. */
int apparmor_take_execs(ApparmorImport *import);

int apparmor_take_capability(ApparmorImport *import, const ApparmorRule *rule);
int apparmor_take_network(ApparmorImport *import, const ApparmorRule *rule);
int apparmor_take_unix(ApparmorImport *import, const ApparmorRule *rule);
int apparmor_take_signal(ApparmorImport *import, const ApparmorRule *rule);
int apparmor_take_ptrace(ApparmorImport *import, const ApparmorRule *rule);
/* The rules about ptrace and about sockets as such, at the end. */
int apparmor_take_ptraces(ApparmorImport *import);
int apparmor_take_sockets(ApparmorImport *import);

int apparmor_take_mount(ApparmorImport *import, const ApparmorRule *rule);
int apparmor_take_umount(ApparmorImport *import, const ApparmorRule *rule);
int apparmor_take_pivot_root(ApparmorImport *import, const ApparmorRule *rule);
int apparmor_take_rlimit(ApparmorImport *import, const ApparmorRule *rule);
