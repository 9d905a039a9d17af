/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Type and owner of files that were met, for when they are gone by the time they are looked at.
 * By mount namespace and canonical path; it forgets in favour of what came later.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

typedef struct SeenFiles SeenFiles;

SeenFiles *seen_files_new(void);
SeenFiles *seen_files_free(SeenFiles *seen);

void seen_file_put(SeenFiles *seen, uint32_t mount_namespace, const char *path,
                   const struct stat *st);

/* Type, mode and owner of RET_STAT; false if PATH was not met. */
bool seen_file_get(const SeenFiles *seen, uint32_t mount_namespace, const char *path,
                   struct stat *ret_stat);

/* The two names of a rename(), one after the other, when it has happened. */
void seen_rename_from(SeenFiles *seen, const char *path);
void seen_rename_to(SeenFiles *seen, uint32_t mount_namespace, const char *path);
