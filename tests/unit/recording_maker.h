/* SPDX-License-Identifier: Apache-2.0 */
/* Small recordings, for tests. Failures abort. */
#pragma once

#include "model/recording.h"

/* Has the run called ID, with index 0, and no facts. */
Recording *with_run(const char *id);

Fact file_fact(const char *path, int64_t access);
