/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy grants, in numbers, and how that compares with Docker's defaults. */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "model/policy.h"
#include "model/recording.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct PolicySummary {
    size_t calls;             /* system calls that are allowed, for the workload or a runtime */
    size_t calls_workload;    /* of these, for the workload */
    size_t calls_conditional; /* of these, only with certain arguments */
    size_t calls_docker;      /* Docker's default allows so many on the first architecture */
    size_t calls_kept;        /* of these, allowed */
    size_t calls_extra;       /* allowed, but not by Docker's default */
    size_t ring_calls; /* io_uring_setup is allowed: system calls that are denied and that io_uring
                          does all the same */
    bool rings;        /* it is */
    size_t capabilities;
    size_t capabilities_docker;
    size_t capabilities_kept;
    size_t capabilities_extra;
    size_t rules[POLICY_SECTION_COUNT]; /* that allow */
    size_t files_written;               /* file rules that allow to write */
    size_t files_executed;
} PolicySummary;

/* POLICY must be sorted. 0, or a negative errno with ERR. */
int policy_summary_make(const Policy *policy, PolicySummary *summary, Error *err);

/* As text for people, several lines. RECORDING, NULL allowed, is what the policy came from. */
int policy_summary_print(const Policy *policy, const PolicySummary *summary,
                         const Recording *recording, Buffer *out);
