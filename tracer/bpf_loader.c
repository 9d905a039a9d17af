/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading is tried again without a program that the kernel's verifier refuses, as long as that one
 * can be done without (bpf_probes.h). libbpf tells which program it was by filling that one's log.
 */
#include "tracer/bpf_loader.h"

#include "base/io.h"
#include "base/memory.h"
#include "model/fact.h"
#include "tracer/bpf_rules.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <whittle.skel.h>

enum {
    NO_CAPABILITY = 1000,
    PROGRAMS_MAX = 32,
    LOG_SIZE = 64 * 1024,
    X32_BIT = 0x40000000,
    CONSUME_MAX = 4096,
};

struct BpfLoader {
    struct whittle_bpf *skeleton;
    bool joins; /* processes that run already: needs the iterator */
    struct bpf_link *links[PROGRAMS_MAX];
    size_t links_count;
    struct ring_buffer *ring;
    BpfProbes probes;
    BpfEventSink *sink; /* while consuming */
    void *sink_data;
    int consumed;
    char refusal[512]; /* why a program that can be done without was left out last; "" */
};

/* ---- loading --------------------------------------------------------------------------------- */

typedef struct Logs {
    char *text[PROGRAMS_MAX]; /* LOG_SIZE each */
} Logs;

static void logs_deinit(Logs *logs)
{
    for (size_t i = 0; i < PROGRAMS_MAX; i++)
        free(logs->text[i]);
}

static int logs_attach(Logs *logs, struct bpf_object *object)
{
    struct bpf_program *program;
    size_t i = 0;

    bpf_object__for_each_program(program, object)
    {
        if (i == PROGRAMS_MAX)
            return -E2BIG;
        if (!logs->text[i])
            logs->text[i] = malloc(LOG_SIZE);
        if (!logs->text[i])
            return -ENOMEM;
        logs->text[i][0] = '\0';
        const int r = bpf_program__set_log_buf(program, logs->text[i], LOG_SIZE);
        if (r < 0)
            return r;
        i++;
    }
    return 0;
}

/* The last line of a log but the statistics. */
static const char *log_reason(char *log)
{
    char *reason = log;

    for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, "processed ", strlen("processed ")) != 0)
            reason = line;
    }
    return reason;
}

/* Loading failed with CODE. 0 if it is to be tried again without the program that was refused. */
static int on_refusal(BpfLoader *loader, Logs *logs, int code, Error *err)
{
    struct bpf_program *program;
    size_t i = 0;

    bpf_object__for_each_program(program, loader->skeleton->obj)
    {
        char *log = logs->text[i++];
        if (!log || log[0] == '\0' || !bpf_program__autoload(program))
            continue;
        const char *reason = log_reason(log);
        if (bpf_probes_drop(&loader->probes, bpf_program__section_name(program))) {
            (void)snprintf(loader->refusal, sizeof loader->refusal, "%s: %s",
                           bpf_program__section_name(program), reason);
            return 0;
        }
        return error_errno(err, code, "the kernel refuses the program %s (%.400s)",
                           bpf_program__name(program), reason);
    }
    return error_errno(err, code, "the kernel side of the eBPF backend cannot be loaded");
}

static int open_skeleton(BpfLoader *loader, const struct bpf_settings *settings, Error *err)
{
    struct bpf_program *program;

    loader->skeleton = whittle_bpf__open();
    if (!loader->skeleton)
        return error_errno(err, errno, "cannot open the kernel side of the eBPF backend");
    memcpy(&loader->skeleton->rodata->settings, settings, sizeof *settings);
    if (loader->probes.taken[BPF_PROBE_IO_RESULTS] >= 0)
        loader->skeleton->rodata->settings.io_complete = loader->probes.io_complete;
    const int cpus = libbpf_num_possible_cpus();
    const int r = cpus < 0
                      ? cpus
                      : bpf_map__set_max_entries(loader->skeleton->maps.scratches, (uint32_t)cpus);
    if (r < 0)
        return error_errno(err, r, "cannot tell the number of CPUs");
    bpf_object__for_each_program(program, loader->skeleton->obj)
    {
        if (!bpf_probes_want(&loader->probes, bpf_program__section_name(program)) ||
            (program == loader->skeleton->progs.seed && !loader->joins) ||
            (program == loader->skeleton->progs.on_attach && settings->hierarchies == 0))
            (void)bpf_program__set_autoload(program, false);
    }
    return 0;
}

static void drop_links(BpfLoader *loader)
{
    for (size_t i = 0; i < loader->links_count; i++)
        (void)bpf_link__destroy(loader->links[i]);
    loader->links_count = 0;
}

/* 0, or 1 if it is to be tried again without a program that does not attach. */
static int attach_all(BpfLoader *loader, Error *err)
{
    struct bpf_program *program;

    bpf_object__for_each_program(program, loader->skeleton->obj)
    {
        if (!bpf_program__autoload(program) || program == loader->skeleton->progs.seed)
            continue;
        struct bpf_link *link = bpf_program__attach(program);
        if (link) {
            loader->links[loader->links_count++] = link;
            continue;
        }
        const int code = errno;
        if (bpf_probes_drop(&loader->probes, bpf_program__section_name(program))) {
            (void)snprintf(loader->refusal, sizeof loader->refusal, "%s: %s",
                           bpf_program__section_name(program), strerror(code));
            return 1;
        }
        return error_errno(err, code, "cannot attach the program %s", bpf_program__name(program));
    }
    return 0;
}

static int fill_rules(const BpfLoader *loader)
{
    for (unsigned abi = 0; abi < ABI_COUNT; abi++) {
        const int arch = bpf_abi_arch((enum call_abi)abi);
        for (uint32_t nr = 0; arch >= 0 && nr < RULES_PER_ABI; nr++) {
            const uint32_t index = abi * RULES_PER_ABI + nr;
            struct call_rule rule;
            bpf_rule_fill(syscall_by_number((Arch)arch, abi == ABI_X32 ? nr | X32_BIT : nr), &rule);
            if (!(rule.flags & RULE_KNOWN))
                continue;
            const int r = bpf_map__update_elem(loader->skeleton->maps.rules, &index, sizeof index,
                                               &rule, sizeof rule, BPF_ANY);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* Loads and attaches. */
static int load(BpfLoader *loader, const struct bpf_settings *settings, Error *err)
{
    CLEANUP(logs_deinit) Logs logs = {{NULL}};

    for (;;) {
        int r = open_skeleton(loader, settings, err);
        if (r < 0)
            return r;
        r = logs_attach(&logs, loader->skeleton->obj);
        if (r < 0)
            return error_errno(err, r, "cannot prepare the eBPF programs");
        r = whittle_bpf__load(loader->skeleton);
        if (r < 0) {
            r = on_refusal(loader, &logs, r, err);
        } else {
            r = fill_rules(loader);
            if (r < 0)
                return error_errno(err, r, "cannot fill the table of rules");
            r = attach_all(loader, err);
            if (r == 0)
                return 0;
        }
        if (r < 0)
            return r;
        drop_links(loader);
        whittle_bpf__destroy(loader->skeleton);
        loader->skeleton = NULL;
    }
}

static int on_record(void *data, void *record, size_t size)
{
    BpfLoader *loader = data;

    loader->sink(loader->sink_data, record, size);
    return ++loader->consumed % CONSUME_MAX == 0 ? -EAGAIN : 0;
}

static void loader_drop(BpfLoader **loader)
{
    *loader = bpf_loader_free(*loader);
}

int bpf_loader_new(const struct bpf_settings *settings, bool joins, BpfLoader **ret_loader,
                   Error *err)
{
    CLEANUP(loader_drop) BpfLoader *loader = calloc(1, sizeof *loader);

    if (!loader)
        return error_errno(err, ENOMEM, "cannot load the eBPF backend");
    loader->joins = joins;
    int r = bpf_probes_choose(&loader->probes, err);
    if (r == 0)
        r = load(loader, settings, err);
    if (r < 0)
        return r;
    loader->ring =
        ring_buffer__new(bpf_map__fd(loader->skeleton->maps.events), on_record, loader, NULL);
    if (!loader->ring)
        return error_errno(err, errno, "cannot map the ring buffer");
    *ret_loader = TAKE(loader);
    return 0;
}

BpfLoader *bpf_loader_free(BpfLoader *loader)
{
    if (loader) {
        drop_links(loader);
        ring_buffer__free(loader->ring);
        whittle_bpf__destroy(loader->skeleton);
        free(loader);
    }
    return NULL;
}

const BpfProbes *bpf_loader_probes(const BpfLoader *loader)
{
    return &loader->probes;
}

const char *bpf_loader_refusal(const BpfLoader *loader)
{
    return loader->refusal;
}

void bpf_loader_detach(BpfLoader *loader)
{
    drop_links(loader);
}

/* ---- scope ----------------------------------------------------------------------------------- */

static int counter_set(BpfLoader *loader, enum counter counter, uint64_t value)
{
    const uint32_t index = counter;

    return bpf_map__update_elem(loader->skeleton->maps.counters, &index, sizeof index, &value,
                                sizeof value, BPF_ANY);
}

int bpf_loader_launch(BpfLoader *loader, pid_t pid)
{
    const struct task_state state = {
        .flags = TASK_LAUNCHING, .phase = PHASE_RUN, .returned = NR_NONE, .counted = 1};
    static const enum counter first[] = {COUNTER_TASKS, COUNTER_PROCESSES, COUNTER_PROCESSES_PEAK};

    CLEANUP(fd_close) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return -errno;
    for (size_t i = 0; i < ARRAY_LENGTH(first); i++) {
        const int r = counter_set(loader, first[i], 1);
        if (r < 0)
            return r;
    }
    return bpf_map__update_elem(loader->skeleton->maps.tasks, &pidfd, sizeof pidfd, &state,
                                sizeof state, BPF_NOEXIST);
}

/* Runs the task iterator once. 0 or a negative errno. */
static int run_iterator(const BpfLoader *loader)
{
    char nothing[64];
    struct bpf_link *link = bpf_program__attach_iter(loader->skeleton->progs.seed, NULL);

    if (!link)
        return -errno;
    CLEANUP(fd_close) int iterator = bpf_iter_create(bpf_link__fd(link));
    int r = iterator < 0 ? iterator : 0;
    while (r == 0 && (r = (int)read(iterator, nothing, sizeof nothing)) != 0) {
        if (r < 0 && errno != EINTR && errno != EAGAIN)
            r = -errno;
        else
            r = 0;
    }
    (void)bpf_link__destroy(link);
    return r;
}

int bpf_loader_join(BpfLoader *loader, const pid_t *pids, size_t count)
{
    const uint32_t phase = PHASE_RUN;
    uint64_t before;

    for (size_t i = 0; i < count; i++) {
        const uint32_t pid = (uint32_t)pids[i];
        if (kill(pids[i], 0) < 0 && errno == ESRCH)
            return -ESRCH;
        const int r = bpf_map__update_elem(loader->skeleton->maps.roots, &pid, sizeof pid, &phase,
                                           sizeof phase, BPF_ANY);
        if (r < 0)
            return r;
    }
    /* A task may have been made by one that the iterator had not come to yet. */
    do {
        before = loader->skeleton->bss->seeded;
        const int r = run_iterator(loader);
        if (r < 0)
            return r;
    } while (loader->skeleton->bss->seeded != before);
    return before == 0 ? -ESRCH : 0;
}

uint64_t bpf_loader_hierarchy(const Cgroup *cgroup)
{
    return 1ull << (cgroup->hierarchy & 63);
}

int bpf_loader_join_cgroups(BpfLoader *loader, const Cgroup *cgroups, size_t count)
{
    const uint32_t phase = PHASE_RUN;

    if (count > CGROUPS_MAX)
        return -E2BIG;
    for (size_t i = 0; i < count; i++) {
        const struct cgroup_key key = {.id = cgroups[i].id, .hierarchy = cgroups[i].hierarchy};
        const int r = bpf_map__update_elem(loader->skeleton->maps.cgroups, &key, sizeof key, &phase,
                                           sizeof phase, BPF_ANY);
        if (r < 0)
            return r;
    }
    /* Tasks that are made or moved meanwhile are looked at as they are. */
    return run_iterator(loader);
}

bool bpf_loader_unsettled(const BpfLoader *loader)
{
    return __atomic_load_n(&loader->skeleton->bss->moves, __ATOMIC_ACQUIRE) !=
           loader->skeleton->bss->settled;
}

int bpf_loader_settle(BpfLoader *loader)
{
    const uint64_t moves = __atomic_load_n(&loader->skeleton->bss->moves, __ATOMIC_ACQUIRE);

    if (moves == loader->skeleton->bss->settled)
        return 0;
    const int r = run_iterator(loader);
    if (r == 0)
        __atomic_store_n(&loader->skeleton->bss->settled, moves, __ATOMIC_RELEASE);
    return r;
}

bool bpf_loader_populated(const BpfLoader *loader)
{
    return __atomic_load_n(&loader->skeleton->bss->populated, __ATOMIC_RELAXED) != 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

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
