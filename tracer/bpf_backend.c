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
#include "tracer/bpf_capabilities.h"
#include "tracer/bpf_child.h"
#include "tracer/bpf_loader.h"
#include "tracer/bpf_settings.h"
#include "tracer/capture.h"
#include "tracer/launch.h"
#include "tracer/notify_priority.h"
#include "tracer/observer_totals.h"
#include "tracer/oci_service.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/capability.h>
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

struct BackendPrepared {
    BpfLoader *loader;
    BpfCapabilities *capabilities;
};

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

/* Another runtime wants to add a process to the container, or know if there are any. */
static void answer_runtime(const Loop *loop)
{
    CLEANUP(oci_request_deinit) OciRequest request = {.socket = -1};

    if (oci_service_accept(loop->run->runtimes, &request) < 0)
        return;
    if (request.what == OCI_ASK_ALIVE)
        oci_request_answer(&request, bpf_loader_counter(loop->loader, COUNTER_TASKS) > 0);
    else
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
            answer_runtime(loop);
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

    if (bpf_loader_settle_counts(loop->loader) < 0 ||
        bpf_loader_seen(loop->loader, add_count, loop->capture) < 0)
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

/* Puts whoever is to be recorded in scope. 0 or a negative errno. */
static int open_scope(const Loop *loop)
{
    const BackendRun *run = loop->run;

    if (run->launch)
        return bpf_loader_launch(loop->loader, loop->child.pid);
    const uint32_t root = PHASE_RUN | (run->join_as != JOIN_WORKLOAD ? ROOT_RUNTIME : 0);
    if (run->cgroups_count > 0)
        return bpf_loader_join_cgroups(loop->loader, run->cgroups, run->cgroups_count, root);
    return bpf_loader_join(loop->loader, run->join, run->join_count, root);
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

/* The kernel side, as it was prepared or from the beginning, and what takes its events. */
static int set_up(Loop *loop, Error *err)
{
    BackendRun *run = loop->run;
    BpfCapabilities *capabilities = NULL;
    uint64_t hierarchies = 0;
    int r;

    for (size_t i = 0; i < run->cgroups_count; i++)
        hierarchies |= bpf_loader_hierarchy(&run->cgroups[i]);
    if (run->prepared) {
        loop->loader = TAKE(run->prepared->loader);
        capabilities = TAKE(run->prepared->capabilities);
        r = bpf_loader_attach(loop->loader, err);
    } else {
        const struct bpf_settings settings = bpf_settings_here(hierarchies, run->stacks);
        r = bpf_loader_new(&settings, !run->launch, &loop->loader, err);
    }
    loop->capture = capture_new(run->observer, capabilities);
    if (r < 0)
        return r;
    if (!loop->capture)
        return error_set(err, -ENOMEM, "out of memory");
    const struct bpf_session session = bpf_session_of(run);
    bpf_loader_begin(loop->loader, &session);
    return 0;
}

static int run_loop(Loop *loop, Error *err)
{
    if (loop->run->launch) {
        const int r = bpf_child_start(loop->run->launch, &loop->child, err);
        if (r < 0)
            return r;
    }
    int r = set_up(loop, err);
    if (r < 0)
        return r;
    bpf_probes_text(bpf_loader_probes(loop->loader), loop->run->features,
                    sizeof loop->run->features);
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

/* ---- before the run ---------------------------------------------------------------------------
 */

int bpf_backend_prepare(BackendPrepared **ret_prepared, Error *err)
{
    const struct bpf_settings settings = bpf_settings_here(0, false);
    BackendPrepared *prepared = calloc(1, sizeof *prepared);

    if (!prepared)
        return error_errno(err, ENOMEM, "cannot prepare a recording");
    int r = bpf_loader_new(&settings, true, &prepared->loader, err);
    if (r == 0) {
        bpf_loader_detach(prepared->loader);
        prepared->capabilities = bpf_capabilities_new();
        if (!prepared->capabilities)
            r = error_errno(err, ENOMEM, "cannot prepare a recording");
    }
    if (r < 0)
        bpf_backend_unprepare(prepared);
    else
        *ret_prepared = prepared;
    return r;
}

void bpf_backend_unprepare(BackendPrepared *prepared)
{
    if (prepared) {
        bpf_loader_free(prepared->loader);
        bpf_capabilities_free(prepared->capabilities);
        free(prepared);
    }
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
