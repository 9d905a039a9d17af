/* SPDX-License-Identifier: Apache-2.0 */
/* What a process has mapped, from the text of proc_pid_maps(5), and what its JIT compiler says of
 * the code that it made (perf-PID.map). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct StackMap {
    uint64_t start, end;
    uint64_t offset;  /* in the file */
    uint64_t base;    /* where the file's beginning is mapped; START where it is not */
    uint64_t inode;   /* 0: no file */
    const char *path; /* in the text, "" for none */
    size_t path_length;
    bool executable;
} StackMap;

/* The maps in TEXT, in its order, which is that of the addresses: at most 65536. An owned array
 * that borrows from TEXT. 0 or -ENOMEM. */
int stack_maps_parse(const char *text, StackMap **ret_maps, size_t *ret_count);

/* The map at ADDRESS or NULL. */
const StackMap *stack_maps_find(const StackMap *maps, size_t count, uint64_t address);

/* The name that TEXT ("START SIZE NAME" a line, numbers in hexadecimal) gives to ADDRESS: the last
 * one, since memory is used again. Borrowed, of *RET_LENGTH bytes; NULL for none. */
const char *stack_jit_name(const char *text, uint64_t address, size_t *ret_length);
