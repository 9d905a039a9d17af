/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle merge --git BASE OURS THEIRS [PATH]`: git's merge driver for policies, gitattributes(5).
 */
#pragma once

/* PATHS are as git gives them; COUNT is 3 or 4. Gives the exit status: OURS has the result, or 1
 * and what it has is marked where the two conflict. */
int merge_git(char *const *paths, int count);
