/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front. It blocks all signals and takes them by signalfd: those that somebody sent to it are
 * passed on to the workload's main process; those that the terminal sent went to the workload as
 * well, since both are in one process group.
 */
#include "tracer/supervise_private.h"

#include "base/io.h"
#include "base/memory.h"
#include "base/nameless.h"
#include "base/procfs.h"
#include "tracer/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct Front {
    const Supervision *supervision;
    Channels channels;
    pid_t recorder;
    int signals;
    pid_t main_process; /* 0: not started or joined */
    bool main_ended;
    bool asked_to_detach;
    unsigned char continues; /* SIGCONTs that the recorder was told of, modulo 256 */
    int stop_continues;      /* of how many it knew as it reported a stop */
    int64_t stop_at;         /* milliseconds of CLOCK_MONOTONIC: when to stop with it; 0: not */
    char *temporary;         /* the journal before it is put in place; owned */
    sigset_t old_mask;
    SuperviseResult result;
} Front;

/* ---- set-up --------------------------------------------------------------------------------- */

static int open_journal(Front *front, Error *err)
{
    const char *output = front->supervision->output;
    CLEANUP(buffer_deinit) Buffer header = BUFFER_INIT;

    front->channels.journal = -1;
    if (strcmp(output, "-") == 0)
        return 0;
    if (asprintf(&front->temporary, "%s.XXXXXX", output) < 0) {
        front->temporary = NULL;
        return error_errno(err, ENOMEM, "%s", output);
    }
    front->channels.journal = mkostemp(front->temporary, O_CLOEXEC | O_APPEND);
    if (front->channels.journal < 0) {
        const int code = errno;
        free(front->temporary);
        front->temporary = NULL;
        return error_errno(err, code, "%s: cannot create a file beside it", output);
    }
    const mode_t mask = umask(0);
    (void)umask(mask);
    int r = fchmod(front->channels.journal, 0644 & ~mask) < 0 ? -errno : 0;
    if (r == 0)
        r = recording_print_header(front->supervision->recording, &header);
    if (r == 0)
        r = write_all(front->channels.journal, header.data, header.length);
    return r < 0 ? error_errno(err, r, "%s: cannot write", output) : 0;
}

/*
 * Beside OUTPUT, on the disk: in memory a large recording would take too much of it. What goes to
 * standard output at the end is where temporary files are, or in memory after all.
 */
static int open_canonical(const char *output, Error *err)
{
    const char *folder = getenv("TMPDIR");
    CLEANUP(free_pointer) char *beside = NULL;
    int fd;

    if (strcmp(output, "-") != 0) {
        fd = nameless_check(output, err);
        if (fd < 0)
            return fd;
        fd = nameless_open(output);
        return fd < 0 ? error_errno(err, fd, "%s: cannot create a file beside it", output) : fd;
    }
    if (asprintf(&beside, "%s/whittle", folder && *folder ? folder : "/var/tmp") < 0)
        beside = NULL;
    fd = beside ? nameless_open(beside) : -ENOMEM;
    if (fd < 0)
        fd = memfd_create("recording", MFD_CLOEXEC);
    return fd < 0 ? error_errno(err, errno, "cannot set up the recorder") : fd;
}

static int open_channels(Front *front, Error *err)
{
    Channels *channels = &front->channels;
    int r;

    channels->outcome = mmap(NULL, sizeof *channels->outcome, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (channels->outcome == MAP_FAILED) {
        channels->outcome = NULL;
        return error_errno(err, errno, "cannot share memory with the recorder");
    }
    r = open_canonical(front->supervision->output, err);
    if (r < 0)
        return r;
    channels->canonical = r;
    if (pipe2(channels->control, O_CLOEXEC) < 0 || pipe2(channels->report, O_CLOEXEC) < 0)
        return error_errno(err, errno, "cannot set up the recorder");
    return open_journal(front, err);
}

static int take_signals(Front *front, Error *err)
{
    static const int left_alone[] = {SIGTSTP, SIGTTIN, SIGTTOU, SIGCHLD, SIGSEGV,
                                     SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP, SIGABRT};
    sigset_t taken;

    (void)sigfillset(&taken);
    for (size_t i = 0; i < ARRAY_LENGTH(left_alone); i++)
        (void)sigdelset(&taken, left_alone[i]);
    if (sigprocmask(SIG_BLOCK, &taken, &front->old_mask) < 0)
        return error_errno(err, errno, "cannot block signals");
    if (front->supervision->launch)
        front->supervision->launch->signal_mask = front->old_mask;
    front->signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    return front->signals < 0 ? error_errno(err, errno, "cannot take signals") : 0;
}

static int start_recorder(Front *front, Error *err)
{
    front->recorder = fork();
    if (front->recorder < 0)
        return error_errno(err, errno, "cannot start the recorder process");
    if (front->recorder == 0) {
        sigset_t all;
        (void)sigfillset(&all);
        (void)sigprocmask(SIG_SETMASK, &all, NULL);
        fd_close(&front->signals);
        recorder_main(front->supervision, &front->channels);
    }
    fd_close(&front->channels.control[0]);
    fd_close(&front->channels.report[1]);
    return 0;
}

static void front_deinit(Front *front)
{
    Channels *channels = &front->channels;

    if (front->temporary) {
        (void)unlink(front->temporary);
        free(front->temporary);
    }
    fd_close(&channels->control[0]);
    fd_close(&channels->control[1]);
    fd_close(&channels->report[0]);
    fd_close(&channels->report[1]);
    fd_close(&channels->canonical);
    fd_close(&channels->journal);
    fd_close(&front->signals);
    if (channels->outcome)
        (void)munmap(channels->outcome, sizeof *channels->outcome);
    (void)sigprocmask(SIG_SETMASK, &front->old_mask, NULL);
}

/* ---- while it runs -------------------------------------------------------------------------- */

static void tell(const Front *front, ControlKind kind, int value)
{
    const unsigned char message[2] = {(unsigned char)kind, (unsigned char)value};

    (void)write_all(front->channels.control[1], message, sizeof message);
}

/* The sender is in the recorded run: kill(0, …) of the workload, which has got the signal itself.
 */
static bool sent_by_workload(const Front *front, pid_t sender)
{
    char state;

    for (int depth = 0; sender > 1 && depth < 1000; depth++) {
        if (sender == front->recorder || sender == front->main_process)
            return true;
        if (procfs_stat(sender, &state, &sender) < 0)
            return false;
    }
    return false;
}

static void on_signal(Front *front)
{
    struct signalfd_siginfo info;

    while (read(front->signals, &info, sizeof info) == sizeof info) {
        const int number = (int)info.ssi_signo;
        const bool ends =
            number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
        if ((pid_t)info.ssi_pid == getpid())
            continue; /* SIGPIPE: the recorder has ended; telling it of that would be the next */
        if (!front->supervision->launch || front->main_ended) {
            /* Only processes that somebody else owns, or that outlived the command, are left. */
            if (ends && !front->asked_to_detach) {
                front->asked_to_detach = true;
                tell(front, CONTROL_DETACH, 0);
            }
        } else if (info.ssi_code <= 0 && !sent_by_workload(front, (pid_t)info.ssi_pid)) {
            if (number == SIGCONT)
                front->continues++;
            tell(front, CONTROL_SIGNAL, number);
        }
    }
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * The main process was stopped, when the recorder knew of CONTINUES SIGCONTs. By ^Z, most often,
 * and then the front was or will be in this very moment, and both are continued together: only if
 * it stays stopped alone the front stops itself.
 */
static void expect_stop(Front *front, int continues)
{
    enum { STOPPED_ALONE_MS = 200 };

    front->stop_continues = continues;
    front->stop_at = now_ms() + STOPPED_ALONE_MS;
}

static int ms_to_stop(const Front *front)
{
    if (front->stop_at == 0)
        return -1;
    const int64_t left = front->stop_at - now_ms();
    return left > 0 ? (int)left : 0;
}

static void stop_too(Front *front)
{
    char state = 0;
    pid_t parent;

    front->stop_at = 0;
    on_signal(front);
    if (front->continues == front->stop_continues && !front->main_ended &&
        procfs_stat(front->main_process, &state, &parent) == 0 && (state == 'T' || state == 't'))
        (void)raise(SIGSTOP);
}

static void on_started(Front *front, int pid)
{
    front->main_process = pid;
    front->result.started = true;
    if (front->temporary && rename(front->temporary, front->supervision->output) == 0) {
        free(front->temporary);
        front->temporary = NULL;
    }
    if (front->supervision->started)
        front->supervision->started(front->supervision->started_data);
}

/* False at the end. */
static bool on_report(Front *front)
{
    Report report;
    const ssize_t n = read(front->channels.report[0], &report, sizeof report);

    if (n < 0 && errno == EINTR)
        return true;
    if (n != sizeof report)
        return false;
    switch ((ReportKind)report.kind) {
    case REPORT_STARTED:
        on_started(front, report.value);
        break;
    case REPORT_STOPPED:
        expect_stop(front, report.value);
        break;
    case REPORT_EXITED:
        front->main_ended = true;
        front->result.has_status = true;
        front->result.wait_status = report.value;
        break;
    case REPORT_EXEC_FAILED:
        front->result.exec_error = report.value;
        break;
    }
    return true;
}

static void serve(Front *front)
{
    struct pollfd fds[] = {{.fd = front->channels.report[0], .events = POLLIN},
                           {.fd = front->signals, .events = POLLIN}};

    for (;;) {
        if (poll(fds, ARRAY_LENGTH(fds), ms_to_stop(front)) < 0)
            continue;
        if (fds[1].revents & POLLIN)
            on_signal(front);
        if (fds[0].revents && !on_report(front))
            return;
        if (ms_to_stop(front) == 0)
            stop_too(front);
    }
}

/* ---- the end -------------------------------------------------------------------------------- */

/* The recorder was killed: its keeper lets the workload go on. Its status is not to be had, but
 * whoever waits for whittle waits for the workload. */
static void wait_for_orphan(const Front *front)
{
    struct pollfd gone = {.events = POLLIN};

    /* What is not to do all that it asks for does not go on: its calls fail, maybe for ever. */
    if (!front->main_process || front->main_ended || !front->supervision->launch ||
        front->supervision->known.enforcement)
        return;
    gone.fd = (int)syscall(SYS_pidfd_open, front->main_process, 0);
    if (gone.fd < 0)
        return;
    while (poll(&gone, 1, -1) < 0 && errno == EINTR)
        ;
    (void)close(gone.fd);
}

static int put_in_place(const Front *front, Error *err)
{
    const char *output = front->supervision->output;

    if (front->channels.outcome->unwritten.code != 0) {
        if (err)
            *err = front->channels.outcome->unwritten;
        return front->channels.outcome->unwritten.code;
    }
    if (strcmp(output, "-") != 0)
        return nameless_place(front->channels.canonical, output, err);
    const int r = copy_all(front->channels.canonical, STDOUT_FILENO);
    return r < 0 ? error_errno(err, r, "cannot write to standard output") : 0;
}

static int conclude(Front *front, SuperviseResult *ret_result, Error *err)
{
    const Outcome *outcome = front->channels.outcome;
    int status;

    /* After a detach the process may stay, because the workload needs it (tracer/ptrace.c). */
    while (!(outcome->finished && outcome->detached) && waitpid(front->recorder, &status, 0) < 0 &&
           errno == EINTR)
        ;
    front->result.recorder_died = !outcome->finished;
    if (front->result.recorder_died) {
        wait_for_orphan(front);
        *ret_result = front->result;
        return 0;
    }
    front->result.complete = outcome->complete;
    front->result.detached = outcome->detached;
    front->result.facts = outcome->facts;
    front->result.calls = outcome->calls;
    front->result.losses = outcome->losses;
    front->result.interrupted = outcome->interrupted;
    if (outcome->code < 0) {
        if (err)
            *err = outcome->error;
        return outcome->code;
    }
    /* Who enforces wants to know why the program could not be run. */
    if (front->result.exec_error == 0 || front->supervision->known.enforcement)
        (void)put_in_place(front, &front->result.output_error);
    else
        (void)unlink(front->supervision->output);
    *ret_result = front->result;
    return 0;
}

int supervise(const Supervision *supervision, SuperviseResult *ret_result, Error *err)
{
    Front front = {
        .supervision = supervision,
        .signals = -1,
        .channels = {.control = {-1, -1}, .report = {-1, -1}, .canonical = -1, .journal = -1}};

    (void)sigprocmask(SIG_BLOCK, NULL, &front.old_mask);
    int r = open_channels(&front, err);
    if (r == 0)
        r = take_signals(&front, err);
    if (r == 0)
        r = start_recorder(&front, err);
    if (r == 0) {
        fd_close(&front.channels.journal);
        serve(&front);
        r = conclude(&front, ret_result, err);
    }
    front_deinit(&front);
    return r;
}
