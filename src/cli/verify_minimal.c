/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rules are taken away, in which order:
 *  1. none, twice: is the command the same each time, and which rules allow anything it asks for?
 *  2. all that nothing was asked of, at once. What is missed all the same is taken back; if it
 * fails and nothing was seen to be missed, halves of it are tried, and halves of those.
 *  3. each of the others by itself, beside those that are gone.
 *  4. those of 3 that were not even missed, since other rules allow the same: one after another
 *     beside those that are gone already, for the last one that allows a thing is needed.
 *  5. the letters of each file rule that has several and stays, as 2 to 4. What of them a run
 * without the rule has shown is not tried again.
 *  6. all together that the command does without although it asks for them: being able to do
 *     without each of two calls is not being able to do without both.
 *  7. a larger capability for a smaller one that it includes.
 *  8. all that is gone, at once: was it that, or what earlier runs have left behind?
 */
#include "cli/verify_minimal.h"

#include "base/io.h"
#include "base/memory.h"
#include "generator/knowledge.h"
#include "generator/minimise.h"
#include "tracer/enforcement.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { LIMIT_LEAST_MS = 10000, LIMIT_TIMES = 10 };
enum {
    ACCESS_OF_READERS = ACCESS_READ | ACCESS_EXEC | ACCESS_MMAP_EXEC | ACCESS_LOCK | ACCESS_STAT
};

const char *verdict_name(Verdict verdict)
{
    static const char *const names[VERDICT_COUNT] = {
        [VERDICT_NONE] = "open",           [VERDICT_NEEDED] = "needed",
        [VERDICT_TOLERATED] = "tolerated", [VERDICT_UNNEEDED] = "unneeded",
        [VERDICT_UNTRIED] = "untried",
    };

    return names[verdict];
}

bool minimal_proposes(const Minimal *minimal, size_t index)
{
    const Proof *proof = &minimal->proofs[index];
    const PolicyRule *rule = rule_of(minimal, index);

    return proof->verdict == VERDICT_UNNEEDED && !proof->elsewhere && !rule->keep && !rule->reason;
}

/* Why the rule INDEX is not tried; NULL: it is. */
static const char *not_tried(const Minimal *minimal, size_t index)
{
    const PolicyRule *rule = rule_of(minimal, index);

    if (!(JUDGED_SECTIONS >> rule->section & 1))
        return "it says how a container is made";
    if (!(minimal->setup.sections >> rule->section & 1))
        return "its section was not asked for";
    if (rule->deny != POLICY_ALLOW && rule->deny != POLICY_DENY_LOG)
        return "it denies";
    if (rule->section != POLICY_CAPABILITIES || may_limit_capabilities())
        return NULL;
    return capabilities_held() == 0 ? "there are no capabilities here to take away"
                                    : "taking capabilities away needs CAP_SETPCAP";
}

/* ---- 1: as it is ---------------------------------------------------------------------------- */

/* Does FACT show that a file was changed or made? */
static bool shows_change(const Fact *fact)
{
    return fact->kind == FACT_FILE && results_may_succeed(&fact->results) &&
           (fact_number(fact, FIELD_ACCESS, 0) & ~(int64_t)ACCESS_OF_READERS) != 0;
}

static bool changes(const Recording *recording, const char *path)
{
    for (size_t i = 0; i < recording_facts_count(recording); i++) {
        Fact view;
        const Fact *fact = recording_fact(recording, i, &view);
        if (shows_change(fact) && strcmp(fact->name, path) == 0)
            return true;
    }
    return false;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Two runs that change the same file or folder must not run at once: then each would meet what the
 * other left. Devices and what the kernel makes up are no files in that sense. */
static void run_apart(Minimal *minimal, const Recording *one, const Recording *other)
{
    for (size_t i = 0; i < recording_facts_count(one) && minimal->jobs > 1; i++) {
        Fact view;
        const Fact *fact = recording_fact(one, i, &view);
        const char *path = fact->name;
        if (!shows_change(fact) || starts_with(path, "/proc/") || starts_with(path, "/sys/") ||
            (starts_with(path, "/dev/") && !starts_with(path, "/dev/shm/")) ||
            !changes(other, path))
            continue;
        message("warning: each run changes %s: one run at a time instead of %d at once", path,
                minimal->jobs);
        minimal->jobs = 1;
    }
}

/* Notes which of the command's arguments are files that RECORDING shows it to change. */
static void note_written(Minimal *minimal, const Recording *recording)
{
    const Parsed *parsed = minimal->setup.parsed;

    for (int i = 1; i < parsed->arguments_count; i++) {
        CLEANUP(free_pointer) char *path = realpath(parsed->arguments[i], NULL);
        if (path && changes(recording, path))
            minimal->written[i] = true;
    }
}

static int learn(Minimal *minimal, Attempt *attempts, Error *err)
{
    const Attempt *slower = &attempts[attempts[1].outcome.ms > attempts[0].outcome.ms];

    for (size_t i = 0; i < 2; i++) {
        minimal->fails |= !attempts[i].passed;
        if (minimal->fails)
            return error_set(err, -EINVAL,
                             "under the whole policy the command ends with status %d instead of "
                             "%d%s%s: rules can be taken away only once `whittle verify` without "
                             "--minimal finds nothing (the status to be expected: --baseline)",
                             attempts[i].outcome.exit_status, minimal->expected,
                             attempts[i].outcome.last_words[0] ? ", saying: " : "",
                             attempts[i].outcome.last_words);
        if (!attempts[i].recording)
            return error_set(err, -EIO, "a run's recording cannot be read");
        note_written(minimal, attempts[i].recording);
        const int r = minimise_used(attempts[i].recording, &minimal->units, minimal->setup.sections,
                                    minimal->used, err);
        if (r < 0)
            return r;
        minimal->unseen |= !recording_is_complete(attempts[i].recording);
        if (!recording_is_complete(attempts[i].recording))
            message("warning: not all that happened was seen: a rule may be needed for something "
                    "else than is told");
    }
    run_apart(minimal, attempts[0].recording, attempts[1].recording);
    minimal->compares_output = attempts[0].outcome.output == attempts[1].outcome.output;
    minimal->output = attempts[0].outcome.output;
    minimal->compares_errors = attempts[0].outcome.errors == attempts[1].outcome.errors;
    minimal->errors = attempts[0].outcome.errors;
    minimal->limit_ms = LIMIT_LEAST_MS + LIMIT_TIMES * slower->outcome.ms;
    return judge(attempts[0].recording, minimal->setup.policy, minimal->setup.sections,
                 &minimal->known, err);
}

static int run_whole(Minimal *minimal, Error *err)
{
    Attempt attempts[2] = {{.rule = 0}, {.rule = 0}};
    int r = 0;

    minimal->limit_ms = INT64_MAX / 2;
    for (size_t i = 0; i < 2 && r == 0; i++) {
        r = attempt_init(&attempts[i], minimal, minimal->gone, minimal->count);
        attempts[i].keep_recording = true;
        r = r < 0 ? minimal_no_memory(err) : attempts_run(minimal, &attempts[i], 1, NULL, err);
    }
    if (r == 0)
        r = learn(minimal, attempts, err);
    for (size_t i = 0; i < 2; i++)
        attempt_deinit(&attempts[i]);
    if (r == 0 && minimal->known.count > 0)
        message("warning: the command asks for %zu thing%s outside the policy and does without; "
                "`whittle verify` without --minimal names them",
                minimal->known.count, minimal->known.count == 1 ? "" : "s");
    return r;
}

/* ---- all ------------------------------------------------------------------------------------ */

static int confirm(Minimal *minimal, Error *err)
{
    Attempt attempt;

    minimal->runs_left = 1;
    const int r = run_without(minimal, NULL, &attempt, err);
    if (r < 0)
        return r;
    minimal->confirmed = attempt.passed;
    attempt_deinit(&attempt);
    if (!minimal->confirmed)
        message(
            "warning: in the end the command does not work any more without the unneeded rules: "
            "does it do the same each time, and clean up what a run that failed has left?");
    return 0;
}

static int run_all(Minimal *minimal, Error *err)
{
    static int (*const steps[])(Minimal *, Error *) = {run_whole,
                                                       proofs_read,
                                                       take_all_unused,
                                                       take_each,
                                                       take_all_redundant,
                                                       open_letters,
                                                       take_all_unused,
                                                       take_each,
                                                       take_all_redundant,
                                                       take_together,
                                                       try_all_smaller,
                                                       confirm,
                                                       NULL};
    int r = 0;

    minimal->runs_left = 3 + (unsigned)minimal->count;
    for (size_t i = 0; i < minimal->units.rules; i++) {
        minimal->proofs[i].why = not_tried(minimal, i);
        if (minimal->proofs[i].why)
            minimal->proofs[i].verdict = VERDICT_UNTRIED;
    }
    for (size_t i = 0; steps[i] && r == 0; i++) {
        r = steps[i](minimal, err);
        if (r == 0 && i > 0)
            r = proofs_write(minimal, err);
    }
    if (minimal->progress)
        (void)fprintf(stderr, "\r\033[K");
    return r;
}

static int minimal_init(Minimal *minimal)
{
    sigset_t taken;

    (void)sigemptyset(&taken);
    (void)sigaddset(&taken, SIGINT);
    (void)sigaddset(&taken, SIGTERM);
    (void)sigaddset(&taken, SIGHUP);
    (void)sigaddset(&taken, SIGQUIT);
    (void)sigprocmask(SIG_BLOCK, &taken, NULL);
    minimal->signals = signalfd(-1, &taken, SFD_CLOEXEC);
    if (minimise_units_make(minimal->setup.policy, &minimal->units) < 0)
        return -ENOMEM;
    minimal->count = minimal->units.count;
    minimal->proofs = calloc(minimal->count + 1, sizeof *minimal->proofs);
    minimal->written =
        calloc((size_t)minimal->setup.parsed->arguments_count + 1, sizeof *minimal->written);
    minimal->used = calloc(minimal->count + 1, sizeof *minimal->used);
    minimal->gone = calloc(minimal->count + 1, sizeof *minimal->gone);
    return minimal->proofs && minimal->written && minimal->used && minimal->gone ? 0 : -ENOMEM;
}

static void minimal_deinit(Minimal *minimal)
{
    for (size_t i = 0; minimal->proofs && i < minimal->count; i++) {
        free(minimal->proofs[i].denied);
        free(minimal->proofs[i].last_words);
        free(minimal->proofs[i].stands_in);
    }
    free(minimal->proofs);
    free(minimal->written);
    free(minimal->used);
    free(minimal->gone);
    minimise_units_deinit(&minimal->units);
    free(minimal->times);
    findings_deinit(&minimal->known);
    if (minimal->signals >= 0)
        (void)close(minimal->signals);
}

/* "policy.yaml" → "policy.proofs.json" */
static int name_proofs(const char *policy, Buffer *out)
{
    const char *slash = strrchr(policy, '/');
    const char *name = slash ? slash + 1 : policy;
    const char *dot = strrchr(name, '.');
    const size_t length = dot && dot != name ? (size_t)(dot - policy) : strlen(policy);

    return buffer_printf(out, "%.*s.proofs.json", (int)length, policy);
}

int verify_minimal(const TrialSetup *setup, int expected)
{
    CLEANUP(buffer_deinit) Buffer proofs = BUFFER_INIT;
    const char *policy = parsed_value(setup->parsed, "policy", NULL);
    CLEANUP(minimal_deinit)
    Minimal minimal = {.setup = *setup,
                       .policy_path = policy,
                       .expected = expected < 0 ? 0 : expected,
                       .jobs = atoi(parsed_value(setup->parsed, "jobs", "1")),
                       .signals = -1,
                       .progress = isatty(STDERR_FILENO) == 1};
    Error err = {0};

    if (name_proofs(policy, &proofs) < 0 || minimal_init(&minimal) < 0) {
        (void)minimal_no_memory(&err);
        return fail(EXIT_MACHINE, &err);
    }
    minimal.proofs_path = parsed_value(setup->parsed, "proofs", buffer_text(&proofs));
    if (write_file_check(minimal.proofs_path, &err) < 0)
        return fail(EXIT_USAGE, &err);
    const int r = run_all(&minimal, &err);
    if (r < 0 && minimal.stopped == 0)
        return fail(minimal.fails ? EXIT_NO : r == -EINVAL ? EXIT_USAGE : EXIT_MACHINE, &err);
    if (minimal_report(&minimal, &err) < 0)
        return fail(EXIT_USAGE, &err);
    if (minimal.stopped != 0) {
        message("stopped; what was proven is in %s, and the same command goes on from there",
                minimal.proofs_path);
        return 128 + minimal.stopped;
    }
    bool yes = minimal.confirmed;
    for (size_t i = 0; i < minimal.count; i++)
        yes &= !minimal_proposes(&minimal, i);
    return yes ? EXIT_YES : EXIT_NO;
}
