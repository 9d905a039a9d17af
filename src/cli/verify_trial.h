/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of a command under a policy of which rules were taken away:
 *
 *     the caller
 *      └─ the trial   in a session of its own, a subreaper: reads what the command writes, ends all
 *          │          that is left of it, tells the caller
 *          └─ the front of a recorded run, with its recorder and the command
 *
 * The command reads from /dev/null and writes to pipes; it has no terminal.
 */
#pragma once

#include "base/error.h"
#include "cli/command.h"
#include "model/policy.h"
#include "model/recording.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { LAST_WORDS_MAX = 200 };

/* What all trials have in common; borrowed. */
typedef struct TrialSetup {
    const Parsed *parsed;
    const char *path;     /* of the program */
    const char *folder;   /* for recordings */
    const Policy *policy; /* with all its rules, sorted */
    uint32_t sections;    /* to put in force */
} TrialSetup;

/* How the command ended. */
typedef struct TrialOutcome {
    int exit_status;                 /* -1: not known */
    bool timed_out;                  /* it was killed */
    uint64_t output;                 /* digests of what it wrote to standard output … */
    uint64_t errors;                 /* … and standard error */
    int64_t ms;                      /* how long it took */
    char last_words[LAST_WORDS_MAX]; /* the last line that it wrote to standard error, UTF-8 */
    Error error;                     /* with a code: nothing is known */
} TrialOutcome;

typedef struct Trial {
    pid_t pid;   /* of the trial; 0: none runs */
    int outcome; /* readable once it has ended */
    char *recording;
} Trial;

/* The same command under LEFT (sorted), killed after LIMIT_MS. If not SEE_ALL, system calls that
 * LEFT allows may be missing in what is recorded. NUMBER names its recording. 0 or a
 * negative errno with ERR. */
int trial_start(const TrialSetup *setup, const Policy *left, bool see_all, unsigned number,
                int64_t limit_ms, Trial *ret_trial, Error *err);

/* Waits for its end. *RET_RECORDING is what was recorded, sorted, NULL if that cannot be read. */
void trial_finish(Trial *trial, TrialOutcome *ret_outcome, Recording **ret_recording);

/* Kills it; what it started is left to the caller's guard. */
void trial_abandon(Trial *trial);
