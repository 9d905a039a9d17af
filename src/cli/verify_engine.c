/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verify_engine.h"

#include "base/io.h"
#include "base/memory.h"
#include "cli/check_report.h"
#include "cli/choose_backend.h"
#include "cli/guard.h"
#include "cli/record_run.h"
#include "cli/verify_engine_private.h"
#include "cli/verify_layers.h"
#include "cli/verify_report.h"
#include "generator/emitter.h"
#include "generator/pipeline.h"
#include "tracer/launch.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1024 * 1024 };

typedef struct Verify {
    const Parsed *parsed;
    const Policy *policy;
    uint32_t sections;
    int expected;
    const Backend *backend;
    Engine engine;
    EngineRun run;
    EngineRun baseline; /* without the policy, where that is asked for */
    CommandLine words;  /* of `create` */
    CommandLine words_without;
    CommandLine test;
    Buffer folder; /* of the policy's files */
    Buffer output; /* the recording, in there */
    Recording *recording;
    EngineLayers layers;
} Verify;

static void verify_deinit(Verify *verify)
{
    engine_run_deinit(&verify->run); /* its janitor holds the other's pipe */
    engine_run_deinit(&verify->baseline);
    engine_deinit(&verify->engine);
    command_line_deinit(&verify->words);
    command_line_deinit(&verify->words_without);
    command_line_deinit(&verify->test);
    buffer_deinit(&verify->folder);
    buffer_deinit(&verify->output);
    recording_cleanup(&verify->recording);
    engine_layers_deinit(&verify->layers);
}

/* ---- what is asked for ----------------------------------------------------------------------- */

bool verify_engine_wanted(const Parsed *parsed)
{
    static const char *const words[] = {"image", "container", "engine", "run-arg", "test"};

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (parsed_flag(parsed, words[i]))
            return true;
    }
    return false;
}

int verify_engine_usage(const Parsed *parsed)
{
    const bool image = parsed_flag(parsed, "image");
    const bool container = parsed_flag(parsed, "container");

    if (image == container)
        return usage_error(parsed->command, image ? "--image and --container exclude each other"
                                                  : "--engine, --run-arg and --test are about a "
                                                    "container: give --image or --container");
    if (container && parsed->arguments_count > 0)
        return usage_error(parsed->command,
                           "--container takes the container's command; another one goes with "
                           "--image");
    return 0;
}

/* The words of --test, which blanks part. */
static int take_test(const Parsed *parsed, CommandLine *test, Error *err)
{
    const char *value = parsed_value(parsed, "test", NULL);
    CLEANUP(free_pointer) char *copy = value ? strdup(value) : NULL;
    CLEANUP(free_pointer) char *path = NULL;
    char *rest = copy;

    for (char *word; (word = strsep(&rest, " \t\n")) != NULL;) {
        if (!*word)
            continue;
        int r = 0;
        if (test->count == 0)
            r = launch_resolve(word, &path, err);
        if (r == 0)
            r = command_line_add(test, "%s", test->count == 0 ? path : word);
        if (r < 0)
            return err->code ? r : error_errno(err, r, "--test");
    }
    return value && test->count == 0 ? error_set(err, -EINVAL, "--test: no command") : 0;
}

/* ---- the words for the engine ---------------------------------------------------------------- */

/* Why the kernel cannot confine a container by the profile NAME; NULL: it can. */
static const char *apparmor_reason(const char *name)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer line = BUFFER_INIT;

    if (access("/sys/kernel/security/apparmor", F_OK) < 0)
        return "this kernel has none";
    if (read_file("/sys/kernel/security/apparmor/profiles", &text, FILE_MAX, NULL) < 0 ||
        buffer_printf(&line, "\n%s (", name) < 0)
        return "its profiles cannot be read";
    if (strncmp(buffer_text(&text), line.data + 1, line.length - 1) == 0 ||
        strstr(buffer_text(&text), line.data))
        return NULL;
    return "the profile is not loaded: `apparmor_parser -r apparmor.profile` does that";
}

/* The lines of docker.args, but that AppArmor is left out where it cannot be. */
static int add_arguments(Verify *verify, Error *err)
{
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    static const char seccomp[] = "--security-opt=seccomp=";
    static const char apparmor[] = "--security-opt=apparmor=";

    int r = buffer_printf(&path, "%s/docker.args", buffer_text(&verify->folder));
    if (r == 0)
        r = read_file(buffer_text(&path), &text, FILE_MAX, err);
    char *rest = text.data;
    for (char *line; r == 0 && (line = strsep(&rest, "\n")) != NULL;) {
        if (!*line ||
            (verify->layers.apparmor_reason && strncmp(line, apparmor, sizeof apparmor - 1) == 0))
            continue;
        /* Its path is relative to the folder that it is in. */
        if (strncmp(line, seccomp, sizeof seccomp - 1) == 0)
            r = command_line_add(&verify->words, "%s%s/%s", seccomp, buffer_text(&verify->folder),
                                 line + sizeof seccomp - 1);
        else
            r = command_line_add(&verify->words, "%s", line);
    }
    return r < 0 && err->code == 0 ? error_errno(err, r, "docker.args") : r;
}

static void tell_notes(const Buffer *notes)
{
    const char *line = buffer_text(notes);

    for (size_t length; *line; line += length + (line[length] == '\n')) {
        length = strcspn(line, "\n");
        message("note: %.*s", (int)length, line);
    }
}

/* What the user wants, the image and its command; to NOTES what is not taken over. */
static int add_wanted(const Verify *verify, CommandLine *words, Buffer *notes, Error *err)
{
    const Parsed *parsed = verify->parsed;
    const char *container = parsed_value(parsed, "container", NULL);
    const char *argument;
    int r = 0;

    for (size_t i = 0; r == 0 && (argument = parsed_nth(parsed, "run-arg", i)) != NULL; i++)
        r = command_line_add(words, "%s", argument);
    if (r == 0 && container)
        r = engine_copy(&verify->engine, container, words, notes, err);
    else if (r == 0)
        r = command_line_add(words, "%s", parsed_value(parsed, "image", NULL));
    if (r == 0 && parsed->arguments_count > 0)
        r = command_line_add_all(words, (const char *const *)parsed->arguments);
    return r < 0 && err->code == 0 ? error_errno(err, r, "making a container") : r;
}

/* What `create` is told: the policy's, and what is wanted. */
static int make_words(Verify *verify, Error *err)
{
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    verify->layers.apparmor_reason = apparmor_reason(policy_name(verify->policy));
    int r = add_arguments(verify, err);
    if (r == 0)
        r = add_wanted(verify, &verify->words, &notes, err);
    if (r == 0)
        tell_notes(&notes);
    return r;
}

/* Runs the same without the policy, unobserved, and expects its exit status. */
static int run_baseline(Verify *verify, Error *err)
{
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    EngineRun *run = &verify->baseline;

    int r = add_wanted(verify, &verify->words_without, &notes, err);
    if (r < 0)
        return r;
    run->words = &verify->words_without;
    run->test = verify->test.count > 0 ? &verify->test : NULL;
    engine_run_start(run);
    r = engine_run_finish(run, false, err);
    if (r == 0)
        verify->expected = run->seen->status;
    return r;
}

/* ---- the run --------------------------------------------------------------------------------- */

static int run_enforced(Verify *verify, Error *err)
{
    CLEANUP(recording_cleanup) Recording *recording = recording_new();
    EngineRun *run = &verify->run;
    SuperviseResult result;
    Joining *joining = calloc(1, sizeof *joining);
    const Supervision supervision = {.backend = verify->backend,
                                     .recording = recording,
                                     .join_as = JOIN_RUNTIME,
                                     .output = buffer_text(&verify->output),
                                     .started = engine_run_start,
                                     .started_data = run};

    if (!joining)
        return error_errno(err, ENOMEM, "cannot begin");
    memcpy(joining->cgroups, run->groups, run->groups_count * sizeof *run->groups);
    joining->cgroups_count = run->groups_count;
    run->words = &verify->words;
    run->test = verify->test.count > 0 ? &verify->test : NULL;
    const Run described = {.image = parsed_value(verify->parsed, "image", NULL)};
    int r = record_run(verify->parsed, joining, &described, &supervision, &result, err);
    free(joining);
    Error ending = {0};
    const int finished = engine_run_finish(run, r < 0 || result.detached, &ending);
    if (r == 0 && finished < 0)
        *err = ending;
    if (r == 0)
        r = finished;
    if (r == 0)
        r = record_run_outcome(&result, err);
    if (r < 0)
        return r;
    return recording_read(supervision.output, &verify->recording, err);
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* Whether something was seen of the container's program, and of its runtime's start-up. */
static bool saw_workload(Verify *verify)
{
    bool workload = false;

    for (size_t i = 0; i < recording_facts_count(verify->recording); i++) {
        Fact view;
        const Fact *fact = recording_fact(verify->recording, i, &view);
        workload |= fact->phase != PHASE_RUNTIME_INIT;
        verify->layers.runtime_filtered |= fact->phase == PHASE_RUNTIME_INIT;
    }
    return workload;
}

/* What was refused did not succeed once. */
static void note_refused(const Verify *verify, Findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        Finding *finding = &findings->items[i];
        finding->refused = true;
        for (size_t k = 0; k < finding->facts_count; k++) {
            Fact view;
            const Fact *fact = recording_fact(verify->recording, finding->facts[k], &view);
            if (results_may_succeed(&fact->results))
                finding->refused = false;
        }
    }
}

/* No rule gives a capability to a user to whom the engine gives none. */
static void mark_powerless(const Verify *verify, Findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        Finding *finding = &findings->items[i];
        finding->powerless = verify->run.seen->powerless && finding->refused &&
                             finding->section == POLICY_CAPABILITIES;
    }
}

static int judge_run(Verify *verify, Findings *findings, Findings *intended, Error *err)
{
    int r = recording_sort(verify->recording);

    if (r == 0)
        r = judge(verify->recording, verify->policy, verify->sections, findings, err);
    if (r == 0 && verify_part(findings, intended) < 0)
        r = error_errno(err, ENOMEM, "judging the run");
    note_refused(verify, findings);
    note_refused(verify, intended);
    /* A capability that it was refused and did without is no matter; but did that break it? Many
     * are asked for by programs that go on without, so what else was refused is taken for the cause
     * first: when that is allowed, the next run shows if it was enough. */
    if (r == 0 && (verify->sections >> POLICY_CAPABILITIES & 1) && !verify_any_refused(findings) &&
        verify->run.seen->status != (verify->expected >= 0 ? verify->expected : 0)) {
        r = judge_withheld(verify->recording, verify->policy, findings, err);
        note_refused(verify, findings);
        mark_powerless(verify, findings);
    }
    verify_doubt(findings, intended, verify->recording);
    return r == 0 ? findings_propose(findings, verify->recording, verify->policy, err) : r;
}

/* Files that could not be written because the root is read-only, if it went wrong. */
static void tell_read_only(const Verify *verify)
{
    enum { TOLD_MAX = 8 };
    size_t told = 0;

    for (size_t i = 0; i < recording_facts_count(verify->recording) && told < TOLD_MAX; i++) {
        Fact view;
        const Fact *fact = recording_fact(verify->recording, i, &view);
        if (fact->kind != FACT_FILE || fact->phase == PHASE_RUNTIME_INIT ||
            !results_has(&fact->results, EROFS))
            continue;
        message("note: %s could not be written: the root file system is read-only; `tmpfs:` or "
                "`volumes:` of the policy make a folder writable",
                fact->name);
        told++;
    }
}

/* Capabilities that the policy has, and the container's user had not, if it went wrong. */
static void tell_powerless(const Verify *verify)
{
    uint64_t told = 0;

    for (size_t i = 0; verify->run.seen->powerless && i < recording_facts_count(verify->recording);
         i++) {
        Fact view;
        const Fact *fact = recording_fact(verify->recording, i, &view);
        const Capability *asked = fact->kind == FACT_CAPABILITY &&
                                          fact->phase != PHASE_RUNTIME_INIT &&
                                          !results_may_succeed(&fact->results)
                                      ? capability_by_name(fact->name)
                                      : NULL;
        const uint64_t bit = asked ? UINT64_C(1) << asked->number : 0;
        if ((verify_capabilities(verify->policy) & bit & ~told) == 0)
            continue;
        message("note: %s, which the policy has, was refused to %s: the container's user is not "
                "root, and Docker's --cap-add gives it only to programs with set-user-id or file "
                "capabilities",
                fact->name, fact->subject);
        told |= bit;
    }
}

/* "docker run …", as a person would have to type it, but for what whittle adds. */
static int describe_command(const Verify *verify, Buffer *out)
{
    const char *container = parsed_value(verify->parsed, "container", NULL);

    if (container)
        return buffer_printf(out, "container like %s", container);
    (void)buffer_printf(out, "image %s", parsed_value(verify->parsed, "image", ""));
    for (int i = 0; i < verify->parsed->arguments_count; i++)
        (void)buffer_printf(out, " %s", verify->parsed->arguments[i]);
    for (size_t i = 0; i < verify->test.count; i++)
        (void)buffer_printf(out, "%s%s", i > 0 ? " " : ", tested by ", verify->test.list[i]);
    return out->error;
}

static int answer(Verify *verify, int *ret_status, Error *err)
{
    CLEANUP(findings_deinit) Findings findings = {0};
    CLEANUP(findings_deinit) Findings intended = {0};
    CLEANUP(buffer_deinit) Buffer command = BUFFER_INIT;
    EngineLayers *layers = &verify->layers;

    layers->policy = verify->policy;
    layers->seen = verify->run.seen;
    if (!saw_workload(verify))
        return error_set(err, -ESRCH,
                         "nothing was seen of the container's program (exit status %d): either it "
                         "was not started, or not in the control group %s",
                         verify->run.seen->status, verify->run.parent);
    int r = judge_run(verify, &findings, &intended, err);
    if (r == 0 && (engine_layers_make(layers, verify->sections) < 0 ||
                   describe_command(verify, &command) < 0))
        r = error_errno(err, ENOMEM, "judging the run");
    if (r < 0)
        return r;
    const Verification verification = {.layers = layers->layers,
                                       .layers_count = layers->count,
                                       .intended = &intended,
                                       .expected_status = verify->expected};
    const FindingsReport report = {.findings = &findings,
                                   .recording = verify->recording,
                                   .policy = verify->policy,
                                   .policy_path = parsed_value(verify->parsed, "policy", NULL),
                                   .command = buffer_text(&command),
                                   .exit_status = verify->run.seen->status,
                                   .version = WHITTLE_VERSION,
                                   .verification = &verification};
    r = verify_write_report(&report, verify->parsed, err);
    if (!findings_tolerated(&report)) {
        tell_read_only(verify);
        tell_powerless(verify);
    }
    if (!recording_is_complete(verify->recording))
        message("warning: not all that happened was seen: there may be more outside the policy");
    *ret_status = findings.count == 0 && findings_tolerated(&report) ? EXIT_YES : EXIT_NO;
    return r;
}

/* ---- all ------------------------------------------------------------------------------------- */

/* In a process of its own. */
static int work(void *data)
{
    Verify *verify = data;
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    int status = EXIT_MACHINE;
    Error err = {0};

    if (generate_files(verify->policy, NULL, buffer_text(&verify->folder), NULL, &notes, &err) < 0)
        return fail(EXIT_USAGE, &err);
    if (parsed_flag(verify->parsed, "baseline") && run_baseline(verify, &err) < 0)
        return fail(EXIT_MACHINE, &err);
    if (make_words(verify, &err) < 0 || run_enforced(verify, &err) < 0)
        return fail(EXIT_MACHINE, &err);
    return answer(verify, &status, &err) < 0 ? fail(EXIT_MACHINE, &err) : status;
}

static int prepare(Verify *verify, Error *err)
{
    const char *scratch = getenv("TMPDIR");

    verify->backend = choose_backend("auto", JOB_JOIN_CGROUPS, err);
    if (!verify->backend && err->code == 0)
        (void)error_set(err, -ENOTSUP, "watching a container needs eBPF");
    int r = verify->backend ? 0 : err->code;
    if (r == 0)
        r = engine_find(parsed_value(verify->parsed, "engine", NULL), &verify->engine, err);
    if (r == 0 && parsed_flag(verify->parsed, "baseline"))
        r = engine_run_init(&verify->baseline, &verify->engine, err);
    if (r == 0)
        r = engine_run_init(&verify->run, &verify->engine, err);
    if (r < 0)
        return r;
    r = buffer_printf(&verify->folder, "%s/%s", scratch && *scratch ? scratch : "/tmp",
                      verify->run.name);
    if (r == 0)
        r = buffer_printf(&verify->output, "%s/run.jsonl", buffer_text(&verify->folder));
    return r < 0 ? error_errno(err, r, "cannot name a folder") : 0;
}

int verify_engine(const Parsed *parsed, Policy *policy, uint32_t sections, int expected)
{
    CLEANUP(verify_deinit)
    Verify verify = {.parsed = parsed,
                     .policy = policy,
                     .sections = sections,
                     .expected = expected,
                     .run = {.janitor = {-1, -1}},
                     .baseline = {.janitor = {-1, -1}}};
    Error err = {0};

    if (take_test(parsed, &verify.test, &err) < 0)
        return fail(EXIT_USAGE, &err);
    if (!policy_name(policy) && policy_set_name(policy, POLICY_NAME_DEFAULT) < 0)
        return fail(EXIT_MACHINE, &err);
    if (prepare(&verify, &err) < 0)
        return fail(EXIT_MACHINE, &err);
    const int status = guarded(work, NULL, &verify, buffer_text(&verify.folder));
    if (status < 0)
        message("verification was killed; nothing of it is left");
    return status < 0 ? EXIT_MACHINE : status;
}
