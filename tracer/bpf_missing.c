/* SPDX-License-Identifier: Apache-2.0 */
/* Stands for the eBPF backend in a whittle that was built without it (cmake/Bpf.cmake). */
#include "tracer/bpf_backend.h"

#include <errno.h>

int bpf_backend_probe(Error *err)
{
    return error_set(
        err, -ENOTSUP,
        "this whittle was built without the eBPF backend, which needs clang, bpftool and "
        "libbpf 1.0 or newer (packages clang, bpftool, libbpf-dev)");
}

void bpf_backend_features(char *out, size_t size)
{
    if (size > 0)
        out[0] = '\0';
}

int bpf_backend_prepare(BackendPrepared **ret_prepared, Error *err)
{
    (void)ret_prepared;
    return bpf_backend_probe(err);
}

void bpf_backend_unprepare(BackendPrepared *prepared)
{
    (void)prepared;
}

int bpf_backend_run(BackendRun *run, Error *err)
{
    (void)run;
    return bpf_backend_probe(err);
}
