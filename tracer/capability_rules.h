/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which capabilities one system call needed, worked out from its arguments and from who made it,
 * for backends that cannot see the kernel's own check. docs: capabilities(7) and the kernel code
 * that each rule names.
 *
 * A rule fires only if all of this holds:
 *  - without the capability the call would have failed, or would silently have done less;
 *  - the thread holds the capability in its effective set, in whittle's user namespace;
 *  - the call succeeded, or, while no result is known, nothing says that it will fail.
 * Where something cannot be found out, the rule does not fire: a wrong inference is worse than
 * none.
 *
 * Nothing here touches the system: what must be looked up is asked through CapabilityQueries.
 */
#pragma once

#include "tracer/tracee.h"

#include <sys/resource.h>

/* Sees one folder on the way; PATH is its canonical name, NULL if not known. 0 to go on; anything
 * else ends the walk and is what the walk returns. */
typedef int CapabilityFolderVisit(void *data, const struct stat *st, const char *path);

typedef struct CapabilitySchedule {
    int nice;
    int policy;      /* SCHED_* without SCHED_RESET_ON_FORK */
    int rt_priority; /* 0 unless policy is real-time */
} CapabilitySchedule;

typedef struct CapabilityMemory {
    uint64_t total;  /* VmSize in bytes */
    uint64_t locked; /* VmLck in bytes */
} CapabilityMemory;

/*
 * Questions about the tracee. Each returns 0 with its outputs set, or a negative errno for "cannot
 * tell" with its outputs untouched. Every member may be NULL, which is the same as "cannot tell".
 * Process ids are as the tracee's own pid namespace numbers them; 0 is the calling thread.
 */
typedef struct CapabilityQueries {
    int (*read)(void *data, uint64_t address, void *bytes, size_t length);
    int (*fd_stat)(void *data, int fd, struct stat *ret);
    int (*task)(void *data, pid_t pid, Credentials *ret);
    int (*schedule)(void *data, pid_t pid, CapabilitySchedule *ret);
    int (*memory)(void *data, CapabilityMemory *ret);
    int (*rlimit)(void *data, int resource, struct rlimit *ret);
    /* A number under /proc/sys ("net/ipv4/ip_unprivileged_port_start"), for names under net/ that
     * of the tracee's network namespace. */
    int (*sysctl)(void *data, const char *name, long *ret);
    /* 1 if PATH (as in ResolvedPath.text) carries a POSIX access ACL, 0 if not. */
    int (*has_acl)(void *data, const char *path);
    int (*socket_info)(void *data, int fd, int *ret_domain, int *ret_type, int *ret_protocol);
    /* Visits every folder in which the kernel looks up a name on the way to PATH: from the root,
     * the working folder or the dirfd where the walk begins, those of links in between, up to the
     * one that holds the last name. Folders above a relative path's start are not searched by the
     * kernel and not visited; magic links of /proc end the walk before them. */
    int (*ancestors)(void *data, const ResolvedPath *path, CapabilityFolderVisit *visit,
                     void *visit_data);
} CapabilityQueries;

typedef struct CapabilityContext {
    const Call *call;
    const Credentials *credentials; /* as they were when the call began */
    const CapabilityQueries *queries;
    void *data;        /* for the queries */
    uint64_t withheld; /* capabilities that were taken from it and that it counts as having, if it
                          lacks those that would do as well */
} CapabilityContext;

/* CAPABILITY is a CAP_* number, RULE the rule's constant name, OBJECT what it was about (a path, a
 * port; NULL where one cannot say; valid during the call only). */
typedef void CapabilityEmit(void *data, int capability, const char *rule, const char *object);

/* The rules, ordered by system call. Constant after its making, so one serves all threads. */
typedef struct CapabilityRules CapabilityRules;

/* NULL without memory. */
CapabilityRules *capability_rules_new(void);
CapabilityRules *capability_rules_free(CapabilityRules *rules);

/* True if some rule looks at SYSCALL: lets a caller skip the making of a context. */
bool capability_rules_concern(const CapabilityRules *rules, const Syscall *syscall);

/* Calls EMIT once for each rule that fires. */
void capability_infer(const CapabilityRules *rules, const CapabilityContext *context,
                      CapabilityEmit *emit, void *data);

/* True if, by the modes of the files on its way, the call will be answered EACCES: some rule about
 * file permissions finds a capability needed that the thread does not hold. False where that cannot
 * be told. For backends that see calls only before they run. */
bool capability_foresees_denial(const CapabilityRules *rules, const CapabilityContext *context);
