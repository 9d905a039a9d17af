/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/oci_spare.h"

#include "base/io.h"
#include "base/memory.h"
#include "base/procfs.h"
#include "tracer/cgroups.h"
#include "tracer/oci_config.h"
#include "tracer/oci_socket.h"
#include "tracer/oci_version.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPARE_SOCKET "spare"
#define SPARE_LOCK   "spare.lock"

enum { TAKEN = 't', GO = 'g' };
enum { JOB_BYTES_MAX = 64 * 1024, MILLISECONDS_A_MINUTE = 60 * 1000, NICE_WHILE_LOADING = 10 };

/* ---- who asks -------------------------------------------------------------------------------- */

/* Another whittle-oci than this, by an update for instance, gets no job of it. */
static int own_program(Buffer *out)
{
    struct stat st;

    if (stat("/proc/self/exe", &st) < 0)
        return -errno;
    return buffer_printf(out, "%s %jx %jx %jx.%09ld", WHITTLE_VERSION, (uintmax_t)st.st_dev,
                         (uintmax_t)st.st_ino, (uintmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

static int write_request(const OciJob *job, Buffer *out)
{
    int r = own_program(out);

    if (r == 0)
        r = buffer_append(out, "", 1);
    return r == 0 ? oci_job_write(job, out) : r;
}

/* By a signal, so that it would not answer. */
static bool is_stopped(pid_t pid)
{
    char stat[512];

    if (procfs_read_task(pid, "stat", stat, sizeof stat) < 0)
        return true;
    const char *name_end = strrchr(stat, ')');
    return name_end && strchr("Tt", name_end[1] == ' ' ? name_end[2] : ' ');
}

/* While it loads it gives way to others, but now somebody waits for it. */
static void hurry(pid_t pid)
{
    (void)setpriority(PRIO_PROCESS, (id_t)pid, getpriority(PRIO_PROCESS, 0));
}

/*
 * The request, TAKEN by the spare, GO by who asked: one that answers late, when somebody else has
 * the job already, gets no GO.
 */
int oci_spare_ask(const OciJob *job, Error *err)
{
    CLEANUP(buffer_deinit) Buffer request = BUFFER_INIT;
    struct ucred spare;
    CLEANUP(fd_close) int fd = oci_socket_connect(SPARE_SOCKET, &spare, NULL);
    const char go = GO;
    char taken;

    if (fd < 0 || spare.pid <= 0 || is_stopped(spare.pid))
        return -ENOENT;
    if (write_request(job, &request) < 0 ||
        send(fd, request.data, request.length, MSG_NOSIGNAL) != (ssize_t)request.length)
        return -ENOENT;
    hurry(spare.pid);
    if (recv(fd, &taken, 1, 0) != 1 || taken != TAKEN || send(fd, &go, 1, MSG_NOSIGNAL) != 1)
        return -ENOENT;
    return background_await(fd, err);
}

void oci_spare_start(const char *configuration)
{
    static const char *const kept[] = {"PATH",         "XDG_RUNTIME_DIR", "ASAN_OPTIONS",
                                       "LSAN_OPTIONS", "UBSAN_OPTIONS",   "TSAN_OPTIONS"};
    char *environment[ARRAY_LENGTH(kept) + 2] = {NULL};
    size_t used = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(kept); i++) {
        const char *value = getenv(kept[i]);
        if (value && asprintf(&environment[used], "%s=%s", kept[i], value) >= 0)
            used++;
    }
    if (configuration &&
        asprintf(&environment[used], OCI_CONFIG_VARIABLE "=%s", configuration) >= 0)
        used++;
    environment[used] = NULL;
    (void)background_exec(OCI_SPARE_COMMAND, environment);
    for (size_t i = 0; i < used; i++)
        free(environment[i]);
}

/* ---- the spare ------------------------------------------------------------------------------- */

/* The runtime must see files and processes as this process does. */
static bool is_in_own_namespaces(pid_t pid)
{
    static const char *const kinds[] = {"mnt", "pid", "user"};

    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        struct stat own, other;
        char path[64];
        (void)snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
        if (stat(path, &own) < 0)
            return false;
        (void)snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, kinds[i]);
        if (stat(path, &other) < 0 || own.st_ino != other.st_ino || own.st_dev != other.st_dev)
            return false;
    }
    return true;
}

typedef struct Spare {
    BackendPrepared *prepared;
    char *runtime;    /* path of the runtime that the configuration names; NULL: not found */
    char version[64]; /* its */
    char *path;       /* of the socket */
    int listener;
    int lock;
} Spare;

static void spare_deinit(Spare *spare)
{
    backend_bpf.unprepare(spare->prepared);
    free(spare->runtime);
    oci_socket_remove(spare->path);
    fd_close(&spare->listener);
    fd_close(&spare->lock);
}

static int spare_init(Spare *spare, const OciConfig *config)
{
    /* Who starts a container now should not wait for what is for the next one. */
    const int nice = getpriority(PRIO_PROCESS, 0);

    spare->lock = oci_socket_lock(SPARE_LOCK, NULL);
    if (spare->lock < 0)
        return spare->lock;
    /* Who asks while it loads waits no longer than by loading for itself. */
    spare->listener = oci_socket_listen(SPARE_SOCKET, &spare->path, NULL);
    if (spare->listener < 0)
        return spare->listener;
    (void)setpriority(PRIO_PROCESS, 0, nice + NICE_WHILE_LOADING);
    oci_socket_tidy();
    const int r = backend_bpf.prepare(&spare->prepared, NULL);
    if (oci_config_find_runtime(config, &spare->runtime, NULL) == 0)
        oci_version(spare->runtime, spare->version, sizeof spare->version);
    (void)setpriority(PRIO_PROCESS, 0, nice);
    return r;
}

/* Takes the first request; REQUEST is what JOB's texts are in. */
static int take_job(Spare *spare, Buffer *request, OciJob *ret_job)
{
    CLEANUP(buffer_deinit) Buffer own = BUFFER_INIT;
    struct ucred peer;
    char text[JOB_BYTES_MAX];
    CLEANUP(fd_close) int fd = oci_socket_accept(spare->listener, &peer);

    if (fd < 0)
        return fd;
    const ssize_t n = recv(fd, text, sizeof text, 0);
    if (n <= 0 || buffer_append(request, text, (size_t)n) < 0 || own_program(&own) < 0)
        return -EBADMSG;
    const size_t program = strnlen(request->data, request->length) + 1;
    if (program > request->length || strcmp(request->data, buffer_text(&own)) != 0)
        return -ESTALE;
    if (peer.pid <= 0 || !is_in_own_namespaces(peer.pid))
        return -EXDEV;
    const int r = oci_job_read(request->data + program, request->length - program, ret_job);
    if (r < 0)
        return r;
    const char taken = TAKEN;
    char go;
    if (send(fd, &taken, 1, MSG_NOSIGNAL) != 1 || recv(fd, &go, 1, 0) != 1 || go != GO)
        return -ECANCELED;
    ret_job->process = peer.pid;
    const int asker = fd;
    fd = -1;
    return asker;
}

int oci_spare_main(void)
{
    CLEANUP(spare_deinit) Spare spare = {.listener = -1, .lock = -1};
    CLEANUP(oci_config_deinit) OciConfig config = {0};
    CLEANUP(buffer_deinit) Buffer request = BUFFER_INIT;
    sigset_t none;
    bool may_be_missing;
    OciJob job;

    /* Those of the process that started it were for that one. */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    const char *path = oci_config_path(&may_be_missing);
    if (oci_config_read(path, may_be_missing, &config, NULL) < 0 || config.keep_ready == 0 ||
        spare_init(&spare, &config) < 0)
        return 1;
    struct pollfd asked = {.fd = spare.listener, .events = POLLIN};
    if (poll(&asked, 1, (int)config.keep_ready * MILLISECONDS_A_MINUTE) <= 0)
        return 0;
    const int asker = take_job(&spare, &request, &job);
    /* From here on this is no spare any more. */
    oci_socket_remove(TAKE(spare.path));
    fd_close(&spare.listener);
    fd_close(&spare.lock);
    if (asker < 0)
        return 1;
    cgroup_follow(job.process);
    if (spare.runtime && strcmp(spare.runtime, job.runtime) == 0)
        job.runtime_version = spare.version;
    Background background = {.report = asker};
    oci_job_run(&job, spare.prepared, &background);
    return 0;
}
