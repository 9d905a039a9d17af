/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that every backend takes to start the workload from the recorder. */
#pragma once

#include "tracer/backend.h"

/*
 * In the forked child, as its last act: restores the signal mask and runs the program. Returns only
 * on failure, with the negative errno. A program without a format that the kernel knows is given to
 * /bin/sh, as shells and execvp(3) do.
 */
int launch_exec(const Launch *launch);

/*
 * In the recorder, once the child is forked: leaves the session of the front and the workload, so
 * that ^C, ^Z and kill(0, …) do not reach the recorder, and gives up the privileges that recording
 * does not need. Must come after fork(), since the child stays in the front's session.
 */
void recorder_step_aside(void);

/* The same, but COUNT more CAPABILITIES are kept, those of them that the recorder has. */
void recorder_step_aside_keeping(const int *capabilities, size_t count);

/*
 * The same, but in a process group of its own in the front's session: the scheduler's autogroup,
 * sched(7), goes with the session, and a tracer in another one than its tracees waits for its turn
 * among all sessions at each stop. For a process whose parent is in another session and that has
 * no children in the workload's process groups: else those groups would not be orphaned as they are
 * without whittle, credentials(7).
 */
void recorder_step_aside_in_session(void);

/* True if the caller may load a seccomp filter without no_new_privs (CAP_SYS_ADMIN). */
bool may_filter_with_privileges(void);

/*
 * Finds the program that ARGV[0] names as execvp(3) does. *RET_PATH is allocated. Returns 0,
 * -ENOENT if there is none, -EACCES if there is one that may not be run; ERR says so in words.
 */
int launch_resolve(const char *name, char **ret_path, Error *err);
