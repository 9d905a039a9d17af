/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle check --policy P -- CMD…`: runs a command and says what is outside its policy. */
#include "base/io.h"
#include "base/memory.h"
#include "cli/check_lines.h"
#include "cli/check_report.h"
#include "cli/command.h"
#include "cli/record_run.h"
#include "generator/infer.h"
#include "generator/update.h"
#include "tracer/launch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

/* What came of the run, or of reading recordings. */
typedef struct Judged {
    Recording *recording; /* owned */
    bool ran;
    int exit_status; /* of the command; -1 unknown */
} Judged;

static void judged_deinit(Judged *judged)
{
    judged->recording = recording_free(judged->recording);
}

/* ---- options -------------------------------------------------------------------------------- */

/* Nobody who is started from here has capabilities, or gets any by executing a program. */
static bool lacks_capabilities(const Backend *backend)
{
    cap_t own = cap_get_proc();
    cap_t none = cap_init();
    const bool empty = own && none && cap_compare(own, none) == 0;

    (void)cap_free(own);
    (void)cap_free(none);
    return empty && (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
                     (backend->filters && !may_filter_with_privileges()));
}

/* ---- the run -------------------------------------------------------------------------------- */

/* What is watched, and how. */
typedef struct Watch {
    const Backend *backend;
    Launch *launch;         /* NULL: what runs already */
    const Joining *joining; /* that */
    Known known;
    CheckLines *lines; /* NULL: all is told at the end */
    const char *output;
} Watch;

static int supervise_watch(const Parsed *parsed, const Watch *watch, Judged *judged, Error *err)
{
    CLEANUP(recording_cleanup) Recording *recording = recording_new();
    SuperviseResult result;

    if (watch->lines)
        watch->lines->recording = recording;
    const Supervision supervision = {.backend = watch->backend,
                                     .launch = watch->launch,
                                     .recording = recording,
                                     .known = watch->known,
                                     .output = watch->output,
                                     .progress = watch->lines ? check_lines_progress : NULL,
                                     .progress_data = watch->lines};
    int r = record_run(parsed, watch->joining, &(Run){.id = NULL}, &supervision, &result, err);
    if (r < 0)
        return r;
    if (watch->launch && result.exec_error != 0)
        return error_errno(err, result.exec_error, "cannot run %s", watch->launch->path);
    if (result.output_error.code != 0) {
        *err = result.output_error;
        return err->code;
    }
    r = recording_read(watch->output, &judged->recording, err);
    judged->ran = watch->launch != NULL;
    judged->exit_status = result.has_status ? exit_status_of(result.wait_status) : -1;
    return r;
}

/* Watches, recording into a file that is gone afterwards. 0 or a negative errno with ERR. */
static int watch_into_scratch(const Parsed *parsed, Watch *watch, Judged *judged, Error *err)
{
    CLEANUP(buffer_deinit) Buffer folder = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer output = BUFFER_INIT;
    const char *scratch = getenv("TMPDIR");

    if (buffer_printf(&folder, "%s/whittle-check.XXXXXX", scratch && *scratch ? scratch : "/tmp") <
            0 ||
        !mkdtemp(folder.data))
        return error_errno(err, errno, "%s: cannot make a folder", buffer_text(&folder));
    int r = buffer_printf(&output, "%s/run.jsonl", buffer_text(&folder));
    if (r < 0)
        (void)error_errno(err, r, "cannot make a file name");
    watch->output = buffer_text(&output);
    if (r == 0)
        r = supervise_watch(parsed, watch, judged, err);
    (void)unlink(watch->output);
    (void)rmdir(buffer_text(&folder));
    return r;
}

/* Findings as they appear go to --output, or standard output. 0 or a negative errno with ERR. */
static int open_lines(const Parsed *parsed, CheckLines *lines, FILE **ret_file, Error *err)
{
    const char *path = parsed_value(parsed, "output", NULL);
    FILE *file = path ? fopen(path, "ae") : NULL;

    if (path && !file)
        return error_errno(err, errno, "%s", path);
    lines->told = strset_new();
    if (!lines->told) {
        file_close(&file);
        return error_errno(err, ENOMEM, "cannot begin");
    }
    lines->out = file ? file : stdout;
    *ret_file = file;
    return 0;
}

static bool wants_lines(const Parsed *parsed)
{
    return strcmp(parsed_value(parsed, "format", "text"), "jsonl") == 0;
}

/* Runs the command, or joins what runs already. 0, or an exit status that was explained. */
static int watch_run(const Parsed *parsed, Known known, Judged *judged)
{
    CLEANUP(free_pointer) char *path = NULL;
    CLEANUP(joining_deinit) Joining joining = {.pids_count = 0};
    CLEANUP(check_lines_deinit)
    CheckLines lines = {.policy = known.policy, .sections = known.sections};
    CLEANUP(file_close) FILE *file = NULL;
    const bool launches = parsed->arguments_count > 0;
    Launch launch = {.argv = parsed->arguments};
    Watch watch = {.known = known};
    Error err = {0};

    if (launches && launch_resolve(parsed->arguments[0], &path, &err) < 0)
        return fail(EXIT_USAGE, &err);
    watch.backend = choose_backend(parsed_value(parsed, "backend", "auto"),
                                   launches ? JOB_LAUNCH : joining_job(parsed), &err);
    if (!watch.backend)
        return fail(err.code == -EINVAL ? EXIT_USAGE : EXIT_MACHINE, &err);
    launch.path = path;
    if (launches) {
        watch.launch = &launch;
        watch.known.no_capabilities = lacks_capabilities(watch.backend);
    } else {
        watch.joining = &joining;
        const int status = joining_find(parsed, &joining);
        if (status != 0)
            return status == EXIT_RECORD_FAILED ? EXIT_MACHINE : status;
    }
    /* What nothing needed is only known if everything was looked at. */
    if (parsed_flag(parsed, "unused"))
        watch.known = (Known){.policy = NULL};
    if (wants_lines(parsed)) {
        if (open_lines(parsed, &lines, &file, &err) < 0)
            return fail(EXIT_USAGE, &err);
        watch.lines = &lines;
    }
    return watch_into_scratch(parsed, &watch, judged, &err) < 0 ? fail(EXIT_MACHINE, &err) : 0;
}

/* The recordings of --recording, united. 0, or an exit status that was explained. */
static int read_recordings(const Parsed *parsed, Judged *judged)
{
    const char *path;
    Error err = {0};

    for (size_t i = 0; (path = parsed_nth(parsed, "recording", i)) != NULL; i++) {
        CLEANUP(recording_cleanup) Recording *one = NULL;
        if (recording_read(path, &one, &err) < 0 ||
            recording_gather(&judged->recording, &one, path, &err) < 0)
            return fail(EXIT_USAGE, &err);
    }
    return 0;
}

/* The command's words with blanks between. */
static const char *command_line(const Parsed *parsed, Buffer *out)
{
    for (int i = 0; i < parsed->arguments_count; i++)
        (void)buffer_printf(out, "%s%s", i > 0 ? " " : "", parsed->arguments[i]);
    return out->length > 0 ? buffer_text(out) : NULL;
}

/* What makes the answer less than sure. */
static void warn(const Judged *judged)
{
    if (!recording_is_complete(judged->recording))
        message("warning: not all that happened was seen: there may be more outside the policy");
    if (judged->ran && judged->exit_status < 0)
        message("the command's exit status is not known");
    else if (judged->ran && judged->exit_status != 0)
        message("the command ended with status %d", judged->exit_status);
}

/* The rules of the policy that nothing needed: *RET_PLACES is for the caller to free. */
static int find_unused(const Judged *judged, PolicyText *text, size_t **ret_places,
                       size_t *ret_count, Error *err)
{
    CLEANUP(policy_cleanup) Policy *seen = policy_new();
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    const InferOptions options = {.conditions = true};

    if (!seen)
        return error_errno(err, ENOMEM, "looking for rules that nothing needed");
    const int r = infer_policy(judged->recording, &options, seen, &notes, err);
    if (r < 0)
        return r;
    policy_sort(seen);
    return policy_find_stale(text, seen, ret_places, ret_count, err);
}

static int report(const Parsed *parsed, const Policy *policy, uint32_t sections,
                  const Judged *judged, size_t *ret_count, Error *err)
{
    CLEANUP(findings_deinit) Findings findings = {0};
    CLEANUP(buffer_deinit) Buffer command = BUFFER_INIT;
    CLEANUP(policy_text_cleanup) PolicyText *text = NULL;
    size_t *unused = NULL;
    const char *policy_path = parsed_value(parsed, "policy", NULL);
    FindingsReport report = {.findings = &findings,
                             .recording = judged->recording,
                             .policy = policy,
                             .policy_path = policy_path,
                             .command = command_line(parsed, &command),
                             .exit_status = judged->exit_status,
                             .version = WHITTLE_VERSION};

    int r = recording_sort(judged->recording);
    if (r == 0)
        r = judge(judged->recording, policy, sections, &findings, err);
    if (r == 0)
        r = findings_propose(&findings, judged->recording, policy, err);
    if (r == 0 && parsed_flag(parsed, "unused")) {
        r = policy_text_read(policy_path, &text, err);
        if (r == 0)
            r = find_unused(judged, text, &unused, &report.unused_count, err);
        report.text = text;
        report.unused = unused;
    }
    if (r == 0 && !wants_lines(parsed))
        r = check_write_report(parsed_value(parsed, "format", "text"),
                               parsed_value(parsed, "output", NULL), &report, err);
    if (r == 0 && parsed_flag(parsed, "accept"))
        r = check_accept(policy_path, &findings, err);
    free(unused);
    *ret_count = findings.count;
    return r;
}

/* 0, or an exit status that was explained. */
static int check_usage(const Parsed *parsed)
{
    const int ways = joining_count_ways(parsed) + parsed_flag(parsed, "recording");

    if (!parsed_value(parsed, "policy", NULL))
        return usage_error(parsed->command, "which policy? Give --policy");
    if (ways == 0)
        return usage_error(parsed->command, "what shall be checked? Give a command, --recording, "
                                            "--pid, --cgroup or --container");
    if (ways > 1)
        return usage_error(parsed->command, "a command, --recording, --pid, --cgroup and "
                                            "--container exclude each other");
    if (wants_lines(parsed) && (parsed_flag(parsed, "recording") || parsed_flag(parsed, "unused")))
        return usage_error(parsed->command,
                           "--format jsonl tells of findings while something runs: it does not go "
                           "with --recording and --unused");
    return 0;
}

static int run(const Parsed *parsed)
{
    CLEANUP(policy_cleanup) Policy *policy = NULL;
    CLEANUP(judged_deinit) Judged judged = {.exit_status = -1};
    uint32_t sections;
    size_t count;
    Error err = {0};

    int status = check_usage(parsed);
    if (status != 0)
        return status;
    if (check_sections(parsed_value(parsed, "only", NULL), &sections, &err) < 0 ||
        policy_read(parsed_value(parsed, "policy", NULL), &policy, &err) < 0)
        return fail(EXIT_USAGE, &err);
    /* Before it runs: afterwards all that would be for nothing. */
    if ((!wants_lines(parsed) &&
         write_file_check(parsed_value(parsed, "output", NULL), &err) < 0) ||
        (parsed_flag(parsed, "accept") &&
         write_file_check(parsed_value(parsed, "policy", NULL), &err) < 0))
        return fail(EXIT_USAGE, &err);
    policy_sort(policy);
    status = parsed_flag(parsed, "recording")
                 ? read_recordings(parsed, &judged)
                 : watch_run(parsed, (Known){.policy = policy, .sections = sections}, &judged);
    if (status != 0)
        return status;
    if (report(parsed, policy, sections, &judged, &count, &err) < 0)
        return fail(EXIT_USAGE, &err);
    warn(&judged);
    return count > 0 || (judged.ran && judged.exit_status != 0) ? EXIT_NO : EXIT_YES;
}

static const Option options[] = {
    {"policy", 0, VALUE_FILE, "POLICY", NULL, "compare what happens with this policy"},
    {"only", 0, VALUE_LIST, "SECTIONS",
     "syscalls capabilities files network unix signals ptrace mounts",
     "look only at these sections of the policy"},
    {"pid", 'p', VALUE_TEXT, "PID", NULL,
     "watch this running process and all its descendants (may be given several times)"},
    {"cgroup", 0, VALUE_FOLDER, "CGROUP", NULL,
     "watch whoever is in this control group (may be given several times)"},
    {"container", 0, VALUE_TEXT, "CONTAINER", NULL,
     "watch this running container: its id, the beginning of that, or its name"},
    {"recording", 0, VALUE_FILE, "REC", NULL,
     "judge this recording instead of running a command (may be given several times)"},
    {"accept", 0, VALUE_NONE, NULL, NULL,
     "add rules for what was found to POLICY, which stays as it is otherwise; not for what it "
     "denies"},
    {"unused", 0, VALUE_NONE, NULL, NULL,
     "list the rules of POLICY, too, that nothing in this run needed"},
    {"format", 0, VALUE_WORDS, "FORMAT", "text json jsonl junit sarif",
     "of the report (text); jsonl: each finding on a line as soon as it is seen"},
    {"output", 'o', VALUE_FILE, "FILE", NULL, "write the report to FILE, not standard output"},
    {"backend", 0, VALUE_WORDS, "NAME", "auto bpf notify ptrace",
     "how to watch; auto takes the best that works here"},
    {"label", 0, VALUE_TEXT, "LABEL", NULL, "name what is found, as by `whittle mark`"},
    {0},
};

const Command command_check = {
    .name = "check",
    .summary = "Run a command and say what is outside its policy",
    .usage = "--policy POLICY [OPTION]… -- CMD [ARGUMENT]…",
    .options = options,
    .details =
        "Runs CMD as `whittle record` does, untouched, and afterwards says what it did that the "
        "policy does not allow: which system call, file, capability or socket, by which program, "
        "with which command line and label, and how dangerous it would be to allow that (by the "
        "table of "
        "`whittle diff`). Nothing is enforced. Each new behaviour is one "
        "finding, however often it was seen.\n\n"
        "What the policy already allows costs little: with the notify backend (the one without "
        "privilege) such calls are not stopped at all, unless their arguments name files, "
        "sockets, processes or mounts. `--only syscalls,capabilities` leaves most of those out too "
        "if CMD can have no capability (whittle has none, and the policy lets nobody make a user "
        "namespace); else calls that may have used one are still looked at. `--only syscalls` "
        "leaves them out in either case.\n\n"
        "A system call counts even if it failed; of all else, what may have succeeded. What a "
        "container's runtime does before the workload starts is not judged. With --recording "
        "nothing is run: recordings, as those of `whittle-oci`, are held against the policy.\n\n"
        "With --accept the rules that would allow what was found are added to POLICY, whose "
        "comments, order and other rules stay: the change is there to be reviewed. The exit status "
        "is that of the check.\n\n"
        "With --pid, --cgroup or --container something is watched that runs already, until it ends "
        "or ^C, as by `whittle record`: the policy as a detector. --format jsonl then gives each "
        "finding as a line of JSON as soon as it is seen, for whoever raises alarms.\n\n"
        "Exit status: 0 if nothing is outside the policy and the command succeeded; 1 if something "
        "is, or the command failed; 2 on wrong usage or input; 3 if this machine cannot do it.\n\n"
        "Examples:\n"
        "  whittle check --policy policy.yaml -- make check\n"
        "  whittle check --policy policy.yaml --format sarif -o whittle.sarif -- ./run-tests\n"
        "  whittle check --policy policy.yaml --recording shop.jsonl\n"
        "  whittle check --policy policy.yaml --container shop --format jsonl",
    .arguments = VALUE_FILE,
    .arguments_min = 0,
    .arguments_max = -1,
    .stop_at_argument = true,
    .run = run,
};
