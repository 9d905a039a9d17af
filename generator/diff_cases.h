/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers to ask about a call whose entries hold only with or without certain capabilities, from
 * or up to certain kernels: which entries hold together depends on all of that at once.
 */
#pragma once

#include "generator/seccomp_read.h"

typedef struct SeccompCase {
    uint64_t caps;
    uint32_t kernel; /* major << 16 | minor; UINT32_MAX: a new one */
} SeccompCase;

typedef struct SeccompCases {
    SeccompCase *items; /* the usual container first, then by how much else is different there */
    size_t count, capacity;
    bool cut; /* there are too many: not all combinations are here */
} SeccompCases;

void seccomp_cases_deinit(SeccompCases *cases);

/* Those that entries of the call NAME in both profiles can tell apart. 0 or -ENOMEM. */
int seccomp_cases_make(const SeccompProfile *old, const SeccompProfile *fresh, const char *name,
                       SeccompCases *ret_cases);

/* All that makes INNER differ from the usual container makes OUTER differ, too. */
bool seccomp_case_within(const SeccompCase *inner, const SeccompCase *outer);

/* "with CAP_SYS_ADMIN and before Linux 4.8"; nothing for the usual container. */
void seccomp_case_put(const SeccompCase *which, Buffer *out);
