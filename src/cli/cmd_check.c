/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle check --policy P -- CMD…`: runs a command and says what is outside its policy. */
#include "base/io.h"
#include "base/memory.h"
#include "cli/choose_backend.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/run_begin.h"
#include "generator/findings_report.h"
#include "generator/update.h"
#include "tracer/launch.h"
#include "tracer/supervise.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { WHO_MAX = 4 };

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

static void policy_drop(Policy **policy)
{
    *policy = policy_free(*policy);
}

static void recording_drop(Recording **recording)
{
    *recording = recording_free(*recording);
}

/* ---- options -------------------------------------------------------------------------------- */

/* The sections that --only names, as bits. */
static int sections_of(const char *list, uint32_t *ret, Error *err)
{
    uint32_t sections = 0;

    if (!list) {
        *ret = JUDGED_SECTIONS;
        return 0;
    }
    CLEANUP(free_pointer) char *copy = strdup(list);
    char *rest = copy;
    if (!copy)
        return error_errno(err, ENOMEM, "reading --only");
    for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ",")) {
        const int section = policy_section_from_name(word);
        if (section < 0 || !(JUDGED_SECTIONS >> section & 1))
            return error_set(err, -EINVAL, "--only: there is no section \"%s\"", word);
        sections |= 1u << section;
    }
    *ret = sections;
    return 0;
}

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

static int supervise_into(const Parsed *parsed, const Known *known, const Backend *backend,
                          Launch *launch, const char *output, Judged *judged, Error *err)
{
    CLEANUP(recording_drop) Recording *recording = recording_new();
    char features[256] = "";
    SuperviseResult result;
    uint32_t run = 0;

    if (!recording)
        return error_errno(err, ENOMEM, "cannot make a recording");
    backend->features(features, sizeof features);
    const Run description = {.label = parsed_value(parsed, "label", NULL),
                             .backend = backend->name,
                             .features = features,
                             .command = (const char **)(void *)parsed->arguments,
                             .command_count = (size_t)parsed->arguments_count,
                             .exit_status = -1};
    int r = run_begin(&description, recording, &run, err);
    if (r < 0)
        return r;
    const Supervision supervision = {.backend = backend,
                                     .launch = launch,
                                     .recording = recording,
                                     .run = run,
                                     .label = parsed_value(parsed, "label", NULL),
                                     .known = *known,
                                     .output = output};
    r = supervise(&supervision, &result, err);
    if (r < 0)
        return r;
    if (result.exec_error != 0)
        return error_errno(err, result.exec_error, "cannot run %s", launch->path);
    if (result.output_error.code != 0) {
        *err = result.output_error;
        return err->code;
    }
    r = recording_read(output, &judged->recording, err);
    judged->ran = true;
    judged->exit_status = result.has_status ? exit_status_of(result.wait_status) : -1;
    return r;
}

/* Runs the command, recorded into a file that is gone afterwards. 0, or an exit status that was
 * explained. */
static int run_command(const Parsed *parsed, Known known, Judged *judged)
{
    CLEANUP(free_pointer) char *path = NULL;
    CLEANUP(buffer_deinit) Buffer folder = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer output = BUFFER_INIT;
    const char *scratch = getenv("TMPDIR");
    Error err = {0};

    if (launch_resolve(parsed->arguments[0], &path, &err) < 0)
        return fail(EXIT_USAGE, &err);
    const Backend *backend =
        choose_backend(parsed_value(parsed, "backend", "auto"), JOB_LAUNCH, &err);
    if (!backend)
        return fail(err.code == -EINVAL ? EXIT_USAGE : EXIT_MACHINE, &err);
    known.no_capabilities = lacks_capabilities(backend);
    if (buffer_printf(&folder, "%s/whittle-check.XXXXXX", scratch && *scratch ? scratch : "/tmp") <
            0 ||
        !mkdtemp(folder.data)) {
        (void)error_errno(&err, errno, "%s: cannot make a folder", buffer_text(&folder));
        return fail(EXIT_MACHINE, &err);
    }
    (void)buffer_printf(&output, "%s/run.jsonl", buffer_text(&folder));
    Launch launch = {.path = path, .argv = parsed->arguments};
    const int r = output.error ? error_errno(&err, output.error, "cannot make a file name")
                               : supervise_into(parsed, &known, backend, &launch,
                                                buffer_text(&output), judged, &err);
    (void)unlink(buffer_text(&output));
    (void)rmdir(buffer_text(&folder));
    return r < 0 ? fail(EXIT_MACHINE, &err) : 0;
}

/* The recordings of --recording, united. 0, or an exit status that was explained. */
static int read_recordings(const Parsed *parsed, Judged *judged)
{
    const char *path;
    Error err = {0};

    for (size_t i = 0; (path = parsed_nth(parsed, "recording", i)) != NULL; i++) {
        CLEANUP(recording_drop) Recording *one = NULL;
        int r = recording_read(path, &one, &err);
        if (r == 0 && !judged->recording)
            judged->recording = TAKE(one);
        else if (r == 0)
            r = recording_merge(judged->recording, one);
        if (r < 0)
            return fail(EXIT_USAGE, &err);
    }
    return 0;
}

/* ---- the report ------------------------------------------------------------------------------ */

static void print_indented(const char *lines, Buffer *out)
{
    while (*lines) {
        const size_t length = strcspn(lines, "\n");
        (void)buffer_printf(out, "      %.*s\n", (int)length, lines);
        lines += length + (lines[length] == '\n');
    }
}

static int report_text(const FindingsReport *report, Buffer *out)
{
    CLEANUP(buffer_deinit) Buffer rules = BUFFER_INIT;
    const size_t count = report->findings->count;

    if (count == 0)
        return buffer_printf(out, "Nothing outside the policy %s\n", report->policy_path);
    (void)buffer_printf(out, "%zu thing%s outside the policy %s:\n", count, count == 1 ? "" : "s",
                        report->policy_path);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buffer_deinit) Buffer who = BUFFER_INIT;
        const Finding *finding = &report->findings->items[i];
        (void)buffer_puts(out, "\n  ");
        (void)finding_title(finding, out);
        (void)buffer_printf(out, "%s\n", finding->denied ? "   (the policy denies it)" : "");
        if (finding_who(finding, report->recording, WHO_MAX, &who) < 0)
            return -ENOMEM;
        print_indented(buffer_text(&who), out);
    }
    if (findings_as_policy(report->findings, &rules) == 0 && rules.length > 0)
        (void)buffer_printf(out, "\nIf that is as it should be, this belongs into the policy:\n%s",
                            buffer_text(&rules));
    return out->error;
}

static const struct ReportFormat {
    const char *name;
    int (*make)(const FindingsReport *report, Buffer *out);
} formats[] = {{"text", report_text},
               {"json", findings_json},
               {"junit", findings_junit},
               {"sarif", findings_sarif}};

static const struct ReportFormat *report_format(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(formats); i++) {
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    }
    return NULL;
}

/* The command's words with blanks between. */
static const char *command_line(const Parsed *parsed, Buffer *out)
{
    for (int i = 0; i < parsed->arguments_count; i++)
        (void)buffer_printf(out, "%s%s", i > 0 ? " " : "", parsed->arguments[i]);
    return out->length > 0 ? buffer_text(out) : NULL;
}

static int write_report(const Parsed *parsed, const FindingsReport *report, Error *err)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    const char *path = parsed_value(parsed, "output", NULL);
    const char *name = parsed_value(parsed, "format", "text");

    const int r = report_format(name)->make(report, &out);
    if (r < 0)
        return error_errno(err, r, "writing the report");
    return path ? write_file_atomic(path, buffer_text(&out), out.length, err)
                : output_buffer(&out, err);
}

static void text_drop(PolicyText **text)
{
    *text = policy_text_free(*text);
}

/* Adds to the policy's file what was found, except what it denies. */
static int accept_findings(const char *path, const Findings *findings, Error *err)
{
    CLEANUP(text_drop) PolicyText *text = NULL;
    CLEANUP(policy_drop) Policy *seen = NULL;
    CLEANUP(update_report_deinit) UpdateReport report = {0};
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;

    int r = policy_text_read(path, &text, err);
    if (r == 0)
        r = findings_policy(findings, &seen, err);
    if (r == 0)
        r = policy_update(text, seen, &report, err);
    if (r < 0 || report.added_count == 0)
        return r;
    r = policy_text_print(text, &out);
    if (r < 0)
        return error_errno(err, r, "%s", path);
    r = write_file_atomic(path, buffer_text(&out), out.length, err);
    if (r == 0)
        message("%zu rule%s added to %s: have the change reviewed", report.added_count,
                report.added_count == 1 ? "" : "s", path);
    return r;
}

/* What makes the answer less than sure. */
static void warn(const Judged *judged)
{
    if (!recording_is_complete(judged->recording))
        message("warning: %s not complete: there may be more outside the policy than was seen",
                judged->ran ? "what was seen of the run is" : "the recording is");
    if (judged->ran && judged->exit_status != 0)
        message("the command ended with status %d%s", judged->exit_status,
                judged->exit_status < 0 ? ", which is not known" : "");
}

static int run(const Parsed *parsed)
{
    CLEANUP(policy_drop) Policy *policy = NULL;
    CLEANUP(judged_deinit) Judged judged = {.exit_status = -1};
    CLEANUP(findings_deinit) Findings findings = {0};
    CLEANUP(buffer_deinit) Buffer command = BUFFER_INIT;
    const char *policy_path = parsed_value(parsed, "policy", NULL);
    uint32_t sections;
    Error err = {0};

    if (!policy_path)
        return usage_error(parsed->command, "which policy? Give --policy");
    if ((parsed->arguments_count > 0) == parsed_flag(parsed, "recording"))
        return usage_error(parsed->command,
                           "what shall be checked? Give a command, or --recording");
    if (!report_format(parsed_value(parsed, "format", "text")))
        return usage_error(parsed->command, "there is no format \"%s\"",
                           parsed_value(parsed, "format", "text"));
    if (sections_of(parsed_value(parsed, "only", NULL), &sections, &err) < 0 ||
        policy_read(policy_path, &policy, &err) < 0)
        return fail(EXIT_USAGE, &err);
    policy_sort(policy);
    int status = parsed->arguments_count > 0
                     ? run_command(parsed, (Known){.policy = policy, .sections = sections}, &judged)
                     : read_recordings(parsed, &judged);
    if (status != 0)
        return status;
    const FindingsReport report = {.findings = &findings,
                                   .recording = judged.recording,
                                   .policy = policy,
                                   .policy_path = policy_path,
                                   .command = command_line(parsed, &command),
                                   .exit_status = judged.exit_status,
                                   .version = WHITTLE_VERSION};
    if (judge(judged.recording, policy, sections, &findings, &err) < 0 ||
        write_report(parsed, &report, &err) < 0 ||
        (parsed_flag(parsed, "accept") && accept_findings(policy_path, &findings, &err) < 0))
        return fail(EXIT_USAGE, &err);
    warn(&judged);
    return findings.count > 0 || (judged.ran && judged.exit_status != 0) ? EXIT_NO : EXIT_YES;
}

static const Option options[] = {
    {"policy", 0, VALUE_FILE, "POLICY", NULL, "hold what happens against this policy"},
    {"only", 0, VALUE_LIST, "SECTIONS",
     "syscalls capabilities files network unix signals ptrace mounts",
     "look only at these sections of the policy"},
    {"recording", 0, VALUE_FILE, "REC", NULL,
     "judge this recording instead of running a command (may be given several times)"},
    {"accept", 0, VALUE_NONE, NULL, NULL,
     "add rules for what was found to POLICY, which stays as it is otherwise; not for what it "
     "denies"},
    {"format", 0, VALUE_WORDS, "FORMAT", "text json junit sarif", "of the report (text)"},
    {"output", 'o', VALUE_FILE, "FILE", NULL, "write the report to FILE, not standard output"},
    {"backend", 0, VALUE_WORDS, "NAME", "auto bpf notify ptrace",
     "how to watch; auto takes the best that works here"},
    {"label", 0, VALUE_TEXT, "LABEL", NULL, "name what is found, as by `whittle mark`"},
    {0},
};

const Command command_check = {
    .name = "check",
    .summary = "Run a command and say what is outside its policy",
    .usage = "--policy POLICY [--only SECTIONS] [--format FORMAT] [-o FILE] -- CMD [ARGUMENT]…",
    .options = options,
    .details =
        "Runs CMD as `whittle record` does, untouched, and afterwards says what it did that the "
        "policy does not allow: which system call, file, capability or socket, by which program, "
        "with which command line and label. Nothing is enforced. Each new behaviour is one "
        "finding, however often it was seen.\n\n"
        "What the policy already allows costs little: with the notify backend (the one without "
        "privilege) such calls are not stopped at all, unless their arguments name files, "
        "sockets, processes or mounts. `--only syscalls,capabilities` leaves those out too.\n\n"
        "A system call counts even if it failed; of all else, what may have succeeded. What a "
        "container's runtime does before the workload starts is not judged. With --recording "
        "nothing is run: recordings, as those of `whittle-oci`, are held against the policy.\n\n"
        "With --accept the rules that would allow what was found are added to POLICY, whose "
        "comments, order and other rules stay: the change is there to be reviewed. The exit status "
        "is that of the check.\n\n"
        "Exit status: 0 if nothing is outside the policy and the command succeeded; 1 if something "
        "is, or the command failed; 2 on wrong usage or input; 3 if this machine cannot do it.\n\n"
        "Examples:\n"
        "  whittle check --policy policy.yaml -- make check\n"
        "  whittle check --policy policy.yaml --format sarif -o whittle.sarif -- ./run-tests\n"
        "  whittle check --policy policy.yaml --recording shop.jsonl",
    .arguments = VALUE_FILE,
    .arguments_min = 0,
    .arguments_max = -1,
    .stop_at_argument = true,
    .run = run,
};
