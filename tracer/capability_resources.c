/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits and scheduling: CAP_SYS_NICE, CAP_SYS_RESOURCE, CAP_IPC_LOCK. Kernel: kernel/sys.c,
 * kernel/sched/syscalls.c, block/ioprio.c, mm/mlock.c, fs/pipe.c.
 */
#include "tracer/capability_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <sys/mman.h>

enum {
    POLICY_NORMAL = 0,
    POLICY_FIFO = 1,
    POLICY_RR = 2,
    POLICY_BATCH = 3,
    POLICY_IDLE = 5,
    POLICY_DEADLINE = 6
};
enum { POLICY_RESET_ON_FORK = 0x40000000 };

/* RLIMIT_NICE allows down to 20 minus its value. */
static bool nice_denied(const CapabilityContext *context, int from, int to)
{
    struct rlimit limit;

    return to < from && cap_rlimit(context, RLIMIT_NICE, &limit) == 0 &&
           (rlim_t)(20 - to) > limit.rlim_cur;
}

/* The caller's effective id is neither of the target's ids: check_same_owner(). */
static bool other_owner(const CapabilityContext *context, pid_t pid)
{
    Credentials target;

    return pid > 0 && cap_task(context, pid, &target) == 0 &&
           context->credentials->euid != target.euid && context->credentials->euid != target.uid;
}

static bool needs_nice(const CapabilityContext *context, const CapabilityRule *rule,
                       CapabilityMatch *match)
{
    CapabilitySchedule now;
    int to;

    (void)rule;
    (void)match;
    if (cap_arg_int(context, 0) >= 0 || cap_schedule(context, 0, &now) < 0)
        return false;
    to = cap_arg_int(context, 0) < -40 ? -20 : now.nice + cap_arg_int(context, 0);
    if (to < -20)
        to = -20;
    return nice_denied(context, now.nice, to);
}

static bool needs_setpriority(const CapabilityContext *context, const CapabilityRule *rule,
                              CapabilityMatch *match)
{
    pid_t pid = cap_arg_int(context, 1);
    int to = cap_arg_int(context, 2);
    CapabilitySchedule now;
    Credentials target;

    (void)rule;
    (void)match;
    if (cap_arg_int(context, 0) != PRIO_PROCESS || pid < 0)
        return false;
    /* set_one_prio_perm() also takes the caller's real id. */
    if (pid > 0 && cap_task(context, pid, &target) == 0 &&
        target.uid != context->credentials->euid && target.euid != context->credentials->euid)
        return true;
    to = to < -20 ? -20 : to > 19 ? 19 : to;
    return cap_schedule(context, pid, &now) == 0 && nice_denied(context, now.nice, to);
}

/* user_check_sched_setscheduler() with a policy (negative: as it is) and a priority. */
static bool schedule_denied(const CapabilityContext *context, int policy, int64_t priority,
                            const int32_t *nice)
{
    pid_t pid = cap_arg_int(context, 0);
    CapabilitySchedule now;
    struct rlimit limit;

    if (policy == POLICY_DEADLINE || other_owner(context, pid))
        return true;
    if (cap_schedule(context, pid, &now) < 0)
        return false;
    if (policy < 0)
        policy = now.policy;
    if (policy == POLICY_FIFO || policy == POLICY_RR) {
        if (cap_rlimit(context, RLIMIT_RTPRIO, &limit) < 0)
            return false;
        if (policy != now.policy && limit.rlim_cur == 0)
            return true;
        return priority > now.rt_priority && (rlim_t)priority > limit.rlim_cur;
    }
    if (now.policy == POLICY_IDLE && policy != POLICY_IDLE &&
        cap_rlimit(context, RLIMIT_NICE, &limit) == 0 && (rlim_t)(20 - now.nice) > limit.rlim_cur)
        return true;
    return nice && (policy == POLICY_NORMAL || policy == POLICY_BATCH) && *nice >= -20 &&
           nice_denied(context, now.nice, *nice);
}

/* The parameter is the index of the struct sched_param; a policy, if any, lies between. */
static bool needs_scheduler(const CapabilityContext *context, const CapabilityRule *rule,
                            CapabilityMatch *match)
{
    int policy = rule->parameter == 2 ? cap_arg_int(context, 1) & ~POLICY_RESET_ON_FORK : -1;
    uint32_t priority;

    (void)match;
    if (cap_read_u32(context, cap_arg_long(context, rule->parameter), &priority) < 0)
        return false;
    return schedule_denied(context, policy, (int32_t)priority, NULL);
}

static bool needs_schedule_attributes(const CapabilityContext *context, const CapabilityRule *rule,
                                      CapabilityMatch *match)
{
    enum { KEEP_POLICY = 8, KEEP_PARAMETERS = 16 };
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
    } attributes;

    (void)rule;
    (void)match;
    if (cap_read(context, cap_arg_long(context, 1), &attributes, sizeof attributes) < 0 ||
        (attributes.flags & KEEP_PARAMETERS))
        return false;
    return schedule_denied(context, attributes.flags & KEEP_POLICY ? -1 : (int)attributes.policy,
                           attributes.priority, &attributes.nice);
}

static bool needs_affinity(const CapabilityContext *context, const CapabilityRule *rule,
                           CapabilityMatch *match)
{
    (void)rule;
    (void)match;
    return other_owner(context, cap_arg_int(context, 0));
}

enum { IO_CLASS_SHIFT = 13, IO_CLASS_REAL_TIME = 1, IO_WHO_PROCESS = 1 };

static bool needs_io_real_time(const CapabilityContext *context, const CapabilityRule *rule,
                               CapabilityMatch *match)
{
    (void)rule;
    (void)match;
    return (cap_arg_u32(context, 2) >> IO_CLASS_SHIFT & 7) == IO_CLASS_REAL_TIME;
}

static bool needs_io_other(const CapabilityContext *context, const CapabilityRule *rule,
                           CapabilityMatch *match)
{
    pid_t pid = cap_arg_int(context, 1);
    Credentials target;

    (void)rule;
    (void)match;
    return cap_arg_int(context, 0) == IO_WHO_PROCESS && pid > 0 &&
           cap_task(context, pid, &target) == 0 && target.uid != context->credentials->euid &&
           target.uid != context->credentials->uid;
}

/* MPOL_MF_MOVE_ALL of mbind(2) and move_pages(2). */
static bool needs_move_all(const CapabilityContext *context, const CapabilityRule *rule,
                           CapabilityMatch *match)
{
    enum { MOVE_ALL = 4 };

    (void)match;
    return cap_arg_u32(context, rule->parameter) & MOVE_ALL;
}

/* do_prlimit(): the hard limit goes up. The parameter is the index of the new limits. */
static bool needs_raise(const CapabilityContext *context, const CapabilityRule *rule,
                        CapabilityMatch *match)
{
    bool narrow = rule->parameter == 1 && cap_long_size(context) == 4;
    uint64_t address = cap_arg_long(context, rule->parameter);
    struct rlimit now;
    uint64_t wanted;
    int r;

    (void)match;
    /* Whose limits those of another process are is not known here. */
    if (rule->parameter == 2 && cap_arg_int(context, 0) != 0)
        return false;
    r = narrow ? cap_read_long(context, address, 1, &wanted)
               : (address ? cap_read(context, address + 8, &wanted, sizeof wanted) : -EFAULT);
    if (r < 0 || cap_rlimit(context, cap_arg_int(context, rule->parameter - 1), &now) < 0)
        return false;
    if (narrow && wanted == UINT32_MAX)
        wanted = RLIM_INFINITY;
    return wanted > now.rlim_max;
}

/* check_prlimit_permission(). */
static bool needs_prlimit_other(const CapabilityContext *context, const CapabilityRule *rule,
                                CapabilityMatch *match)
{
    const Credentials *own = context->credentials;
    pid_t pid = cap_arg_int(context, 0);
    Credentials t;

    (void)rule;
    (void)match;
    if (pid <= 0 || cap_task(context, pid, &t) < 0)
        return false;
    return own->uid != t.euid || own->uid != t.suid || own->uid != t.uid || own->gid != t.egid ||
           own->gid != t.sgid || own->gid != t.gid;
}

static bool needs_pipe_size(const CapabilityContext *context, const CapabilityRule *rule,
                            CapabilityMatch *match)
{
    long limit;

    (void)rule;
    (void)match;
    return cap_arg_int(context, 1) == F_SETPIPE_SZ &&
           cap_sysctl(context, "fs/pipe-max-size", &limit) == 0 && limit > 0 &&
           cap_arg_u32(context, 2) > (uint64_t)limit;
}

/* prctl_set_mm(); the whole map at once is everybody's. */
static bool needs_set_mm(const CapabilityContext *context, const CapabilityRule *rule,
                         CapabilityMatch *match)
{
    int field = cap_arg_int(context, 1);

    (void)rule;
    (void)match;
    return cap_arg_int(context, 0) == PR_SET_MM && field != PR_SET_MM_MAP &&
           field != PR_SET_MM_MAP_SIZE;
}

static bool needs_io_flusher(const CapabilityContext *context, const CapabilityRule *rule,
                             CapabilityMatch *match)
{
    enum { SET_IO_FLUSHER = 57, GET_IO_FLUSHER = 58 };
    int option = cap_arg_int(context, 0);

    (void)rule;
    (void)match;
    return option == SET_IO_FLUSHER || option == GET_IO_FLUSHER;
}

/* LENGTH more bytes of locked memory than RLIMIT_MEMLOCK has room for. What is locked already
 * counts only if it is known. */
static bool lock_denied(const CapabilityContext *context, uint64_t length)
{
    CapabilityMemory memory = {0};
    struct rlimit limit;

    if (cap_rlimit(context, RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return false;
    (void)cap_memory(context, &memory);
    return limit.rlim_cur == 0 || length > limit.rlim_cur ||
           memory.locked > limit.rlim_cur - length;
}

/* Pages that are locked already count twice in the kernel's first look, but it looks again without
 * them; so only the length by itself is safe to judge by. */
static bool needs_mlock(const CapabilityContext *context, const CapabilityRule *rule,
                        CapabilityMatch *match)
{
    struct rlimit limit;

    (void)rule;
    (void)match;
    return cap_rlimit(context, RLIMIT_MEMLOCK, &limit) == 0 &&
           (limit.rlim_cur == 0 || cap_arg_long(context, 1) > limit.rlim_cur);
}

static bool needs_mlockall(const CapabilityContext *context, const CapabilityRule *rule,
                           CapabilityMatch *match)
{
    CapabilityMemory memory;
    struct rlimit limit;

    (void)rule;
    (void)match;
    if (cap_rlimit(context, RLIMIT_MEMLOCK, &limit) < 0)
        return false;
    if (limit.rlim_cur == 0)
        return true;
    return (cap_arg_int(context, 0) & MCL_CURRENT) && cap_memory(context, &memory) == 0 &&
           memory.total > limit.rlim_cur;
}

static bool needs_map_locked(const CapabilityContext *context, const CapabilityRule *rule,
                             CapabilityMatch *match)
{
    enum { LOCKED_GENERIC = 0x2000, LOCKED_POWERPC = 0x80 };
    bool powerpc = context->call->arch == ARCH_PPC64LE;

    (void)rule;
    (void)match;
    return (cap_arg_u32(context, 3) & (powerpc ? LOCKED_POWERPC : LOCKED_GENERIC)) &&
           lock_denied(context, cap_arg_long(context, 1));
}

/* shmctl_do_lock(): the segment's size is not known, but no limit at all is a clear case. */
static bool needs_shm_lock(const CapabilityContext *context, const CapabilityRule *rule,
                           CapabilityMatch *match)
{
    enum { COMMAND_MASK = 0xff, COMMAND_LOCK = 11 };
    struct rlimit limit;

    (void)rule;
    (void)match;
    return (cap_arg_int(context, 1) & COMMAND_MASK) == COMMAND_LOCK &&
           cap_rlimit(context, RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == 0;
}

/* Huge pages of System V: IPC_LOCK, the group in vm.hugetlb_shm_group, or room to lock them. */
static bool needs_shm_huge(const CapabilityContext *context, const CapabilityRule *rule,
                           CapabilityMatch *match)
{
    enum { CREATE = 01000, HUGE_PAGES = 04000 };
    struct rlimit limit;
    long group;

    (void)rule;
    (void)match;
    return (cap_arg_u32(context, 2) & (CREATE | HUGE_PAGES)) == (CREATE | HUGE_PAGES) &&
           cap_sysctl(context, "vm/hugetlb_shm_group", &group) == 0 &&
           cap_in_group(context, (gid_t)group) == 0 &&
           cap_rlimit(context, RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           cap_arg_long(context, 1) > limit.rlim_cur;
}

#define NICE     CAP_SYS_NICE, NO_ALTERNATIVE
#define RESOURCE CAP_SYS_RESOURCE, NO_ALTERNATIVE
#define LOCK     CAP_IPC_LOCK, NO_ALTERNATIVE

const CapabilityRule capability_rules_resources[] = {
    {"nice", NICE, "nice", needs_nice, 0},
    {"setpriority", NICE, "setpriority", needs_setpriority, 0},
    {"scheduler", NICE, "sched_setscheduler", needs_scheduler, 2},
    {"scheduler", NICE, "sched_setparam", needs_scheduler, 1},
    {"scheduler-attributes", NICE, "sched_setattr", needs_schedule_attributes, 0},
    {"affinity-other", NICE, "sched_setaffinity", needs_affinity, 0},
    {"io-real-time", CAP_SYS_NICE, CAP_SYS_ADMIN, "ioprio_set", needs_io_real_time, 0},
    {"io-priority-other", NICE, "ioprio_set", needs_io_other, 0},
    {"move-all-pages", NICE, "mbind move_pages", needs_move_all, 5},
    {"raise-hard-limit", RESOURCE, "setrlimit", needs_raise, 1},
    {"raise-hard-limit", RESOURCE, "prlimit64", needs_raise, 2},
    {"prlimit-other", RESOURCE, "prlimit64", needs_prlimit_other, 0},
    {"pipe-size", RESOURCE, "fcntl fcntl64", needs_pipe_size, 0},
    {"prctl-set-mm", RESOURCE, "prctl", needs_set_mm, 0},
    {"prctl-io-flusher", RESOURCE, "prctl", needs_io_flusher, 0},
    {"mlock", LOCK, "mlock mlock2", needs_mlock, 0},
    {"mlockall", LOCK, "mlockall", needs_mlockall, 0},
    {"map-locked", LOCK, "mmap mmap2", needs_map_locked, 0},
    {"shm-lock", LOCK, "shmctl", needs_shm_lock, 0},
    {"shm-huge", LOCK, "shmget", needs_shm_huge, 0},
    {NULL, 0, 0, NULL, NULL, 0},
};
