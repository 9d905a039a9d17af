/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of the eBPF backend's row (backend.c): bpf_backend.c has them, or bpf_missing.c in
 * a whittle that was built without it. Their contracts are those of the row, in backend.h.
 */
#pragma once

#include "tracer/backend.h"

int bpf_backend_probe(Error *err);
void bpf_backend_features(char *out, size_t size);
int bpf_backend_run(BackendRun *run, Error *err);
int bpf_backend_prepare(BackendPrepared **ret_prepared, Error *err);
void bpf_backend_unprepare(BackendPrepared *prepared);
