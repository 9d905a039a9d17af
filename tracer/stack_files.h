/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of ELF files in memory: a file that is mapped could be cut short by the workload while it
 * is read, which would kill the reader. Each is read once, as long as it stays the same.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct StackFiles StackFiles;

StackFiles *stack_files_new(void);
StackFiles *stack_files_free(StackFiles *files);

/* The copy of what FD is, which stays the caller's: a descriptor for the caller to close, -EFBIG
 * for what is too large, or another negative errno. */
int stack_files_copy(StackFiles *files, int fd);

/* The same of LENGTH bytes. */
int stack_files_of_bytes(const void *bytes, size_t length);

/* The same of the debug file of the build id, by the places where packages and debuginfod's client
 * put it on this machine; nothing is fetched. -ENOENT: there is none. */
int stack_files_debug(StackFiles *files, const uint8_t *build_id, size_t length);
