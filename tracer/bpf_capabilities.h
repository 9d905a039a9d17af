/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capability checks that the kernel made, as facts. The kernel asks more often than it needs: who
 * asked (its stack, profiles/tables/capability_sites.csv) tells probes from needs.
 */
#pragma once

#include "model/tables.h"
#include "tracer/captured.h"
#include "tracer/observer_private.h"

#include <stdio.h>

typedef struct BpfCapabilities BpfCapabilities;

/* Reads /proc/kallsyms, for which whittle must have its capabilities yet. NULL without memory. */
BpfCapabilities *bpf_capabilities_new(void);
BpfCapabilities *bpf_capabilities_free(BpfCapabilities *capabilities);

/* The same with another file, which it closes in the end; NULL: there is none. */
BpfCapabilities *bpf_capabilities_new_with(FILE *kallsyms);

/* Adds what TRACEE's EVENT_CALL, which was observed just before, tells of checks. */
void bpf_capabilities_call(BpfCapabilities *capabilities, Observer *observer, Tracee *tracee);

/*
 * Where cap_capable() returns to in the check that every mapping of memory makes, and at which
 * depth of the stack that was: the kernel side need not tell it ever again. False until one was
 * seen.
 */
bool bpf_capabilities_memory_check(const BpfCapabilities *capabilities, uint64_t *ret_address,
                                   uint32_t *ret_depth);

/* Adds the fact of TRACEE's EVENT_CAPABILITY, if it is one. 0 or -EBADMSG. */
int bpf_capabilities_event(BpfCapabilities *capabilities, Observer *observer, Tracee *tracee);
