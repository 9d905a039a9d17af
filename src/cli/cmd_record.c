/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle record -- CMD…`: runs a command and writes down what it needed. */
#include "base/memory.h"
#include "base/procfs.h"
#include "cli/command.h"
#include "cli/record_run.h"
#include "model/mark.h"
#include "model/recording.h"
#include "tracer/launch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

#define DEFAULT_OUTPUT "recording.jsonl"

/* ---- the run's own description -------------------------------------------------------------- */

/* The folders of the cgroups that are joined, blanks between. */
static const char *describe_cgroups(const Joining *joining, Buffer *out)
{
    for (size_t i = 0; joining && i < joining->cgroups_count; i++)
        (void)buffer_printf(out, "%s%s", i > 0 ? " " : "", joining->cgroups[i].folder);
    return out->length > 0 ? buffer_text(out) : NULL;
}

static const char *container_name(const Container *container)
{
    return container->name ? container->name : container->id;
}

static void stacks_drop(Stacks **stacks)
{
    if (*stacks)
        *stacks = (*stacks)->free(*stacks);
}

/* choose_backend(), for --stacks one that stops who does something new, where the job allows: of a
 * process that ends at once eBPF cannot tell. */
static const Backend *backend_for(const Parsed *parsed, Job job, Error *err)
{
    static const char *const others[] = {"notify", "ptrace"};
    const char *name = parsed_value(parsed, "backend", "auto");

    for (size_t i = 0;
         parsed_flag(parsed, "stacks") && strcmp(name, "auto") == 0 && i < ARRAY_LENGTH(others);
         i++) {
        const Backend *other = choose_backend(others[i], job, NULL);
        if (other)
            return other;
    }
    return choose_backend(name, job, err);
}

/* ---- progress ------------------------------------------------------------------------------- */

/* Whoever edits a line on the terminal itself (a shell, an editor) must not be written over. */
static bool terminal_is_edited(void)
{
    struct termios modes;

    return tcgetattr(STDERR_FILENO, &modes) == 0 && !(modes.c_lflag & ICANON);
}

static void show_progress(void *data, const ObserverProgress *progress, bool last)
{
    (void)data;
    if (terminal_is_edited())
        return;
    if (last) {
        (void)fprintf(stderr, "\r\033[K");
    } else {
        (void)fprintf(stderr,
                      "\r\033[Kwhittle: %" PRIu64 " calls, %" PRIu64 " facts, %" PRIu64
                      " processes%s",
                      progress->calls, progress->facts, progress->processes,
                      progress->losses ? ", LOSSES" : "");
    }
    (void)fflush(stderr);
}

/* ---- the end -------------------------------------------------------------------------------- */

static void say_result(const char *output, const SuperviseResult *result)
{
    if (result->output_error.code != 0)
        message("%s; the recording is INCOMPLETE", result->output_error.text);
    else if (result->recorder_died)
        message("the recorder was killed; %s has what was recorded until then and is marked "
                "incomplete",
                output);
    else if (result->losses > 0)
        message("the recording is INCOMPLETE: %" PRIu64 " losses; `whittle show %s` lists them",
                result->losses, output);
    else if (result->detached)
        message("recording ended before the workload did; what it does from here on is not in %s",
                output);
    if (result->interrupted > 0)
        message("signals may have made up to %" PRIu64 " calls fail with EINTR that would not have "
                "without recording; if that disturbed the program, record it with --backend ptrace "
                "or bpf",
                result->interrupted);
    if (!result->recorder_died && result->output_error.code == 0 && isatty(STDERR_FILENO))
        message("%s: %" PRIu64 " facts from %" PRIu64 " system calls", output, result->facts,
                result->calls);
}

static int exit_status(const SuperviseResult *result)
{
    if (result->exec_error == ENOENT)
        return EXIT_NOT_FOUND;
    if (result->exec_error != 0)
        return EXIT_CANNOT_EXECUTE;
    if (!result->has_status)
        return result->recorder_died ? EXIT_RECORD_FAILED : EXIT_YES;
    return exit_status_of(result->wait_status);
}

/* Either LAUNCH or JOINING is NULL. */
static int record(const Parsed *parsed, const Backend *backend, Launch *launch,
                  const Joining *joining)
{
    CLEANUP(recording_cleanup) Recording *recording = recording_new();
    CLEANUP(buffer_deinit) Buffer cgroups = BUFFER_INIT;
    CLEANUP(stacks_drop) Stacks *stacks = NULL;
    Error err = {0};
    SuperviseResult result;
    char user[32];

    if (parsed_flag(parsed, "stacks") && stacks_new(&stacks, &err) < 0)
        return fail(EXIT_MACHINE, &err);
    const Supervision supervision = {
        .backend = backend,
        .launch = launch,
        .recording = recording,
        .stacks = stacks,
        .output = parsed_value(parsed, "output", DEFAULT_OUTPUT),
        .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
    };
    const Run run = {
        .container = joining ? container_name(&joining->container) : NULL,
        .runtime = joining ? joining->container.runtime : NULL,
        .image = joining ? joining->container.image : NULL,
        .cgroup = describe_cgroups(joining, &cgroups),
        .user = joining ? NULL : user,
        .no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
                        (backend->filters && !may_filter_with_privileges()),
    };

    (void)snprintf(user, sizeof user, "%u:%u", geteuid(), getegid());
    if (record_run(parsed, joining, &run, &supervision, &result, &err) < 0)
        return fail(EXIT_RECORD_FAILED, &err);
    if (launch && result.exec_error != 0)
        message("cannot run %s: %s", launch->path, strerror(result.exec_error));
    else
        say_result(supervision.output, &result);
    return exit_status(&result);
}

static int record_command(const Parsed *parsed)
{
    CLEANUP(free_pointer) char *path = NULL;
    Error err = {0};

    const int r = launch_resolve(parsed->arguments[0], &path, &err);
    if (r < 0)
        return fail(r == -ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE, &err);
    const Backend *backend = backend_for(parsed, JOB_LAUNCH, &err);
    if (!backend)
        return fail(err.code == -EINVAL ? EXIT_USAGE : EXIT_RECORD_FAILED, &err);
    Launch launch = {.path = path, .argv = parsed->arguments};
    return record(parsed, backend, &launch, NULL);
}

static int record_running(const Parsed *parsed)
{
    CLEANUP(joining_deinit) Joining joining = {.pids_count = 0};
    Error err = {0};
    const Job job = joining_job(parsed);

    const Backend *backend = backend_for(parsed, job, &err);
    if (!backend)
        return fail(err.code == -EINVAL ? EXIT_USAGE : EXIT_RECORD_FAILED, &err);
    const int status = joining_find(parsed, &joining);
    return status == 0 ? record(parsed, backend, NULL, &joining) : status;
}

static const char *label_fault(const char *label)
{
    if (label && (*label == '\0' || strlen(label) > MARK_LABEL_MAX))
        return "a label is 1 to 255 bytes long";
    return NULL;
}

static int run(const Parsed *parsed)
{
    const char *fault = label_fault(parsed_value(parsed, "label", NULL));

    if (fault)
        return usage_error(parsed->command, "%s", fault);
    switch (joining_count_ways(parsed)) {
    case 0:
        return usage_error(
            parsed->command,
            "what shall be recorded? Give a command, --pid, --cgroup or --container");
    case 1:
        return parsed->arguments_count > 0 ? record_command(parsed) : record_running(parsed);
    default:
        return usage_error(parsed->command,
                           "a command, --pid, --cgroup and --container exclude each other");
    }
}

static const Option options[] = {
    {"output", 'o', VALUE_FILE, "REC", NULL, "write the recording to REC (" DEFAULT_OUTPUT ")"},
    {"backend", 0, VALUE_WORDS, "NAME", "auto bpf notify ptrace",
     "how to watch; auto takes the best that works here"},
    {"label", 0, VALUE_TEXT, "LABEL", NULL, "name the run's facts, as by `whittle mark`"},
    {"stacks", 0, VALUE_NONE, NULL, NULL,
     "note the stack behind each new fact, for `whittle explain` (slower)"},
    {"pid", 'p', VALUE_TEXT, "PID", NULL,
     "join this running process and all its descendants (may be given several times)"},
    {"cgroup", 0, VALUE_FOLDER, "CGROUP", NULL,
     "record whoever is in this control group, or comes there (may be given several times)"},
    {"container", 0, VALUE_TEXT, "CONTAINER", NULL,
     "record this running container: its id, the beginning of that, or its name"},
    {0},
};

const Command command_record = {
    .name = "record",
    .summary = "Run a command and record what it needs",
    .usage = "[-o REC] [--backend NAME] [--label LABEL] [--stacks] {-- CMD… | --pid PID | --cgroup "
             "CGROUP | "
             "--container CONTAINER}",
    .options = options,
    .details =
        "Runs CMD with all its descendants, daemons included, and records every system call, file, "
        "program, socket, signal and capability that they need. It ends when the last of them has "
        "ended, with CMD's own exit status (128 plus the signal's number if CMD was killed). "
        "whittle itself "
        "fails with 125; a command that cannot be executed gives 126, one that is not there "
        "127.\n\n"
        "With privilege the recording is made in the kernel, by eBPF. But no privilege is needed: "
        "without it the command runs with no_new_privs, so that setuid programs run as the caller; "
        "the recording then says so.\n\n"
        "The recording is appended to REC while the command runs and put into canonical order at "
        "the "
        "end. If whittle is killed, the command goes on unharmed, and REC has what was seen until "
        "then and is marked incomplete.\n\n"
        "With --stacks each fact has the stack of the thread that did it first: functions, with "
        "source lines where there is debug information. `whittle explain` shows them. Without "
        "--backend, notify or ptrace is used then where they can: eBPF waits for nobody, and of a "
        "process that ends at once it has no stack.\n\n"
        "With --pid nothing is started: end the recording by ^C; the processes go on.\n\n"
        "With --cgroup, which takes the folder of a control group (v1 or v2) or its path in "
        "/proc/PID/cgroup, everybody is recorded who is in there or below, for as long as they "
        "are: "
        "those that are there, that are started there, and that are moved there. This needs eBPF, "
        "and so privilege. The recording is there (REC) once whittle is ready, waits for the first "
        "if nobody is there yet, and ends when nobody is left, by ^C, or when the group is "
        "removed.\n\n"
        "With --container the same is done with the control group of a container that runs, of "
        "Docker, Podman, containerd, CRI-O, runc or crun; what `docker exec` and the like start in "
        "it is recorded too.\n\n"
        "Examples:\n"
        "  whittle record -o nginx.jsonl -- nginx -g 'daemon off;'\n"
        "  whittle record --label unit -- make check\n"
        "  whittle record --pid \"$(pidof -s redis-server)\"\n"
        "  whittle record --cgroup /sys/fs/cgroup/system.slice/nginx.service\n"
        "  whittle record --container shop",
    .arguments = VALUE_FILE,
    .arguments_min = 0,
    .arguments_max = -1,
    .stop_at_argument = true,
    .run = run,
};
