/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recording a container by the listeners of its seccomp filters, which the container's runtime
 * sends: one for the container itself, one for each process that is added to it (`exec`), each with
 * what the OCI specification calls the container process state, of which only the process number
 * matters here. The filters notify of nearly every call (tracer/oci_listener.h).
 *
 * All in one thread, unlike notify.c: how long a call waits matters less than that it is simple.
 * Whether a received call waits killably is the runtime's choice; where it does not, signals
 * interrupt calls until they are answered, and those are made again (notify_restart.h). Before a
 * runtime hands its listener over it may wait for an answer: runtime_listener.h.
 *
 * Each listener has a keeper, so that calls run on if this process dies; what the container's
 * profile refuses, both refuse.
 */
#include "tracer/notify_listeners.h"

#include "base/io.h"
#include "base/memory.h"
#include "tracer/backend_events.h"
#include "tracer/launch.h"
#include "tracer/notify_call.h"
#include "tracer/notify_keeper.h"
#include "tracer/notify_priority.h"
#include "tracer/notify_restart.h"
#include "tracer/oci_listener.h"
#include "tracer/oci_service.h"
#include "tracer/runtime_listener.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS /* Linux 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

#define RULE "not-notified"

enum { LISTENERS_MAX = 4096 };

/* So long, and so often, a listener is looked for that should have come; by so many runtimes. */
enum { LOOK_MILLISECONDS = 100, LOOKS_MAX = 300, STARTING_MAX = 16 };

/* ---- listeners ------------------------------------------------------------------------------- */

typedef struct Source {
    int listener;
    Keeper keeper;
    Phase phase;   /* of the workload there */
    bool starting; /* the runtime has not executed that yet */
    pid_t process; /* that will; 0: not known */
    uint64_t next; /* the number that the next notification has if none was taken back; 0: any */
    uint32_t gaps; /* taken back so far */
} Source;

/* A runtime that has not sent its listener yet. */
typedef struct Starting {
    pid_t runtime;
    unsigned looks; /* that are left */
} Starting;

typedef struct Loop {
    BackendRun *run;
    BackendEvents events;
    Source *sources;
    size_t count, capacity;
    struct pollfd *fds;
    int runtime; /* pidfd of the process that becomes the container's runtime */
    bool any;    /* a listener has come */
    Starting starting[STARTING_MAX];
    size_t starting_count;
    uint64_t next_look; /* for the listeners of these; milliseconds */
    Restart restart;
} Loop;

static void source_deinit(Source *source)
{
    keeper_release(&source->keeper);
    fd_close(&source->listener);
}

static void loop_deinit(Loop *loop)
{
    for (size_t i = 0; i < loop->count; i++)
        source_deinit(&loop->sources[i]);
    free(loop->sources);
    free(loop->fds);
    backend_events_deinit(&loop->events);
    restart_deinit(&loop->restart);
    fd_close(&loop->runtime);
}

static bool is_known(const Loop *loop, int listener)
{
    for (size_t i = 0; i < loop->count; i++) {
        if (listener_is_same(loop->sources[i].listener, listener))
            return true;
    }
    return false;
}

/* Takes over LISTENER, of which there may be one more copy. */
static int add_source(Loop *loop, int listener, pid_t process)
{
    Source source = {.listener = listener,
                     .process = process,
                     .phase = loop->any ? PHASE_EXEC : PHASE_RUN,
                     .starting = true,
                     .keeper = {.life_fd = -1}};
    const uint64_t flags = SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP;

    const bool known = is_known(loop, listener);
    int r = known ? -EEXIST : 0;
    if (r == 0 &&
        (loop->count >= LISTENERS_MAX || array_reserve((void *)&loop->sources, &loop->capacity,
                                                       loop->count, sizeof *loop->sources) < 0))
        r = -ENOMEM;
    if (r == 0) {
        (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, flags);
        r = keeper_start(&source.keeper, listener, true, loop->run->agent->filter);
        if (r < 0)
            observer_loss(loop->run->observer, "unrecorded-process", "no keeper for its listener",
                          1);
    }
    if (r < 0) {
        (void)close(listener);
        return known ? 0 : r;
    }
    if (!loop->any)
        *loop->run->agent->container = source.process;
    loop->any = true;
    loop->sources[loop->count++] = source;
    return 0;
}

static int accept_source(Loop *loop)
{
    pid_t process;
    const int listener = listener_receive(loop->run->agent->socket, &process);

    if (listener < 0)
        return listener;
    /* Whose it is need not be said: the one that has waited longest. */
    if (!is_known(loop, listener) && loop->starting_count > 0)
        memmove(loop->starting, loop->starting + 1,
                --loop->starting_count * sizeof *loop->starting);
    return add_source(loop, listener, process);
}

static uint64_t milliseconds(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void expect_listener(Loop *loop, pid_t runtime)
{
    if (loop->starting_count < STARTING_MAX && listener_can_compare())
        loop->starting[loop->starting_count++] = (Starting){runtime, LOOKS_MAX};
    loop->next_look = milliseconds() + LOOK_MILLISECONDS;
}

static void look_for_listeners(Loop *loop)
{
    const uint64_t now = loop->starting_count > 0 ? milliseconds() : 0;
    size_t kept = 0;

    if (now < loop->next_look)
        return;
    loop->next_look = now + LOOK_MILLISECONDS;
    for (size_t i = 0; i < loop->starting_count; i++) {
        Starting one = loop->starting[i];
        pid_t process;
        const int listener = listener_find(one.runtime, &process);
        if (listener >= 0)
            (void)add_source(loop, listener, process);
        else if (--one.looks > 0)
            loop->starting[kept++] = one;
    }
    loop->starting_count = kept;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static bool is_exec(const SyscallStop *stop)
{
    const int arch = arch_from_call(stop->audit_arch, stop->nr);
    const Syscall *syscall = arch < 0 ? NULL : syscall_by_number((Arch)arch, stop->nr);

    return syscall &&
           (strcmp(syscall->name, "execve") == 0 || strcmp(syscall->name, "execveat") == 0);
}

/* What the call gets but for being run: 0 or a negative errno; 1: it is run. */
static int observe(Loop *loop, Source *source, const struct seccomp_notif *request)
{
    Observer *observer = loop->run->observer;
    const SyscallStop stop = notify_stop(request);
    const int refusal =
        container_filter_notified(loop->run->agent->filter, stop.audit_arch, stop.nr, stop.args);
    pid_t parent;

    if (source->next != 0 && request->id != source->next)
        source->gaps++;
    source->next = request->id + 1;
    notify_mend(&loop->restart, observer, source->listener, request, &stop, source->gaps);
    /* Whoever is new here was started by the runtime, or by one that is known. */
    if (source->starting || observer_process_of(observer, stop.tid, &parent) == 0)
        (void)observer_set_phase(observer, stop.tid,
                                 source->starting ? PHASE_RUNTIME_INIT : source->phase);
    const int verdict = notify_enter(observer, source->listener, request, &stop);
    observer_infer_calls(observer, stop.tid, oci_listener_unnoticed, RULE);
    /* The call is the runtime's, and what comes of it the workload. */
    if (source->starting && refusal == 0 && is_exec(&stop)) {
        source->starting = false;
        (void)observer_set_phase(observer, stop.tid, source->phase);
    }
    if (refusal > 0)
        return -refusal;
    return verdict == OBSERVER_ANSWER ? 0 : 1;
}

static void serve_call(Loop *loop, Source *source)
{
    struct seccomp_notif *request = &source->keeper.page->in_hand[0];

    memset(request, 0, sizeof *request);
    /* ENOENT: the thread was killed. */
    if (seccomp_notify_receive(source->listener, request) < 0)
        return;
    if (*loop->run->agent->container == 0)
        *loop->run->agent->container = (pid_t)request->pid;
    const int given = observe(loop, source, request);
    struct seccomp_notif_resp response = {
        .id = request->id,
        .error = given > 0 ? 0 : given,
        .flags = given > 0 ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0,
    };
    /* Interrupted, though received: as if it had not been. */
    if (seccomp_notify_respond(source->listener, &response) < 0 && errno == ENOENT) {
        source->gaps++;
        restart_forget(&loop->restart, (pid_t)request->pid);
    }
    request->id = 0;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void answer_runtime(Loop *loop)
{
    CLEANUP(oci_request_deinit) OciRequest request = {.socket = -1};

    if (oci_service_accept(loop->run->runtimes, &request) < 0)
        return;
    /* Who joins comes by a listener. */
    if (request.what == OCI_ASK_JOIN)
        expect_listener(loop, request.runtime);
    oci_request_answer(&request, request.what == OCI_ASK_ALIVE && loop->count > 0 ? 1 : 0);
}

enum { AGENT = BACKEND_EVENTS_FDS, RUNTIMES, RUNTIME, ENDS, SOURCES };

static int prepare_poll(Loop *loop)
{
    struct pollfd *fds = realloc(loop->fds, (SOURCES + loop->count + 1) * sizeof *fds);

    if (!fds)
        return -ENOMEM;
    loop->fds = fds;
    backend_events_poll(&loop->events, fds);
    fds[AGENT] = (struct pollfd){.fd = loop->run->agent->socket, .events = POLLIN};
    fds[RUNTIMES] = (struct pollfd){.fd = loop->run->runtimes, .events = POLLIN};
    fds[RUNTIME] = (struct pollfd){.fd = loop->any ? -1 : loop->runtime, .events = POLLIN};
    fds[ENDS] = (struct pollfd){.fd = observer_exit_fd(loop->run->observer), .events = POLLIN};
    for (size_t i = 0; i < loop->count; i++)
        fds[SOURCES + i] = (struct pollfd){.fd = loop->sources[i].listener, .events = POLLIN};
    return 0;
}

static void serve_sources(Loop *loop)
{
    const size_t polled = loop->count;

    for (size_t i = 0; i < polled; i++) {
        if (loop->fds[SOURCES + i].revents & POLLIN)
            serve_call(loop, &loop->sources[i]);
    }
    /* From the end, so that those in front stay where their events are. */
    for (size_t i = polled; i-- > 0;) {
        const short revents = loop->fds[SOURCES + i].revents;
        if ((revents & POLLIN) || !(revents & (POLLHUP | POLLERR | POLLNVAL)))
            continue;
        source_deinit(&loop->sources[i]);
        loop->sources[i] = loop->sources[--loop->count];
    }
}

static int serve(Loop *loop)
{
    /* The runtime is gone, and has sent nothing. */
    bool failed = false;

    while (!failed && !(loop->any && loop->count == 0) && !loop->run->detached) {
        int r = prepare_poll(loop);
        if (r < 0)
            return r;
        const int n = poll(loop->fds, SOURCES + loop->count,
                           loop->starting_count > 0 ? LOOK_MILLISECONDS : -1);
        if (n < 0 && errno != EINTR)
            return -errno;
        look_for_listeners(loop);
        if (n <= 0)
            continue;
        if (backend_events_handle(&loop->events, loop->fds) && loop->run->tick)
            loop->run->tick(loop->run->tick_data);
        if (loop->fds[ENDS].revents)
            observer_reap(loop->run->observer);
        serve_sources(loop);
        r = loop->fds[AGENT].revents ? accept_source(loop) : 0;
        if (loop->fds[RUNTIMES].revents)
            answer_runtime(loop);
        failed = loop->fds[RUNTIME].revents && !loop->fds[AGENT].revents;
    }
    return 0;
}

/* ---- without a recorder ---------------------------------------------------------------------- */

void listeners_let_run(const SeccompAgent *agent)
{
    CLEANUP(fd_close) int container = -1;

    if (*agent->container <= 0)
        return;
    (void)seccomp_api_get();
    container = (int)syscall(SYS_pidfd_open, *agent->container, 0);
    struct pollfd fds[] = {{.fd = container, .events = POLLIN},
                           {.fd = agent->socket, .events = POLLIN}};
    while (container >= 0 && !fds[0].revents) {
        pid_t process;
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return;
        if (!fds[1].revents)
            continue;
        CLEANUP(fd_close) int listener = listener_receive(agent->socket, &process);
        Keeper keeper = {.life_fd = -1};
        if (listener >= 0 && keeper_start(&keeper, listener, true, agent->filter) == 0)
            keeper_release(&keeper);
    }
}

/* ---- the backend ----------------------------------------------------------------------------- */

static int run(BackendRun *backend_run, Error *err)
{
    CLEANUP(loop_deinit)
    Loop loop = {.run = backend_run, .events = backend_events_of(backend_run), .runtime = -1};

    /* libseccomp asks the kernel then what else it would when a filter is made. */
    (void)seccomp_api_get();
    (void)priority_raise();
    recorder_step_aside();
    if (restart_init(&loop.restart) < 0)
        return error_errno(err, -ENOMEM, "cannot set up events");
    expect_listener(&loop, backend_run->join[0]);
    loop.runtime = (int)syscall(SYS_pidfd_open, backend_run->join[0], 0);
    if (loop.runtime < 0)
        return error_errno(err, errno, "cannot watch the container's runtime");
    int r = backend_events_start(&loop.events, 0);
    if (r < 0)
        return error_errno(err, r, "cannot set up events");
    (void)snprintf(backend_run->features, sizeof backend_run->features, "oci-listener");
    (void)report_send(backend_run->report_fd, REPORT_STARTED, 0);
    r = serve(&loop);
    /* The front is gone, the container is not: somebody has to be there for what comes into it. */
    if (r == 0 && backend_run->detached && loop.any && fork() == 0) {
        (void)close(backend_run->runtimes); /* nobody is joined any more */
        listeners_let_run(backend_run->agent);
        _exit(0);
    }
    return r < 0 ? error_errno(err, r, "waiting for events failed") : 0;
}

static int probe(Error *err)
{
    return backend_notify.probe(err);
}

static void features(char *out, size_t size)
{
    (void)snprintf(out, size, "oci-listener");
}

const Backend backend_listener = {
    .name = "notify",
    .summary = "seccomp user notification by a container's runtime",
    .sees_results = false,
    .can_join_runtimes = true,
    .filters = true,
    .probe = probe,
    .features = features,
    .run = run,
};
