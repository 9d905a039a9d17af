/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/guard.h"

#include "base/io.h"
#include "base/memory.h"
#include "base/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, LOOK_AGAIN_MS = 100, DEPTH_MAX = 4096 };

static const int passed_on[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

/* ---- ending what is left -------------------------------------------------------------------- */

/* Is PID a descendant of the caller? */
static bool is_descendant(pid_t pid)
{
    const pid_t own = getpid();
    char state;

    for (int depth = 0; pid > 1 && depth < DEPTH_MAX; depth++) {
        if (procfs_stat(pid, &state, &pid) < 0)
            return false;
        if (pid == own)
            return true;
    }
    return false;
}

/* Does PID run another program than the caller? False where that cannot be seen. */
static bool runs_another_program(pid_t pid)
{
    char path[64];
    struct stat own;
    struct stat other;

    (void)snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    return stat("/proc/self/exe", &own) == 0 && stat(path, &other) == 0 &&
           (own.st_dev != other.st_dev || own.st_ino != other.st_ino);
}

/* Which descendants. */
typedef enum Whom { WHOM_ALL, WHOM_OTHER_PROGRAMS } Whom;

/* The descriptor is opened first: if the number was another's meanwhile, it is not that one's. */
static void kill_if_descendant(pid_t pid, Whom whom)
{
    CLEANUP(fd_close) int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (fd >= 0 && is_descendant(pid) && (whom == WHOM_ALL || runs_another_program(pid)))
        (void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
}

static void kill_descendants(Whom whom)
{
    DIR *processes = opendir("/proc");

    for (const struct dirent *entry; processes && (entry = readdir(processes)) != NULL;) {
        char *end;
        const long pid = strtol(entry->d_name, &end, 10);
        if (pid > 1 && *end == '\0')
            kill_if_descendant((pid_t)pid, whom);
    }
    if (processes)
        (void)closedir(processes);
}

void guard_end_descendants(void)
{
    const struct timespec pause = {.tv_nsec = 2 * 1000 * 1000};

    for (;;) {
        pid_t ended = waitpid(-1, NULL, WNOHANG);
        while (ended > 0)
            ended = waitpid(-1, NULL, WNOHANG);
        if (ended < 0 && errno == ECHILD)
            return;
        kill_descendants(WHOM_ALL);
        (void)nanosleep(&pause, NULL);
    }
}

/* Removes what is in the folder FD, which is closed; links are not followed. */
static void empty_folder(int fd)
{
    DIR *folder = fdopendir(fd);

    if (!folder) {
        (void)close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            unlinkat(fd, entry->d_name, 0) == 0)
            continue;
        const int inner =
            openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner < 0)
            continue;
        empty_folder(inner);
        (void)unlinkat(fd, entry->d_name, AT_REMOVEDIR);
    }
    (void)closedir(folder);
}

static void remove_folder(const char *path)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return;
    empty_folder(fd);
    (void)rmdir(path);
}

int guard_name_folder(Buffer *folder)
{
    const char *scratch = getenv("TMPDIR");
    uint64_t random[2];

    if (getrandom(random, sizeof random, 0) != sizeof random)
        return -EIO;
    return buffer_printf(folder, "%s/whittle-verify.%016" PRIx64 "%016" PRIx64,
                         scratch && *scratch ? scratch : "/tmp", random[0], random[1]);
}

/* ---- the guard ------------------------------------------------------------------------------ */

/* What is done, and undone. */
typedef struct Guarded {
    int (*work)(void *data);
    void (*clean)(void *data);
    void *data;
    const char *folder;
} Guarded;

static void undo(const Guarded *guarded)
{
    if (guarded->clean)
        guarded->clean(guarded->data);
    remove_folder(guarded->folder);
}

/* What the guard tells the caller, and is told. */
typedef struct Shared {
    pid_t caller, worker;
    bool done;  /* the worker came to its end … */
    int status; /* … with this exit status */
} Shared;

/* Signals that somebody sent to the guard are for the CALLER, who knows what to do with them, as
 * long as that lives. */
static void hand_to_caller(pid_t caller, int signals)
{
    struct signalfd_siginfo info;

    while (read(signals, &info, sizeof info) == sizeof info) {
        if ((int)info.ssi_signo != SIGCHLD && getppid() == caller)
            (void)kill(caller, (int)info.ssi_signo);
    }
}

/* Waits for the end of the worker or of the caller, who holds the other end of LIFE. */
__attribute__((noreturn)) static void guard_main(Shared *shared, int signals, int life,
                                                 const Guarded *guarded)
{
    struct pollfd fds[] = {{.fd = life, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    bool ended = false;

    while (!ended) {
        if (poll(fds, ARRAY_LENGTH(fds), -1) < 0)
            continue;
        if (fds[0].revents)
            break;
        hand_to_caller(shared->caller, signals);
        int status;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
            if (pid != shared->worker)
                continue;
            ended = true;
            shared->done = WIFEXITED(status);
            shared->status = WEXITSTATUS(status);
        }
    }
    guard_end_descendants();
    undo(guarded);
    _exit(0);
}

/* ---- the caller ----------------------------------------------------------------------------- */

typedef struct Caller {
    Shared *shared;
    pid_t guard;
    int life;     /* closed: the guard ends everything */
    int signals;  /* signalfd */
    int signal;   /* that was passed on first; 0 none */
    bool killing; /* what the work runs; then the work has as long again to come to its end */
    struct timespec since;
} Caller;

static int patience_left(const Caller *caller)
{
    struct timespec now;

    if (caller->signal == 0 || caller->life < 0)
        return -1;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    const long passed = (now.tv_sec - caller->since.tv_sec) * 1000 +
                        (now.tv_nsec - caller->since.tv_nsec) / 1000000;
    return passed >= PATIENCE_MS ? 0 : (int)(PATIENCE_MS - passed);
}

static void on_signal(Caller *caller)
{
    struct signalfd_siginfo info;

    while (read(caller->signals, &info, sizeof info) == sizeof info) {
        if ((int)info.ssi_signo == SIGCHLD)
            continue;
        /* One that was sent to all of them came from the guard as well. */
        const bool twice = (pid_t)info.ssi_pid == caller->guard && caller->signal != 0;
        if (info.ssi_code <= 0 && !twice && caller->shared->worker > 0)
            (void)kill(caller->shared->worker, (int)info.ssi_signo);
        if (caller->signal == 0) {
            caller->signal = (int)info.ssi_signo;
            (void)clock_gettime(CLOCK_MONOTONIC, &caller->since);
        }
    }
}

static void begin_to_kill(Caller *caller)
{
    caller->killing = true;
    (void)clock_gettime(CLOCK_MONOTONIC, &caller->since);
}

/* Who is killed may have started others meanwhile: that is looked after now and then. */
static int wait_for(const Caller *caller)
{
    const int left = patience_left(caller);

    return caller->killing && left > LOOK_AGAIN_MS ? LOOK_AGAIN_MS : left;
}

static void await_guard(Caller *caller)
{
    struct pollfd signals = {.fd = caller->signals, .events = POLLIN};

    for (;;) {
        const pid_t pid = waitpid(caller->guard, NULL, WNOHANG);
        if (pid == caller->guard || (pid < 0 && errno != EINTR))
            return;
        if (poll(&signals, 1, wait_for(caller)) > 0)
            on_signal(caller);
        if (patience_left(caller) == 0 && caller->killing)
            fd_close(&caller->life);
        else if (patience_left(caller) == 0)
            begin_to_kill(caller);
        if (caller->killing && caller->life >= 0)
            kill_descendants(WHOM_OTHER_PROGRAMS);
    }
}

static void signals_to_take(sigset_t *ret)
{
    (void)sigemptyset(ret);
    (void)sigaddset(ret, SIGCHLD);
    for (size_t i = 0; i < ARRAY_LENGTH(passed_on); i++)
        (void)sigaddset(ret, passed_on[i]);
}

/* Waits until the guard is in a session of its own. False if it was killed before. */
static bool await_word(int word)
{
    char byte;
    ssize_t n;

    do {
        n = read(word, &byte, 1);
    } while (n < 0 && errno == EINTR);
    (void)close(word);
    return n == 1;
}

/*
 * In the guard's process: makes the worker before it leaves the session, and lets it work after
 * that. If it worked sooner, one signal to the group could end caller, guard and worker, and spare
 * what the worker has started in sessions of their own.
 */
__attribute__((noreturn)) static void start_guard(const Guarded *guarded, const sigset_t *mask,
                                                  int signals, int life, Shared *shared)
{
    int word[2];

    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    (void)prctl(PR_SET_NAME, "whittle-guard");
    if (pipe2(word, O_CLOEXEC) < 0)
        _exit(1);
    const pid_t worker = fork();
    if (worker == 0) {
        (void)close(signals);
        (void)close(life);
        (void)close(word[1]);
        (void)prctl(PR_SET_NAME, "whittle");
        (void)sigprocmask(SIG_SETMASK, mask, NULL);
        if (!await_word(word[0]))
            _exit(1);
        exit(guarded->work(guarded->data));
    }
    if (worker < 0)
        _exit(1);
    shared->worker = worker;
    (void)setsid();
    (void)write_all(word[1], "", 1); /* this end is still open: no SIGPIPE if the worker is gone */
    (void)close(word[0]);
    (void)close(word[1]);
    guard_main(shared, signals, life, guarded);
}

int guarded(int (*work)(void *data), void (*clean)(void *data), void *data, const char *folder)
{
    const Guarded what = {work, clean, data, folder};
    Caller caller = {.life = -1, .signals = -1};
    int life[2];
    sigset_t taken;
    sigset_t before;
    int status = -1;

    caller.shared = mmap(NULL, sizeof *caller.shared, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (caller.shared == MAP_FAILED || pipe2(life, O_CLOEXEC) < 0)
        return -1;
    caller.shared->caller = getpid();
    caller.life = life[1];
    signals_to_take(&taken);
    (void)sigprocmask(SIG_BLOCK, &taken, &before);
    caller.signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    (void)fflush(NULL);
    caller.guard = caller.signals < 0 ? -1 : fork();
    if (caller.guard == 0) {
        (void)close(life[1]);
        start_guard(&what, &before, caller.signals, life[0], caller.shared);
    }
    (void)close(life[0]);
    if (caller.guard > 0) {
        await_guard(&caller);
        status = caller.shared->done ? caller.shared->status : -1;
        guard_end_descendants();
    }
    undo(&what);
    if (caller.signal != 0 && caller.life < 0)
        status = 128 + caller.signal;
    fd_close(&caller.life);
    fd_close(&caller.signals);
    (void)munmap(caller.shared, sizeof *caller.shared);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}
