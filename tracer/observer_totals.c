/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/observer_totals.h"

#include "tracer/observer_private.h"

void observer_totals(Observer *observer, const ObserverTotals *totals)
{
    observer->calls = totals->calls;
    observer->table.processes_peak = totals->processes_peak;
    if (totals->descriptors_peak > observer->peak_descriptor)
        observer->peak_descriptor = totals->descriptors_peak;
}
