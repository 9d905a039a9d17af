/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An array in order of arrival that is sorted by key when the first count is asked for, at the end
 * of the run. Most events make one or two facts, which are in the entry itself; the numbers of more
 * are in an array of their own.
 */
#include "tracer/capture_counts.h"

#include "base/memory.h"

#include <errno.h>

/* Numbers of facts, 0 none; or with MANY the place of a list in `more`. */
#define MANY 0x80000000u

typedef struct Entry {
    uint64_t key;
    uint32_t first;
    uint32_t second;
} Entry;

struct CaptureCounts {
    Recording *recording;
    Entry *entries;
    size_t count, capacity;
    uint32_t *more; /* lists, each ended by 0 */
    size_t more_count, more_capacity;
    bool sorted;
};

CaptureCounts *capture_counts_new(Recording *recording)
{
    CaptureCounts *counts = calloc(1, sizeof *counts);

    if (counts)
        counts->recording = recording;
    return counts;
}

CaptureCounts *capture_counts_free(CaptureCounts *counts)
{
    if (!counts)
        return NULL;
    free(counts->entries);
    free(counts->more);
    free(counts);
    return NULL;
}

static int add_more(CaptureCounts *counts, uint32_t number)
{
    if (array_reserve(&counts->more, &counts->more_capacity, counts->more_count,
                      sizeof *counts->more) < 0)
        return -ENOMEM;
    counts->more[counts->more_count++] = number;
    return 0;
}

int capture_counts_add(CaptureCounts *counts, uint64_t key, StoredFact *const *facts, size_t count)
{
    Entry entry = {.key = key};
    const size_t place = counts->more_count;
    int r = 0;

    if (count == 0)
        return 0;
    if (array_reserve(&counts->entries, &counts->capacity, counts->count, sizeof *counts->entries) <
        0)
        return -ENOMEM;
    if (count <= 2) {
        entry.first = recording_fact_number(facts[0]);
        entry.second = count == 2 ? recording_fact_number(facts[1]) : 0;
    } else {
        for (size_t i = 0; r == 0 && i < count; i++)
            r = add_more(counts, recording_fact_number(facts[i]));
        if (r == 0)
            r = add_more(counts, 0);
        if (r < 0 || place >= MANY) {
            counts->more_count = place;
            return -ENOMEM;
        }
        entry.first = MANY | (uint32_t)place;
    }
    counts->entries[counts->count++] = entry;
    counts->sorted = false;
    return 0;
}

/* Lets the entry at AT sink to where it belongs in the heap of COUNT entries. */
static void sink(Entry *entries, size_t at, size_t count)
{
    const Entry entry = entries[at];

    for (size_t below; (below = 2 * at + 1) < count; at = below) {
        if (below + 1 < count && entries[below + 1].key > entries[below].key)
            below++;
        if (entries[below].key <= entry.key)
            break;
        entries[at] = entries[below];
    }
    entries[at] = entry;
}

/* By heap: qsort() would take as much memory again. */
static void sort_entries(Entry *entries, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sink(entries, i, count);
    for (size_t end = count; end-- > 1;) {
        const Entry greatest = entries[0];
        entries[0] = entries[end];
        entries[end] = greatest;
        sink(entries, 0, end);
    }
}

static void raise_count(const CaptureCounts *counts, uint32_t number, uint64_t by)
{
    Recording *recording = counts->recording;

    if (number > 0)
        (void)recording_add_count(recording, recording_by_number(recording, number),
                                  (uint32_t)recording_runs_count(recording) - 1, by);
}

void capture_counts_apply(CaptureCounts *counts, uint64_t key, uint64_t times)
{
    size_t low = 0;
    size_t high = counts->count;

    if (!counts->sorted)
        sort_entries(counts->entries, counts->count);
    counts->sorted = true;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (counts->entries[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    /* An event that came twice was counted twice. */
    size_t delivered = 0;
    while (low + delivered < counts->count && counts->entries[low + delivered].key == key)
        delivered++;
    if (delivered == 0 || times <= delivered)
        return;
    const Entry *entry = &counts->entries[low];
    if (entry->first & MANY) {
        for (const uint32_t *number = &counts->more[entry->first & ~MANY]; *number != 0; number++)
            raise_count(counts, *number, times - delivered);
        return;
    }
    raise_count(counts, entry->first, times - delivered);
    raise_count(counts, entry->second, times - delivered);
}
