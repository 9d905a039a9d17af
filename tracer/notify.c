/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recording by seccomp user notification, seccomp_unotify(2).
 *
 * The child loads a filter that notifies of every call of every architecture and sends the listener
 * to the recorder. That one sendmsg() must pass the filter: it carries three random words in
 * registers that the call does not use, and the filter lets exactly those through. Then the
 * recorder takes each notification, observes, and lets the call run.
 *
 * With Linux 5.19 a received call waits killably, so that signals interrupt calls as they would
 * without whittle; with 6.6 the wake-up is synchronous, four times as fast. A call whose
 * notification has not been received yet is interrupted by any signal, and by a handler without
 * SA_RESTART it then fails with EINTR, be it fork(2). Most signals in a workload come of its own
 * calls (exit, kill), so before any call is let run, all notifications that wait are received.
 */
#include "tracer/backend.h"
#include "tracer/launch.h"
#include "tracer/notify_keeper.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV /* Linux 5.19 */
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS /* Linux 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

typedef struct Pass {
    uint64_t words[3];
} Pass;

typedef struct Filter {
    struct sock_filter *instructions; /* owned */
    unsigned short count;
    Pass pass;
} Filter;

typedef struct Loop {
    BackendRun *run;
    pid_t child;
    bool child_ended;
    int listener;
    int epoll;
    int signals;
    int timer;
    Keeper keeper;
    unsigned first, received; /* a ring in keeper.page: notifications to be answered */
    bool hung_up;             /* no recorded process is left */
} Loop;

/* ---- the filter ----------------------------------------------------------------------------- */

static int filter_export(scmp_filter_ctx context, Filter *filter)
{
    struct stat st;

    CLEANUP(fd_close) int file = memfd_create("filter", MFD_CLOEXEC);
    if (file < 0)
        return -errno;
    const int r = seccomp_export_bpf(context, file);
    if (r < 0)
        return r;
    if (fstat(file, &st) < 0)
        return -errno;
    const size_t count = (size_t)st.st_size / sizeof(struct sock_filter);
    if (count == 0 || count > BPF_MAXINSNS)
        return -EINVAL;
    filter->instructions = malloc((size_t)st.st_size);
    if (!filter->instructions)
        return -ENOMEM;
    if (pread(file, filter->instructions, (size_t)st.st_size, 0) != st.st_size) {
        free(filter->instructions);
        filter->instructions = NULL;
        return -EIO;
    }
    filter->count = (unsigned short)count;
    return 0;
}

static int filter_make(Filter *filter)
{
    *filter = (Filter){0};
    if (getrandom(&filter->pass, sizeof filter->pass, 0) != sizeof filter->pass)
        return -EIO;
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_NOTIFY);
    if (!context)
        return -ENOMEM;
    const uint64_t *w = filter->pass.words;
    int r = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_NOTIFY);
    if (r == 0)
        r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 3,
                             SCMP_A3(SCMP_CMP_EQ, w[0]), SCMP_A4(SCMP_CMP_EQ, w[1]),
                             SCMP_A5(SCMP_CMP_EQ, w[2]));
    if (r == 0)
        r = filter_export(context, filter);
    seccomp_release(context);
    return r;
}

/* The listener's descriptor, or a negative errno. */
static int filter_load(const Filter *filter)
{
    const struct sock_fprog program = {.len = filter->count, .filter = filter->instructions};
    static const unsigned long flags[] = {
        SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
            SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
        SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
    };

    if (!may_filter_with_privileges() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        const long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags[i], &program);
        if (fd >= 0)
            return (int)fd;
        if (errno != EINVAL)
            break;
    }
    return -errno;
}

/* ---- launch --------------------------------------------------------------------------------- */

typedef struct ChildMessage {
    int32_t error; /* 0: the listener comes with it */
    int32_t is_exec;
} ChildMessage;

static int send_listener(int socket, int listener, const Pass *pass)
{
    ChildMessage message = {0};
    struct iovec part = {.iov_base = &message, .iov_len = sizeof message};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);

    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof listener);
    memcpy(CMSG_DATA(rights), &listener, sizeof listener);
    const long n =
        syscall(SYS_sendmsg, socket, &header, 0, pass->words[0], pass->words[1], pass->words[2]);
    return n < 0 ? -errno : 0;
}

/*
 * Until the keeper is there, the child must not outlive a recorder that is killed: as a holder of
 * its own listener it would wait for an answer for ever. It lives on by a call that is only
 * answered once the keeper runs.
 */
__attribute__((noreturn)) static void child_main(const Launch *launch, Filter *filter, int socket,
                                                 pid_t recorder)
{
    ChildMessage failure = {0};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != recorder)
        _exit(127);
    int r = filter_load(filter);
    if (r >= 0)
        r = send_listener(socket, r, &filter->pass);
    if (r >= 0) {
        explicit_bzero(&filter->pass, sizeof filter->pass);
        explicit_bzero(filter->instructions, filter->count * sizeof *filter->instructions);
        failure.is_exec = 1;
        (void)prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
        r = launch_exec(launch);
    }
    failure.error = -r;
    (void)!write(socket, &failure, sizeof failure);
    _exit(127);
}

static int listener_error(Error *err, int code)
{
    if (code == -EBUSY)
        return error_set(err, code,
                         "this process is under a seccomp filter with a notification listener "
                         "already, and the kernel allows one: use --backend ptrace");
    return error_errno(err, code, "cannot load the notification filter");
}

static int receive_listener(int socket, Error *err)
{
    ChildMessage message = {0};
    struct iovec part = {.iov_base = &message, .iov_len = sizeof message};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    ssize_t n;

    do {
        n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n != sizeof message)
        return error_errno(err, n < 0 ? errno : ECHILD,
                           "the child ended before it could be recorded");
    if (message.error != 0)
        return listener_error(err, -message.error);
    const struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    if (!rights || rights->cmsg_type != SCM_RIGHTS)
        return error_errno(err, EPROTO, "no listener came from the child");
    int listener;
    memcpy(&listener, CMSG_DATA(rights), sizeof listener);
    return listener;
}

/* Forks the child and gets its listener; *RET_SOCKET then tells of a failing execve(). */
static int launch(Loop *loop, int *ret_socket, Error *err)
{
    Filter filter;
    int pair[2];

    int r = filter_make(&filter);
    if (r < 0)
        return error_errno(err, r, "cannot build the notification filter");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        r = error_errno(err, errno, "cannot make a socket pair");
        free(filter.instructions);
        return r;
    }
    CLEANUP(fd_close) int ours = pair[0];
    const pid_t recorder = getpid();
    const pid_t child = fork();
    if (child == 0) {
        (void)close(pair[0]);
        child_main(loop->run->launch, &filter, pair[1], recorder);
    }
    r = child < 0 ? error_errno(err, errno, "cannot start a process") : 0;
    (void)close(pair[1]);
    free(filter.instructions);
    if (r < 0)
        return r;
    loop->child = child;
    recorder_step_aside();
    loop->listener = receive_listener(ours, err);
    if (loop->listener < 0) {
        const int code = loop->listener;
        int status;
        loop->listener = -1;
        (void)waitpid(child, &status, 0);
        return code;
    }
    observer_task_launched(loop->run->observer, child, loop->run->launch->path);
    *ret_socket = ours;
    ours = -1;
    return 0;
}

/* ---- events --------------------------------------------------------------------------------- */

static void answer(const Loop *loop, uint64_t id, bool run_it)
{
    struct seccomp_notif_resp response = {.id = id,
                                          .flags = run_it ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0};

    /* ENOENT: the thread is gone. */
    (void)seccomp_notify_respond(loop->listener, &response);
}

static void receive(Loop *loop)
{
    struct seccomp_notif *request =
        &loop->keeper.page->requests[(loop->first + loop->received) % KEEPER_SLOTS];

    memset(request, 0, sizeof *request);
    if (seccomp_notify_receive(loop->listener, request) == 0)
        loop->received++;
    else
        request->id = 0; /* the thread was gone before */
}

/* Receives whatever waits. */
static void drain(Loop *loop)
{
    struct pollfd waiting = {.fd = loop->listener, .events = POLLIN};

    while (loop->received < KEEPER_SLOTS && poll(&waiting, 1, 0) > 0 && (waiting.revents & POLLIN))
        receive(loop);
}

/* True if the call is to be run. */
static bool observe(const Loop *loop, const struct seccomp_notif *request)
{
    SyscallStop stop = {.tid = (pid_t)request->pid,
                        .audit_arch = request->data.arch,
                        .nr = request->data.nr,
                        .instruction_pointer = request->data.instruction_pointer};

    for (size_t i = 0; i < SYSCALL_ARGS; i++)
        stop.args[i] = request->data.args[i];
    const int verdict = observer_enter(loop->run->observer, &stop);
    if (verdict == OBSERVER_CONFIRM)
        observer_confirm(loop->run->observer, stop.tid,
                         seccomp_notify_id_valid(loop->listener, request->id) == 0);
    return verdict != OBSERVER_ANSWER;
}

static void handle_first(Loop *loop)
{
    struct seccomp_notif *request = &loop->keeper.page->requests[loop->first];
    const bool run_it = observe(loop, request);

    drain(loop);
    answer(loop, request->id, run_it);
    request->id = 0;
    loop->first = (loop->first + 1) % KEEPER_SLOTS;
    loop->received--;
}

/* Recording is over: whoever still waits runs on. */
static void answer_all(Loop *loop)
{
    for (; loop->received > 0; loop->received--) {
        struct seccomp_notif *request = &loop->keeper.page->requests[loop->first];
        answer(loop, request->id, true);
        request->id = 0;
        loop->first = (loop->first + 1) % KEEPER_SLOTS;
    }
}

static void child_status(Loop *loop, int status)
{
    if (WIFSTOPPED(status)) {
        (void)report_send(loop->run->report_fd, REPORT_STOPPED, WSTOPSIG(status));
    } else {
        loop->child_ended = true;
        backend_child_ended(loop->run, status);
    }
}

static void on_child(Loop *loop)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;

    (void)!read(loop->signals, &info, sizeof info);
    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (pid == loop->child)
            child_status(loop, status);
    }
}

/* A filter may lose its last user before that user can be waited for. */
static void await_child(Loop *loop)
{
    int status;

    while (!loop->child_ended) {
        const pid_t pid = waitpid(loop->child, &status, 0);
        if (pid == loop->child)
            child_status(loop, status);
        else if (pid < 0 && errno != EINTR)
            return;
    }
}

static void on_control(Loop *loop)
{
    unsigned char message[2];
    const ssize_t n = read(loop->run->control_fd, message, sizeof message);

    if (n < 0 && errno == EINTR)
        return;
    if (n != sizeof message || message[0] == CONTROL_DETACH)
        loop->run->detached = true;
    else if (message[0] == CONTROL_SIGNAL && !loop->child_ended)
        (void)kill(loop->child, message[1]);
}

static void on_timer(const Loop *loop)
{
    uint64_t ticks;

    if (read(loop->timer, &ticks, sizeof ticks) == sizeof ticks && loop->run->tick)
        loop->run->tick(loop->run->tick_data);
}

static int watch(const Loop *loop, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int set_up_events(Loop *loop)
{
    const struct itimerspec second = {.it_interval.tv_sec = 1, .it_value.tv_sec = 1};
    sigset_t child_signal;
    int r;

    (void)sigemptyset(&child_signal);
    (void)sigaddset(&child_signal, SIGCHLD);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->signals = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
    loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (loop->epoll < 0 || loop->signals < 0 || loop->timer < 0 ||
        timerfd_settime(loop->timer, 0, &second, NULL) < 0)
        return -errno;
    if ((r = watch(loop, loop->signals)) < 0 || (r = watch(loop, loop->timer)) < 0 ||
        (r = watch(loop, loop->run->control_fd)) < 0 || (r = watch(loop, loop->listener)) < 0 ||
        (r = watch(loop, observer_exit_fd(loop->run->observer))) < 0)
        return r;
    return 0;
}

static void dispatch(Loop *loop, const struct epoll_event *event)
{
    const int fd = event->data.fd;

    if (fd == loop->listener) {
        if (event->events & EPOLLIN)
            drain(loop);
        else if (event->events & (EPOLLHUP | EPOLLERR))
            loop->hung_up = true;
    } else if (fd == loop->signals) {
        on_child(loop);
    } else if (fd == loop->timer) {
        on_timer(loop);
    } else if (fd == loop->run->control_fd) {
        on_control(loop);
    } else {
        observer_reap(loop->run->observer);
    }
}

static int serve(Loop *loop)
{
    struct epoll_event events[8];

    while (!loop->hung_up && !loop->run->detached) {
        const int timeout = loop->received > 0 ? 0 : -1;
        const int n = epoll_wait(loop->epoll, events, ARRAY_LENGTH(events), timeout);
        if (n < 0 && errno != EINTR)
            return -errno;
        for (int i = 0; i < n && !loop->run->detached; i++)
            dispatch(loop, &events[i]);
        /* After the ends of processes: a number that the kernel has given out again must not be
         * taken for the process that had it before. */
        if (loop->received > 0)
            handle_first(loop);
    }
    answer_all(loop);
    if (loop->hung_up)
        await_child(loop);
    return 0;
}

/* The child's own word on why its execve() failed; nothing if it ran. */
static void report_exec_failure(const Loop *loop, int socket)
{
    ChildMessage message;

    if (recv(socket, &message, sizeof message, MSG_DONTWAIT) == sizeof message && message.is_exec)
        (void)report_send(loop->run->report_fd, REPORT_EXEC_FAILED, message.error);
}

static int run(BackendRun *run_options, Error *err)
{
    Loop loop = {.run = run_options, .listener = -1, .epoll = -1, .signals = -1, .timer = -1};
    CLEANUP(fd_close) int socket = -1;

    loop.keeper.life_fd = -1;
    int r = launch(&loop, &socket, err);
    if (r < 0)
        return r;
    r = keeper_start(&loop.keeper, loop.listener);
    if (r < 0)
        (void)error_errno(err, r, "cannot start the keeper process");
    if (r == 0) {
        uint64_t flags = SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP;
        (void)ioctl(loop.listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, flags);
        r = set_up_events(&loop);
        if (r < 0)
            (void)error_errno(err, r, "cannot set up events");
    }
    if (r == 0) {
        (void)report_send(run_options->report_fd, REPORT_STARTED, loop.child);
        r = serve(&loop);
        if (r < 0)
            (void)error_errno(err, r, "waiting for events failed");
        report_exec_failure(&loop, socket);
    }
    keeper_release(&loop.keeper);
    fd_close(&loop.timer);
    fd_close(&loop.signals);
    fd_close(&loop.epoll);
    fd_close(&loop.listener);
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

/* Loading a filter with an address the kernel cannot read tells whether it knows a flag: EINVAL
 * comes before EFAULT. */
static bool knows_filter_flag(unsigned long flag)
{
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag | SECCOMP_FILTER_FLAG_NEW_LISTENER,
                   NULL) < 0 &&
           errno == EFAULT;
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
    const bool killable = knows_filter_flag(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
    (void)snprintf(out, size, "%s%s%s", sync ? "sync-wakeup" : "", sync && killable ? " " : "",
                   killable ? "wait-killable" : "");
}

const Backend backend_notify = {
    .name = "notify",
    .summary = "seccomp user notification: every call, no privilege needed",
    .sees_results = false,
    .can_launch = true,
    .can_join = false,
    .probe = probe,
    .features = features,
    .run = run,
};
