/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/oci_record.h"

#include "base/memory.h"
#include "cli/run_begin.h"
#include "model/mark.h"
#include "tracer/background.h"
#include "tracer/oci_bundle.h"
#include "tracer/oci_output.h"
#include "tracer/oci_service.h"
#include "tracer/supervise.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* For the recorder's process, which gets a copy of all of it. */
typedef struct Job {
    const OciConfig *config;
    const OciArguments *arguments;
    const OciBundle *bundle;
    const char *label;  /* NULL: none */
    const char *output; /* path of the recording */
    pid_t runtime;
    Background *background;
} Job;

static void recording_drop(Recording **recording)
{
    *recording = recording_free(*recording);
}

static int describe(const Job *job, const Backend *backend, Recording *recording, uint32_t *ret_run,
                    Error *err)
{
    const OciProcess *process = &job->bundle->process;
    const char *runtime = strrchr(job->config->runtime, '/');
    char features[256] = "";
    char user[32];

    backend->features(features, sizeof features);
    (void)snprintf(user, sizeof user, "%u:%u", process->uid, process->gid);
    const Run run = {
        .label = job->label,
        .backend = backend->name,
        .features = features,
        .container = job->arguments->container,
        .runtime = runtime ? runtime + 1 : job->config->runtime,
        .user = user,
        .command = process->args.list,
        .command_count = process->args.count,
        .exit_status = -1,
        .no_new_privs = process->no_new_privileges,
    };
    return run_begin(&run, recording, ret_run, err);
}

static void on_started(void *data)
{
    const Job *job = data;

    background_ready(job->background);
}

static int record(const Job *job, int runtimes, Error *err)
{
    CLEANUP(recording_drop) Recording *recording = recording_new();
    const Backend *backend = &backend_bpf;
    SuperviseResult result;
    uint32_t run;

    if (!recording)
        return error_errno(err, ENOMEM, "cannot begin a recording");
    int r = backend->probe(err);
    if (r == 0)
        r = describe(job, backend, recording, &run, err);
    if (r < 0)
        return r;
    const Supervision supervision = {
        .backend = backend,
        .join = &job->runtime,
        .join_count = 1,
        .join_as = job->bundle->has_seccomp ? JOIN_RUNTIME : JOIN_RUNTIME_UNFILTERED,
        .runtimes = runtimes,
        .recording = recording,
        .run = run,
        .label = job->label,
        .output = job->output,
        .started = on_started,
        .started_data = (void *)(uintptr_t)job,
    };
    return supervise(&supervision, &result, err);
}

/* In the recorder's process. */
static void record_in_background(Background *background, void *data)
{
    Job *job = data;
    const OciArguments *arguments = job->arguments;
    Error err = {0};
    char *path = NULL;

    job->background = background;
    (void)umask(027);
    const int runtimes = oci_service_open(arguments->root, arguments->container, &path, &err);
    const int r = runtimes < 0 ? runtimes : record(job, runtimes, &err);
    oci_service_close(path);
    if (r < 0)
        background_failed(background, &err);
}

int oci_record_container(const OciConfig *config, const OciArguments *arguments, Error *err)
{
    CLEANUP(oci_bundle_drop) OciBundle *bundle = NULL;
    CLEANUP(free_pointer) char *output = NULL;
    OciWish wish;

    int r = oci_bundle_read(arguments->bundle, arguments->config, &bundle, err);
    if (r < 0)
        return r;
    oci_bundle_wish(bundle, &wish);
    if (wish.record) {
        Job job = {
            .config = config,
            .arguments = arguments,
            .bundle = bundle,
            .label = wish.label ? wish.label : config->label,
            .runtime = getpid(),
        };
        r = oci_output(config, wish.out, NULL, arguments->container, time(NULL), &output, err);
        job.output = output;
        if (r == 0)
            r = background_start(record_in_background, &job, err);
        if (r < 0 && output)
            (void)unlink(output);
    }
    /* Even if nothing is recorded: it is not the workload's business. */
    const int stripped = oci_bundle_strip(bundle, r < 0 ? NULL : err);
    return r < 0 ? r : stripped < 0 ? stripped : 0;
}

int oci_record_exec(const OciArguments *arguments, Error *err)
{
    if (arguments->process) {
        CLEANUP(oci_bundle_drop) OciBundle *bundle = NULL;
        int r = oci_bundle_read_process(arguments->process, &bundle, err);
        if (r == 0)
            r = oci_bundle_strip(bundle, err);
        if (r < 0)
            return r;
    }
    const int r = oci_service_ask(arguments->root, arguments->container, err);
    return r == -ENOENT ? 0 : r;
}
