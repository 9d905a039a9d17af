/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For backends without which a launched workload cannot live on (Backend.keeps_workload): what
 * traces is not the process that people know as the recorder but a child of it, which learns when
 * the recorder is killed and goes on as the workload's keeper.
 *
 *     whittle record   the front
 *      └─ whittle-rec  the recorder, which only waits
 *          ├─ ptrace-keeper   runs Backend.run() and writes the recording
 *          └─ workload
 *
 * The workload is the recorder's child because that is in a session of its own, which the keeper,
 * for the sake of speed, is not (recorder_step_aside_in_session()).
 */
#pragma once

/*
 * Returns in the child, with a descriptor that ends (end of file) when the parent ends; the parent
 * waits for the child and exits. Negative errno if there was no fork.
 */
int lifeline_fork(void);
