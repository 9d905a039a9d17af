/* SPDX-License-Identifier: Apache-2.0 */
/* What runs already, as --pid, --cgroup and --container name it. */
#pragma once

#include "cli/choose_backend.h"
#include "cli/command.h"
#include "tracer/cgroups.h"
#include "tracer/containers.h"

enum { JOIN_MAX = 1024, CGROUPS_LIMIT = 256 };

/* What is to be recorded, if it is not a command. */
typedef struct Joining {
    pid_t pids[JOIN_MAX];
    size_t pids_count;
    Cgroup cgroups[CGROUPS_LIMIT];
    size_t cgroups_count;
    Container container; /* whose cgroup it is; without id: no container's */
} Joining;

void joining_deinit(Joining *joining);

/* How many of the ways to name what is watched are used: a command, --pid, --cgroup, --container.
 */
int joining_count_ways(const Parsed *parsed);

/* What a backend has to be able to, where no command is given. */
Job joining_job(const Parsed *parsed);

/* Finds what PARSED names. 0, or the exit status of an error that was told. */
int joining_find(const Parsed *parsed, Joining *joining);
