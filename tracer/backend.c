/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/backend.h"

#include "base/io.h"
#include "tracer/bpf_backend.h"

#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

/* Here, because what is behind it depends on how whittle was built. */
const Backend backend_bpf = {
    .name = "bpf",
    .summary = "eBPF: in the kernel, results and capability checks included, at next to no cost",
    .sees_results = true,
    .can_launch = true,
    .can_join = true,
    .can_join_cgroups = true,
    .can_join_runtimes = true,
    .probe = bpf_backend_probe,
    .features = bpf_backend_features,
    .prepare = bpf_backend_prepare,
    .unprepare = bpf_backend_unprepare,
    .run = bpf_backend_run,
};

const Backend *const backends[] = {&backend_bpf, &backend_notify, &backend_ptrace, NULL};

const Backend *backend_by_name(const char *name)
{
    for (size_t i = 0; backends[i]; i++) {
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    }
    return NULL;
}

int report_send(int report_fd, ReportKind kind, int value)
{
    const Report report = {.kind = (char)kind, .value = value};

    return write_all(report_fd, &report, sizeof report);
}

void backend_child_ended(BackendRun *run, int wait_status)
{
    run->has_status = true;
    run->wait_status = wait_status;
    (void)report_send(run->report_fd, REPORT_EXITED, wait_status);
}

int exit_status_of(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}
