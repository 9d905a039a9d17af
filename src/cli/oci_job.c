/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/oci_job.h"

#include "base/io.h"
#include "base/memory.h"
#include "cli/oci_spare.h"
#include "cli/run_begin.h"
#include "tracer/notify_listeners.h"
#include "tracer/oci_bundle.h"
#include "tracer/oci_engine.h"
#include "tracer/oci_permissive.h"
#include "tracer/oci_service.h"
#include "tracer/oci_socket.h"
#include "tracer/oci_version.h"
#include "tracer/supervise.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* ---- from process to process ----------------------------------------------------------------- */

static const size_t job_texts[] = {
    offsetof(OciJob, root),       offsetof(OciJob, id),
    offsetof(OciJob, bundle),     offsetof(OciJob, config),
    offsetof(OciJob, runtime),    offsetof(OciJob, output),
    offsetof(OciJob, label),      offsetof(OciJob, configuration),
    offsetof(OciJob, permissive), offsetof(OciJob, listener),
};

enum { ABSENT = '-', PRESENT = '+' };

int oci_job_write(const OciJob *job, Buffer *out)
{
    for (size_t i = 0; i < ARRAY_LENGTH(job_texts); i++) {
        const char *text;
        memcpy(&text, (const char *)job + job_texts[i], sizeof text);
        int r = buffer_printf(out, "%c%s", text ? PRESENT : ABSENT, text ? text : "");
        if (r == 0)
            r = buffer_append(out, "", 1);
        if (r < 0)
            return r;
    }
    return 0;
}

int oci_job_read(const char *text, size_t length, OciJob *ret_job)
{
    OciJob job = {.process = 0};
    size_t at = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(job_texts); i++) {
        const char *end = at < length ? memchr(text + at, '\0', length - at) : NULL;
        if (!end || (text[at] != PRESENT && text[at] != ABSENT))
            return -EBADMSG;
        const char *value = text[at] == PRESENT ? text + at + 1 : NULL;
        memcpy((char *)&job + job_texts[i], &value, sizeof value);
        at = (size_t)(end - text) + 1;
    }
    if (at != length || !job.id || !job.bundle || !job.runtime || !job.output)
        return -EBADMSG;
    *ret_job = job;
    return 0;
}

/* ---- the recording --------------------------------------------------------------------------- */

/* A blank ends it. */
static void put_path(const char *path, Buffer *out)
{
    for (; *path; path++)
        (void)(*path == ' ' || *path == '%' ? buffer_printf(out, "%%%02x", *path)
                                            : buffer_putc(out, *path));
}

static void put_mounts(const OciBundle *bundle, Buffer *out)
{
    static const char *const kinds[] = {
        [OCI_MOUNT_BIND] = "bind", [OCI_MOUNT_VOLUME] = "volume", [OCI_MOUNT_TMPFS] = "tmpfs"};

    for (size_t i = 0; i < bundle->mounts_count; i++) {
        const OciMount *mount = &bundle->mounts[i];
        if (mount->class == OCI_MOUNT_OTHER)
            continue;
        (void)buffer_printf(out, "%s%s:", out->length > 0 ? " " : "", kinds[mount->class]);
        put_path(mount->destination, out);
    }
}

static void put_words(const OciTexts *texts, Buffer *out)
{
    for (size_t i = 0; i < texts->count; i++)
        (void)buffer_printf(out, "%s%s", i > 0 ? " " : "", texts->list[i]);
}

static const char *text_or_null(const Buffer *buffer)
{
    return buffer->length > 0 ? buffer_text(buffer) : NULL;
}

static int describe(const OciJob *job, const OciBundle *bundle, const Backend *backend,
                    Recording *recording, uint32_t *ret_run, Error *err)
{
    CLEANUP(oci_identity_deinit) OciIdentity identity = {0};
    CLEANUP(buffer_deinit) Buffer capabilities = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer mounts = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer denies = BUFFER_INIT;
    const OciProcess *process = &bundle->process;
    const char *runtime = strrchr(job->runtime, '/');
    char version[64];
    char user[32];

    put_words(&process->bounding, &capabilities);
    put_mounts(bundle, &mounts);
    if (oci_identity_read(bundle, job->id, &identity) < 0 || capabilities.error || mounts.error)
        return error_errno(err, ENOMEM, "cannot begin a recording");
    if (job->permissive) {
        const int r = oci_permissive_denies(bundle, &denies, err);
        if (r < 0)
            return r;
    }
    if (!job->runtime_version)
        oci_version(job->runtime, version, sizeof version);
    (void)snprintf(user, sizeof user, "%u:%u", process->uid, process->gid);
    const Run run = {
        .label = job->label,
        .backend = backend->name,
        .image = identity.image,
        .image_digest = identity.image_digest,
        .runtime_version = job->runtime_version ? job->runtime_version : version,
        .engine = identity.engine,
        .container = identity.name ? identity.name : job->id,
        .container_id = job->id,
        .service = identity.service,
        .capabilities = process->has_capabilities ? buffer_text(&capabilities) : NULL,
        .mounts = text_or_null(&mounts),
        .profile_denies = text_or_null(&denies),
        .runtime = runtime ? runtime + 1 : job->runtime,
        .user = user,
        .command = process->args.list,
        .command_count = process->args.count,
        .exit_status = -1,
        .no_new_privs = process->no_new_privileges,
    };
    return run_begin(&run, recording, ret_run, err);
}

typedef struct Start {
    Background *background;
    const OciJob *job;
} Start;

static void on_started(void *data)
{
    const Start *start = data;

    background_ready(start->background);
    if (!start->job->listener)
        oci_spare_start(start->job->configuration);
}

OciProfileChange oci_job_change(const OciJob *job)
{
    return (OciProfileChange){
        .lift = job->permissive != NULL, .listener = job->listener, .metadata = job->id};
}

/* Profiles are put back; an engine may have taken the bundle away meanwhile, or made it anew: that
 * is the usual. */
static void undo_profiles(const OciJob *job, const OciBundle *bundle)
{
    const OciProfileChange change = oci_job_change(job);

    if (change.lift || change.listener)
        (void)oci_profile_undo(bundle, &change, NULL);
}

/* For the runtime to send listeners to; the memory is shared with the recorder. */
typedef struct Agent {
    SeccompAgent agent;
    char *path;
} Agent;

static void agent_deinit(Agent *agent)
{
    fd_close(&agent->agent.socket);
    oci_socket_remove(agent->path);
    if (agent->agent.container)
        (void)munmap(agent->agent.container, sizeof *agent->agent.container);
}

static int agent_init(Agent *agent, const OciJob *job, Error *err)
{
    if (!job->listener)
        return 0;
    void *page = mmap(NULL, sizeof *agent->agent.container, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return error_errno(err, errno, "cannot share memory with the recorder");
    agent->agent.container = page;
    agent->agent.socket = oci_service_open_agent(job->root, job->id, &agent->path, err);
    return agent->agent.socket < 0 ? agent->agent.socket : 0;
}

static int refusal(const void *data, const Syscall *syscall, int arch,
                   const uint64_t args[SYSCALL_ARGS])
{
    return container_filter_answer(data, syscall, arch, args);
}

/* Where runtimes ask for the recorder. */
typedef struct Service {
    int socket;
    char *path;
} Service;

static void service_deinit(Service *service)
{
    oci_socket_remove(TAKE(service->path));
    fd_close(&service->socket);
}

static int record(const OciJob *job, BackendPrepared *prepared, Service *service,
                  Background *background, Error *err)
{
    CLEANUP(recording_cleanup) Recording *recording = recording_new();
    CLEANUP(oci_bundle_drop) OciBundle *bundle = NULL;
    CLEANUP(container_filter_drop) ContainerFilter *filter = NULL;
    CLEANUP(agent_deinit) Agent agent = {.agent = {.socket = -1}};
    const OciProfileChange change = oci_job_change(job);
    const Backend *backend = job->listener ? &backend_listener : &backend_bpf;
    SuperviseResult result;
    uint32_t run = 0;

    if (!recording)
        return error_errno(err, ENOMEM, "cannot begin a recording");
    int r = oci_bundle_read(job->bundle, job->config, &bundle, err);
    if (r == 0 && !prepared)
        r = backend->probe(err);
    if (r == 0 && job->listener)
        r = oci_profile_filter(bundle, &change, &filter, err);
    if (r == 0)
        r = agent_init(&agent, job, err);
    if (r == 0)
        r = describe(job, bundle, backend, recording, &run, err);
    if (r < 0)
        return r;
    Start start = {background, job};
    agent.agent.filter = filter;
    const Enforcement enforcement = {.refusal = refusal, .data = filter};
    const Supervision supervision = {
        .backend = backend,
        .prepared = prepared,
        .join = &job->process,
        .join_count = 1,
        .join_as = bundle->has_seccomp ? JOIN_RUNTIME : JOIN_RUNTIME_UNFILTERED,
        .runtimes = service->socket,
        .agent = job->listener ? &agent.agent : NULL,
        .recording = recording,
        .run = run,
        .label = job->label,
        .known = {.enforcement = filter ? &enforcement : NULL},
        .output = job->output,
        .started = on_started,
        .started_data = &start,
    };
    r = supervise(&supervision, &result, err);
    if (r == 0 && result.recorder_died && job->listener) {
        service_deinit(service);
        listeners_let_run(&agent.agent);
    }
    undo_profiles(job, bundle);
    return r;
}

void oci_job_run(const OciJob *job, BackendPrepared *prepared, Background *background)
{
    CLEANUP(service_deinit) Service service = {.socket = -1};
    Error err = {0};

    (void)umask(027);
    service.socket = oci_service_open(job->root, job->id, &service.path, &err);
    const int r =
        service.socket < 0 ? service.socket : record(job, prepared, &service, background, &err);
    if (r < 0)
        background_failed(background, &err);
}
