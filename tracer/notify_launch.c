/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child loads a filter that notifies of every call of every architecture and sends the listener
 * to the recorder. That one sendmsg() must pass the filter: it carries three random words in
 * registers that the call does not use, and the filter lets exactly those through.
 */
#include "tracer/notify_launch.h"

#include "base/io.h"
#include "base/memory.h"
#include "tracer/known_calls.h"
#include "tracer/launch.h"
#include "tracer/notify_priority.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV /* Linux 5.19 */
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

typedef struct Pass {
    uint64_t words[3];
} Pass;

typedef struct Filter {
    struct sock_filter *instructions; /* owned */
    unsigned short count;
    Pass pass;
} Filter;

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

static int filter_make(const Observer *observer, Filter *filter)
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
        r = known_calls_allow(observer, context);
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

/* Loading a filter with an address the kernel cannot read tells whether it knows a flag: EINVAL
 * comes before EFAULT. */
static bool knows_filter_flag(unsigned long flag)
{
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag | SECCOMP_FILTER_FLAG_NEW_LISTENER,
                   NULL) < 0 &&
           errno == EFAULT;
}

/* ---- launch --------------------------------------------------------------------------------- */

typedef enum ChildStep { STEP_FILTER, STEP_ENFORCE, STEP_EXEC } ChildStep;

typedef struct ChildMessage {
    int32_t error; /* 0: the listener comes with it */
    int32_t step;  /* ChildStep that failed */
} ChildMessage;

/* A message with room for one descriptor. Points into itself: stays where it was made. */
typedef struct Envelope {
    ChildMessage message;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct iovec part;
    struct msghdr header;
} Envelope;

static void envelope_init(Envelope *envelope)
{
    *envelope = (Envelope){.part = {&envelope->message, sizeof envelope->message},
                           .header = {.msg_iov = &envelope->part,
                                      .msg_iovlen = 1,
                                      .msg_control = envelope->control,
                                      .msg_controllen = sizeof envelope->control}};
}

static int send_listener(int socket, int listener, const Pass *pass)
{
    Envelope envelope;

    envelope_init(&envelope);
    struct cmsghdr *rights = CMSG_FIRSTHDR(&envelope.header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof listener);
    memcpy(CMSG_DATA(rights), &listener, sizeof listener);
    const long n = syscall(SYS_sendmsg, socket, &envelope.header, 0, pass->words[0], pass->words[1],
                           pass->words[2]);
    return n < 0 ? -errno : 0;
}

/*
 * Until the keeper is there, the child must not outlive a recorder that is killed: as a holder of
 * its own listener it would wait for an answer for ever. It lives on by a call that is only
 * answered once the keeper runs.
 */
__attribute__((noreturn)) static void child_main(const Launch *launch,
                                                 const Enforcement *enforcement, Filter *filter,
                                                 int socket, pid_t recorder)
{
    ChildMessage failure = {0};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != recorder)
        _exit(127);
    int r = enforcement ? enforcement_begin(enforcement) : 0;
    failure.step = r < 0 ? STEP_ENFORCE : STEP_FILTER;
    if (r >= 0)
        r = filter_load(filter);
    if (r >= 0)
        r = send_listener(socket, r, &filter->pass);
    if (r >= 0) {
        explicit_bzero(&filter->pass, sizeof filter->pass);
        explicit_bzero(filter->instructions, filter->count * sizeof *filter->instructions);
        failure.step = STEP_EXEC;
        /* Who may not do all that it asks for has no keeper that would answer. */
        if (!enforcement)
            (void)prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
        r = enforcement ? enforcement_complete(enforcement) : 0;
        if (r == 0)
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
    Envelope envelope;
    ssize_t n;

    envelope_init(&envelope);
    do {
        n = recvmsg(socket, &envelope.header, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n != sizeof envelope.message)
        return error_errno(err, n < 0 ? errno : ECHILD,
                           "the child ended before it could be recorded");
    if (envelope.message.error != 0 && envelope.message.step == STEP_ENFORCE)
        return error_errno(err, envelope.message.error,
                           "cannot put capabilities or Landlock in force");
    if (envelope.message.error != 0)
        return listener_error(err, -envelope.message.error);
    const struct cmsghdr *rights = CMSG_FIRSTHDR(&envelope.header);
    if (!rights || rights->cmsg_type != SCM_RIGHTS)
        return error_errno(err, EPROTO, "no listener came from the child");
    int listener;
    memcpy(&listener, CMSG_DATA(rights), sizeof listener);
    return listener;
}

int notify_child_start(const Launch *launch, const Observer *observer, NotifyChild *ret_child,
                       Error *err)
{
    Filter filter;
    int pair[2];

    int r = filter_make(observer, &filter);
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
        child_main(launch, observer_enforcement(observer), &filter, pair[1], recorder);
    }
    r = child < 0 ? error_errno(err, errno, "cannot start a process") : 0;
    (void)close(pair[1]);
    free(filter.instructions);
    if (r < 0)
        return r;
    /* Sessions may be scheduled as groups: first this one's own. The child stays as it was. */
    (void)setsid();
    const Priority before = priority_raise();
    /* The receiver changes its priority as it goes on. */
    recorder_step_aside_keeping((const int[]){CAP_SYS_NICE}, 1);
    const int listener = receive_listener(ours, err);
    if (listener < 0) {
        int status;
        (void)waitpid(child, &status, 0);
        return listener;
    }
    *ret_child =
        (NotifyChild){.pid = child, .listener = listener, .socket = ours, .priority = before};
    ours = -1;
    return 0;
}

int notify_child_exec_error(const NotifyChild *child)
{
    ChildMessage message;

    if (recv(child->socket, &message, sizeof message, MSG_DONTWAIT) != sizeof message)
        return 0;
    return message.step == STEP_EXEC ? message.error : 0;
}

bool notify_waits_killably(void)
{
    return knows_filter_flag(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
}
