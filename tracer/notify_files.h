/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stopped thread's descriptors and paths are, as far as that can be told without asking a
 * file system that the workload may serve (tracer/served.h). Where it cannot the answer is false.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

bool files_is_open(pid_t tid, uint64_t fd);

/* A regular file or folder. */
bool files_is_regular(pid_t tid, uint64_t fd);

/* open(2) of the path at ADDRESS in MEMORY (/proc/TID/mem), seen from DIRECTORY (a descriptor of
 * the thread's or AT_FDCWD), does not wait, as it may for pipes and devices: it is a regular file,
 * a folder or a device like null, or not there. */
bool files_opens_at_once(pid_t tid, int memory, int directory, uint64_t address);
