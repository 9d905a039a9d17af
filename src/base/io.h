/* SPDX-License-Identifier: Apache-2.0 */
/* Whole-file input and output that checks every step. */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <dirent.h>
#include <stdbool.h>
#include <sys/types.h>

/* Closes *FD unless it is -1, and sets it to -1. For CLEANUP(fd_close). */
void fd_close(int *fd);

/* Closes *FOLDER unless it is NULL. For CLEANUP(folder_close). */
void folder_close(DIR **folder);

/* Writes all of it, through EINTR and short writes. 0 or a negative errno. */
int write_all(int fd, const void *bytes, size_t length);

/* Reads to the end, appending to OUT; -EFBIG if there are more than LIMIT bytes. */
int read_fd(int fd, Buffer *out, size_t limit);

/*
 * Opens PATH ("-" is standard input) and appends its first bytes to OUT, SIZE of them or all: to
 * see what it is. A descriptor for the rest, which the caller closes, or a negative errno.
 */
int open_and_peek(const char *path, Buffer *out, size_t size, Error *err);

/* Reads all of PATH ("-" is standard input). -EFBIG past LIMIT. */
int read_file(const char *path, Buffer *out, size_t limit, Error *err);

/*
 * Replaces PATH with the given bytes at once, as base/nameless.h does. "-" writes to standard
 * output.
 */
int write_file_atomic(const char *path, const void *bytes, size_t length, Error *err);

/* Could that be done now? For those whose work takes long before they write; PATH may be NULL,
 * which is fine. 0 or a negative errno with ERR. */
int write_file_check(const char *path, Error *err);

/* Makes the folder if it is not there (its parents must be). */
int make_folder(const char *path, Error *err);
