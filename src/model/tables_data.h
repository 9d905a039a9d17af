/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cmake/tables/generate.py makes of profiles/tables; only for tables.c and its tests.
 */
#pragma once

#include "model/tables.h"

/* No call has this number. */
enum { TABLES_NO_CALL = UINT16_MAX };

/* A number too high for the dense array: arm's private calls. */
typedef struct TablesSparse {
    uint32_t number;
    uint16_t entry;
} TablesSparse;

/* The calls of one architecture: entries of tables_syscalls[] by number. */
typedef struct TablesNumbers {
    const uint16_t *dense;
    size_t dense_count;
    const TablesSparse *sparse;
    size_t sparse_count;
} TablesNumbers;

/* In which families the names of FAMILY's values depend on an earlier argument of the call. */
typedef struct TablesRefinement {
    const char *family;
    uint8_t back;            /* how many arguments before it the deciding one is */
    uint64_t value;          /* of the deciding argument */
    const FlagFamily *names; /* family to take the names from */
} TablesRefinement;

/* Ordered by name; behind the tables_syscall_count ordinary ones come those whose arguments differ
 * on some architecture, with the same name and index as their ordinary form. */
extern const Syscall tables_syscalls[];
extern const size_t tables_syscall_count;

/* Numbers by Syscall.index and architecture, x32 without bit 30; -1 for none. */
extern const int32_t tables_number_of[][ARCH_COUNT];
extern const TablesNumbers tables_numbers[ARCH_COUNT];

extern const FlagFamily tables_families[]; /* by name */
extern const size_t tables_family_count;
extern const TablesRefinement tables_refinements[];
extern const size_t tables_refinement_count;

extern const PathOperation tables_path_operations[]; /* by name */
extern const size_t tables_path_operation_count;

extern const Capability tables_capabilities[]; /* by number, which is the index */
extern const size_t tables_capability_count;

extern const CapabilitySite tables_capability_sites[]; /* by function */
extern const size_t tables_capability_site_count;

extern const IoUringOperation tables_io_uring[]; /* by number, which is the index */
extern const size_t tables_io_uring_count;
