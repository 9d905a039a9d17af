/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which places in the running kernel the eBPF backend hooks into. Some programs of whittle.bpf.c
 * are alternatives to each other, for kernels that have one place or another; which of them work is
 * found out by loading and attaching a program that only says that it ran.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Groups of alternatives, by what they see. */
typedef enum BpfProbeGroup {
    BPF_PROBE_CAPABILITIES,
    BPF_PROBE_IO_URING,
    BPF_PROBE_IO_RESULTS,
    BPF_PROBE_SIGNALS,
    BPF_PROBE_EXEC,
    BPF_PROBE_PATHS,
    BPF_PROBE_GROUPS,
} BpfProbeGroup;

typedef struct BpfProbes {
    /* By group: index of the alternative taken; -1 none works. */
    int taken[BPF_PROBE_GROUPS];
    uint32_t io_complete; /* enum io_complete of bpf/events.h, were BPF_PROBE_IO_RESULTS taken */
} BpfProbes;

/* 0 if this machine and this process's privileges are enough for the backend, else a negative errno
 * with ERR telling what is missing and how to get it. */
int bpf_probes_check(Error *err);

/* The same, and works out what to take. Where no alternative of a group works, that is no error. */
int bpf_probes_choose(BpfProbes *ret_probes, Error *err);

/* Whether the program of that section ("tp_btf/cap_capable") is to be loaded: true for what is no
 * alternative to anything. */
bool bpf_probes_want(const BpfProbes *probes, const char *section);

/* The kernel refused the program of SECTION: takes the next alternative or none. False if SECTION
 * is none that can be done without. */
bool bpf_probes_drop(BpfProbes *probes, const char *section);

/* "tp_btf cap_capable:tracepoint io_uring:submit_req ringbuf" */
void bpf_probes_text(const BpfProbes *probes, char *out, size_t size);

/* What cannot be seen, in words; NULL if some alternative of GROUP was taken. */
const char *bpf_probes_blind(const BpfProbes *probes, BpfProbeGroup group);
