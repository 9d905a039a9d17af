/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/choose_backend.h"

#include <errno.h>
#include <string.h>

static bool backend_fits(const Backend *backend, Job job)
{
    const bool fits[] = {
        [JOB_LAUNCH] = backend->can_launch,
        [JOB_JOIN] = backend->can_join,
        [JOB_JOIN_CGROUPS] = backend->can_join_cgroups,
    };

    return fits[job];
}

const Backend *choose_backend(const char *name, Job job, Error *err)
{
    static const char *const misfits[] = {
        [JOB_LAUNCH] = "can only join what runs already",
        [JOB_JOIN] =
            ("can only record what it starts itself: use --backend ptrace to join a running "
             "process"),
        [JOB_JOIN_CGROUPS] =
            "cannot record a control group or container: only --backend bpf can, with privilege",
    };

    if (strcmp(name, "auto") != 0) {
        const Backend *backend = backend_by_name(name);
        if (!backend) {
            (void)error_set(err, -EINVAL, "there is no backend called %s", name);
            return NULL;
        }
        if (!backend_fits(backend, job)) {
            (void)error_set(err, -EINVAL, "the %s backend %s", name, misfits[job]);
            return NULL;
        }
        return backend->probe(err) < 0 ? NULL : backend;
    }
    for (size_t i = 0; backends[i]; i++) {
        if (backend_fits(backends[i], job) && backends[i]->probe(err) == 0)
            return backends[i];
    }
    return NULL;
}
