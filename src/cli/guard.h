/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that leaves nothing behind, however it ends. Three processes, each of which ends all that is
 * left of the others' when one is killed:
 *
 *     the caller      what the shell started; waits, passes signals on
 *      └─ the guard   in a session of its own; waits
 *          └─ WORK    in the caller's session and process group
 *
 * The caller and the guard are subreapers, prctl(2): whatever WORK started stays beneath them.
 */
#pragma once

#include "base/buffer.h"

/*
 * Runs WORK in a process of its own and gives its exit status, after all its descendants have
 * ended: those that outlive it are killed. Then CLEAN (NULL: nothing) gives back what WORK took of
 * the system, also where it took nothing, and more than once; FOLDER, which WORK may make, is
 * removed with all that is in it: its name is to be one that nobody else has. SIGTERM, SIGINT,
 * SIGHUP and SIGQUIT are passed on to WORK if they did not come from the terminal, which sends them
 * itself; ten seconds later the other programs that WORK runs are killed, so that it can say what
 * it has seen, and after ten more everything. -1 if it could not be started or was killed; 128
 * plus the signal if that came from outside.
 */
int guarded(int (*work)(void *data), void (*clean)(void *data), void *data, const char *folder);

/* Kills until the caller, a subreaper, has no descendants any more. */
void guard_end_descendants(void);

/* Names a folder in TMPDIR that is not there yet, so that nothing is left if a process is killed
 * before the guard is there to remove it. 0 or a negative errno. */
int guard_name_folder(Buffer *folder);
