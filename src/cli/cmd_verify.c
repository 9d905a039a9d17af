/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle verify --policy P -- CMD…`: runs a command under its policy and names what is denied. */
#include "base/io.h"
#include "base/memory.h"
#include "cli/check_report.h"
#include "cli/choose_backend.h"
#include "cli/command.h"
#include "cli/guard.h"
#include "cli/record_run.h"
#include "cli/verify_apparmor.h"
#include "cli/verify_engine.h"
#include "cli/verify_lab.h"
#include "cli/verify_layers.h"
#include "cli/verify_minimal.h"
#include "cli/verify_report.h"
#include "tracer/apparmor.h"
#include "tracer/launch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS_MAX = 64 };

typedef struct Verify {
    const Parsed *parsed;
    const Policy *policy;
    uint32_t sections;
    const char *path;   /* of the program */
    const char *folder; /* for scratch */
    const char *output; /* the recording, in there */
    VerifyLayers layers;
    VerifyApparmor apparmor;
    Recording *recording; /* owned */
    int exit_status;      /* of the command; -1 unknown */
    int expected_status;  /* the same without the policy */
} Verify;

static void verify_deinit(Verify *verify)
{
    verify->recording = recording_free(verify->recording);
    verify_layers_deinit(&verify->layers);
    verify_apparmor_deinit(&verify->apparmor);
}

/* ---- what to expect ------------------------------------------------------------------------- */

/* The exit status of the run that was recorded. 0 or a negative errno with ERR. */
static int expect_recorded(const char *path, int *ret_status, Error *err)
{
    CLEANUP(recording_cleanup) Recording *recording = NULL;

    const int r = recording_read(path, &recording, err);
    if (r < 0)
        return r;
    if (recording_runs_count(recording) != 1)
        return error_set(err, -EINVAL,
                         "%s holds %zu runs: which one's exit status is to be expected cannot be "
                         "said; give the recording of one run, or --baseline",
                         path, recording_runs_count(recording));
    *ret_status = recording_run(recording, 0)->exit_status;
    return 0;
}

/* Runs the command as it is. 0 or a negative errno with ERR. */
static int expect_as_it_is(const Verify *verify, int *ret_status, Error *err)
{
    int status;

    (void)fflush(NULL);
    const pid_t child = fork();
    if (child < 0)
        return error_errno(err, errno, "cannot start a process");
    if (child == 0) {
        Launch launch = {.path = verify->path, .argv = verify->parsed->arguments};
        (void)sigprocmask(SIG_BLOCK, NULL, &launch.signal_mask);
        _exit(launch_exec(&launch) == -ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE);
    }
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return error_errno(err, errno, "waiting for the command");
    }
    *ret_status = exit_status_of(status);
    return 0;
}

static int expect(Verify *verify, Error *err)
{
    const char *recording = parsed_value(verify->parsed, "recording", NULL);

    if (recording)
        return expect_recorded(recording, &verify->expected_status, err);
    return parsed_flag(verify->parsed, "baseline")
               ? expect_as_it_is(verify, &verify->expected_status, err)
               : 0;
}

/* ---- the run -------------------------------------------------------------------------------- */

static int run_enforced(Verify *verify, Error *err)
{
    const Parsed *parsed = verify->parsed;
    CLEANUP(recording_cleanup) Recording *recording = recording_new();
    Launch launch = {.path = verify->path, .argv = parsed->arguments};
    SuperviseResult result;
    const Supervision supervision = {.backend = &backend_notify,
                                     .launch = &launch,
                                     .recording = recording,
                                     .known = {.policy = verify->policy,
                                               .sections = VERIFY_TOLD(verify->sections),
                                               .no_capabilities = capabilities_held() == 0,
                                               .enforcement = &verify->layers.enforcement},
                                     .output = verify->output};

    int r = record_run(parsed, NULL, &(Run){.id = NULL}, &supervision, &result, err);
    if (r == 0)
        r = record_run_outcome(&result, err);
    if (r < 0)
        return r;
    if (result.exec_error != 0)
        message("the command could not be run: %s", strerror(result.exec_error));
    r = recording_read(verify->output, &verify->recording, err);
    if (r == 0)
        r = verify_apparmor_end(&verify->apparmor, policy_name(verify->policy), err);
    verify->exit_status = result.has_status ? exit_status_of(result.wait_status) : -1;
    return r;
}

/* ---- the answer ----------------------------------------------------------------------------- */

static int answer(Verify *verify, int *ret_status, Error *err)
{
    CLEANUP(findings_deinit) Findings findings = {0};
    CLEANUP(findings_deinit) Findings intended = {0};
    CLEANUP(buffer_deinit) Buffer command = BUFFER_INIT;
    const Parsed *parsed = verify->parsed;

    for (int i = 0; i < parsed->arguments_count; i++)
        (void)buffer_printf(&command, "%s%s", i > 0 ? " " : "", parsed->arguments[i]);
    int r = recording_sort(verify->recording);
    if (r == 0)
        r = judge(verify->recording, verify->policy, verify->sections, &findings, err);
    if (r == 0)
        r = verify_apparmor_judge(&verify->apparmor, verify->policy, verify->sections,
                                  verify->recording, &findings, err);
    if (r == 0 && verify_part(&findings, &intended) < 0)
        r = error_errno(err, ENOMEM, "judging the run");
    if (r == 0)
        r = findings_propose(&findings, verify->recording, verify->policy, err);
    if (r < 0)
        return r;
    verify_layers_judge(&verify->layers, &findings);
    verify_layers_judge(&verify->layers, &intended);
    verify_doubt(&findings, &intended, verify->recording);
    const Verification verification = {.layers = verify->layers.layers,
                                       .layers_count = verify->layers.count,
                                       .intended = &intended,
                                       .expected_status = verify->expected_status};
    const FindingsReport report = {.findings = &findings,
                                   .recording = verify->recording,
                                   .policy = verify->policy,
                                   .policy_path = parsed_value(parsed, "policy", NULL),
                                   .command = buffer_text(&command),
                                   .exit_status = verify->exit_status,
                                   .version = WHITTLE_VERSION,
                                   .verification = &verification};
    r = verify_write_report(&report, parsed, err);
    if (!recording_is_complete(verify->recording))
        message("warning: not all that happened was seen: there may be more outside the policy");
    *ret_status = findings.count == 0 && findings_tolerated(&report) ? EXIT_YES : EXIT_NO;
    return r;
}

/* The folder's name is one that nobody else has. */
static const char *profile_name(const char *folder)
{
    return strrchr(folder, '/') + 1;
}

/* When nothing runs any more that might be in it. */
static void unload(void *data)
{
    const Verify *verify = data;

    (void)apparmor_unload(profile_name(verify->folder));
}

/* In a process of its own. */
static int work(void *data)
{
    Verify *verify = data;
    int status = EXIT_MACHINE;
    Error err = {0};

    if (mkdir(verify->folder, 0700) < 0) {
        (void)error_errno(&err, errno, "%s: cannot make a folder", verify->folder);
        return fail(EXIT_MACHINE, &err);
    }
    if (expect(verify, &err) < 0)
        return fail(EXIT_USAGE, &err);
    if (parsed_flag(verify->parsed, "minimal")) {
        const TrialSetup setup = {.parsed = verify->parsed,
                                  .path = verify->path,
                                  .folder = verify->folder,
                                  .policy = verify->policy,
                                  .sections = verify->sections};
        return verify_minimal(&setup, verify->expected_status);
    }
    if (verify_apparmor_begin(verify->policy, verify->sections, profile_name(verify->folder),
                              &verify->apparmor, &err) < 0)
        return fail(EXIT_MACHINE, &err);
    if (verify_layers_make(verify->policy, verify->policy, verify->sections, &verify->apparmor,
                           &verify->layers, &err) < 0)
        return fail(EXIT_USAGE, &err);
    if (run_enforced(verify, &err) < 0)
        return fail(EXIT_MACHINE, &err);
    return answer(verify, &status, &err) < 0 ? fail(EXIT_USAGE, &err) : status;
}

static int run_guarded(Verify *verify)
{
    CLEANUP(buffer_deinit) Buffer folder = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer output = BUFFER_INIT;
    Error err = {0};

    int r = guard_name_folder(&folder);
    if (r == 0)
        r = buffer_printf(&output, "%s/run.jsonl", folder.data);
    if (r < 0) {
        (void)error_errno(&err, r, "cannot name a folder");
        return fail(EXIT_MACHINE, &err);
    }
    verify->folder = buffer_text(&folder);
    verify->output = buffer_text(&output);
    const int status = guarded(work, unload, verify, verify->folder);
    if (status < 0)
        message("verification was killed; nothing of it is left");
    return status < 0 ? EXIT_MACHINE : status;
}

/* What goes only with --minimal, or not with it. EXIT_YES, or what was wrong has been said. */
static int check_minimal(const Parsed *parsed)
{
    static const char *const others[] = {"proofs", "jobs", "again"};
    const char *format = parsed_value(parsed, "format", "text");
    const char *jobs = parsed_value(parsed, "jobs", "1");
    char *end;

    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (parsed_flag(parsed, others[i]) && !parsed_flag(parsed, "minimal"))
            return usage_error(parsed->command, "--%s goes with --minimal", others[i]);
    }
    const long count = strtol(jobs, &end, 10);
    if (*end != '\0' || end == jobs || count < 1 || count > JOBS_MAX)
        return usage_error(parsed->command, "--jobs: a number from 1 to %d", (int)JOBS_MAX);
    if (parsed_flag(parsed, "minimal") && strcmp(format, "text") != 0 &&
        strcmp(format, "json") != 0)
        return usage_error(parsed->command, "--minimal reports as text or json");
    return EXIT_YES;
}

/* 0, or an exit status that was explained. */
static int check_usage(const Parsed *parsed)
{
    const bool container = verify_engine_wanted(parsed);

    if (!parsed_value(parsed, "policy", NULL))
        return usage_error(parsed->command, "which policy? Give --policy");
    if (!container && parsed->arguments_count == 0)
        return usage_error(parsed->command,
                           "what shall be run? Give CMD, or --image or --container");
    if (parsed_flag(parsed, "baseline") && parsed_flag(parsed, "recording"))
        return usage_error(parsed->command, "--baseline and --recording exclude each other");
    if (strcmp(parsed_value(parsed, "fix", ""), "-") == 0 && !parsed_value(parsed, "output", NULL))
        return usage_error(parsed->command,
                           "--fix - and the report both go to standard output: give -o");
    if (parsed_flag(parsed, "lab") && (container || parsed_flag(parsed, "minimal")))
        return usage_error(parsed->command, "--lab runs a command, once: neither --minimal nor "
                                            "containers");
    const int status = check_minimal(parsed);
    if (status == 0 && container && parsed_flag(parsed, "minimal"))
        return usage_error(parsed->command, "--minimal is about a command, not about containers");
    return status == 0 && container ? verify_engine_usage(parsed) : status;
}

static int run_container(const Parsed *parsed, Policy *policy, uint32_t sections)
{
    const char *recording = parsed_value(parsed, "recording", NULL);
    int expected = -1;
    Error err = {0};

    if (recording && expect_recorded(recording, &expected, &err) < 0)
        return fail(EXIT_USAGE, &err);
    return verify_engine(parsed, policy, sections, expected);
}

static int run(const Parsed *parsed)
{
    CLEANUP(policy_cleanup) Policy *policy = NULL;
    CLEANUP(free_pointer) char *path = NULL;
    CLEANUP(verify_deinit)
    Verify verify = {.parsed = parsed,
                     .apparmor = VERIFY_APPARMOR_NONE,
                     .exit_status = -1,
                     .expected_status = -1};
    Error err = {0};

    const int status = check_usage(parsed);
    if (status != 0)
        return status;
    if (write_file_check(parsed_value(parsed, "output", NULL), &err) < 0 ||
        write_file_check(parsed_value(parsed, "fix", NULL), &err) < 0 ||
        write_file_check(parsed_value(parsed, "proofs", NULL), &err) < 0)
        return fail(EXIT_USAGE, &err);
    if (parsed_flag(parsed, "lab"))
        return verify_in_lab(parsed);
    const bool container = verify_engine_wanted(parsed);
    if (!container && launch_resolve(parsed->arguments[0], &path, &err) < 0)
        return fail(EXIT_USAGE, &err);
    if (check_sections(parsed_value(parsed, "only", NULL), &verify.sections, &err) < 0 ||
        policy_read(parsed_value(parsed, "policy", NULL), &policy, &err) < 0)
        return fail(EXIT_USAGE, &err);
    policy_sort(policy);
    if (container)
        return run_container(parsed, policy, verify.sections);
    if (backend_notify.probe(&err) < 0)
        return fail(EXIT_MACHINE, &err);
    verify.policy = policy;
    verify.path = path;
    return run_guarded(&verify);
}

static const Option options[] = {
    {"policy", 0, VALUE_FILE, "POLICY", NULL, "put this policy in force"},
    {"only", 0, VALUE_LIST, "SECTIONS",
     "syscalls capabilities files network unix signals ptrace mounts",
     "put only these sections of the policy in force, and judge by no others"},
    {"image", 0, VALUE_TEXT, "IMAGE", NULL,
     "run a container of this image under the policy, with CMD if that is given, by Docker or "
     "Podman"},
    {"container", 0, VALUE_TEXT, "CONTAINER", NULL,
     "run a second container like this one, which is left alone, under the policy"},
    {"engine", 0, VALUE_TEXT, "PROGRAM", NULL, "docker, podman or a path (docker, else podman)"},
    {"run-arg", 0, VALUE_TEXT, "ARG", NULL,
     "one more argument for `docker run`, as --run-arg=--publish=8080:80 (may be given several "
     "times)"},
    {"test", 0, VALUE_TEXT, "COMMAND", NULL,
     "run this, its words parted by blanks, while the container runs, and expect it to succeed"},
    {"recording", 0, VALUE_FILE, "REC", NULL, "expect the exit status of this recorded run, not 0"},
    {"baseline", 0, VALUE_NONE, NULL, NULL,
     "run the command, container or test without the policy first, and expect its exit status"},
    {"fix", 0, VALUE_FILE, "FILE", NULL,
     "propose the missing rules: FILE becomes a diff of POLICY for patch(1); `-`: standard output"},
    {"minimal", 0, VALUE_NONE, NULL, NULL,
     "take rules away, one by one, and run the command without them: is each needed"},
    {"jobs", 0, VALUE_TEXT, "N", NULL,
     "with --minimal: so many runs at once (1), if no two of them change the same file"},
    {"proofs", 0, VALUE_FILE, "FILE", NULL,
     "with --minimal: keep what is proven in FILE (policy.yaml: policy.proofs.json)"},
    {"again", 0, VALUE_NONE, NULL, NULL, "with --minimal: prove anew what was proven before"},
    {"format", 0, VALUE_WORDS, "FORMAT", "text json junit sarif", "of the report (text)"},
    {"output", 'o', VALUE_FILE, "FILE", NULL, "write the report to FILE, not standard output"},
    {"lab", 0, VALUE_NONE, NULL, NULL,
     "do it in a virtual machine that has AppArmor, and this machine's files"},
    {"label", 0, VALUE_TEXT, "LABEL", NULL, "name what is found, as by `whittle mark`"},
    {0},
};

const Command command_verify = {
    .name = "verify",
    .summary = "Run a command under its policy and name what is denied",
    .usage = "--policy POLICY [--image IMAGE|--container CONTAINER] [OPTION]… [-- CMD "
             "[ARGUMENT]…]",
    .options = options,
    .details =
        "Runs CMD with POLICY in force, as far as this machine can: system calls are answered as "
        "the seccomp filter of `whittle generate` answers them, capabilities that the policy does "
        "not grant are taken away, and where the kernel has AppArmor and verify is root, the "
        "policy's AppArmor profile is loaded under a name of its own, for CMD alone; elsewhere "
        "files "
        "and TCP are confined by Landlock. Afterwards every denial "
        "is named, with the rule that would allow it, the program, its command line and label; and "
        "the report says of each section of the policy if it was enforced, partly enforced, or "
        "only "
        "watched: what the policy does not allow is found in either case. Signals that the policy "
        "does "
        "not allow are refused by the recorder, if AppArmor does not; those to all processes, as "
        "of kill(-1), whatever --only says, for a program that is refused its own number may take "
        "-1 for it.\n\n"
        "System calls that only a container's runtime makes are refused to CMD, although "
        "seccomp.json allows them. Landlock grants what makes or deletes files for the whole "
        "folder, and a pattern from the folder before its first wildcard on (one of files that are "
        "only read, in /usr and /lib: what it stands for when CMD starts); it never refuses what "
        "the policy allows. Taking capabilities away takes privilege; whoever has none cannot give "
        "any to CMD. A call that a rule of the policy denies is refused as it says, and is no "
        "denial that counts.\n\n"
        "What AppArmor denies is read from the kernel's audit log; files that were open when CMD "
        "started may be used. With --lab all this is done in a small virtual machine with Debian's "
        "kernel, which has AppArmor: QEMU emulates it, so it takes neither privileges nor KVM. It "
        "has the files of this machine, and keeps in its memory what CMD writes; no network but "
        "lo, "
        "none of the processes that run here, and no terminal; CMD is run as root. Its kernel is "
        "fetched from Debian's packages on first use and kept in ~/.cache/whittle/lab.\n\n"
        "If CMD ends with the exit status that is expected (0, or what --recording or --baseline "
        "say), it works in spite of what was refused; if not, that is said, too. Capabilities that "
        "a "
        "container asked for in vain are named only if it failed and nothing else was refused. "
        "With "
        "--fix the "
        "missing rules are proposed as a diff, as `whittle generate` would make them (a pattern "
        "for "
        "a name that is new in every run, a set for a file that stands for one): review it, apply "
        "it, and verify again. Signals to "
        "all "
        "processes or to a group are not proposed while a call that answers with a number of a "
        "process (getpid, fork, …) was refused to who sent them; nor is a capability in a "
        "container "
        "of Docker whose user is not root: --cap-add gives it only to programs with set-user-id or "
        "file capabilities.\n\n"
        "With --minimal rules are taken away and CMD is run without them, dozens of times: it has "
        "to do the same each time, and clean up at its start what a run that failed may have "
        "left. A rule is *needed* if CMD ends otherwise without it: another status, other output "
        "(where two runs under the whole policy write the same), or not at all within ten times "
        "its time; *tolerated* if what it allows is refused and CMD does the same; *unneeded* if "
        "what it allows is not asked for, or other rules allow it, too. What seccomp, "
        "capabilities and Landlock cannot tell apart is refused by the recorder, by path, address "
        "or target. For capabilities that are needed smaller ones are tried. Of a call's "
        "argument each value is a rule (`ioctl 1=TCGETS`), and of a file rule that stays each "
        "letter (w of `rw`) is tried like a rule: by the recorder alone, for Landlock cannot tell "
        "one letter from another (it knows no m, k and a, and grants w and l by the folder). A "
        "letter that was not asked for is therefore not judged where not all that happened was "
        "seen; what a program's r, m and ix allow the kernel uses as one, so that without any of "
        "them execve() is refused; and l of a rule that says to what (`->`) goes with the rule. "
        "With "
        "--fix the unneeded rules and letters are proposed to go, but for those with a reason, "
        "with `keep: true`, or that another command needs. What is proven is kept beside the "
        "policy, after each run, "
        "and is not proven again as long as CMD, the files that it names, the user and the rules "
        "that could stand in are the same: verify can be stopped at any time, and goes on from "
        "there. CMD reads from /dev/null and has no terminal. With --jobs several runs of CMD go "
        "on "
        "at once, in the same folders: that is right only for a CMD that makes a folder of its own "
        "in each run and takes no port of a fixed number. Where the first two runs change the same "
        "file, whittle says so and makes one run at a time; a port that they share it does not "
        "notice.\n\n"
        "--minimal goes neither with --lab nor with containers: to take one rule away takes dozens "
        "of runs, each of which would have to begin in a machine or with volumes that no earlier "
        "run has changed, and an engine refuses by whole layers, which cannot tell one path or "
        "address from another where there is no AppArmor. What a container runs can be proven by "
        "running its program as CMD.\n\n"
        "However verify ends, be it by a signal, nothing that CMD started is left running. On "
        "SIGTERM, SIGINT, SIGHUP and SIGQUIT CMD has ten seconds to end before it is killed; "
        "what was refused until then is told.\n\n"
        "With --image a container engine puts the policy in force: the container is made with all "
        "arguments of docker.args (seccomp.json, capabilities, user, read-only root, tmpfs, "
        "limits, and AppArmor's profile where the kernel has it loaded) and those of --run-arg, in "
        "a control group that whittle watches in the kernel (eBPF, so root is needed). It runs to "
        "its end, or, with --test, until that command has ended: the test finds the container's "
        "name in $WHITTLE_CONTAINER and the engine in $WHITTLE_ENGINE, has to wait itself until "
        "the container serves, and its exit status is what counts. The report says what the kernel "
        "had in force. With --container the image, program, environment, user, working folder and "
        "read-only mounts are those of a container that runs; what that one can write to is new "
        "and empty in the second, and ports and networks are not taken over. However verify ends, "
        "the container, its volumes and the control group are removed.\n\n"
        "If not all that happened was seen (whittle says so, and the JSON report has `complete`), "
        "there may be more outside the policy than was found: that alone does not change the exit "
        "status.\n\n"
        "Exit status: 0 if nothing was denied and the status was as expected, or, with --minimal, "
        "no rule is proposed to go; 1 if not; 2 on wrong usage or input; 3 if this machine cannot "
        "do it, or verify was killed; with --minimal 128 plus the signal that stopped it.\n\n"
        "Examples:\n"
        "  whittle verify --policy policy.yaml -- make check\n"
        "  whittle verify --policy policy.yaml --fix missing.diff -- ./run-tests\n"
        "  whittle verify --policy policy.yaml --minimal --fix fewer.diff -- ./run-tests\n"
        "  whittle verify --policy policy.yaml --image nginx --run-arg=--publish=8080:80 "
        "--test './smoke-test 8080'\n"
        "  whittle verify --policy policy.yaml --baseline --format json -o proof.json -- ./tests",
    .arguments = VALUE_FILE,
    .arguments_min = 0,
    .arguments_max = -1,
    .stop_at_argument = true,
    .run = run,
};
