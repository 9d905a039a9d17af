/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading is tried again without a program that the kernel's verifier refuses, as long as that one
 * can be done without (bpf_probes.h). libbpf tells which program it was by filling that one's log.
 */
#include "tracer/bpf_loader_private.h"

#include "base/memory.h"
#include "tracer/bpf_rules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LOG_SIZE = 64 * 1024,
    LOG_SIZE_MAX = 32 * 1024 * 1024,
    X32_BIT = 0x40000000,
};

typedef struct Logs {
    char *text[BPF_PROGRAMS_MAX]; /* size bytes each */
    size_t size;
} Logs;

static void logs_deinit(Logs *logs)
{
    for (size_t i = 0; i < BPF_PROGRAMS_MAX; i++)
        free(logs->text[i]);
}

/* Whether it is to be tried again with more room: kernels before 6.4 want room for all of a log,
 * whose end alone tells why, and say ENOSPC in place of what is wrong. */
static bool logs_grow(Logs *logs)
{
    if (logs->size >= LOG_SIZE_MAX)
        return false;
    logs_deinit(logs);
    *logs = (Logs){.size = LOG_SIZE_MAX};
    return true;
}

static int logs_attach(Logs *logs, struct bpf_object *object)
{
    struct bpf_program *program;
    size_t i = 0;

    bpf_object__for_each_program(program, object)
    {
        if (i == BPF_PROGRAMS_MAX)
            return -E2BIG;
        if (!logs->text[i])
            logs->text[i] = malloc(logs->size);
        if (!logs->text[i])
            return -ENOMEM;
        logs->text[i][0] = '\0';
        const int r = bpf_program__set_log_buf(program, logs->text[i], logs->size);
        if (r < 0)
            return r;
        i++;
    }
    return 0;
}

/* The last line of a log but the statistics. */
static const char *log_reason(char *log)
{
    char *reason = log;

    for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, "processed ", strlen("processed ")) != 0)
            reason = line;
    }
    return reason;
}

/* Loading failed with CODE. 0 if it is to be tried again without the program that was refused. */
static int on_refusal(BpfLoader *loader, Logs *logs, int code, Error *err)
{
    struct bpf_program *program;
    size_t i = 0;

    bpf_object__for_each_program(program, loader->skeleton->obj)
    {
        char *log = logs->text[i++];
        if (!log || log[0] == '\0' || !bpf_program__autoload(program))
            continue;
        const char *reason = log_reason(log);
        if (bpf_probes_drop(&loader->probes, bpf_program__section_name(program))) {
            (void)snprintf(loader->refusal, sizeof loader->refusal, "%s: %s",
                           bpf_program__section_name(program), reason);
            return 0;
        }
        return error_errno(err, code, "the kernel refuses the program %s (%.400s)",
                           bpf_program__name(program), reason);
    }
    return error_errno(err, code, "the kernel side of the eBPF backend cannot be loaded");
}

static int open_skeleton(BpfLoader *loader, const struct bpf_settings *settings, Error *err)
{
    struct bpf_program *program;

    loader->skeleton = whittle_bpf__open();
    if (!loader->skeleton)
        return error_errno(err, errno, "cannot open the kernel side of the eBPF backend");
    memcpy(&loader->skeleton->rodata->settings, settings, sizeof *settings);
    if (loader->probes.taken[BPF_PROBE_IO_RESULTS] >= 0)
        loader->skeleton->rodata->settings.io_complete = loader->probes.io_complete;
    const int cpus = libbpf_num_possible_cpus();
    const int r = cpus < 0
                      ? cpus
                      : bpf_map__set_max_entries(loader->skeleton->maps.scratches, (uint32_t)cpus);
    if (r < 0)
        return error_errno(err, r, "cannot tell the number of CPUs");
    bpf_object__for_each_program(program, loader->skeleton->obj)
    {
        if (!bpf_probes_want(&loader->probes, bpf_program__section_name(program)) ||
            (program == loader->skeleton->progs.seed && !loader->joins) ||
            (program == loader->skeleton->progs.on_attach && settings->hierarchies == 0))
            (void)bpf_program__set_autoload(program, false);
    }
    return 0;
}

static void drop_links(BpfLoader *loader)
{
    for (size_t i = 0; i < loader->links_count; i++)
        (void)bpf_link__destroy(loader->links[i]);
    loader->links_count = 0;
}

/* 0, or 1 if it is to be tried again without a program that does not attach. */
static int attach_all(BpfLoader *loader, Error *err)
{
    struct bpf_program *program;

    bpf_object__for_each_program(program, loader->skeleton->obj)
    {
        if (!bpf_program__autoload(program) || program == loader->skeleton->progs.seed)
            continue;
        struct bpf_link *link = bpf_program__attach(program);
        if (link) {
            loader->links[loader->links_count++] = link;
            continue;
        }
        const int code = errno;
        if (bpf_probes_drop(&loader->probes, bpf_program__section_name(program))) {
            (void)snprintf(loader->refusal, sizeof loader->refusal, "%s: %s",
                           bpf_program__section_name(program), strerror(code));
            return 1;
        }
        return error_errno(err, code, "cannot attach the program %s", bpf_program__name(program));
    }
    return 0;
}

static int fill_rules(const BpfLoader *loader)
{
    for (unsigned abi = 0; abi < ABI_COUNT; abi++) {
        const int arch = bpf_abi_arch((enum call_abi)abi);
        for (uint32_t nr = 0; arch >= 0 && nr < RULES_PER_ABI; nr++) {
            const uint32_t index = abi * RULES_PER_ABI + nr;
            struct call_rule rule;
            bpf_rule_fill(syscall_by_number((Arch)arch, abi == ABI_X32 ? nr | X32_BIT : nr), &rule);
            if (!(rule.flags & RULE_KNOWN))
                continue;
            const int r = bpf_map__update_elem(loader->skeleton->maps.rules, &index, sizeof index,
                                               &rule, sizeof rule, BPF_ANY);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* Loads and attaches. */
static int load(BpfLoader *loader, const struct bpf_settings *settings, Error *err)
{
    CLEANUP(logs_deinit) Logs logs = {.size = LOG_SIZE};

    for (;;) {
        int r = open_skeleton(loader, settings, err);
        if (r < 0)
            return r;
        r = logs_attach(&logs, loader->skeleton->obj);
        if (r < 0)
            return error_errno(err, r, "cannot prepare the eBPF programs");
        r = whittle_bpf__load(loader->skeleton);
        if (r < 0) {
            r = r == -ENOSPC && logs_grow(&logs) ? 0 : on_refusal(loader, &logs, r, err);
        } else {
            r = fill_rules(loader);
            if (r < 0)
                return error_errno(err, r, "cannot fill the table of rules");
            r = attach_all(loader, err);
            if (r == 0)
                return 0;
        }
        if (r < 0)
            return r;
        drop_links(loader);
        whittle_bpf__destroy(loader->skeleton);
        loader->skeleton = NULL;
    }
}

static void loader_drop(BpfLoader **loader)
{
    *loader = bpf_loader_free(*loader);
}

int bpf_loader_new(const struct bpf_settings *settings, bool joins, BpfLoader **ret_loader,
                   Error *err)
{
    CLEANUP(loader_drop) BpfLoader *loader = calloc(1, sizeof *loader);

    if (!loader)
        return error_errno(err, ENOMEM, "cannot load the eBPF backend");
    loader->joins = joins;
    int r = bpf_probes_choose(&loader->probes, err);
    if (r == 0)
        r = load(loader, settings, err);
    if (r < 0)
        return r;
    loader->ring = ring_buffer__new(bpf_map__fd(loader->skeleton->maps.events), bpf_loader_record,
                                    loader, NULL);
    if (!loader->ring)
        return error_errno(err, errno, "cannot map the ring buffer");
    *ret_loader = TAKE(loader);
    return 0;
}

BpfLoader *bpf_loader_free(BpfLoader *loader)
{
    if (loader) {
        drop_links(loader);
        ring_buffer__free(loader->ring);
        whittle_bpf__destroy(loader->skeleton);
        free(loader);
    }
    return NULL;
}

const BpfProbes *bpf_loader_probes(const BpfLoader *loader)
{
    return &loader->probes;
}

const char *bpf_loader_refusal(const BpfLoader *loader)
{
    return loader->refusal;
}

int bpf_loader_attach(BpfLoader *loader, Error *err)
{
    const int r = attach_all(loader, err);

    /* It attached once. */
    return r > 0 ? error_set(err, -EIO, "cannot attach again: %s", loader->refusal) : r;
}

void bpf_loader_begin(BpfLoader *loader, const struct bpf_session *session)
{
    loader->skeleton->bss->session = *session;
}

void bpf_loader_detach(BpfLoader *loader)
{
    drop_links(loader);
}
