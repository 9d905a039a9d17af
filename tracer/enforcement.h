/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A launched workload that may do no more than a policy allows. System calls are refused by answers
 * to their notifications, after the call was observed, so that each refusal has a name; the rest is
 * the kernel's: capabilities that are taken away, and AppArmor or Landlock.
 *
 * Only for backends that launch under a filter and answer calls (Backend.filters).
 */
#pragma once

#include "model/fact.h"
#include "model/landlock.h"

#include <stdbool.h>
#include <stdint.h>

/* Refusals that are no errno. */
enum { REFUSE_NOT = 0, REFUSE_KILL = -1 };

typedef struct Enforcement {
    /*
     * What a call gets instead of being run: REFUSE_NOT (it runs), an errno, REFUSE_KILL. SYSCALL
     * is NULL for one that the tables do not know, ARCH negative for an unknown architecture.
     * Called in the recorder. NULL: calls are left alone.
     */
    int (*refusal)(const void *data, const Syscall *syscall, int arch,
                   const uint64_t args[SYSCALL_ARGS]);
    const void *data;
    /*
     * What a call gets that would show FACT, of a file, program, socket, signal, process or mount:
     * REFUSE_NOT or an errno. Asked before the call runs, of each such fact, unless the call will
     * fail by itself. Called in the recorder. NULL: calls are left alone.
     */
    int (*fact_refusal)(void *data, const Fact *fact);
    void *fact_data;
    bool limits_capabilities;
    uint64_t capabilities; /* those that stay, bit i: CAP_* number i */
    uint64_t withheld;     /* those that the workload would have without this */
    bool no_new_privs;
    const LandlockRules *landlock; /* borrowed; NULL none */
    const char *apparmor;          /* profile that is entered at exec, borrowed; NULL none */
} Enforcement;

/* The version of Landlock in this kernel, 0 where there is none. */
int landlock_version(void);

/* The effective capabilities of the caller, and whether it may take them from what it starts. */
uint64_t capabilities_held(void);
bool may_limit_capabilities(void);

/*
 * In the forked child, in this order: before it loads the notification filter, which takes
 * CAP_SYS_ADMIN, and after. 0 or a negative errno.
 */
int enforcement_begin(const Enforcement *enforcement);
int enforcement_complete(const Enforcement *enforcement);
