/* SPDX-License-Identifier: Apache-2.0 */
/* What the system's headers say that a flag or number is; the tables are made at build time from
 * profiles/tables, which leaves out the names that these headers do not have. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct FlagCheck {
    const char *family; /* NULL ends the table */
    const char *name;
    uint64_t value;
} FlagCheck;

/* An int is no more than 32 bits to the kernel: without sign. */
#define FLAG_CHECK(value)                                                                          \
    (sizeof(value) == sizeof(uint32_t) ? (uint64_t)(uint32_t)(value) : (uint64_t)(value))

extern const FlagCheck flags_check_kernel[];
extern const FlagCheck flags_check_libc[];
extern const FlagCheck flags_check_numbers[]; /* system calls of the machine this was built on */
