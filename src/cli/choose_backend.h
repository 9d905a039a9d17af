/* SPDX-License-Identifier: Apache-2.0 */
/* Which backend records. */
#pragma once

#include "base/error.h"
#include "tracer/backend.h"

typedef enum Job {
    JOB_LAUNCH,
    JOB_JOIN,
    JOB_JOIN_CGROUPS,
} Job;

/* The one called NAME, or with "auto" the best that this machine and JOB allow. NULL with ERR:
 * -EINVAL if NAME is none, or none for JOB; else the machine cannot. */
const Backend *choose_backend(const char *name, Job job, Error *err);
