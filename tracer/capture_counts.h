/* SPDX-License-Identifier: Apache-2.0 */
/* Which facts an event made, by its key, so that later counts reach them: 16 bytes an event. */
#pragma once

#include "model/recording.h"

typedef struct CaptureCounts CaptureCounts;

CaptureCounts *capture_counts_new(Recording *recording); /* borrowed */
CaptureCounts *capture_counts_free(CaptureCounts *counts);

/* The event of KEY made COUNT facts, each sighted once by that. 0 or -ENOMEM. */
int capture_counts_add(CaptureCounts *counts, uint64_t key, StoredFact *const *facts, size_t count);

/* KEY was seen TIMES in all: raises the counts of its facts, whose last run is this one. */
void capture_counts_apply(CaptureCounts *counts, uint64_t key, uint64_t times);
