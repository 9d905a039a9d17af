/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/backend.h"

#include "base/io.h"

#include <stdint.h>
#include <string.h>

const Backend *const backends[] = {&backend_notify, &backend_ptrace, NULL};

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
