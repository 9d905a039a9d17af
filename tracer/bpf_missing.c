/* SPDX-License-Identifier: Apache-2.0 */
/* Stands for the eBPF backend in a whittle that was built without it (cmake/Bpf.cmake). */
#include "tracer/backend.h"

#include <errno.h>

static int probe(Error *err)
{
    return error_set(
        err, -ENOTSUP,
        "this whittle was built without the eBPF backend, which needs clang, bpftool and "
        "libbpf 1.0 or newer (packages clang, bpftool, libbpf-dev)");
}

static void features(char *out, size_t size)
{
    if (size > 0)
        out[0] = '\0';
}

static int run(BackendRun *run_options, Error *err)
{
    (void)run_options;
    return probe(err);
}

const Backend backend_bpf = {
    .name = "bpf",
    .summary = "eBPF: in the kernel",
    .sees_results = true,
    .can_launch = true,
    .can_join = true,
    .probe = probe,
    .features = features,
    .run = run,
};
