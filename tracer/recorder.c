/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder process: runs the backend and leaves the finished recording to the front. */
#include "tracer/supervise_private.h"

#include "base/io.h"
#include "base/memory.h"
#include "tracer/launch.h"
#include "tracer/lifeline.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct Ticker {
    const Supervision *supervision;
    Observer *observer;
} Ticker;

static void on_tick(void *data)
{
    const Ticker *ticker = data;
    const ObserverProgress progress = observer_progress(ticker->observer);

    ticker->supervision->progress(ticker->supervision->progress_data, &progress, false);
}

/*
 * Under Yama a tracer without privilege may only read its descendants. As a subreaper it stays the
 * ancestor of daemons too; they see its id as their parent's instead of 1.
 */
static void stay_ancestor(void)
{
    int scope = 0;
    CLEANUP(file_close) FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");

    if (file && fscanf(file, "%d", &scope) == 1 && scope > 0 && !may_filter_with_privileges())
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static void stamp_end(const Supervision *supervision, const BackendRun *backend_run, bool complete)
{
    Run *run = recording_run(supervision->recording, supervision->run);
    char text[32];
    struct tm now;
    const time_t seconds = time(NULL);

    run->complete = complete;
    if (backend_run->features[0])
        run->features =
            strset_add(recording_strings(supervision->recording), backend_run->features);
    if (backend_run->has_status)
        run->exit_status = exit_status_of(backend_run->wait_status);
    if (gmtime_r(&seconds, &now) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &now) > 0)
        run->end = strset_add(recording_strings(supervision->recording), text);
}

/*
 * A front that was killed as the workload started may not have given the journal its name:
 * "OUTPUT." and six letters is that of the temporary file.
 */
static void name_journal(const char *output, int journal)
{
    const char *base = strrchr(output, '/') ? strrchr(output, '/') + 1 : output;
    char link[48];
    char path[PATH_MAX];

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", journal);
    const ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0)
        return;
    path[n] = '\0';
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    const size_t length = strlen(base);
    if (strncmp(name, base, length) == 0 && name[length] == '.' && strlen(name) == length + 7)
        (void)rename(path, output);
}

/*
 * The canonical form into the file that the front puts in place. Without a front all but its header
 * is appended to the journal: facts that the journal tells already get their last counts and
 * results.
 */
static int hand_over(const Supervision *supervision, const Channels *channels, bool front_alive)
{
    if (front_alive)
        return recording_write(supervision->recording, channels->canonical, true);
    if (channels->journal < 0)
        return 0;
    name_journal(supervision->output, channels->journal);
    return recording_write(supervision->recording, channels->journal, false);
}

static bool front_is_alive(const Channels *channels)
{
    /* It has the only other end of the pipe. */
    struct pollfd control = {.fd = channels->control[0], .events = POLLIN};

    return poll(&control, 1, 0) <= 0 || !(control.revents & POLLHUP);
}

void recorder_main(const Supervision *supervision, Channels *channels)
{
    Outcome *outcome = channels->outcome;
    Observer *observer = NULL;
    const ObserverOptions options = {.recording = supervision->recording,
                                     .run = supervision->run,
                                     .journal_fd = channels->journal,
                                     .label = supervision->label,
                                     .known = supervision->known,
                                     .stacks = supervision->stacks,
                                     .registers = supervision->backend->registers,
                                     .sees_results = supervision->backend->sees_results,
                                     .own_filter =
                                         supervision->launch && supervision->backend->filters};
    Error err = {0};

    fd_close(&channels->control[1]);
    fd_close(&channels->report[0]);
    (void)prctl(PR_SET_NAME, "whittle-rec");
    const pid_t front = getppid();
    const int lifeline =
        supervision->launch && supervision->backend->keeps_workload ? lifeline_fork() : -1;
    stay_ancestor();
    int r = observer_new(&options, &observer, &err);
    Ticker ticker = {.supervision = supervision, .observer = observer};
    BackendRun run = {.observer = observer,
                      .prepared = supervision->prepared,
                      .stacks = supervision->stacks != NULL,
                      .launch = supervision->launch,
                      .join = supervision->join,
                      .join_count = supervision->join_count,
                      .join_as = supervision->join_as,
                      .runtimes = supervision->runtimes,
                      .agent = supervision->agent,
                      .cgroups = supervision->cgroups,
                      .cgroups_count = supervision->cgroups_count,
                      .control_fd = channels->control[0],
                      .report_fd = channels->report[1],
                      .front = front,
                      .recorder_fd = lifeline,
                      .tick = supervision->progress ? on_tick : NULL,
                      .tick_data = &ticker};
    if (r == 0)
        r = supervision->backend->run(&run, &err);
    if (r < 0) {
        outcome->code = r;
        outcome->error = err;
        outcome->finished = true;
        _exit(0);
    }
    observer_finish(observer);
    const ObserverProgress progress = observer_progress(observer);
    /* Recording what runs already ends by detaching; recording a command or a container (whose
     * recorder's front may have been killed) should not. */
    const bool cut_short = run.detached && (supervision->launch || supervision->runtimes > 0);
    const bool complete = !cut_short && progress.losses == 0;
    if (cut_short)
        observer_loss(observer, "detached", "recording ended before the workload did", 1);
    stamp_end(supervision, &run, complete);
    if (supervision->progress)
        supervision->progress(supervision->progress_data, &progress, true);
    r = hand_over(supervision, channels, !run.detached || front_is_alive(channels));
    outcome->complete = complete;
    outcome->detached = run.detached;
    outcome->facts = progress.facts;
    outcome->calls = progress.calls;
    outcome->losses = progress.losses;
    outcome->interrupted = progress.interrupted;
    if (r < 0)
        (void)error_errno(&outcome->unwritten, r, "%s: cannot write", supervision->output);
    outcome->finished = true;
    _exit(0);
}
