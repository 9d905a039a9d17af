/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine as a whole: CAP_SYS_TIME, CAP_SYSLOG, CAP_SYS_RAWIO, CAP_SYS_TTY_CONFIG,
 * CAP_WAKE_ALARM, CAP_BLOCK_SUSPEND, CAP_PERFMON, CAP_BPF. Kernel: kernel/time, kernel/printk,
 * drivers/char/mem.c, kernel/events/core.c, kernel/bpf/syscall.c.
 */
#include "tracer/capability_internal.h"

#include "base/memory.h"

#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <time.h>

enum { OPEN_ACCESS_MODE = 3, OPEN_WRITE_ONLY = 1, OPEN_PATH = 010000000 };

/* ---- time ----------------------------------------------------------------------------------- */

/* settimeofday(NULL, NULL) asks nothing. */
static bool needs_set_time(const CapabilityContext *context, const CapabilityRule *rule,
                           CapabilityMatch *match)
{
    (void)rule;
    (void)match;
    return cap_arg_long(context, 0) || cap_arg_long(context, 1);
}

static bool needs_set_clock(const CapabilityContext *context, const CapabilityRule *rule,
                            CapabilityMatch *match)
{
    (void)rule;
    (void)match;
    return cap_arg_int(context, 0) == CLOCK_REALTIME;
}

/* timekeeping_validate_timex(). The parameter is the index of the struct timex. */
static bool needs_adjust(const CapabilityContext *context, const CapabilityRule *rule,
                         CapabilityMatch *match)
{
    enum { ADJUST_SINGLE_SHOT = 0x8000, READ_ONLY = 0x2000 };
    uint32_t modes;

    (void)match;
    if ((rule->parameter == 1 && cap_arg_int(context, 0) != CLOCK_REALTIME) ||
        cap_read_u32(context, cap_arg_long(context, rule->parameter), &modes) < 0)
        return false;
    return modes & ADJUST_SINGLE_SHOT ? !(modes & READ_ONLY) : modes != 0;
}

static bool needs_alarm(const CapabilityContext *context, const CapabilityRule *rule,
                        CapabilityMatch *match)
{
    int clock = cap_arg_int(context, 0);

    (void)rule;
    (void)match;
    return clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

/* ep_take_care_of_epollwakeup(): the kernel drops the flag without a word. */
static bool needs_wakeup(const CapabilityContext *context, const CapabilityRule *rule,
                         CapabilityMatch *match)
{
    enum { OPERATION_DELETE = 2 };
    uint32_t events;

    (void)rule;
    (void)match;
    return cap_arg_int(context, 1) != OPERATION_DELETE &&
           cap_read_u32(context, cap_arg_long(context, 3), &events) == 0 &&
           (events & (uint32_t)EPOLLWAKEUP);
}

/* ---- log and devices ------------------------------------------------------------------------ */

/* check_syslog_permissions() */
static bool needs_syslog(const CapabilityContext *context, const CapabilityRule *rule,
                         CapabilityMatch *match)
{
    enum { READ_ALL = 3, SIZE_BUFFER = 10 };
    int action = cap_arg_int(context, 0);
    long restricted;

    (void)rule;
    (void)match;
    if (action < 0 || action > SIZE_BUFFER)
        return false;
    if (action != READ_ALL && action != SIZE_BUFFER)
        return true;
    return cap_sysctl(context, "kernel/dmesg_restrict", &restricted) == 0 && restricted;
}

/* The character device or file of /proc that an open(2) is about. */
static bool opened(const CapabilityContext *context, const ResolvedPath **ret_path,
                   uint64_t *ret_flags)
{
    const ResolvedPath *path = &context->call->paths[0];

    if (context->call->paths_count == 0 || !path->has_stat || !cap_open_flags(context, ret_flags) ||
        (*ret_flags & OPEN_PATH))
        return false;
    *ret_path = path;
    return true;
}

static bool is_proc_file(const ResolvedPath *path, const char *name)
{
    return path->mount && strcmp(path->mount, "proc") == 0 && path->text &&
           strcmp(path->text, name) == 0;
}

static bool needs_kernel_log(const CapabilityContext *context, const CapabilityRule *rule,
                             CapabilityMatch *match)
{
    enum { MEMORY_MAJOR = 1, KMSG_MINOR = 11 };
    const ResolvedPath *path;
    uint64_t flags;
    long restricted;

    (void)rule;
    if (!opened(context, &path, &flags))
        return false;
    match->object = path->text;
    if (is_proc_file(path, "/proc/kmsg"))
        return true;
    return S_ISCHR(path->st.st_mode) && path->st.st_rdev == makedev(MEMORY_MAJOR, KMSG_MINOR) &&
           (flags & OPEN_ACCESS_MODE) != OPEN_WRITE_ONLY &&
           cap_sysctl(context, "kernel/dmesg_restrict", &restricted) == 0 && restricted;
}

/* open_port(), msr_open(), open_kcore() */
static bool needs_memory_device(const CapabilityContext *context, const CapabilityRule *rule,
                                CapabilityMatch *match)
{
    enum { MEMORY_MAJOR = 1, MEM = 1, KMEM = 2, PORT = 4, MSR_MAJOR = 202 };
    const ResolvedPath *path;
    uint64_t flags;
    unsigned device_major, device_minor;

    (void)rule;
    if (!opened(context, &path, &flags))
        return false;
    match->object = path->text;
    if (is_proc_file(path, "/proc/kcore"))
        return true;
    if (!S_ISCHR(path->st.st_mode))
        return false;
    device_major = major(path->st.st_rdev);
    device_minor = minor(path->st.st_rdev);
    return device_major == MSR_MAJOR ||
           (device_major == MEMORY_MAJOR &&
            (device_minor == MEM || device_minor == KMEM || device_minor == PORT));
}

static bool needs_iopl(const CapabilityContext *context, const CapabilityRule *rule,
                       CapabilityMatch *match)
{
    (void)rule;
    (void)match;
    return cap_arg_u32(context, 0) > 0;
}

static bool needs_ioperm(const CapabilityContext *context, const CapabilityRule *rule,
                         CapabilityMatch *match)
{
    (void)rule;
    (void)match;
    return cap_arg_int(context, 2) != 0;
}

/* cap_mmap_addr() */
static bool needs_low_map(const CapabilityContext *context, const CapabilityRule *rule,
                          CapabilityMatch *match)
{
    enum { FIXED = 0x10 };
    uint64_t address = cap_arg_long(context, 0);
    long lowest;

    (void)rule;
    (void)match;
    return (cap_arg_u32(context, 3) & FIXED) && address < 1024 * 1024 &&
           cap_sysctl(context, "vm/mmap_min_addr", &lowest) == 0 && lowest > 0 &&
           address < (uint64_t)lowest;
}

/* ---- performance counters and BPF ----------------------------------------------------------- */

/* perf_event_open(): kernel events by kernel.perf_event_paranoid above 1, those of a whole CPU
 * above 0, and, in distributions that know such values, everything above 2. */
static bool needs_perf(const CapabilityContext *context, const CapabilityRule *rule,
                       CapabilityMatch *match)
{
    enum { FLAGS_OFFSET = 40, EXCLUDE_KERNEL = 1 << 5 };
    uint64_t flags;
    long paranoid;

    (void)rule;
    (void)match;
    if (cap_sysctl(context, "kernel/perf_event_paranoid", &paranoid) < 0 ||
        cap_read(context, cap_arg_long(context, 0) + FLAGS_OFFSET, &flags, sizeof flags) < 0)
        return false;
    if (paranoid > 2 || (paranoid > 1 && !(flags & EXCLUDE_KERNEL)))
        return true;
    return paranoid > 0 && cap_arg_int(context, 1) == -1;
}

/* Bit N: programs of type N. bpf_prog_load() and the functions it names. */
enum {
    UNPRIVILEGED_PROGRAMS = 1u << BPF_PROG_TYPE_SOCKET_FILTER | 1u << BPF_PROG_TYPE_CGROUP_SKB,
    TRACING_PROGRAMS = 1u << BPF_PROG_TYPE_KPROBE | 1u << BPF_PROG_TYPE_TRACEPOINT |
                       1u << BPF_PROG_TYPE_PERF_EVENT | 1u << BPF_PROG_TYPE_RAW_TRACEPOINT |
                       1u << BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE | 1u << BPF_PROG_TYPE_TRACING |
                       1u << BPF_PROG_TYPE_LSM | 1u << BPF_PROG_TYPE_STRUCT_OPS |
                       1u << BPF_PROG_TYPE_EXT,
    NETWORK_PROGRAMS =
        1u << BPF_PROG_TYPE_SCHED_CLS | 1u << BPF_PROG_TYPE_SCHED_ACT | 1u << BPF_PROG_TYPE_XDP |
        1u << BPF_PROG_TYPE_LWT_IN | 1u << BPF_PROG_TYPE_LWT_OUT | 1u << BPF_PROG_TYPE_LWT_XMIT |
        1u << BPF_PROG_TYPE_LWT_SEG6LOCAL | 1u << BPF_PROG_TYPE_SK_SKB |
        1u << BPF_PROG_TYPE_SK_MSG | 1u << BPF_PROG_TYPE_FLOW_DISSECTOR |
        1u << BPF_PROG_TYPE_CGROUP_DEVICE | 1u << BPF_PROG_TYPE_CGROUP_SOCK |
        1u << BPF_PROG_TYPE_CGROUP_SOCK_ADDR | 1u << BPF_PROG_TYPE_CGROUP_SOCKOPT |
        1u << BPF_PROG_TYPE_CGROUP_SYSCTL | 1u << BPF_PROG_TYPE_SOCK_OPS | 1u << BPF_PROG_TYPE_EXT,
};

static bool program_bit(const CapabilityContext *context, uint32_t *ret_bit)
{
    uint32_t type;

    if (cap_arg_int(context, 0) != BPF_PROG_LOAD ||
        cap_read_u32(context, cap_arg_long(context, 1), &type) < 0 || type > 31)
        return false;
    *ret_bit = 1u << type;
    return true;
}

static bool needs_bpf(const CapabilityContext *context, const CapabilityRule *rule,
                      CapabilityMatch *match)
{
    int command = cap_arg_int(context, 0);
    uint32_t bit;
    long disabled;

    (void)rule;
    (void)match;
    if (command == BPF_BTF_LOAD)
        return true;
    if (program_bit(context, &bit) && !(bit & UNPRIVILEGED_PROGRAMS))
        return true;
    return (command == BPF_MAP_CREATE || command == BPF_PROG_LOAD) &&
           cap_sysctl(context, "kernel/unprivileged_bpf_disabled", &disabled) == 0 && disabled;
}

/* The parameter is the set of program types. */
static bool needs_bpf_program(const CapabilityContext *context, const CapabilityRule *rule,
                              CapabilityMatch *match)
{
    uint32_t bit;

    (void)match;
    return program_bit(context, &bit) && (bit & rule->parameter);
}

static bool needs_bpf_ids(const CapabilityContext *context, const CapabilityRule *rule,
                          CapabilityMatch *match)
{
    static const int commands[] = {
        BPF_PROG_GET_NEXT_ID,  BPF_MAP_GET_NEXT_ID,  BPF_BTF_GET_NEXT_ID,   BPF_LINK_GET_NEXT_ID,
        BPF_PROG_GET_FD_BY_ID, BPF_MAP_GET_FD_BY_ID, BPF_LINK_GET_FD_BY_ID,
    };

    (void)rule;
    (void)match;
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++)
        if (cap_arg_int(context, 0) == commands[i])
            return true;
    return false;
}

#define TIME  CAP_SYS_TIME, NO_ALTERNATIVE
#define RAWIO CAP_SYS_RAWIO, NO_ALTERNATIVE
#define OPENS "open openat openat2"

const CapabilityRule capability_rules_system[] = {
    {"set-time", TIME, "settimeofday", needs_set_time, 0},
    {"set-time-seconds", TIME, "stime", cap_needs_always, 0},
    {"set-clock", TIME, "clock_settime clock_settime64", needs_set_clock, 0},
    {"adjust-clock", TIME, "adjtimex", needs_adjust, 0},
    {"adjust-clock", TIME, "clock_adjtime clock_adjtime64", needs_adjust, 1},
    {"wake-alarm", CAP_WAKE_ALARM, NO_ALTERNATIVE,
     "timer_create timerfd_create clock_nanosleep clock_nanosleep_time64", needs_alarm, 0},
    {"epoll-wakeup", CAP_BLOCK_SUSPEND, NO_ALTERNATIVE, "epoll_ctl", needs_wakeup, 0},
    {"syslog", CAP_SYSLOG, NO_ALTERNATIVE, "syslog", needs_syslog, 0},
    {"kernel-log", CAP_SYSLOG, NO_ALTERNATIVE, OPENS, needs_kernel_log, 0},
    {"memory-device", RAWIO, OPENS, needs_memory_device, 0},
    {"iopl", RAWIO, "iopl", needs_iopl, 0},
    {"ioperm", RAWIO, "ioperm", needs_ioperm, 0},
    {"low-mapping", RAWIO, "mmap mmap2", needs_low_map, 0},
    {"hangup", CAP_SYS_TTY_CONFIG, NO_ALTERNATIVE, "vhangup", cap_needs_always, 0},
    {"perf-event", CAP_PERFMON, CAP_SYS_ADMIN, "perf_event_open", needs_perf, 0},
    {"dcookie", CAP_PERFMON, CAP_SYS_ADMIN, "lookup_dcookie", cap_needs_always, 0},
    {"bpf-load", CAP_BPF, CAP_SYS_ADMIN, "bpf", needs_bpf, 0},
    {"bpf-tracing", CAP_PERFMON, CAP_SYS_ADMIN, "bpf", needs_bpf_program, TRACING_PROGRAMS},
    {"bpf-network", CAP_NET_ADMIN, CAP_SYS_ADMIN, "bpf", needs_bpf_program, NETWORK_PROGRAMS},
    {"bpf-ids", CAP_SYS_ADMIN, NO_ALTERNATIVE, "bpf", needs_bpf_ids, 0},
    {NULL, 0, 0, NULL, NULL, 0},
};
