/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run that fails although nothing was refused to it proves nothing: it is repeated once, and
 * counts as what it is then.
 */
#include "base/memory.h"
#include "cli/verify_minimal.h"
#include "generator/findings_report.h"
#include "generator/minimise.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { AT_ONCE_MAX = 64 };

void attempt_deinit(Attempt *attempt)
{
    free(attempt->taken);
    free(attempt->hit);
    free(attempt->same);
    free(attempt->denied);
    attempt->left = policy_free(attempt->left);
    attempt->recording = recording_free(attempt->recording);
    *attempt = (Attempt){.rule = 0};
}

int attempt_init(Attempt *attempt, const Minimal *minimal, const bool *taken, size_t rule)
{
    *attempt = (Attempt){.rule = rule,
                         .taken = calloc(minimal->count + 1, sizeof *attempt->taken),
                         .hit = calloc(minimal->count + 1, sizeof *attempt->hit),
                         .same = calloc(minimal->count + 1, sizeof *attempt->same)};
    if (!attempt->taken || !attempt->hit || !attempt->same) {
        attempt_deinit(attempt);
        return -ENOMEM;
    }
    for (size_t i = 0; i < minimal->count; i++)
        attempt->taken[i] = taken[i] || taken[minimal->units.items[i].whole];
    const int r = minimise_without(&minimal->units, taken, &attempt->left);
    if (r < 0)
        attempt_deinit(attempt);
    return r;
}

/* ---- what came of one ----------------------------------------------------------------------- */

/* What was refused, in words: the first of FINDINGS that is not known. */
static int describe(const Minimal *minimal, const Findings *findings, const Recording *recording,
                    char **ret)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    for (size_t i = 0; i < findings->count; i++) {
        const Findings one = {.items = &findings->items[i], .count = 1};
        CLEANUP(buffer_deinit) Buffer who = BUFFER_INIT;
        CLEANUP(free_pointer) bool *hit = calloc(minimal->count + 1, sizeof *hit);
        bool any = false;
        if (!hit || minimise_hits(&one, &minimal->known, &minimal->units, NULL, hit, NULL) < 0)
            return -ENOMEM;
        for (size_t j = 0; j < minimal->count && !any; j++)
            any = hit[j];
        if (!any)
            continue;
        (void)finding_title(one.items, &text);
        if (finding_who(one.items, recording, 1, &who) == 0 && who.length > 0)
            (void)buffer_printf(&text, " %.*s", (int)strcspn(buffer_text(&who), "\n"),
                                buffer_text(&who));
        *ret = buffer_steal(&text);
        return *ret ? 0 : -ENOMEM;
    }
    return 0;
}

static int judge_run(Minimal *minimal, Attempt *attempt, Recording *recording, Error *err)
{
    CLEANUP(findings_deinit) Findings findings = {0};

    int r = judge(recording, attempt->left, minimal->setup.sections, &findings, err);
    if (r == 0)
        r = minimise_hits(&findings, &minimal->known, &minimal->units, attempt->taken, attempt->hit,
                          err);
    if (r == 0 && is_rule(minimal, attempt->rule))
        r = minimise_same(recording, &findings, &minimal->known, &minimal->units, attempt->rule,
                          attempt->same, err);
    for (size_t i = 0; i < minimal->count && r == 0; i++)
        attempt->missed |= attempt->hit[i];
    if (r == 0 && attempt->missed && describe(minimal, &findings, recording, &attempt->denied) < 0)
        r = error_errno(err, ENOMEM, "judging a run");
    return r;
}

static int note_time(Minimal *minimal, int64_t ms)
{
    if (array_reserve(&minimal->times, &minimal->times_capacity, minimal->runs,
                      sizeof *minimal->times) < 0)
        return -ENOMEM;
    minimal->times[minimal->runs++] = ms;
    if (minimal->runs_left > 0)
        minimal->runs_left--;
    return 0;
}

bool output_differs(const Minimal *minimal, const TrialOutcome *outcome)
{
    return minimal->compares_output && outcome->output != minimal->output;
}

bool errors_differ(const Minimal *minimal, const TrialOutcome *outcome)
{
    return minimal->compares_errors && outcome->errors != minimal->errors;
}

/* 1: it is to be repeated. 0 or a negative errno with ERR. */
static int conclude(Minimal *minimal, Attempt *attempt, Trial *trial, Error *err)
{
    Recording *recording;
    int r = 0;

    trial_finish(trial, &attempt->outcome, &recording);
    const TrialOutcome *outcome = &attempt->outcome;
    if (note_time(minimal, outcome->ms) < 0)
        r = error_errno(err, ENOMEM, "judging a run");
    else if (outcome->error.code != 0 && attempt->repeated)
        *err = outcome->error, r = outcome->error.code;
    attempt->passed = outcome->error.code == 0 && !outcome->timed_out &&
                      outcome->exit_status == minimal->expected &&
                      !output_differs(minimal, outcome) && !errors_differ(minimal, outcome);
    if (r == 0 && recording)
        r = judge_run(minimal, attempt, recording, err);
    const bool repeat = r == 0 && !attempt->passed && !attempt->missed && !attempt->repeated &&
                        !attempt->keep_recording;
    if (r == 0 && attempt->repeated && attempt->passed)
        minimal->unsteady++;
    if (attempt->keep_recording)
        attempt->recording = TAKE(recording);
    (void)recording_free(recording);
    attempt->repeated |= repeat;
    return r < 0 ? r : repeat;
}

/* ---- progress ------------------------------------------------------------------------------- */

static int compare_times(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;

    return *x < *y ? -1 : *x > *y;
}

static int64_t median(const Minimal *minimal)
{
    int64_t *sorted = minimal->runs > 0 ? calloc(minimal->runs, sizeof *sorted) : NULL;

    if (!sorted)
        return 0;
    memcpy(sorted, minimal->times, minimal->runs * sizeof *sorted);
    qsort(sorted, minimal->runs, sizeof *sorted, compare_times);
    const int64_t result = sorted[minimal->runs / 2];
    free(sorted);
    return result;
}

static void show_progress(const Minimal *minimal)
{
    enum { WIDTH = 24 };
    const unsigned all = minimal->runs + minimal->runs_left;
    const int64_t left = (int64_t)minimal->runs_left * median(minimal) / minimal->jobs / 1000;
    const int done = all == 0 ? 0 : (int)((uint64_t)minimal->runs * WIDTH / all);

    if (!minimal->progress)
        return;
    (void)fprintf(
        stderr, "\r\033[K[%.*s%*s] %u of about %u runs, %" PRId64 " min %02" PRId64 " s left", done,
        "########################", WIDTH - done, "", minimal->runs, all, left / 60, left % 60);
    (void)fflush(stderr);
}

/* ---- many ----------------------------------------------------------------------------------- */

typedef struct Slot {
    Trial trial;
    Attempt *attempt; /* NULL: free */
} Slot;

static void take_signal(Minimal *minimal)
{
    struct signalfd_siginfo info;

    if (read(minimal->signals, &info, sizeof info) == sizeof info)
        minimal->stopped = (int)info.ssi_signo;
}

static int start(Minimal *minimal, Slot *slot, Attempt *attempt, Error *err)
{
    const int r = trial_start(&minimal->setup, attempt->left, attempt->keep_recording,
                              minimal->started++, minimal->limit_ms, &slot->trial, err);
    if (r == 0)
        slot->attempt = attempt;
    return r;
}

/* The run in SLOT has ended. */
static int end(Minimal *minimal, Slot *slot, int (*told)(Minimal *, Attempt *, Error *), Error *err)
{
    Attempt *attempt = slot->attempt;

    int r = conclude(minimal, attempt, &slot->trial, err);
    slot->attempt = NULL;
    if (r > 0)
        return start(minimal, slot, attempt, err);
    if (r == 0 && told)
        r = told(minimal, attempt, err);
    show_progress(minimal);
    return r;
}

/* Waits until a run has ended or a signal came. */
static int attend(Minimal *minimal, Slot *slots, size_t count,
                  int (*told)(Minimal *, Attempt *, Error *), Error *err)
{
    struct pollfd fds[AT_ONCE_MAX + 1];
    int r = 0;

    for (size_t i = 0; i < count; i++)
        fds[i] =
            (struct pollfd){.fd = slots[i].attempt ? slots[i].trial.outcome : -1, .events = POLLIN};
    fds[count] = (struct pollfd){.fd = minimal->signals, .events = POLLIN};
    if (poll(fds, count + 1, -1) < 0)
        return errno == EINTR ? 0 : error_errno(err, errno, "waiting for a run");
    if (fds[count].revents)
        take_signal(minimal);
    for (size_t i = 0; i < count && r == 0 && minimal->stopped == 0; i++) {
        if (fds[i].revents && slots[i].attempt)
            r = end(minimal, &slots[i], told, err);
    }
    return minimal->stopped ? -EINTR : r;
}

int attempts_run(Minimal *minimal, Attempt *attempts, size_t count,
                 int (*told)(Minimal *, Attempt *, Error *), Error *err)
{
    Slot slots[AT_ONCE_MAX] = {{.attempt = NULL}};
    const size_t at_once = minimal->jobs > AT_ONCE_MAX ? AT_ONCE_MAX : (size_t)minimal->jobs;
    size_t next = 0;
    int r = 0;

    show_progress(minimal);
    for (;;) {
        bool any = false;
        for (size_t i = 0; i < at_once && r == 0; i++) {
            if (!slots[i].attempt && next < count)
                r = start(minimal, &slots[i], &attempts[next++], err);
            any |= slots[i].attempt != NULL;
        }
        if (r != 0 || !any)
            break;
        r = attend(minimal, slots, at_once, told, err);
        if (r < 0)
            break;
    }
    for (size_t i = 0; i < at_once; i++) {
        if (slots[i].attempt)
            trial_abandon(&slots[i].trial);
    }
    return r;
}
