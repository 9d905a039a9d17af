/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that have no name while they are written: they are seen by nobody, leave nothing behind
 * whatever becomes of their writer, and in the end are put in place whole.
 */
#pragma once

#include "base/error.h"

/* 0 if a file may be put at PATH: there is none, or an ordinary one, or a link to such a one or to
 * nothing (which is replaced itself). Else, for a device, a pipe, a socket, a folder or a link to
 * one, or to an open file, as /dev/stdout is, a negative errno with ERR. */
int nameless_check(const char *path, Error *err);

/* An empty one for reading and writing, in the folder of PATH so that it can come to be PATH. A
 * descriptor, or a negative errno. */
int nameless_open(const char *path);

/*
 * Replaces PATH with what is in FD, which stays open: a reader sees the old file or the whole new
 * one. Mode 0644 less umask. Never follows a link at PATH: the link itself is replaced. A file from
 * elsewhere than PATH's file system is copied.
 */
int nameless_place(int fd, const char *path, Error *err);

/* Copies all of FROM, from its begin, to TO. 0 or a negative errno. */
int copy_all(int from, int to);
