/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the loader share: bpf_loader.c loads, bpf_scope.c says who is recorded,
 * bpf_reading.c takes what was recorded. */
#pragma once

#include "tracer/bpf_loader.h"

#include <bpf/bpf.h>
#include <whittle.skel.h>

enum { BPF_PROGRAMS_MAX = 32 };

struct BpfLoader {
    struct whittle_bpf *skeleton;
    bool joins; /* processes that run already: needs the iterator */
    struct bpf_link *links[BPF_PROGRAMS_MAX];
    size_t links_count;
    struct ring_buffer *ring;
    BpfProbes probes;
    BpfEventSink *sink; /* while consuming */
    void *sink_data;
    int consumed;
    char refusal[512]; /* why a program that can be done without was left out last; "" */
};

/* Hands a record of the ring to the sink: ring_buffer_sample_fn of libbpf, DATA is the BpfLoader.
 */
int bpf_loader_record(void *data, void *record, size_t size);
