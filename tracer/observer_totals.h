/* SPDX-License-Identifier: Apache-2.0 */
/* For backends that count by themselves: what the observer cannot count, which is told only of what
 * is new. */
#pragma once

#include "tracer/observer.h"

typedef struct ObserverTotals {
    uint64_t calls;
    uint64_t processes_peak;
    uint64_t descriptors_peak; /* highest descriptor number, plus one */
} ObserverTotals;

/* In place of what was counted up to now; the higher peak of descriptors. */
void observer_totals(Observer *observer, const ObserverTotals *totals);
