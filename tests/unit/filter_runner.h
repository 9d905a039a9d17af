/* SPDX-License-Identifier: Apache-2.0 */
/* What libseccomp compiles, run as the kernel runs it. Failures abort the test. */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

typedef struct FilterProgram {
    struct sock_filter *ops; /* owned */
    size_t count;
} FilterProgram;

FilterProgram filter_program_of(scmp_filter_ctx filter);
void filter_program_deinit(FilterProgram *program);

/* What PROGRAM returns for DATA: SECCOMP_RET_…. Only with the instructions that libseccomp emits.
 */
uint32_t filter_program_run(const FilterProgram *program, const struct seccomp_data *data);
