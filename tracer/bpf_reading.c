/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/bpf_loader_private.h"

#include "base/memory.h"

#include <errno.h>
#include <sys/prctl.h>

enum { NO_CAPABILITY = 1000, CONSUME_MAX = 4096 };

int bpf_loader_record(void *data, void *record, size_t size)
{
    BpfLoader *loader = data;

    loader->sink(loader->sink_data, record, size);
    return ++loader->consumed % CONSUME_MAX == 0 ? -EAGAIN : 0;
}

int bpf_loader_fd(const BpfLoader *loader)
{
    return ring_buffer__epoll_fd(loader->ring);
}

int bpf_loader_consume(BpfLoader *loader, BpfEventSink *sink, void *data)
{
    loader->sink = sink;
    loader->sink_data = data;
    loader->consumed = 0;
    const int r = ring_buffer__consume(loader->ring);
    return r < 0 && r != -EAGAIN ? r : loader->consumed;
}

void bpf_loader_unfinished(const BpfLoader *loader, BpfEventSink *sink, void *data)
{
    const struct bpf_map *map = loader->skeleton->maps.inflight;
    uint64_t at = 0;
    struct inflight request;

    for (int r = bpf_map__get_next_key(map, NULL, &at, sizeof at); r == 0;
         r = bpf_map__get_next_key(map, &at, &at, sizeof at)) {
        if (bpf_map__lookup_elem(map, &at, sizeof at, &request, sizeof request, 0) < 0)
            continue;
        const struct event event = {.size = sizeof event,
                                    .type = EVENT_IO_RESULT,
                                    .flags = EVENT_NO_RESULT,
                                    .value = request.key};
        sink(data, &event, sizeof event);
    }
}

void bpf_loader_skip_memory_check(BpfLoader *loader, uint64_t address, uint32_t depth)
{
    loader->skeleton->bss->memory_check_depth = depth;
    __atomic_store_n(&loader->skeleton->bss->memory_check, address, __ATOMIC_RELEASE);
    /* Another check to tell it from. The kernel asks before it sees that there is no such
     * capability to drop. */
    (void)prctl(PR_CAPBSET_DROP, NO_CAPABILITY, 0, 0, 0);
}

uint64_t bpf_loader_counter(const BpfLoader *loader, enum counter counter)
{
    const uint32_t index = counter;
    uint64_t value = 0;

    if (bpf_map__lookup_elem(loader->skeleton->maps.counters, &index, sizeof index, &value,
                             sizeof value, 0) < 0)
        return 0;
    return value;
}

uint64_t bpf_loader_calls(const BpfLoader *loader)
{
    const uint32_t index = 0;
    uint64_t total = 0;
    const int cpus = libbpf_num_possible_cpus();
    CLEANUP(free_pointer) uint64_t *values = cpus > 0 ? calloc((size_t)cpus, sizeof *values) : NULL;

    if (!values || bpf_map__lookup_elem(loader->skeleton->maps.calls, &index, sizeof index, values,
                                        (size_t)cpus * sizeof *values, 0) < 0)
        return 0;
    for (int i = 0; i < cpus; i++)
        total += values[i];
    return total;
}

/*
 * Whole buckets of the hash table come at a time; ENOSPC says that one did not fit. Keys of
 * KEY_SIZE 4 or 8 bytes.
 */
static int each_pair(const struct bpf_map *map, BpfPairSink *sink, void *data)
{
    enum { BATCH = 8192 };
    const size_t key_size = bpf_map__key_size(map);
    CLEANUP(free_pointer) unsigned char *keys = calloc(BATCH, key_size);
    CLEANUP(free_pointer) uint64_t *values = calloc(BATCH, sizeof *values);
    uint64_t position[2] = {0};
    bool first = true;

    if (!keys || !values)
        return -ENOMEM;
    for (;;) {
        uint64_t next[2] = {0};
        uint32_t count = BATCH;
        const int r = bpf_map_lookup_batch(bpf_map__fd(map), first ? NULL : position, next, keys,
                                           values, &count, NULL);
        if (r < 0 && r != -ENOENT)
            return r;
        for (uint32_t i = 0; i < count; i++) {
            uint64_t key = 0;
            uint32_t small;
            memcpy(&key, keys + i * key_size, key_size <= sizeof key ? key_size : sizeof key);
            if (key_size == sizeof small) {
                memcpy(&small, keys + i * key_size, sizeof small);
                key = small;
            }
            sink(data, key, values[i]);
        }
        if (r == -ENOENT)
            return 0;
        memcpy(position, next, sizeof position);
        first = false;
    }
}

int bpf_loader_seen(const BpfLoader *loader, BpfPairSink *sink, void *data)
{
    return each_pair(loader->skeleton->maps.seen, sink, data);
}

int bpf_loader_peaks(const BpfLoader *loader, BpfPairSink *sink, void *data)
{
    return each_pair(loader->skeleton->maps.peaks, sink, data);
}

static void count_pair(void *data, uint64_t key, uint64_t value)
{
    (void)key;
    (void)value;
    ++*(uint64_t *)data;
}

uint64_t bpf_loader_lost(const BpfLoader *loader)
{
    const struct bpf_map *map = loader->skeleton->maps.lost;
    uint64_t count = 0;
    const int r = each_pair(map, count_pair, &count);

    /* Where the map was too small, what was lost for a time counts as lost for ever. */
    if (r < 0 || count >= bpf_map__max_entries(map))
        return bpf_loader_counter(loader, COUNTER_LOST_RING);
    return count;
}
