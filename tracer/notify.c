/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recording by seccomp user notification, seccomp_unotify(2).
 *
 * The child comes with a filter that notifies of every call (notify_launch.c). The recorder takes
 * each notification, observes, and lets the call run.
 *
 * With Linux 5.19 a received call waits killably, so that signals interrupt calls as they would
 * without whittle; with 6.6 the wake-up is synchronous, four times as fast. A call whose
 * notification has not been received yet is interrupted by any signal, and by a handler without
 * SA_RESTART it then fails with EINTR, be it fork(2) or close(2). Therefore a thread of its own
 * receives (notify_receiver.c), and runs as soon as it may (notify_priority.c); this file has the
 * other thread, which handles what takes longer, and all other events. Calls that are interrupted
 * all the same are made again (notify_restart.c).
 */
#include "tracer/backend_events.h"
#include "tracer/notify_keeper.h"
#include "tracer/notify_launch.h"
#include "tracer/notify_priority.h"
#include "tracer/notify_receiver.h"
#include "tracer/stack_registers.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS /* Linux 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

typedef struct Loop {
    BackendRun *run;
    NotifyChild child;
    BackendEvents events;
    Keeper keeper;
    Receiver receiver;
    bool hung_up; /* no recorded process is left */
} Loop;

/* ---- events --------------------------------------------------------------------------------- */

/* Processes that ended are forgotten before each call that is handled, and here if none comes. */
static void on_second(Loop *loop)
{
    (void)pthread_mutex_lock(&loop->receiver.lock);
    observer_reap(loop->run->observer);
    if (loop->run->tick)
        loop->run->tick(loop->run->tick_data);
    (void)pthread_mutex_unlock(&loop->receiver.lock);
}

/*
 * The handler's loop. The listener is asked for nothing here: poll() tells of its end all the same,
 * and does not wake up for notifications, which are the receiver's.
 */
static int serve(Loop *loop)
{
    enum { LISTENER = BACKEND_EVENTS_FDS, WAKE, ENDS, FDS };
    struct pollfd fds[FDS] = {
        [LISTENER] = {.fd = loop->child.listener},
        [WAKE] = {.fd = loop->receiver.wake_fd, .events = POLLIN},
        [ENDS] = {.fd = -1, .events = POLLIN},
    };
    int error = 0;

    backend_events_poll(&loop->events, fds);
    while (!loop->hung_up && !loop->run->detached && error == 0) {
        const bool holds = receiver_holds(&loop->receiver);
        fds[ENDS].fd = holds ? observer_exit_fd(loop->run->observer) : -1;
        const int longest = holds ? 1 : -1;
        const int n = poll(fds, FDS, receiver_may_sleep(&loop->receiver) ? longest : 0);
        receiver_awake(&loop->receiver, n > 0 && fds[WAKE].revents);
        if (n < 0 && errno != EINTR)
            error = errno;
        if (n > 0 && backend_events_handle(&loop->events, fds))
            on_second(loop);
        if (n > 0 && fds[LISTENER].revents)
            loop->hung_up = true;
        if (!loop->run->detached)
            receiver_handle(&loop->receiver);
        if (!loop->hung_up && error == 0)
            error = receiver_error(&loop->receiver);
    }
    receiver_stop(&loop->receiver);
    if (loop->hung_up)
        backend_events_await_child(&loop->events);
    return -error;
}

static int run(BackendRun *run_options, Error *err)
{
    Loop loop = {.run = run_options, .events = backend_events_of(run_options)};

    loop.keeper.life_fd = -1;
    int r = notify_child_start(run_options->launch, run_options->observer, &loop.child, err);
    if (r < 0)
        return r;
    observer_task_launched(run_options->observer, loop.child.pid, run_options->launch->path);
    r = keeper_start(&loop.keeper, loop.child.listener, !observer_enforces(run_options->observer),
                     NULL);
    if (r < 0)
        (void)error_errno(err, r, "cannot start the keeper process");
    if (r == 0) {
        uint64_t flags = SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP;
        (void)ioctl(loop.child.listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, flags);
        r = backend_events_start(&loop.events, loop.child.pid);
        if (r < 0)
            (void)error_errno(err, r, "cannot set up events");
    }
    if (r == 0) {
        r = receiver_start(&loop.receiver, loop.child.listener, run_options->observer,
                           loop.keeper.page);
        priority_restore(&loop.child.priority);
        if (r < 0)
            (void)error_errno(err, r, "cannot start a thread");
    }
    if (r == 0) {
        (void)report_send(run_options->report_fd, REPORT_STARTED, loop.child.pid);
        r = serve(&loop);
        if (r < 0)
            (void)error_errno(err, r, "waiting for events failed");
        const int exec_error = notify_child_exec_error(&loop.child);
        if (exec_error != 0)
            (void)report_send(run_options->report_fd, REPORT_EXEC_FAILED, exec_error);
    }
    keeper_release(&loop.keeper);
    backend_events_deinit(&loop.events);
    fd_close(&loop.child.listener);
    fd_close(&loop.child.socket);
    return r;
}

/* ---- what this kernel can ------------------------------------------------------------------- */

static int probe(Error *err)
{
    struct seccomp_notif_sizes sizes;
    uint32_t action = SECCOMP_RET_USER_NOTIF;

    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 ||
        syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
        return error_set(err, -ENOSYS,
                         "the kernel has no seccomp notification (it needs Linux 5.5 with "
                         "CONFIG_SECCOMP_FILTER), or a container's profile forbids seccomp(); use "
                         "--backend ptrace");
    return 0;
}

static void features(char *out, size_t size)
{
    unsigned major = 0;
    unsigned minor = 0;
    CLEANUP(file_close) FILE *release = fopen("/proc/sys/kernel/osrelease", "re");

    if (release && fscanf(release, "%u.%u", &major, &minor) != 2)
        major = 0;
    /* The ioctl can only be asked of a listener; it came with 6.6. */
    const bool sync = major > 6 || (major == 6 && minor >= 6);
    const bool killable = notify_waits_killably();
    (void)snprintf(out, size, "%s%s%s", sync ? "sync-wakeup" : "", sync && killable ? " " : "",
                   killable ? "wait-killable" : "");
}

const Backend backend_notify = {
    .name = "notify",
    .summary = "seccomp user notification: every call, no privilege needed",
    .sees_results = false,
    .can_launch = true,
    .can_join = false,
    .filters = true,
    .probe = probe,
    .features = features,
    .registers = stack_registers_waiting,
    .run = run,
};
