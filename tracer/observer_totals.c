/* SPDX-License-Identifier: Apache-2.0 */
/* What an observer counts: while it runs, and at the end. */
#include "tracer/observer_totals.h"

#include "tracer/observer_private.h"

void observer_totals(Observer *observer, const ObserverTotals *totals)
{
    observer->calls = totals->calls;
    observer->table.processes_peak = totals->processes_peak;
    if (totals->descriptors_peak > observer->peak_descriptor)
        observer->peak_descriptor = totals->descriptors_peak;
}

void observer_interrupted(Observer *observer)
{
    observer->interrupted++;
}

ObserverProgress observer_progress(const Observer *observer)
{
    return (ObserverProgress){
        .calls = observer->calls,
        .facts = recording_facts_count(observer->options.recording),
        .processes = HASH_COUNT(observer->table.processes),
        .losses = observer->losses,
        .interrupted = observer->interrupted,
    };
}

static void add_resource(Observer *observer, const char *name, uint64_t value)
{
    Fact draft = {.kind = FACT_RESOURCE, .name = name, .subject = "*", .phase = PHASE_RUN};
    StoredFact *fact;

    if (value == 0)
        return;
    fact_set_number(&draft, FIELD_VALUE, (int64_t)value);
    if (recording_add(observer->options.recording, &draft, observer->options.run, 1, NULL, &fact) <
        0)
        observer_loss(observer, "memory", "no memory for a fact", 1);
}

void observer_finish(Observer *observer)
{
    Run *run = recording_run(observer->options.recording, observer->options.run);

    observer_flush(observer);
    add_resource(observer, "processes", observer->table.processes_peak);
    add_resource(observer, "descriptors", observer->peak_descriptor);
    run->calls = observer->calls;
    run->interrupted = observer->interrupted;
}
