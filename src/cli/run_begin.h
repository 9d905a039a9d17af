/* SPDX-License-Identifier: Apache-2.0 */
/* What every run says of itself. */
#pragma once

#include "base/error.h"
#include "model/recording.h"

/* Adds RUN to RECORDING, with an id, the machine, whittle's version and the time, which RUN leaves
 * out. 0 with *RET_INDEX, or a negative errno with ERR. */
int run_begin(const Run *run, Recording *recording, uint32_t *ret_index, Error *err);
