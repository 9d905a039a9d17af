/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program for a tracepoint or a function is bound to that one's number in the kernel's BTF; that
 * there is such a number says nothing of whether the kernel will attach to it (lockdown, kernels
 * without trampolines), and that it is attached nothing of whether it will run (ftrace switched
 * off). So each candidate is tried for real, by a program that does nothing but say that it ran.
 */
#include "tracer/bpf_probes.h"

#include "base/io.h"
#include "base/memory.h"
#include "tracer/bpf/events.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Alternatives that are not to be taken, by their text with a blank behind each. A test builds a
 * whittle that has to make do without. */
#ifndef BPF_PROBES_AVOID
#define BPF_PROBES_AVOID ""
#endif

enum { ALTERNATIVES_MAX = 4, SECTIONS_MAX = 10, NO_CAPABILITY = 1000 };

/* The kernel asks for CAP_SETPCAP before it sees that there is no such capability to drop. */
static void ask_for_capability(void)
{
    (void)prctl(PR_CAPBSET_DROP, NO_CAPABILITY, 0, 0, 0);
}

static void look_up_path(void)
{
    (void)access("/", F_OK);
}

typedef struct Alternative {
    const char *text; /* for bpf_probes_text() */
    /* All are loaded; the first is tried. */
    const char *sections[SECTIONS_MAX];
    void (*trigger)(void); /* makes the first run; NULL: that cannot be tried */
} Alternative;

static const struct ProbeGroup {
    const char *blind;   /* what is missed without */
    const char *without; /* for bpf_probes_text() where none is taken; may be NULL */
    Alternative alternatives[ALTERNATIVES_MAX];
} groups[BPF_PROBE_GROUPS] = {
    [BPF_PROBE_CAPABILITIES] =
        {.blind = "this kernel lets nobody see its capability checks",
         .alternatives = {{"cap_capable:tracepoint", {"tp_btf/cap_capable"}, ask_for_capability},
                          {"cap_capable:fexit", {"fexit/cap_capable"}, ask_for_capability},
                          {"cap_capable:kprobe",
                           {"kprobe/cap_capable", "kretprobe/cap_capable"},
                           ask_for_capability}}},
    [BPF_PROBE_IO_URING] =
        {.blind = "this kernel lets nobody see what is submitted through io_uring",
         .alternatives = {{"io_uring:submit_req", {"tp_btf/io_uring_submit_req"}, NULL},
                          {"io_uring:submit_sqe", {"tp_btf/io_uring_submit_sqe"}, NULL}}},
    [BPF_PROBE_IO_RESULTS] =
        {.blind = "this kernel lets nobody see what comes of what is submitted through io_uring",
         .alternatives = {{"io_uring:complete", {"tp_btf/io_uring_complete"}, NULL}}},
    [BPF_PROBE_SIGNALS] =
        {.blind = "this kernel lets nobody see whom a signal is for",
         .alternatives = {{"signal_generate:tracepoint", {"tp_btf/signal_generate"}, NULL}}},
    [BPF_PROBE_EXEC] = {.blind = "this kernel lets nobody see which call starts a program",
                        .alternatives = {{"exec:tracepoint", {"tp_btf/sched_prepare_exec"}, NULL},
                                         {"exec:fentry", {"fentry/begin_new_exec"}, NULL}}},
    [BPF_PROBE_PATHS] =
        {.blind = "this kernel lets nobody see where its look-ups of paths lead",
         .without = "paths:look-ups",
         .alternatives = {{"paths:hooks",
                           {"fexit/filename_lookup", "fentry/security_path_mkdir",
                            "fentry/security_path_rmdir", "fentry/security_path_unlink",
                            "fentry/security_path_symlink", "fentry/security_path_mknod",
                            "fentry/security_path_link", "fentry/security_path_rename"},
                           look_up_path}}},
};

static bool is_avoided(const Alternative *alternative)
{
    const char *at = strstr(BPF_PROBES_AVOID, alternative->text);

    return at && at[strlen(alternative->text)] == ' ';
}

/* ---- trying one ------------------------------------------------------------------------------ */

static void btf_drop(struct btf **btf)
{
    btf__free(*btf);
}

/* A program that writes 1 to the first word of MAP. A descriptor or a negative errno. */
static int load_trial(enum bpf_prog_type type, enum bpf_attach_type attach, int id, int map)
{
    /* r1 = the word; *r1 = 1; r0 = 0; exit */
    const struct bpf_insn code[] = {
        {.code = BPF_LD | BPF_IMM | BPF_DW,
         .dst_reg = BPF_REG_1,
         .src_reg = BPF_PSEUDO_MAP_VALUE,
         .imm = map},
        {.code = 0},
        {.code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_1, .imm = 1},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
        {.code = BPF_JMP | BPF_EXIT},
    };
    /* Not const, which libbpf 1.3 would not take. */
    struct bpf_prog_load_opts options = {
        .sz = sizeof options, .expected_attach_type = attach, .attach_btf_id = (uint32_t)id};

    return bpf_prog_load(type, "whittle_trial", "GPL", code, ARRAY_LENGTH(code), &options);
}

/* 0 if a program, attached as LINK says, runs when TRIGGER makes it; else a negative errno. */
static int try_link(int link, int map, void (*trigger)(void))
{
    const uint32_t zero = 0;
    uint64_t ran = 0;

    if (link < 0)
        return link;
    if (!trigger)
        return 0;
    trigger();
    const int r = bpf_map_lookup_elem(map, &zero, &ran);
    return r < 0 ? r : ran ? 0 : -ENXIO;
}

static int find_type(const struct btf *btf, const char *prefix, const char *name, uint32_t kind)
{
    char full[128];

    (void)snprintf(full, sizeof full, "%s%s", prefix, name);
    return btf__find_by_name_kind(btf, full, kind);
}

/* A kind of program, by the first part of its section. */
typedef struct ProbeKind {
    const char *prefix;
    enum bpf_prog_type program;
    enum bpf_attach_type attach;
    const char *type_prefix; /* of what it is attached to, in the kernel's BTF */
    uint32_t type_kind;
} ProbeKind;

/* The kind of SECTION, in *RET_NAME what it is attached to; NULL if there is none. */
static const ProbeKind *kind_of(const char *section, const char **ret_name)
{
    static const ProbeKind kinds[] = {
        {"tp_btf/", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, "btf_trace_", BTF_KIND_TYPEDEF},
        {"fexit/", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, "", BTF_KIND_FUNC},
        {"fentry/", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, "", BTF_KIND_FUNC},
        {"kprobe/", BPF_PROG_TYPE_KPROBE, 0, "", BTF_KIND_FUNC},
        {"kretprobe/", BPF_PROG_TYPE_KPROBE, 0, "", BTF_KIND_FUNC},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        const size_t length = strlen(kinds[i].prefix);
        if (strncmp(section, kinds[i].prefix, length) == 0) {
            *ret_name = section + length;
            return &kinds[i];
        }
    }
    return NULL;
}

/* An event of the kernel's function NAME, to attach a program to; a descriptor or a negative errno.
 */
static int open_kprobe(const char *name)
{
    char text[16] = "";
    CLEANUP(fd_close)
    int file = open("/sys/bus/event_source/devices/kprobe/type", O_RDONLY | O_CLOEXEC);

    if (file < 0 || read(file, text, sizeof text - 1) <= 0)
        return -ENOENT;
    struct perf_event_attr attributes = {
        .type = (uint32_t)strtoul(text, NULL, 10),
        .size = sizeof attributes,
        .config1 = (uint64_t)(uintptr_t)name,
    };
    const int event =
        (int)syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
    return event < 0 ? -errno : event;
}

static int try_kprobe(const char *name, int program, int map, void (*trigger)(void))
{
    CLEANUP(fd_close) int event = open_kprobe(name);

    if (event < 0)
        return event;
    if (ioctl(event, PERF_EVENT_IOC_SET_BPF, program) < 0 ||
        ioctl(event, PERF_EVENT_IOC_ENABLE, 0) < 0)
        return -errno;
    return try_link(event, map, trigger);
}

/* 0 if a program of SECTION would be taken and would run, else a negative errno. */
static int try_section(const struct btf *btf, const char *section, void (*trigger)(void))
{
    const char *name;
    const ProbeKind *kind = kind_of(section, &name);

    if (!kind)
        return -EINVAL;
    const int id = find_type(btf, kind->type_prefix, name, kind->type_kind);
    if (id < 0)
        return -ENOENT;
    CLEANUP(fd_close)
    int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "whittle_trial", sizeof(uint32_t),
                             sizeof(uint64_t), 1, NULL);
    if (map < 0)
        return map;
    const bool traces = kind->program == BPF_PROG_TYPE_TRACING;
    CLEANUP(fd_close) int program = load_trial(kind->program, kind->attach, traces ? id : 0, map);
    if (program < 0)
        return program;
    if (!traces)
        return try_kprobe(name, program, map, trigger);
    CLEANUP(fd_close) int link = bpf_raw_tracepoint_open(NULL, program);
    return try_link(link, map, trigger);
}

static int try_alternative(const struct btf *btf, const Alternative *alternative)
{
    const char *name;

    if (is_avoided(alternative))
        return -ENOENT;
    for (size_t i = 1; i < SECTIONS_MAX && alternative->sections[i]; i++) {
        const ProbeKind *kind = kind_of(alternative->sections[i], &name);
        if (!kind || find_type(btf, kind->type_prefix, name, kind->type_kind) < 0)
            return -ENOENT;
    }
    return try_section(btf, alternative->sections[0], alternative->trigger);
}

/* ---- what must be there ---------------------------------------------------------------------- */

static bool has_capability(cap_t own, cap_value_t capability)
{
    cap_flag_value_t value = CAP_CLEAR;

    return cap_get_flag(own, capability, CAP_EFFECTIVE, &value) == 0 && value == CAP_SET;
}

static bool is_privileged(void)
{
    cap_t own = cap_get_proc();

    if (!own)
        return false;
    const bool is = has_capability(own, CAP_SYS_ADMIN) ||
                    (has_capability(own, CAP_BPF) && has_capability(own, CAP_PERFMON));
    (void)cap_free(own);
    return is;
}

static int refused(int code, Error *err)
{
    char lockdown[128] = "";
    const int fd = open("/sys/kernel/security/lockdown", O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        const ssize_t n = read(fd, lockdown, sizeof lockdown - 1);
        lockdown[n > 0 ? n : 0] = '\0';
        (void)close(fd);
    }
    if (strstr(lockdown, "[confidentiality]"))
        return error_set(err, code,
                         "the kernel is locked down for confidentiality, so that nobody may trace "
                         "it; boot with lockdown=integrity or none");
    if (code == -EPERM || code == -EACCES)
        return error_set(err, code,
                         "the kernel refuses to load a tracing program; in a container, its "
                         "seccomp profile may forbid bpf(), or its capabilities are those of a "
                         "user namespace");
    return error_errno(err, code, "the kernel cannot trace system calls by eBPF");
}

static int check_machine(const struct btf *btf, Error *err)
{
    /* The newest of the functions that whittle.bpf.c calls. */
    if (btf__find_by_name_kind(btf, "bpf_loop", BTF_KIND_FUNC) < 0)
        return error_set(err, -ENOSYS,
                         "the kernel is too old for the eBPF backend, which needs Linux 5.17");
    const int r = try_section(btf, "tp_btf/sys_exit", NULL);
    return r < 0 ? refused(r, err) : 0;
}

/* The first alternative of GROUP, from number FIRST on, that works; -1. */
static int first_working(const struct btf *btf, size_t group, int first)
{
    for (int i = first; i < ALTERNATIVES_MAX && groups[group].alternatives[i].text; i++) {
        if (try_alternative(btf, &groups[group].alternatives[i]) == 0)
            return i;
    }
    return -1;
}

/* *RET_BTF is the caller's; untouched on failure. */
static int check(struct btf **ret_btf, Error *err)
{
    (void)libbpf_set_print(NULL);
    if (!is_privileged())
        return error_set(err, -EPERM,
                         "eBPF needs privilege: run as root, or with the capabilities CAP_BPF and "
                         "CAP_PERFMON, CAP_SYSLOG to know who checks capabilities, and "
                         "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH to look at "
                         "files of others");
    if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
        return error_set(err, -ENOTSUP,
                         "the kernel does not tell its types (no /sys/kernel/btf/vmlinux); one "
                         "with CONFIG_DEBUG_INFO_BTF does, as those of Debian and Ubuntu");
    CLEANUP(btf_drop) struct btf *btf = btf__load_vmlinux_btf();
    if (!btf)
        return error_errno(err, errno, "cannot read /sys/kernel/btf/vmlinux");
    const int r = check_machine(btf, err);
    if (r == 0)
        *ret_btf = TAKE(btf);
    return r;
}

/* How the tracepoint tells of a completion, by what its handlers are given. */
static uint32_t find_io_complete(const struct btf *btf)
{
    const int id = find_type(btf, "btf_trace_", "io_uring_complete", BTF_KIND_TYPEDEF);
    const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);

    while (type && (btf_is_typedef(type) || btf_is_ptr(type)))
        type = btf__type_by_id(btf, type->type);
    if (!type || !btf_is_func_proto(type))
        return IO_COMPLETE_NONE;
    /* The first one is the handler's own. */
    const unsigned count = btf_vlen(type) - 1u;
    return count == 3 ? IO_COMPLETE_ENTRY : count >= 5 ? IO_COMPLETE_VALUES : IO_COMPLETE_NONE;
}

int bpf_probes_check(Error *err)
{
    CLEANUP(btf_drop) struct btf *btf = NULL;

    return check(&btf, err);
}

int bpf_probes_choose(BpfProbes *ret_probes, Error *err)
{
    CLEANUP(btf_drop) struct btf *btf = NULL;
    const int r = check(&btf, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < BPF_PROBE_GROUPS; i++)
        ret_probes->taken[i] = first_working(btf, i, 0);
    ret_probes->io_complete = find_io_complete(btf);
    if (ret_probes->io_complete == IO_COMPLETE_NONE)
        ret_probes->taken[BPF_PROBE_IO_RESULTS] = -1;
    return 0;
}

/* ---- the choice ------------------------------------------------------------------------------ */

static bool has_section(const Alternative *alternative, const char *section)
{
    for (size_t i = 0; i < SECTIONS_MAX && alternative->sections[i]; i++) {
        if (strcmp(alternative->sections[i], section) == 0)
            return true;
    }
    return false;
}

/* The group of SECTION and which alternative in it; false if it is in none. */
static bool find_section(const char *section, size_t *group, int *alternative)
{
    for (size_t i = 0; i < BPF_PROBE_GROUPS; i++) {
        for (int j = 0; j < ALTERNATIVES_MAX && groups[i].alternatives[j].text; j++) {
            if (has_section(&groups[i].alternatives[j], section)) {
                *group = i;
                *alternative = j;
                return true;
            }
        }
    }
    return false;
}

bool bpf_probes_want(const BpfProbes *probes, const char *section)
{
    size_t group;
    int alternative;

    return !find_section(section, &group, &alternative) || probes->taken[group] == alternative;
}

bool bpf_probes_drop(BpfProbes *probes, const char *section)
{
    size_t group;
    int alternative;

    if (!find_section(section, &group, &alternative) || probes->taken[group] != alternative)
        return false;
    CLEANUP(btf_drop) struct btf *btf = btf__load_vmlinux_btf();
    probes->taken[group] = btf ? first_working(btf, group, alternative + 1) : -1;
    return true;
}

void bpf_probes_text(const BpfProbes *probes, char *out, size_t size)
{
    size_t length = (size_t)snprintf(out, size, "tp_btf");

    for (size_t i = 0; i < BPF_PROBE_GROUPS && length < size; i++) {
        const char *text = probes->taken[i] >= 0 ? groups[i].alternatives[probes->taken[i]].text
                                                 : groups[i].without;
        if (text)
            length += (size_t)snprintf(out + length, size - length, " %s", text);
    }
    if (length < size)
        (void)snprintf(out + length, size - length, " ringbuf");
}

const char *bpf_probes_blind(const BpfProbes *probes, BpfProbeGroup group)
{
    return probes->taken[group] < 0 ? groups[group].blind : NULL;
}
