/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verify_trial.h"

#include "base/buffer.h"
#include "base/io.h"
#include "base/memory.h"
#include "cli/guard.h"
#include "cli/record_run.h"
#include "cli/verify_layers.h"
#include "tracer/launch.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What the front tells the trial. */
typedef struct FrontReport {
    int exit_status;
    Error error;
} FrontReport;

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the front ------------------------------------------------------------------------------ */

static int run_under(const TrialSetup *setup, const Policy *left, bool see_all, const char *output,
                     int *ret_status, Error *err)
{
    CLEANUP(verify_layers_deinit) VerifyLayers layers = {.count = 0};
    Launch launch = {.path = setup->path, .argv = setup->parsed->arguments};
    SuperviseResult result = {.started = false};
    Recording *recording = recording_new();

    int r = recording ? 0 : error_errno(err, ENOMEM, "preparing a run");
    if (r == 0)
        r = verify_layers_make(left, setup->policy, setup->sections, NULL, &layers, err);
    const Supervision supervision = {.backend = &backend_notify,
                                     .launch = &launch,
                                     .recording = recording,
                                     .known = {.policy = see_all ? NULL : left,
                                               .sections = VERIFY_TOLD(setup->sections),
                                               .no_capabilities = capabilities_held() == 0,
                                               .enforcement = &layers.enforcement},
                                     .output = output};
    if (r == 0)
        r = record_run(setup->parsed, NULL, &(Run){.id = NULL}, &supervision, &result, err);
    (void)recording_free(recording);
    if (r == 0)
        r = record_run_outcome(&result, err);
    if (r < 0)
        return r;
    *ret_status = result.has_status        ? exit_status_of(result.wait_status)
                  : result.exec_error != 0 ? EXIT_CANNOT_EXECUTE
                                           : -1;
    return 0;
}

__attribute__((noreturn)) static void front_main(const TrialSetup *setup, const Policy *left,
                                                 bool see_all, const char *output, int report)
{
    FrontReport told = {.exit_status = -1};

    const int r = run_under(setup, left, see_all, output, &told.exit_status, &told.error);
    if (r < 0 && told.error.code == 0)
        told.error.code = r;
    _exit(write_all(report, &told, sizeof told) == 0 ? 0 : 1);
}

/* ---- what the command writes ---------------------------------------------------------------- */

/* FNV-1a: nobody gains by a collision. */
#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

/* Bytes as they come, whatever their pieces. */
typedef struct Output {
    int fd;
    uint64_t digest;
    char line[LAST_WORDS_MAX];
    size_t length; /* of the line so far */
    char last[LAST_WORDS_MAX];
} Output;

static void take_byte(Output *output, char byte)
{
    output->digest = (output->digest ^ (unsigned char)byte) * FNV_PRIME;
    if (byte == '\n') {
        if (output->length > 0)
            (void)snprintf(output->last, sizeof output->last, "%.*s", (int)output->length,
                           output->line);
        output->length = 0;
    } else if (output->length < sizeof output->line - 1) {
        output->line[output->length++] =
            isprint((unsigned char)byte) ? byte : '?'; /* in the C locale: ASCII */
    }
}

/* All that is there now. False at the end. */
static bool take_output(Output *output)
{
    char bytes[16384];
    ssize_t count;

    while ((count = read(output->fd, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < count; i++)
            take_byte(output, bytes[i]);
    }
    return count < 0 && (errno == EAGAIN || errno == EINTR);
}

/* ---- the trial ------------------------------------------------------------------------------ */

typedef struct Pipes {
    int input; /* /dev/null */
    int output[2], errors[2], report[2];
} Pipes;

static int pipes_open(Pipes *pipes)
{
    pipes->input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (pipes->input < 0 || pipe2(pipes->output, O_CLOEXEC) < 0 ||
        pipe2(pipes->errors, O_CLOEXEC) < 0 || pipe2(pipes->report, O_CLOEXEC) < 0)
        return -errno;
    if (fcntl(pipes->output[0], F_SETFL, O_NONBLOCK) < 0 ||
        fcntl(pipes->errors[0], F_SETFL, O_NONBLOCK) < 0)
        return -errno;
    return 0;
}

/* Until FRONT has ended; false if it does not until END. */
static bool attend(pid_t front, int64_t end, Output *output, Output *errors)
{
    CLEANUP(fd_close) int gone = (int)syscall(SYS_pidfd_open, front, 0);
    struct pollfd fds[] = {{.fd = gone, .events = POLLIN},
                           {.fd = output->fd, .events = POLLIN},
                           {.fd = errors->fd, .events = POLLIN}};

    while (gone >= 0) {
        const int64_t left = end - now_ms();
        if (left <= 0)
            return false;
        if (poll(fds, ARRAY_LENGTH(fds), left > 1000 ? 1000 : (int)left) < 0)
            continue;
        if (fds[1].revents && !take_output(output))
            fds[1].fd = -1;
        if (fds[2].revents && !take_output(errors))
            fds[2].fd = -1;
        if (fds[0].revents)
            return true;
    }
    return false;
}

static void tell(int fd, const TrialOutcome *outcome)
{
    _exit(write_all(fd, outcome, sizeof *outcome) == 0 ? 0 : 1);
}

static void conclude(const Pipes *pipes, const Output *output, const Output *errors,
                     TrialOutcome *outcome)
{
    FrontReport told;

    outcome->output = output->digest;
    outcome->errors = errors->digest;
    (void)snprintf(outcome->last_words, sizeof outcome->last_words, "%s", errors->last);
    if (outcome->timed_out)
        return;
    if (read(pipes->report[0], &told, sizeof told) != sizeof told)
        (void)error_set(&outcome->error, -ECHILD, "a run was killed: what happened is not known");
    else if (told.error.code != 0)
        outcome->error = told.error;
    else
        outcome->exit_status = told.exit_status;
}

__attribute__((noreturn)) static void trial_main(const TrialSetup *setup, const Policy *left,
                                                 bool see_all, const char *recording,
                                                 int64_t limit_ms, int answer)
{
    TrialOutcome outcome = {.exit_status = -1};
    Pipes pipes = {.input = -1};

    (void)setsid();
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    (void)prctl(PR_SET_NAME, "whittle-trial");
    const int r = pipes_open(&pipes);
    const int64_t start = now_ms();
    const pid_t front = r < 0 ? -1 : fork();
    if (front == 0) {
        (void)prctl(PR_SET_NAME, "whittle");
        (void)setpgid(0, 0); /* the command may signal its group */
        (void)dup2(pipes.input, STDIN_FILENO);
        (void)dup2(pipes.output[1], STDOUT_FILENO);
        (void)dup2(pipes.errors[1], STDERR_FILENO);
        front_main(setup, left, see_all, recording, pipes.report[1]);
    }
    if (front < 0) {
        (void)error_errno(&outcome.error, r < 0 ? r : errno, "cannot start a run");
        tell(answer, &outcome);
    }
    (void)close(pipes.output[1]);
    (void)close(pipes.errors[1]);
    (void)close(pipes.report[1]);
    Output output = {.fd = pipes.output[0], .digest = FNV_START};
    Output errors = {.fd = pipes.errors[0], .digest = FNV_START};
    outcome.timed_out = !attend(front, start + limit_ms, &output, &errors);
    outcome.ms = now_ms() - start;
    guard_end_descendants();
    (void)take_output(&output);
    (void)take_output(&errors);
    conclude(&pipes, &output, &errors, &outcome);
    tell(answer, &outcome);
    _exit(1);
}

/* ---- the caller ----------------------------------------------------------------------------- */

int trial_start(const TrialSetup *setup, const Policy *left, bool see_all, unsigned number,
                int64_t limit_ms, Trial *ret_trial, Error *err)
{
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
    int answer[2];

    if (buffer_printf(&path, "%s/run-%u.jsonl", setup->folder, number) < 0)
        return error_errno(err, ENOMEM, "cannot start a run");
    if (pipe2(answer, O_CLOEXEC) < 0)
        return error_errno(err, errno, "cannot start a run");
    (void)fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        sigset_t none;
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)close(answer[0]);
        trial_main(setup, left, see_all, buffer_text(&path), limit_ms, answer[1]);
    }
    (void)close(answer[1]);
    if (pid < 0) {
        (void)close(answer[0]);
        return error_errno(err, errno, "cannot start a run");
    }
    *ret_trial = (Trial){.pid = pid, .outcome = answer[0], .recording = buffer_steal(&path)};
    return 0;
}

static void trial_deinit(Trial *trial)
{
    fd_close(&trial->outcome);
    while (waitpid(trial->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(trial->recording);
    *trial = (Trial){.outcome = -1};
}

void trial_finish(Trial *trial, TrialOutcome *ret_outcome, Recording **ret_recording)
{
    TrialOutcome outcome;

    *ret_recording = NULL;
    if (read(trial->outcome, &outcome, sizeof outcome) == sizeof outcome) {
        *ret_outcome = outcome;
    } else {
        *ret_outcome = (TrialOutcome){.exit_status = -1};
        (void)error_set(&ret_outcome->error, -ECHILD,
                        "a run was killed: what happened is not known");
    }
    if (ret_outcome->error.code == 0 &&
        recording_read(trial->recording, ret_recording, NULL) == 0 &&
        recording_sort(*ret_recording) < 0)
        *ret_recording = recording_free(*ret_recording);
    (void)unlink(trial->recording);
    trial_deinit(trial);
}

void trial_abandon(Trial *trial)
{
    if (trial->pid == 0)
        return;
    (void)kill(trial->pid, SIGKILL);
    trial_deinit(trial);
}
