/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `whittle verify --image` and `--container`: the policy's files are given to a container engine,
 * which puts them in force for a container of its own; whittle watches that in the kernel.
 */
#pragma once

#include "cli/command.h"
#include "model/policy.h"

/* Is a container asked for? */
bool verify_engine_wanted(const Parsed *parsed);

/* 0, or the exit status of a usage error that was told. */
int verify_engine_usage(const Parsed *parsed);

/* POLICY is sorted, and gets a name if it has none. EXPECTED is the container's exit status without
 * the policy, -1 if not known. The exit status of verify. */
int verify_engine(const Parsed *parsed, Policy *policy, uint32_t sections, int expected);
