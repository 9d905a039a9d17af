/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/engine_run.h"

#include "base/io.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOKS_MAX = 500, /* a container that did not start by then is not looked at */
    PAUSE_MS = 20,
    REMOVALS = 5, /* the engine may still be at making what is to be removed */
    GROUP_REMOVALS = 50,
    DEPTH_MAX = 8,
};

static const int stopping[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

static void pause_ms(long milliseconds)
{
    const struct timespec pause = {.tv_sec = milliseconds / 1000,
                                   .tv_nsec = milliseconds % 1000 * 1000000};

    (void)nanosleep(&pause, NULL);
}

static int ask(const EngineRun *run, const char *const *list, Buffer *out, Error *err)
{
    CLEANUP(command_line_deinit) CommandLine words = {0};

    if (command_line_add_all(&words, list) < 0)
        return error_errno(err, ENOMEM, "%s", run->engine->program);
    return engine_ask(run->engine, &words, out, err);
}

/* ---- the control group ----------------------------------------------------------------------- */

/* With systemd, groups are slices, and Docker and Podman want to hear of those alone. */
static int name_parent(EngineRun *run, Error *err)
{
    CLEANUP(buffer_deinit) Buffer driver = BUFFER_INIT;
    const char *format = run->engine->is_podman ? "{{.Host.CgroupManager}}" : "{{.CgroupDriver}}";
    const char *const question[] = {"info", "--format", format, NULL};

    const int r = ask(run, question, &driver, err);
    if (r < 0)
        return r;
    const bool systemd = strncmp(buffer_text(&driver), "systemd", strlen("systemd")) == 0;
    (void)snprintf(run->parent, sizeof run->parent, systemd ? "%s.slice" : "/%s", run->name);
    return 0;
}

/* systemd has "a-b.slice" in "a.slice". */
static int group_folder(const EngineRun *run, const CgroupMount *mount, Buffer *out)
{
    const char *dash = strchr(run->parent, '-');

    if (run->parent[0] == '/')
        return buffer_printf(out, "%s%s", mount->folder, run->parent);
    return buffer_printf(out, "%s/%.*s.slice/%s", mount->folder,
                         dash ? (int)(dash - run->parent) : 0, run->parent, run->parent);
}

/* In systemd's slice, or the root. */
static int make_group(EngineRun *run, const CgroupMounts *mounts, const char *folder)
{
    CLEANUP(free_pointer) char *above = strdup(folder);

    if (!above)
        return -ENOMEM;
    if (run->parent[0] != '/') {
        *strrchr(above, '/') = '\0';
        (void)mkdir(above, 0755);
    }
    if (mkdir(folder, 0755) < 0 && errno != EEXIST)
        return -errno;
    const int r = cgroup_of_folder(mounts, folder, &run->groups[run->groups_count], NULL);
    if (r == 0)
        run->groups_count++;
    return r;
}

static int name_groups(EngineRun *run, const CgroupMounts *mounts, Error *err)
{
    for (size_t i = 0; i < mounts->count && i < ENGINE_GROUPS_MAX; i++) {
        CLEANUP(buffer_deinit) Buffer folder = BUFFER_INIT;
        if (group_folder(run, &mounts->mounts[i], &folder) < 0 ||
            !(run->folders[i] = buffer_steal(&folder)))
            return error_errno(err, ENOMEM, "cannot make a control group");
        run->folders_count++;
    }
    return 0;
}

/* In each hierarchy but cpuset, where a new group is of no use until it was told its processors. */
static int make_groups(EngineRun *run, const CgroupMounts *mounts, Error *err)
{
    int failure = -ENOENT;

    for (size_t i = 0; i < run->folders_count; i++) {
        const char *name = strrchr(mounts->mounts[i].folder, '/');
        if (name && strcmp(name, "/cpuset") == 0)
            continue;
        const int r = make_group(run, mounts, run->folders[i]);
        if (r < 0)
            failure = r;
    }
    if (run->groups_count == 0)
        return error_errno(err, failure, "cannot make a control group to watch a container in");
    return 0;
}

/* With those below it that nobody is in: Podman leaves that of its monitor. */
static void remove_group(const char *folder, unsigned depth)
{
    DIR *entries = depth < DEPTH_MAX ? opendir(folder) : NULL;

    for (const struct dirent *entry; entries && (entry = readdir(entries)) != NULL;) {
        char *below;
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
            asprintf(&below, "%s/%s", folder, entry->d_name) < 0)
            continue;
        remove_group(below, depth + 1);
        free(below);
    }
    if (entries)
        (void)closedir(entries);
    (void)rmdir(folder);
}

static void remove_groups(const EngineRun *run)
{
    for (size_t i = 0; i < run->folders_count; i++)
        remove_group(run->folders[i], 0);
}

static bool any_group_is_left(const EngineRun *run)
{
    for (size_t i = 0; i < run->folders_count; i++) {
        if (access(run->folders[i], F_OK) == 0)
            return true;
    }
    return false;
}

/* ---- the janitor ----------------------------------------------------------------------------- */

static void remove_all(const EngineRun *run)
{
    const char *const words[] = {"rm", "--force", "--volumes", run->name, NULL};
    const char *const left[] = {"inspect", "--type", "container", run->name, NULL};

    /* Who asked for the container may have been killed before the engine had made it. */
    for (int i = 0; run->seen->created && i < REMOVALS; i++) {
        (void)ask(run, words, NULL, NULL);
        if (run->seen->has_status && ask(run, left, NULL, NULL) < 0)
            break;
        pause_ms(5 * PAUSE_MS);
    }
    for (int i = 0; i < GROUP_REMOVALS; i++) {
        remove_groups(run);
        if (!any_group_is_left(run))
            break;
        pause_ms(5 * PAUSE_MS);
    }
}

/* WAKE ends when everybody else has. */
__attribute__((noreturn)) static void janitor_main(const EngineRun *run, int wake)
{
    sigset_t all;
    char nothing;

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    while (read(wake, &nothing, 1) < 0 && errno == EINTR)
        ;
    remove_all(run);
    _exit(0);
}

/* Not the caller's child: what ends the caller's descendants spares it. */
static int start_janitor(EngineRun *run, Error *err)
{
    int wake[2];
    int end[2];

    if (pipe2(wake, O_CLOEXEC) < 0)
        return error_errno(err, errno, "cannot make a pipe");
    if (pipe2(end, O_CLOEXEC) < 0) {
        const int code = errno;
        (void)close(wake[0]);
        (void)close(wake[1]);
        return error_errno(err, code, "cannot make a pipe");
    }
    (void)fflush(NULL);
    const pid_t first = fork();
    if (first == 0) {
        (void)close(wake[1]);
        (void)close(end[0]);
        (void)setsid(); /* before the caller goes on: a signal to its group spares the janitor */
        if (fork() == 0)
            janitor_main(run, wake[0]);
        _exit(0);
    }
    (void)close(wake[0]);
    (void)close(end[1]);
    run->janitor[0] = wake[1];
    run->janitor[1] = end[0];
    if (first < 0)
        return error_errno(err, errno, "cannot start a process");
    while (waitpid(first, NULL, 0) < 0 && errno == EINTR)
        ;
    return 0;
}

static int name_run(EngineRun *run, Error *err)
{
    uint64_t random[2];

    if (getrandom(random, sizeof random, 0) != sizeof random)
        return error_errno(err, EIO, "cannot name a container");
    (void)snprintf(run->name, sizeof run->name, "whittle-%016" PRIx64 "%016" PRIx64, random[0],
                   random[1]);
    return 0;
}

int engine_run_init(EngineRun *run, const Engine *engine, Error *err)
{
    CLEANUP(cgroup_mounts_deinit) CgroupMounts mounts = {0};

    *run = (EngineRun){.engine = engine, .janitor = {-1, -1}};
    void *page =
        mmap(NULL, sizeof *run->seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return error_errno(err, errno, "cannot share memory");
    run->seen = page;
    int r = name_run(run, err);
    if (r == 0)
        r = name_parent(run, err);
    if (r == 0)
        r = cgroup_mounts_read(&mounts, err);
    if (r == 0)
        r = name_groups(run, &mounts, err);
    /* Before there is anything to be removed. */
    if (r == 0)
        r = start_janitor(run, err);
    return r == 0 ? make_groups(run, &mounts, err) : r;
}

void engine_run_deinit(EngineRun *run)
{
    char nothing;

    const bool janitor = run->janitor[0] >= 0;
    fd_close(&run->janitor[0]);
    while (janitor && read(run->janitor[1], &nothing, 1) < 0 && errno == EINTR)
        ;
    fd_close(&run->janitor[1]);
    remove_groups(run);
    for (size_t i = 0; i < run->groups_count; i++)
        cgroup_deinit(&run->groups[i]);
    run->groups_count = 0;
    for (size_t i = 0; i < run->folders_count; i++)
        free(run->folders[i]);
    run->folders_count = 0;
    if (run->seen)
        (void)munmap(TAKE(run->seen), sizeof *run->seen);
}

/* ---- looking at it --------------------------------------------------------------------------- */

/* True: it was looked at for good, or cannot be any more. */
static bool look(const EngineRun *run)
{
    CLEANUP(buffer_deinit) Buffer answer = BUFFER_INIT;
    const char *const question[] = {
        "inspect", "--type", "container", "--format", "{{.State.Running}} {{.State.Pid}}",
        run->name, NULL};
    char running[8];
    int pid;

    if (ask(run, question, &answer, NULL) < 0)
        return false;
    if (sscanf(buffer_text(&answer), "%7s %d", running, &pid) != 2)
        return true;
    return strcmp(running, "true") == 0 && pid > 0 && engine_look_at(run->seen, pid);
}

static void look_at_user(const EngineRun *run)
{
    CLEANUP(buffer_deinit) Buffer user = BUFFER_INIT;
    const char *const question[] = {"inspect",          "--type",  "container", "--format",
                                    "{{.Config.User}}", run->name, NULL};

    run->seen->powerless = !run->engine->is_podman && ask(run, question, &user, NULL) == 0 &&
                           !engine_user_is_root(buffer_text(&user));
}

/* ---- the driver ------------------------------------------------------------------------------ */

typedef struct Driver {
    const EngineRun *run;
    int signals;
    bool asked_to_stop;
} Driver;

static void stop(const EngineRun *run)
{
    const char *const words[] = {"stop", "--time", "8", run->name, NULL};

    (void)ask(run, words, NULL, NULL);
}

/* A signal: the container is to end. From the terminal, it went to the engine's client as well. */
static void on_signal(Driver *driver)
{
    struct signalfd_siginfo info;

    while (read(driver->signals, &info, sizeof info) == sizeof info) {
        if (!driver->asked_to_stop)
            stop(driver->run);
        driver->asked_to_stop = true;
    }
}

/* The exit status of CHILD, a child. Until it was looked at, also looks. */
static int await(Driver *driver, pid_t child, bool looks)
{
    CLEANUP(fd_close) int fd = (int)syscall(SYS_pidfd_open, child, 0);
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = driver->signals, .events = POLLIN}};
    int tries = looks ? LOOKS_MAX : 0;
    int status;

    while (fd >= 0) {
        const int n = poll(fds, ARRAY_LENGTH(fds), tries > 0 ? PAUSE_MS : -1);
        if (n < 0 && errno != EINTR)
            break;
        if (n > 0 && fds[1].revents)
            on_signal(driver);
        if (n > 0 && fds[0].revents)
            break;
        if (tries > 0 && look(driver->run))
            tries = 0;
        tries -= tries > 0;
    }
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int create(const EngineRun *run, Error *err)
{
    CLEANUP(command_line_deinit) CommandLine words = {0};
    CLEANUP(fd_close) int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int status = 0;

    if (command_line_add(&words, "create") < 0 ||
        command_line_add(&words, "--name=%s", run->name) < 0 ||
        command_line_add(&words, "--cgroup-parent=%s", run->parent) < 0 ||
        command_line_add_all(&words, (const char *const *)run->words->list) < 0)
        return error_errno(err, ENOMEM, "cannot create a container");
    run->seen->created = true;
    const pid_t child = engine_start(run->engine, &words, nothing, -1);
    if (child < 0)
        return error_errno(err, child, "cannot create a container");
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0 ? 0
                       : error_set(err, -ECHILD, "%s could not create the container: see above",
                                   run->engine->program);
}

/* Runs it to its end, in the foreground. */
static int run_attached(Driver *driver, Error *err)
{
    const EngineRun *run = driver->run;
    CLEANUP(command_line_deinit) CommandLine words = {0};
    const char *const list[] = {"start", "--attach", run->name, NULL};

    if (command_line_add_all(&words, list) < 0)
        return error_errno(err, ENOMEM, "cannot start a container");
    const pid_t child = engine_start(run->engine, &words, -1, -1);
    if (child < 0)
        return error_errno(err, child, "cannot start a container");
    run->seen->status = await(driver, child, true);
    return 0;
}

static void tell_last_words(const EngineRun *run)
{
    CLEANUP(command_line_deinit) CommandLine words = {0};
    const char *const list[] = {"logs", "--tail", "20", run->name, NULL};
    int status;

    if (command_line_add_all(&words, list) < 0)
        return;
    const pid_t child = engine_start(run->engine, &words, STDERR_FILENO, STDERR_FILENO);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
}

/* Runs the test while it runs, and then stops it. */
static int run_tested(Driver *driver, Error *err)
{
    const EngineRun *run = driver->run;
    const char *const start[] = {"start", run->name, NULL};

    int r = ask(run, start, NULL, err);
    if (r < 0)
        return r;
    for (int i = 0; i < LOOKS_MAX / 10 && !look(run); i++)
        pause_ms(PAUSE_MS);
    if (setenv("WHITTLE_CONTAINER", run->name, 1) < 0 ||
        setenv("WHITTLE_ENGINE", run->engine->program, 1) < 0)
        return error_errno(err, errno, "cannot start the test");
    const pid_t child = command_line_start(run->test, -1, -1);
    if (child < 0)
        return error_errno(err, child, "cannot start the test");
    run->seen->status = await(driver, child, false);
    if (run->seen->status != 0)
        tell_last_words(run);
    stop(run);
    return 0;
}

__attribute__((noreturn)) static void driver_main(const EngineRun *run)
{
    Driver driver = {.run = run};
    Error *problem = &run->seen->problem;
    sigset_t taken;

    (void)sigemptyset(&taken);
    for (size_t i = 0; i < ARRAY_LENGTH(stopping); i++)
        (void)sigaddset(&taken, stopping[i]);
    (void)sigprocmask(SIG_SETMASK, &taken, NULL);
    driver.signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    int r = driver.signals < 0 ? error_errno(problem, errno, "cannot take signals")
                               : create(run, problem);
    if (r == 0) {
        look_at_user(run);
        r = run->test ? run_tested(&driver, problem) : run_attached(&driver, problem);
    }
    run->seen->has_status = r == 0;
    /* If nobody came, nobody will: that ends the recording. */
    remove_groups(run);
    _exit(0);
}

void engine_run_start(void *data)
{
    EngineRun *run = data;

    (void)fflush(NULL);
    run->driver = fork();
    if (run->driver == 0)
        driver_main(run);
    if (run->driver < 0) {
        (void)error_errno(&run->seen->problem, errno, "cannot start a process");
        remove_groups(run);
    }
}

int engine_run_finish(EngineRun *run, bool interrupted, Error *err)
{
    if (run->driver > 0 && interrupted)
        (void)kill(run->driver, SIGTERM);
    while (run->driver > 0 && waitpid(run->driver, NULL, 0) < 0 && errno == EINTR)
        ;
    run->driver = 0;
    if (run->seen->problem.code != 0) {
        *err = run->seen->problem;
        return err->code;
    }
    return run->seen->has_status ? 0
                                 : error_set(err, -ECHILD,
                                             "the process that runs the container "
                                             "was killed");
}
