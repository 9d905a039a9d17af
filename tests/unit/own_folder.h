/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of a test's own. */
#pragma once

/* Its absolute path, between the two. */
extern char own_folder[];

/* Makes it, and goes there. */
void own_folder_enter(void);

/* Leaves it, and removes it with all that is in it. */
void own_folder_leave(void);
