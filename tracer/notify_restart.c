/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/notify_restart.h"

#include "base/memory.h"
#include "tracer/notify_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>

/* When a call that returned EINTR is made again. */
typedef enum Rule {
    UNTAKEN, /* if it was not received; any other call */
    ALWAYS,  /* it returns no EINTR by itself */
    GAP,     /* only a file system in user space returns EINTR: if there was a gap */
    OPENS,   /* open(2): as GAP where it does not wait, else as UNTAKEN */
    AT,      /* openat(2), openat2(2): the same */
    CLOSES,  /* close(2): if the descriptor is still open */
    COMMAND, /* fcntl(2): ALWAYS but for waiting for locks */
    READS,   /* as GAP of a regular file or folder, else as WAITS */
    WRITES,  /* as GAP of a regular file, else as UNTAKEN */
    WAKES,   /* futex(2): ALWAYS but for waiting */
    WAITS,   /* never */
    HANDLER, /* the end of a handler: ALWAYS */
} Rule;

static const char *const always[] = {"alarm",
                                     "arch_prctl",
                                     "brk",
                                     "capget",
                                     "capset",
                                     "clock_getres",
                                     "clock_gettime",
                                     "clone",
                                     "clone3",
                                     "dup",
                                     "dup2",
                                     "dup3",
                                     "epoll_create",
                                     "epoll_create1",
                                     "epoll_ctl",
                                     "eventfd",
                                     "eventfd2",
                                     "exit",
                                     "exit_group",
                                     "fork",
                                     "get_thread_area",
                                     "getegid",
                                     "geteuid",
                                     "getgid",
                                     "getgroups",
                                     "getitimer",
                                     "getpeername",
                                     "getpgid",
                                     "getpgrp",
                                     "getpid",
                                     "getppid",
                                     "getpriority",
                                     "getresgid",
                                     "getresuid",
                                     "getrlimit",
                                     "getrusage",
                                     "getsid",
                                     "getsockname",
                                     "gettid",
                                     "gettimeofday",
                                     "getuid",
                                     "inotify_init",
                                     "inotify_init1",
                                     "kill",
                                     "listen",
                                     "memfd_create",
                                     "mprotect",
                                     "munmap",
                                     "nice",
                                     "oldolduname",
                                     "olduname",
                                     "pidfd_open",
                                     "pidfd_send_signal",
                                     "pipe",
                                     "pipe2",
                                     "prlimit64",
                                     "rt_sigaction",
                                     "rt_sigpending",
                                     "rt_sigprocmask",
                                     "rt_sigqueueinfo",
                                     "rt_tgsigqueueinfo",
                                     "sched_getaffinity",
                                     "sched_getparam",
                                     "sched_getscheduler",
                                     "sched_setaffinity",
                                     "sched_yield",
                                     "set_robust_list",
                                     "set_thread_area",
                                     "set_tid_address",
                                     "setfsgid",
                                     "setfsuid",
                                     "setgid",
                                     "setgroups",
                                     "setitimer",
                                     "setpgid",
                                     "setpriority",
                                     "setregid",
                                     "setresgid",
                                     "setresuid",
                                     "setreuid",
                                     "setrlimit",
                                     "setsid",
                                     "setuid",
                                     "sgetmask",
                                     "sigaction",
                                     "sigaltstack",
                                     "signal",
                                     "signalfd",
                                     "signalfd4",
                                     "sigpending",
                                     "sigprocmask",
                                     "socket",
                                     "socketpair",
                                     "ssetmask",
                                     "sysinfo",
                                     "tgkill",
                                     "time",
                                     "timer_create",
                                     "timer_delete",
                                     "timer_getoverrun",
                                     "timer_gettime",
                                     "timer_settime",
                                     "timerfd_create",
                                     "timerfd_gettime",
                                     "timerfd_settime",
                                     "times",
                                     "tkill",
                                     "ugetrlimit",
                                     "umask",
                                     "uname",
                                     "vfork"};

static const char *const gap[] = {"_llseek",
                                  "access",
                                  "chdir",
                                  "chmod",
                                  "chown",
                                  "chroot",
                                  "execve",
                                  "execveat",
                                  "faccessat",
                                  "faccessat2",
                                  "fchdir",
                                  "fchmod",
                                  "fchmodat",
                                  "fchmodat2",
                                  "fchown",
                                  "fchownat",
                                  "fgetxattr",
                                  "flistxattr",
                                  "fremovexattr",
                                  "fsetxattr",
                                  "fstat",
                                  "fstatat64",
                                  "fstatfs",
                                  "ftruncate",
                                  "futimesat",
                                  "getcwd",
                                  "getdents",
                                  "getdents64",
                                  "getxattr",
                                  "inotify_add_watch",
                                  "inotify_rm_watch",
                                  "lchown",
                                  "lgetxattr",
                                  "link",
                                  "linkat",
                                  "listxattr",
                                  "llistxattr",
                                  "lremovexattr",
                                  "lseek",
                                  "lsetxattr",
                                  "lstat",
                                  "madvise",
                                  "mkdir",
                                  "mkdirat",
                                  "mknod",
                                  "mknodat",
                                  "mmap",
                                  "mmap2",
                                  "mremap",
                                  "name_to_handle_at",
                                  "newfstatat",
                                  "oldfstat",
                                  "oldlstat",
                                  "oldstat",
                                  "prctl",
                                  "readlink",
                                  "readlinkat",
                                  "removexattr",
                                  "rename",
                                  "renameat",
                                  "renameat2",
                                  "rmdir",
                                  "setxattr",
                                  "stat",
                                  "statfs",
                                  "statx",
                                  "symlink",
                                  "symlinkat",
                                  "truncate",
                                  "unlink",
                                  "unlinkat",
                                  "utime",
                                  "utimensat",
                                  "utimes"};

static const char *const reading[] = {"pread64", "preadv", "preadv2", "read", "readv"};
static const char *const writing[] = {"pwrite64", "pwritev", "pwritev2", "write", "writev"};

/* signal(7), "Interruption of system calls". */
static const char *const waits[] = {
    "_newselect",      "accept",        "accept4",         "clock_nanosleep", "connect",
    "epoll_pwait",     "epoll_pwait2",  "epoll_wait",      "flock",           "futex_waitv",
    "io_getevents",    "io_pgetevents", "io_uring_enter",  "mq_timedreceive", "mq_timedsend",
    "msgrcv",          "msgsnd",        "nanosleep",       "pause",           "poll",
    "ppoll",           "pselect6",      "recvfrom",        "recvmmsg",        "recvmsg",
    "restart_syscall", "rt_sigsuspend", "rt_sigtimedwait", "select",          "semop",
    "semtimedop",      "sigsuspend",    "wait4",           "waitid",          "waitpid"};

static const char *const handler[] = {"rt_sigreturn", "sigreturn"};
static const char *const open_call[] = {"open", "creat"};
static const char *const openat_call[] = {"openat", "openat2"};
static const char *const close_call[] = {"close"};
static const char *const futex_call[] = {"futex"};
static const char *const fcntl_call[] = {"fcntl", "fcntl64"};

static const struct {
    Rule rule;
    const char *const *names;
    size_t count;
} rules[] = {
    {ALWAYS, always, ARRAY_LENGTH(always)},         {GAP, gap, ARRAY_LENGTH(gap)},
    {OPENS, open_call, ARRAY_LENGTH(open_call)},    {AT, openat_call, ARRAY_LENGTH(openat_call)},
    {CLOSES, close_call, ARRAY_LENGTH(close_call)}, {COMMAND, fcntl_call, ARRAY_LENGTH(fcntl_call)},
    {READS, reading, ARRAY_LENGTH(reading)},        {WRITES, writing, ARRAY_LENGTH(writing)},
    {WAKES, futex_call, ARRAY_LENGTH(futex_call)},  {WAITS, waits, ARRAY_LENGTH(waits)},
    {HANDLER, handler, ARRAY_LENGTH(handler)},
};

/* True if NAME is BASE, or that call with wider numbers, which 32-bit programs have: getuid32. */
static bool is_call(const char *name, const char *base)
{
    static const char *const wider[] = {"", "32", "64", "_time64"};
    const size_t length = strlen(base);

    if (strncmp(name, base, length) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(wider); i++) {
        if (strcmp(name + length, wider[i]) == 0)
            return true;
    }
    return false;
}

static Rule rule_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(rules); i++) {
        for (size_t k = 0; k < rules[i].count; k++) {
            if (is_call(name, rules[i].names[k]))
                return rules[i].rule;
        }
    }
    return UNTAKEN;
}

int restart_init(Restart *restart)
{
    CLEANUP(free_pointer) RestartTask *tasks = calloc(RESTART_TASKS, sizeof *tasks);
    CLEANUP(free_pointer) uint8_t *by_index = calloc(syscall_count(), sizeof *by_index);

    if (!tasks || !by_index)
        return -ENOMEM;
    for (size_t i = 0; i < syscall_count(); i++)
        by_index[i] = (uint8_t)rule_of(syscall_at(i)->name);
    *restart = (Restart){.tasks = TAKE(tasks), .rules = TAKE(by_index)};
    return 0;
}

void restart_deinit(Restart *restart)
{
    free(restart->tasks);
    free(restart->rules);
    *restart = (Restart){0};
}

/* ---- what was received ---------------------------------------------------------------------- */

/* 32-bit programs make all calls from the same place. */
static uint32_t hash(uint64_t next, int64_t nr, const uint64_t args[SYSCALL_ARGS])
{
    uint64_t h = next ^ (uint64_t)nr << 32;

    for (size_t i = 0; i < SYSCALL_ARGS; i++)
        h = (h ^ args[i] ^ (h >> 29)) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 32);
}

static RestartTask *task_of(const Restart *restart, pid_t tid)
{
    return &restart->tasks[(unsigned)tid % RESTART_TASKS];
}

void restart_note(Restart *restart, const SyscallStop *stop, uint32_t gaps)
{
    RestartTask *task = task_of(restart, stop->tid);

    if (task->tid != stop->tid)
        *task = (RestartTask){.tid = stop->tid, .gaps = gaps};
    task->newest = (task->newest + 1) % RESTART_CALLS;
    task->calls[task->newest] = hash(stop->instruction_pointer, stop->nr, stop->args);
    task->after_gap[task->newest] = gaps != task->gaps;
    task->gaps = gaps;
}

void restart_forget(Restart *restart, pid_t tid)
{
    RestartTask *task = task_of(restart, tid);

    if (task->tid == tid)
        task->calls[task->newest] = 0;
}

/* A notification was taken back between two calls that are remembered: maybe the thread's. */
static bool task_has_gap(const RestartTask *task)
{
    for (unsigned i = 0; i < RESTART_CALLS; i++) {
        if (task->after_gap[i])
            return true;
    }
    return false;
}

/* One that was received and interrupted would be among the calls that are remembered, unless the
 * handler made as many itself. */
static bool was_not_received(const RestartTask *task, const SignalFrame *frame,
                             const MadeCall *made)
{
    const uint32_t call = hash(frame->site.next, made->nr, made->args);

    for (unsigned i = 0; i < RESTART_CALLS; i++) {
        if (task->calls[i] == call)
            return false;
    }
    return task_has_gap(task);
}

/* ---- the verdict ---------------------------------------------------------------------------- */

static bool waits_for_lock(uint64_t command)
{
    enum { SETLKW64 = 14 /* of 32-bit programs */ };

    return command == F_SETLKW || command == F_OFD_SETLKW || command == SETLKW64;
}

static bool waits_for_futex(uint64_t operation)
{
    enum { LOCK_PI2 = 13 /* Linux 5.14 */ };
    static const int waiting[] = {FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_LOCK_PI,
                                  FUTEX_WAIT_REQUEUE_PI, LOCK_PI2};

    for (size_t i = 0; i < ARRAY_LENGTH(waiting); i++) {
        if (((int)operation & FUTEX_CMD_MASK) == waiting[i])
            return true;
    }
    return false;
}

static RestartVerdict verdict_if(bool again)
{
    return again ? RESTART_AGAIN : RESTART_INTERRUPTED;
}

static RestartVerdict judge_call(const RestartTask *task, const SignalFrame *frame,
                                 const MadeCall *made, Rule rule)
{
    const uint64_t *args = made->args;
    const bool has_gap = task_has_gap(task);

    switch (rule) {
    case ALWAYS:
    case HANDLER:
        return RESTART_AGAIN;
    case CLOSES:
        return verdict_if(files_is_open(task->tid, args[0]));
    case COMMAND:
        return waits_for_lock(args[1]) ? RESTART_NOTHING : RESTART_AGAIN;
    case OPENS:
        if (has_gap && files_opens_at_once(task->tid, frame->memory, AT_FDCWD, args[0]))
            return RESTART_AGAIN;
        break;
    case AT:
        if (has_gap && files_opens_at_once(task->tid, frame->memory, (int)args[0], args[1]))
            return RESTART_AGAIN;
        break;
    case GAP:
        return verdict_if(has_gap);
    case READS:
        return has_gap && files_is_regular(task->tid, args[0]) ? RESTART_AGAIN : RESTART_NOTHING;
    case WRITES:
        if (has_gap && files_is_regular(task->tid, args[0]))
            return RESTART_AGAIN;
        break;
    case WAKES:
        return waits_for_futex(args[1]) ? RESTART_NOTHING : RESTART_AGAIN;
    case WAITS:
        return RESTART_NOTHING;
    case UNTAKEN:
        break;
    }
    return verdict_if(was_not_received(task, frame, made));
}

RestartVerdict restart_judge(const Restart *restart, const SyscallStop *stop,
                             const SignalFrame *frame, int64_t *ret_nr)
{
    const RestartTask *task = task_of(restart, stop->tid);
    RestartVerdict verdict = RESTART_INTERRUPTED;

    if (frame) {
        MadeCall made;
        if (frame->result != -EINTR)
            return RESTART_NOTHING;
        const Syscall *syscall =
            call_site_read(&frame->site, &made) ? syscall_by_number(made.arch, made.nr) : NULL;
        if (syscall)
            verdict = judge_call(task, frame, &made, (Rule)restart->rules[syscall->index]);
        if (verdict == RESTART_AGAIN)
            *ret_nr = made.nr;
    }
    /* Without a gap nothing was taken back, and an EINTR is the call's own. */
    if (verdict == RESTART_INTERRUPTED && !task_has_gap(task))
        verdict = RESTART_NOTHING;
    return verdict;
}

/* ---- the thread ----------------------------------------------------------------------------- */

bool restart_applies(const Restart *restart, const SyscallStop *stop)
{
    const int arch = arch_from_call(stop->audit_arch, stop->nr);
    const Syscall *syscall = arch < 0 ? NULL : syscall_by_number((Arch)arch, stop->nr);

    return syscall && restart->rules[syscall->index] == HANDLER;
}

RestartVerdict restart_mend(const Restart *restart, const SyscallStop *stop,
                            bool (*still_valid)(void *data), void *data)
{
    CLEANUP(frame_deinit) SignalFrame frame = {.memory = -1};
    int64_t nr;

    const bool is_known = frame_read(stop, &frame) == 0;
    if (!still_valid(data))
        return RESTART_NOTHING;
    const RestartVerdict verdict = restart_judge(restart, stop, is_known ? &frame : NULL, &nr);
    if (verdict == RESTART_AGAIN && frame_restart(&frame, nr) < 0)
        return RESTART_INTERRUPTED;
    return verdict;
}
