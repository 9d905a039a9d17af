/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `whittle verify --minimal`: is each rule of a policy needed? What its files share:
 * verify_minimal.c   which rules are taken away, in which order, and what that proves
 * verify_steps.c, verify_letters.c, verify_together.c   the steps of that
 * verify_attempts.c      runs, several at once, and what is learnt of each
 * verify_proofs.c    what was proven, beside the policy
 * verify_minimal_report.c
 */
#pragma once

#include "cli/verify_trial.h"
#include "generator/judge.h"
#include "generator/minimise.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>

typedef enum Verdict {
    VERDICT_NONE,      /* not tried yet */
    VERDICT_NEEDED,    /* without it the command fails */
    VERDICT_TOLERATED, /* what it allows is asked for, and the command does without */
    VERDICT_UNNEEDED,  /* what it allows is not asked for, or other rules allow it too */
    VERDICT_UNTRIED,   /* cannot be tried here: Proof.why */
    VERDICT_COUNT,
} Verdict;

/* "needed", … */
const char *verdict_name(Verdict verdict);

/* What is known of one unit, and by what. */
typedef struct Proof {
    Verdict verdict;
    bool earlier;        /* proven in an earlier run of verify */
    bool elsewhere;      /* another command is known to need it */
    int exit_status;     /* without the rule; -1 not known */
    bool timed_out;      /* it did not end */
    bool output_differs; /* it wrote something else to standard output … */
    bool errors_differ;  /* … or to standard error */
    char *denied;        /* owned: what was refused; NULL nothing that was seen */
    char *last_words;    /* owned: of the command that failed; NULL none */
    char *stands_in; /* owned: rules without which this one is needed, or that may not all be taken
                        away with it; NULL none */
    const char *why; /* constant: why it was not tried */
    const char *smaller; /* a capability that is enough instead; NULL none is known */
} Proof;

typedef struct Minimal {
    TrialSetup setup;
    const char *policy_path;
    const char *proofs_path;
    int expected; /* exit status */
    int jobs;     /* at once */
    /* What holds for all runs, once the command was run under the whole policy. */
    Findings known;                        /* outside of it all the same */
    bool compares_output, compares_errors; /* of two runs they were the same */
    uint64_t output, errors;
    int64_t limit_ms;
    bool *written; /* by argument of the command: it is a file that the command changes */
    bool unseen;   /* not all that happened was seen */
    MinimiseUnits units;
    /* By unit. */
    size_t count;
    Proof *proofs;
    bool *used;   /* something that it allows was asked for */
    bool *gone;   /* unneeded, all of them together */
    bool letters; /* the rules are settled, and now it is the turn of their letters */
    /* The runs. */
    unsigned runs, runs_left; /* made, and about how many are still to be made */
    unsigned started;
    unsigned unsteady; /* failed once and passed when repeated, with nothing refused */
    int64_t *times;    /* ms, of those that were made */
    size_t times_capacity;
    int signals;    /* signalfd; -1 */
    int stopped;    /* the signal that came; 0 none */
    bool confirmed; /* a run without `gone` has passed */
    bool together;  /* … and one without all that is tolerated, too */
    bool fails;     /* under the whole policy */
    bool progress;  /* shown */
} Minimal;

/* ---- runs ----------------------------------------------------------------------------------- */

/* One run, and what came of it. */
typedef struct Attempt {
    bool *taken;  /* owned: by unit */
    bool *hit;    /* owned: those of TAKEN that were missed */
    bool *same;   /* owned: letters of RULE without which it would have been the same */
    Policy *left; /* owned */
    size_t rule;  /* the unit that it is about; the count of units: about several */
    char *denied; /* owned: what was refused; NULL nothing that was seen */
    bool passed;  /* it ended as it does under the whole policy */
    bool missed;  /* a rule of TAKEN was */
    bool repeated;
    bool keep_recording;  /* and see to it that it has everything */
    Recording *recording; /* owned; NULL it was not asked for */
    TrialOutcome outcome;
} Attempt;

/* A run without the units TAKEN, which is copied. 0 or a negative errno. */
int attempt_init(Attempt *attempt, const Minimal *minimal, const bool *taken, size_t rule);
void attempt_deinit(Attempt *attempt);

/* Did the command write something else than under the whole policy? */
bool output_differs(const Minimal *minimal, const TrialOutcome *outcome);
bool errors_differ(const Minimal *minimal, const TrialOutcome *outcome);

/* Makes COUNT runs; TOLD hears of each that has come to its end. 0; -EINTR if a signal came, which
 * is in MINIMAL then; or a negative errno with ERR. */
int attempts_run(Minimal *minimal, Attempt *attempts, size_t count,
                 int (*told)(Minimal *, Attempt *, Error *), Error *err);

/* ---- steps ---------------------------------------------------------------------------------- */

/* -ENOMEM, with ERR. */
static inline int minimal_no_memory(Error *err)
{
    return error_errno(err, ENOMEM, "taking rules away");
}

/* INDEX is a rule, and not a letter of one. */
static inline bool is_rule(const Minimal *minimal, size_t index)
{
    return index < minimal->units.rules;
}

/* The rule, or with no other access, the letter. */
static inline const PolicyRule *rule_of(const Minimal *minimal, size_t index)
{
    return &minimal->units.items[index].rule;
}

/* Is it the turn of INDEX to be tried? */
bool is_tried_now(const Minimal *minimal, size_t index);

/* Replaces what is known of the unit INDEX by what ATTEMPT shows. 0 or -ENOMEM. */
int prove(Minimal *minimal, size_t index, Verdict verdict, const Attempt *attempt);

/* Notes that INDEX is judged as it is only where SET, but for itself, are not there. 0 or
 * -ENOMEM. */
int note_stands_in(Minimal *minimal, size_t index, const bool *set);

/* A run without TAKEN (NULL: nothing) and all that is gone already. ATTEMPT is to be given up if
 * this gives 0; else a negative errno with ERR. */
int run_without(Minimal *minimal, const bool *taken, Attempt *attempt, Error *err);

size_t set_size(const bool *set, size_t count);

/* The first or second half of SET, to be freed; NULL without memory. */
bool *set_half(const bool *set, size_t count, bool second);

/* Begins with the letters, after the rules: what can be said of them without a run. */
int open_letters(Minimal *minimal, Error *err);

/* How many letters will have to be tried, about. */
unsigned letters_to_try(const Minimal *minimal);

/* ATTEMPT shows of letters of its rule what it shows of that. 0 or -ENOMEM. */
int prove_same(Minimal *minimal, const Attempt *attempt);

/* All as attempts_run(). */
int take_all_unused(Minimal *minimal, Error *err);
int take_each(Minimal *minimal, Error *err);
int take_all_redundant(Minimal *minimal, Error *err);
int take_together(Minimal *minimal, Error *err);
int try_all_smaller(Minimal *minimal, Error *err);

/* ---- proofs --------------------------------------------------------------------------------- */

/* Takes from the proofs file what still holds; nothing if it is not there. 0 or a negative errno
 * with ERR. */
int proofs_read(Minimal *minimal, Error *err);
int proofs_write(const Minimal *minimal, Error *err);
/* What is known of the unit INDEX; NULL without memory. */
json_t *proof_json(const Minimal *minimal, size_t index);

/* ---- the answer ----------------------------------------------------------------------------- */

/* Writes what was found as --format, --output and --fix say. 0 or a negative errno with ERR. */
int minimal_report(const Minimal *minimal, Error *err);

/* The unit INDEX is unneeded, and nothing else speaks for it: no `keep`, no reason, no other
 * command. It is to go, if a person agrees. */
bool minimal_proposes(const Minimal *minimal, size_t index);

/*
 * All of it. PARSED has the command and the options; what else is in SETUP is as there. EXPECTED is
 * the exit status without the policy. Gives whittle's exit status. To be called under guarded().
 */
int verify_minimal(const TrialSetup *setup, int expected);
