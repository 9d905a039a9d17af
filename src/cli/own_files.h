/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Calls TOLD with DATA and the path of each file that this program's code is from: what `whittle
 * mark`, which a workload may run, is made of. 0, or the first value of TOLD that is not. */
int each_own_file(int (*told)(void *data, const char *path), void *data);
