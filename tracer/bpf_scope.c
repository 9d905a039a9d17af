/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/bpf_loader_private.h"

#include "base/io.h"
#include "base/memory.h"
#include "model/fact.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static int counter_set(BpfLoader *loader, enum counter counter, uint64_t value)
{
    const uint32_t index = counter;

    return bpf_map__update_elem(loader->skeleton->maps.counters, &index, sizeof index, &value,
                                sizeof value, BPF_ANY);
}

int bpf_loader_launch(BpfLoader *loader, pid_t pid)
{
    const struct task_state state = {
        .flags = TASK_LAUNCHING, .phase = PHASE_RUN, .counted = 1, .own = {.returned = NR_NONE}};
    static const enum counter first[] = {COUNTER_TASKS, COUNTER_PROCESSES, COUNTER_PROCESSES_PEAK};

    CLEANUP(fd_close) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return -errno;
    for (size_t i = 0; i < ARRAY_LENGTH(first); i++) {
        const int r = counter_set(loader, first[i], 1);
        if (r < 0)
            return r;
    }
    const int r = bpf_map__update_elem(loader->skeleton->maps.tasks, &pidfd, sizeof pidfd, &state,
                                       sizeof state, BPF_NOEXIST);
    /* The kernel side may have noted that the child is not recorded. */
    __atomic_fetch_add(&loader->skeleton->bss->comers, 1, __ATOMIC_SEQ_CST);
    return r;
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

/* Runs it until it finds nobody any more: a task may have been made by one that the iterator had
 * not come to yet. */
static int seed(const BpfLoader *loader)
{
    const uint64_t first = loader->skeleton->bss->seeded;
    uint64_t before;

    do {
        before = loader->skeleton->bss->seeded;
        const int r = run_iterator(loader);
        if (r < 0)
            return r;
    } while (loader->skeleton->bss->seeded != before);
    return before == first ? -ESRCH : 0;
}

int bpf_loader_join(BpfLoader *loader, const pid_t *pids, size_t count, uint32_t root)
{
    const struct bpf_map *roots = loader->skeleton->maps.roots;
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        const uint32_t pid = (uint32_t)pids[i];
        r = kill(pids[i], 0) < 0 && errno == ESRCH
                ? -ESRCH
                : bpf_map__update_elem(roots, &pid, sizeof pid, &root, sizeof root, BPF_ANY);
    }
    if (r == 0)
        r = seed(loader);
    /* Their numbers may be other processes' when the iterator runs the next time. */
    for (size_t i = 0; i < count; i++) {
        const uint32_t pid = (uint32_t)pids[i];
        (void)bpf_map__delete_elem(roots, &pid, sizeof pid, 0);
    }
    return r;
}

uint64_t bpf_loader_hierarchy(const Cgroup *cgroup)
{
    return 1ull << (cgroup->hierarchy & 63);
}

int bpf_loader_join_cgroups(BpfLoader *loader, const Cgroup *cgroups, size_t count, uint32_t root)
{
    if (count > CGROUPS_MAX)
        return -E2BIG;
    for (size_t i = 0; i < count; i++) {
        const struct cgroup_key key = {.id = cgroups[i].id, .hierarchy = cgroups[i].hierarchy};
        const int r = bpf_map__update_elem(loader->skeleton->maps.cgroups, &key, sizeof key, &root,
                                           sizeof root, BPF_ANY);
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

int bpf_loader_settle_counts(const BpfLoader *loader)
{
    if (!loader->joins)
        return 0; /* all tasks have ended, or the recording is cut short */
    loader->skeleton->bss->ending = 1;
    return run_iterator(loader);
}

bool bpf_loader_populated(const BpfLoader *loader)
{
    return __atomic_load_n(&loader->skeleton->bss->populated, __ATOMIC_RELAXED) != 0;
}
