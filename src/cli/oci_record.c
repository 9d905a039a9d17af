/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/oci_record.h"

#include "base/memory.h"
#include "cli/oci_job.h"
#include "cli/oci_spare.h"
#include "generator/knowledge.h"
#include "tracer/oci_bundle.h"
#include "tracer/oci_engine.h"
#include "tracer/oci_output.h"
#include "tracer/oci_service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MILLISECONDS = 10000 };

static void run_job(Background *background, void *data)
{
    oci_job_run(data, NULL, background);
}

/* By the spare recorder, which is quick, or else a new one. */
static int start_recorder(OciJob *job, Error *err)
{
    const int r = job->listener ? -ENOENT : oci_spare_ask(job, err);

    if (r != -ENOENT && r != -ECHILD)
        return r;
    return background_start(run_job, job, err);
}

/* BY_LISTENER: by the runtime's seccomp listener, not by eBPF. */
static int record_container(const OciConfig *config, bool by_listener, const char *runtime,
                            const OciArguments *arguments, OciBundle *description,
                            const OciWish *wish, Error *err)
{
    CLEANUP(free_pointer) char *bundle = realpath(arguments->bundle, NULL);
    CLEANUP(oci_identity_deinit) OciIdentity identity = {0};
    CLEANUP(free_pointer) char *output = NULL;
    CLEANUP(free_pointer) char *listener = NULL;
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (!bundle)
        return error_errno(err, errno, "%s", arguments->bundle);
    int r = oci_identity_read(description, arguments->container, &identity);
    if (r < 0)
        return error_errno(err, r, "cannot begin a recording");
    if (by_listener)
        r = oci_service_agent_path(arguments->root, arguments->container, &listener, err);
    if (r < 0)
        return r;
    r = oci_output(config, wish->out, identity.name, arguments->container, time(NULL), &output,
                   err);
    if (r < 0)
        return r;
    OciJob job = {
        .root = arguments->root,
        .id = arguments->container,
        .bundle = bundle,
        .config = arguments->config,
        .runtime = runtime,
        .output = output,
        .label = wish->label ? wish->label : config->label,
        .configuration = getenv(OCI_CONFIG_VARIABLE),
        .permissive = config->permissive ? "yes" : NULL,
        .listener = listener,
        .process = getpid(),
    };
    const OciProfileChange change = oci_job_change(&job);
    const bool changes = change.lift || change.listener;
    r = changes ? oci_profile_text(description, &change, &text, err) : 0;
    if (r == 0)
        r = start_recorder(&job, err);
    if (r < 0) {
        (void)unlink(output);
        return r;
    }
    /* The recorder has read the description; unrecorded, a container keeps its profiles. */
    return changes ? oci_bundle_replace(description, buffer_text(&text), err) : 0;
}

static int lift_profiles(OciBundle *bundle, Error *err)
{
    const OciProfileChange change = {.lift = true};
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    const int r = oci_profile_text(bundle, &change, &text, err);

    return r < 0 ? r : oci_bundle_replace(bundle, buffer_text(&text), err);
}

/* True: there is something to say of RUNTIME, in ERR. */
static bool warn_of(const char *runtime, Error *err)
{
    const char *slash = strrchr(runtime, '/');
    const char *name = slash ? slash + 1 : runtime;

    if (runtime_is_known(name))
        return false;
    (void)error_set(
        err, 0,
        "whittle has no table of what the runtime %.60s needs, so profiles made of this "
        "recording may keep it from starting containers; script/measure-runtimes "
        "measures it",
        name);
    return true;
}

/* The recorder of an earlier container of that name, of the same bundle perhaps, puts its profile
 * back before it ends. */
static void await_profile(const OciArguments *arguments)
{
    (void)oci_service_await_end(arguments->root, arguments->container, WAIT_MILLISECONDS);
}

/* Recording by eBPF failed with FAILURE. If it is the kernel that cannot: by its listener then,
 * with *BUNDLE read again. 1: done, and ERR says so; a negative errno with ERR. */
static int fall_back(int failure, const OciConfig *config, const char *runtime,
                     const OciArguments *arguments, OciBundle **bundle, Error *err)
{
    Error why = {0};
    OciWish wish;

    if (config->backend != OCI_BACKEND_AUTO || backend_bpf.probe(&why) == 0)
        return failure;
    await_profile(arguments);
    oci_bundle_drop(bundle);
    *bundle = NULL;
    int r = oci_bundle_read(arguments->bundle, arguments->config, bundle, err);
    if (r < 0)
        return r;
    oci_bundle_wish(*bundle, &wish);
    r = record_container(config, true, runtime, arguments, *bundle, &wish, err);
    if (r < 0)
        return r;
    (void)error_set(err, 0,
                    "recording by the seccomp listener, which sees less (`man whittle-oci`), "
                    "because without eBPF: %s",
                    why.text);
    return 1;
}

int oci_record_container(const OciConfig *config, const char *runtime,
                         const OciArguments *arguments, Error *err)
{
    CLEANUP(oci_bundle_drop) OciBundle *bundle = NULL;
    const bool by_listener = config->backend == OCI_BACKEND_LISTENER;
    OciWish wish;

    if (config->permissive || by_listener)
        await_profile(arguments);
    int r = oci_bundle_read(arguments->bundle, arguments->config, &bundle, err);
    if (r < 0)
        /* The runtime does not find it either, and says so in its own words. */
        return r == -ENOENT ? 0 : r;
    oci_bundle_wish(bundle, &wish);
    const bool record = wish.record;
    if (record)
        r = record_container(config, by_listener, runtime, arguments, bundle, &wish, err);
    if (r < 0)
        r = fall_back(r, config, runtime, arguments, &bundle, err);
    /* Even if nothing is recorded: it is not the workload's business. */
    Error unstripped = {0};
    const int stripped = bundle ? oci_bundle_strip(bundle, &unstripped) : 0;
    if (r >= 0 && stripped < 0)
        *err = unstripped;
    if (r < 0 || stripped < 0)
        return r < 0 ? r : stripped;
    return r > 0 || (record && warn_of(runtime, err)) ? 1 : 0;
}

int oci_record_exec(const OciConfig *config, const OciArguments *arguments, Error *err)
{
    CLEANUP(oci_bundle_drop) OciBundle *bundle = NULL;
    int r = 0;

    if (arguments->process) {
        r = oci_bundle_read_process(arguments->process, &bundle, err);
        if (r == 0)
            r = oci_bundle_strip(bundle, err);
        if (r < 0)
            return r;
    }
    r = oci_service_ask(arguments->root, arguments->container, err);
    if (r == 0 && config->permissive && bundle && bundle->process.apparmor)
        r = lift_profiles(bundle, err);
    return r == -ENOENT ? 0 : r;
}
