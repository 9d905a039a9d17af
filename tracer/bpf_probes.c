/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program for a tracepoint or a function is bound to that one's number in the kernel's BTF; that
 * there is such a number says nothing of whether the kernel will attach to it (lockdown, kernels
 * without trampolines). So each candidate is tried for real.
 */
#include "tracer/bpf_probes.h"

#include "base/io.h"
#include "base/memory.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

enum { ALTERNATIVES_MAX = 4 };

static const struct ProbeGroup {
    const char *blind; /* what is missed without */
    struct {
        const char *section;
        const char *text; /* for bpf_probes_text() */
    } alternatives[ALTERNATIVES_MAX];
} groups[BPF_PROBE_GROUPS] = {
    [BPF_PROBE_CAPABILITIES] = {"this kernel lets nobody see its capability checks",
                                {{"tp_btf/cap_capable", "cap_capable:tracepoint"},
                                 {"fexit/cap_capable", "cap_capable:fexit"}}},
    [BPF_PROBE_IO_URING] = {"this kernel lets nobody see what is submitted through io_uring",
                            {{"tp_btf/io_uring_submit_req", "io_uring:submit_req"},
                             {"tp_btf/io_uring_submit_sqe", "io_uring:submit_sqe"}}},
    [BPF_PROBE_SIGNALS] = {"this kernel lets nobody see whom a signal is for",
                           {{"tp_btf/signal_generate", "signal_generate:tracepoint"}}},
    [BPF_PROBE_EXEC] = {"this kernel lets nobody see which call starts a program",
                        {{"tp_btf/sched_prepare_exec", "exec:tracepoint"},
                         {"fentry/begin_new_exec", "exec:fentry"}}},
};

/* ---- trying one ------------------------------------------------------------------------------ */

/* r0 = 0; exit */
static const struct bpf_insn nothing[] = {
    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
    {.code = BPF_JMP | BPF_EXIT},
};

static void btf_drop(struct btf **btf)
{
    btf__free(*btf);
}

/* 0 or a negative errno. */
static int try_tracing(const struct btf *btf, const char *prefix, const char *name,
                       enum bpf_attach_type type, uint32_t kind)
{
    char full[128];

    (void)snprintf(full, sizeof full, "%s%s", prefix, name);
    const int id = btf__find_by_name_kind(btf, full, kind);
    if (id < 0)
        return -ENOENT;
    /* Not const, which libbpf 1.3 would not take. */
    struct bpf_prog_load_opts options = {
        .sz = sizeof options, .expected_attach_type = type, .attach_btf_id = (uint32_t)id};
    CLEANUP(fd_close)
    int program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "whittle_trial", "GPL", nothing,
                                ARRAY_LENGTH(nothing), &options);
    if (program < 0)
        return program;
    CLEANUP(fd_close) int link = bpf_raw_tracepoint_open(NULL, program);
    return link < 0 ? link : 0;
}

static int try_fentry(const struct btf *btf, const char *name)
{
    return try_tracing(btf, "", name, BPF_TRACE_FENTRY, BTF_KIND_FUNC);
}

static int try_tracepoint(const struct btf *btf, const char *name)
{
    return try_tracing(btf, "btf_trace_", name, BPF_TRACE_RAW_TP, BTF_KIND_TYPEDEF);
}

static int try_fexit(const struct btf *btf, const char *name)
{
    return try_tracing(btf, "", name, BPF_TRACE_FEXIT, BTF_KIND_FUNC);
}

/* 0 if a program of SECTION would be taken. */
static int try_section(const struct btf *btf, const char *section)
{
    static const struct {
        const char *prefix;
        int (*try)(const struct btf *btf, const char *name);
    } kinds[] = {{"tp_btf/", try_tracepoint}, {"fexit/", try_fexit}, {"fentry/", try_fentry}};

    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        const size_t length = strlen(kinds[i].prefix);
        if (strncmp(section, kinds[i].prefix, length) == 0)
            return kinds[i].try(btf, section + length);
    }
    return -EINVAL;
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
    const int r = try_section(btf, "tp_btf/sys_exit");
    return r < 0 ? refused(r, err) : 0;
}

/* The first alternative of GROUP, from number FIRST on, that works; -1. */
static int first_working(const struct btf *btf, size_t group, int first)
{
    for (int i = first; i < ALTERNATIVES_MAX && groups[group].alternatives[i].section; i++) {
        if (try_section(btf, groups[group].alternatives[i].section) == 0)
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
    return 0;
}

/* ---- the choice ------------------------------------------------------------------------------ */

/* The group of SECTION and which alternative in it; false if it is in none. */
static bool find_section(const char *section, size_t *group, int *alternative)
{
    for (size_t i = 0; i < BPF_PROBE_GROUPS; i++) {
        for (int j = 0; j < ALTERNATIVES_MAX && groups[i].alternatives[j].section; j++) {
            if (strcmp(groups[i].alternatives[j].section, section) == 0) {
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
        if (probes->taken[i] >= 0)
            length += (size_t)snprintf(out + length, size - length, " %s",
                                       groups[i].alternatives[probes->taken[i]].text);
    }
    if (length < size)
        (void)snprintf(out + length, size - length, " ringbuf");
}

const char *bpf_probes_blind(const BpfProbes *probes, BpfProbeGroup group)
{
    return probes->taken[group] < 0 ? groups[group].blind : NULL;
}
