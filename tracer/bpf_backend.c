/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recording in the kernel, by eBPF: the kernel side (tracer/bpf/events.h tells what it does) sends
 * an event for all that is new and counts the rest; here events become facts (capture.h), and at
 * the end the counts are read. Nothing of the workload ever waits for the recorder.
 *
 * Order of the start: the child is forked while this process still is what the front started, and
 * waits; the kernel side is loaded; the child is put in scope; privileges are dropped; the child
 * runs its program, of which not one call is missed.
 *
 * The end: the kernel side says when no task is in scope any more. Were that message lost, which a
 * full ring buffer could do, the counter of tasks tells it on the next tick.
 */
#include "tracer/bpf_backend.h"
#include "tracer/backend_events.h"
#include "tracer/bpf_child.h"
#include "tracer/bpf_loader.h"
#include "tracer/bpf_rules.h"
#include "tracer/capture.h"
#include "tracer/launch.h"
#include "tracer/notify_priority.h"
#include "tracer/observer_totals.h"
#include "tracer/oci_service.h"

#include "base/io.h"
#include "base/memory.h"
#include "base/procfs.h"
#include "model/mark.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

typedef struct Loop {
    BackendRun *run;
    BpfLoader *loader;
    Capture *capture;
    BpfChild child; /* pid 0: processes were joined */
    BackendEvents events;
    bool nobody_left; /* no task is in scope any more */
    bool moved;       /* processes were moved between cgroups */
    bool skips_memory_checks;
} Loop;

/* ---- events ---------------------------------------------------------------------------------- */

/* Nobody was in the cgroups so far, but somebody may still come. */
static bool waits_for_somebody(const Loop *loop)
{
    const BackendRun *run = loop->run;

    for (size_t i = 0; i < run->cgroups_count && !bpf_loader_populated(loop->loader); i++) {
        if (cgroup_is_there(&run->cgroups[i]))
            return true;
    }
    return false;
}

static void check_for_end(Loop *loop)
{
    /* Unsettled: threads that nothing is known of may be in scope. */
    loop->nobody_left = bpf_loader_counter(loop->loader, COUNTER_TASKS) == 0 &&
                        !bpf_loader_unsettled(loop->loader) && !waits_for_somebody(loop);
}

static void on_event(void *data, const struct event *event, size_t size)
{
    Loop *loop = data;

    if (size >= sizeof *event && event->type == EVENT_ENDED)
        /* While processes are being joined, the first may end before the next one is found. */
        check_for_end(loop);
    else if (size >= sizeof *event && event->type == EVENT_MOVED)
        loop->moved = true;
    else if (capture_event(loop->capture, event, size) < 0)
        observer_loss(loop->run->observer, "unreadable-event",
                      "an event of the kernel side made no sense", 1);
}

/* The most frequent check of all, once it is known which it is. */
static void skip_memory_checks(Loop *loop)
{
    uint64_t address;
    uint32_t depth;

    if (loop->skips_memory_checks || !capture_memory_check(loop->capture, &address, &depth))
        return;
    bpf_loader_skip_memory_check(loop->loader, address, depth);
    loop->skips_memory_checks = true;
}

static void tell_totals(const Loop *loop)
{
    const ObserverTotals totals = {
        .calls = bpf_loader_calls(loop->loader),
        .processes_peak = bpf_loader_counter(loop->loader, COUNTER_PROCESSES_PEAK),
        .descriptors_peak = bpf_loader_counter(loop->loader, COUNTER_DESCRIPTOR_PEAK),
    };

    observer_totals(loop->run->observer, &totals);
}

static void on_second(Loop *loop)
{
    loop->moved = true;
    check_for_end(loop);
    capture_tick(loop->capture);
    observer_flush(loop->run->observer);
    tell_totals(loop);
    if (loop->run->tick)
        loop->run->tick(loop->run->tick_data);
}

/* 0 or a negative errno. */
static int settle(Loop *loop)
{
    if (!loop->moved)
        return 0;
    loop->moved = false;
    return bpf_loader_settle(loop->loader);
}

/* Another runtime wants to add a process to the container. */
static void join_runtime(const Loop *loop)
{
    CLEANUP(oci_request_deinit) OciRequest request = {.socket = -1};

    if (oci_service_accept(loop->run->runtimes, &request) == 0)
        oci_request_answer(&request, bpf_loader_join(loop->loader, &request.runtime, 1,
                                                     PHASE_EXEC | ROOT_RUNTIME));
}

static int serve(Loop *loop, Error *err)
{
    enum { RING = BACKEND_EVENTS_FDS, RUNTIMES, FDS };
    struct pollfd fds[FDS] = {[RING] = {.fd = bpf_loader_fd(loop->loader), .events = POLLIN},
                              [RUNTIMES] = {.fd = loop->run->runtimes, .events = POLLIN}};

    if (loop->run->runtimes == 0)
        fds[RUNTIMES].fd = -1;

    backend_events_poll(&loop->events, fds);
    while (!loop->nobody_left && !loop->run->detached) {
        int n = poll(fds, FDS, -1);
        if (n < 0 && errno != EINTR)
            return error_errno(err, errno, "waiting for events failed");
        if (n <= 0)
            continue;
        if (backend_events_handle(&loop->events, fds))
            on_second(loop);
        if (fds[RING].revents) {
            n = bpf_loader_consume(loop->loader, on_event, loop);
            if (n < 0)
                return error_errno(err, n, "reading events failed");
        }
        if (fds[RUNTIMES].revents)
            join_runtime(loop);
        n = settle(loop);
        if (n < 0)
            return error_errno(err, n, "cannot look at who was moved between control groups");
        if (!fds[RING].revents)
            continue;
        skip_memory_checks(loop);
        observer_flush(loop->run->observer);
    }
    return 0;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void add_count(void *data, uint64_t key, uint64_t count)
{
    capture_count(data, key, count);
}

static void add_peak(void *data, uint64_t program, uint64_t pages)
{
    const long page_size = sysconf(_SC_PAGESIZE);
    const struct event event = {
        .size = sizeof event,
        .type = EVENT_MEMORY,
        .phase = PHASE_RUN,
        .program = (uint32_t)program,
        .value = pages * (uint64_t)page_size,
    };

    (void)capture_event(data, &event, sizeof event);
}

static void lose(const Loop *loop, const char *cause, const char *example, uint64_t n)
{
    if (n > 0)
        observer_loss(loop->run->observer, cause, example, n);
}

static void lose_sight(const Loop *loop, const char *blind)
{
    const char *why = bpf_loader_refusal(loop->loader);
    char text[1024];

    if (!blind)
        return;
    (void)snprintf(text, sizeof text, "%s%s%s%s", blind, *why ? " (" : "", why, *why ? ")" : "");
    lose(loop, "unseen-checks", text, 1);
}

static void account(const Loop *loop)
{
    const BpfProbes *probes = bpf_loader_probes(loop->loader);

    if (bpf_loader_seen(loop->loader, add_count, loop->capture) < 0)
        lose(loop, "uncounted", "how often things were seen could not be read", 1);
    if (bpf_loader_peaks(loop->loader, add_peak, loop->capture) < 0)
        lose(loop, "uncounted", "the peaks of memory could not be read", 1);
    lose(loop, "ring-full", "events came faster than they could be taken",
         bpf_loader_lost(loop->loader));
    lose(loop, "nested-event",
         "something happened while the kernel side was busy with another event",
         bpf_loader_counter(loop->loader, COUNTER_LOST_NESTED));
    lose(loop, "task-lost", "the kernel had no memory to follow a new task",
         bpf_loader_counter(loop->loader, COUNTER_LOST_TASK));
    /* What goes through io_uring is only missed where something does (capture.h). */
    lose_sight(loop, bpf_probes_blind(probes, BPF_PROBE_CAPABILITIES));
    lose_sight(loop, bpf_probes_blind(probes, BPF_PROBE_SIGNALS));
    tell_totals(loop);
}

/* All that was recorded is in the ring and the maps; takes it from there. */
static void drain(Loop *loop)
{
    bpf_loader_detach(loop->loader);
    while (bpf_loader_consume(loop->loader, on_event, loop) > 0)
        ;
    bpf_loader_unfinished(loop->loader, on_event, loop);
    account(loop);
    observer_flush(loop->run->observer);
}

/* ---- the start ------------------------------------------------------------------------------- */

/* The number of the call NAME, as the kernel side sees it; none has ~0. */
static uint32_t number_of(enum call_abi abi, const char *name)
{
    const int arch = bpf_abi_arch(abi);
    const Syscall *syscall = syscall_by_name(name);

    return arch < 0 || !syscall ? UINT32_MAX : (uint32_t)syscall_number(syscall, (Arch)arch);
}

/* A process of the user namespace whose capabilities count. */
static pid_t example_of(const BackendRun *run)
{
    if (run->join_count > 0)
        return run->join[0];
    for (size_t i = 0; i < run->cgroups_count; i++) {
        const pid_t pid = cgroup_some_process(&run->cgroups[i]);
        if (pid > 0)
            return pid;
    }
    return getpid();
}

/* Seccomp filters that this process has, and so all that it starts or was started by the same. */
static uint32_t own_filters(void)
{
    char text[4096];
    const char *filters = NULL;

    if (procfs_read_task(getpid(), "status", text, sizeof text) > 0)
        filters = procfs_field(text, "Seccomp_filters");
    return filters ? (uint32_t)strtoul(filters, NULL, 10) : 0;
}

static struct bpf_settings settings_of(const BackendRun *run)
{
    struct bpf_settings settings = {
        .recorder_tgid = (uint32_t)getpid(),
        .front_tgid = (uint32_t)run->front,
        .mark_option = MARK_PRCTL_OPTION,
        .mark_signal = MARK_SIGNAL,
        .starting_phase = PHASE_RUNTIME_INIT,
        .seccomp_filters = own_filters(),
        .confined_by_exec = run->join_as == JOIN_RUNTIME_UNFILTERED,
    };
    char user_namespace[64];
    struct stat st;

    for (unsigned abi = 0; abi < ABI_COUNT; abi++) {
        settings.sigreturn[abi] = number_of((enum call_abi)abi, "sigreturn");
        settings.rt_sigreturn[abi] = number_of((enum call_abi)abi, "rt_sigreturn");
    }
    if (stat("/proc/self/ns/pid", &st) == 0)
        settings.pid_namespace = (uint32_t)st.st_ino;
    if (stat("/proc/self/ns/mnt", &st) == 0)
        settings.mount_namespace = (uint32_t)st.st_ino;
    if (stat("/proc/self/exe", &st) == 0) {
        settings.own_program_inode = st.st_ino;
        settings.own_program_device = (uint64_t)major(st.st_dev) << 20 | minor(st.st_dev);
    }
    for (size_t i = 0; i < run->cgroups_count; i++)
        settings.hierarchies |= bpf_loader_hierarchy(&run->cgroups[i]);
    (void)snprintf(user_namespace, sizeof user_namespace, "/proc/%d/ns/user", example_of(run));
    if (stat(user_namespace, &st) == 0)
        settings.user_namespace = (uint32_t)st.st_ino;
    return settings;
}

/* Puts whoever is to be recorded in scope. 0 or a negative errno. */
static int open_scope(const Loop *loop)
{
    const BackendRun *run = loop->run;

    if (run->launch)
        return bpf_loader_launch(loop->loader, loop->child.pid);
    if (run->cgroups_count > 0)
        return bpf_loader_join_cgroups(loop->loader, run->cgroups, run->cgroups_count);
    return bpf_loader_join(loop->loader, run->join, run->join_count,
                           PHASE_RUN | (run->join_as != JOIN_WORKLOAD ? ROOT_RUNTIME : 0));
}

/* Puts the child, or the processes to join, in scope, and lets the child go. */
static int begin(Loop *loop, Error *err)
{
    /* Reading maps asks for it where unprivileged eBPF is off, as it is nearly everywhere. */
    static const int kept[] = {CAP_BPF};
    const BackendRun *run = loop->run;

    int r = open_scope(loop);
    if (r == -ESRCH && run->join_count > 0)
        return error_set(err, r, "there is no such process to join");
    if (r < 0)
        return error_errno(err, r, "cannot put processes in scope");
    /* Some things can only be looked at while their process or mount namespace is there. */
    (void)priority_raise();
    recorder_step_aside_keeping(kept, ARRAY_LENGTH(kept));
    /* Who is to come to a cgroup, and the runtime, may wait for the recording to be there. */
    if (run->launch || run->cgroups_count > 0 || run->join_as != JOIN_WORKLOAD)
        (void)report_send(run->report_fd, REPORT_STARTED, loop->child.pid);
    if (!run->launch)
        return 0;
    r = bpf_child_go(&loop->child);
    return r < 0 ? error_errno(err, r, "cannot start the workload") : 0;
}

static int run_loop(Loop *loop, Error *err)
{
    const struct bpf_settings settings = settings_of(loop->run);

    if (loop->run->launch) {
        const int r = bpf_child_start(loop->run->launch, &loop->child, err);
        if (r < 0)
            return r;
    }
    int r = bpf_loader_new(&settings, !loop->run->launch, &loop->loader, err);
    if (r < 0)
        return r;
    bpf_probes_text(bpf_loader_probes(loop->loader), loop->run->features,
                    sizeof loop->run->features);
    loop->capture = capture_new(loop->run->observer);
    if (!loop->capture)
        return error_set(err, -ENOMEM, "out of memory");
    if (bpf_probes_blind(bpf_loader_probes(loop->loader), BPF_PROBE_IO_URING))
        capture_without_io_uring(loop->capture);
    r = backend_events_start(&loop->events, loop->child.pid);
    if (r < 0)
        return error_errno(err, r, "cannot set up events");
    r = begin(loop, err);
    if (r == 0)
        r = serve(loop, err);
    if (r < 0)
        return r;
    drain(loop);
    if (!loop->run->detached)
        backend_events_await_child(&loop->events);
    const int exec_error = loop->child.pid > 0 ? bpf_child_exec_error(&loop->child) : 0;
    if (exec_error != 0)
        (void)report_send(loop->run->report_fd, REPORT_EXEC_FAILED, exec_error);
    return 0;
}

int bpf_backend_run(BackendRun *run, Error *err)
{
    Loop loop = {.run = run, .child = {.socket = -1}, .events = backend_events_of(run)};
    const int r = run_loop(&loop, err);

    bpf_child_deinit(&loop.child);
    capture_free(loop.capture);
    bpf_loader_free(loop.loader);
    backend_events_deinit(&loop.events);
    return r;
}

/* ---- what this kernel can -------------------------------------------------------------------- */

int bpf_backend_probe(Error *err)
{
    return bpf_probes_check(err);
}

void bpf_backend_features(char *out, size_t size)
{
    BpfProbes probes;

    if (bpf_probes_choose(&probes, NULL) == 0)
        bpf_probes_text(&probes, out, size);
    else if (size > 0)
        out[0] = '\0';
}
