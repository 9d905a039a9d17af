/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check that nobody knows of says that the capability is needed: too much in a profile is a
 * smaller harm than a workload that fails. Without symbols all are such checks, and a loss says so.
 */
#include "tracer/bpf_capabilities.h"

#include "base/memory.h"
#include "tracer/bpf_symbols.h"
#include "tracer/capability_rules.h"
#include "tracer/capture_private.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct BpfCapabilities {
    KernelSymbols *symbols; /* NULL if they are not to be had: */
    int symbols_error;
    bool told;             /* that there are none */
    uint64_t memory_check; /* see bpf_capabilities_memory_check(); 0: not seen */
    uint32_t memory_check_depth;
    /* By verdict: some site was met of which only the call tells whether it mattered. */
    const CapabilitySite *asked[SITE_VERDICT_COUNT];
};

/* ---- who asked ------------------------------------------------------------------------------ */

static bool is_wanted(void *data, const char *name)
{
    (void)data;
    return capability_site_names(name);
}

/* The symbols are read at once: it takes as long as a short workload, in which the recorder would
 * be busy with nothing else. */
BpfCapabilities *bpf_capabilities_new_with(FILE *kallsyms)
{
    CLEANUP(file_close) FILE *file = kallsyms;
    BpfCapabilities *capabilities = calloc(1, sizeof *capabilities);

    if (!capabilities)
        return NULL;
    capabilities->symbols_error =
        file ? kernel_symbols_read(file, is_wanted, NULL, &capabilities->symbols) : -ENOENT;
    return capabilities;
}

BpfCapabilities *bpf_capabilities_new(void)
{
    return bpf_capabilities_new_with(fopen("/proc/kallsyms", "re"));
}

BpfCapabilities *bpf_capabilities_free(BpfCapabilities *capabilities)
{
    if (capabilities) {
        kernel_symbols_free(capabilities->symbols);
        free(capabilities);
    }
    return NULL;
}

/* The kernel's functions; NULL if they are not to be had, which is told once. */
static const KernelSymbols *symbols_of(BpfCapabilities *capabilities, Observer *observer)
{
    if (!capabilities->symbols && !capabilities->told) {
        capabilities->told = true;
        observer_loss(observer, "kernel-symbols",
                      capabilities->symbols_error == -ENODATA
                          ? "/proc/kallsyms does not show addresses (kernel.kptr_restrict)"
                          : "/proc/kallsyms cannot be read",
                      1);
    }
    return capabilities->symbols;
}

/* The innermost address in the function that asks for each mapping. */
static void note_memory_check(BpfCapabilities *capabilities, const CapturedBlob *blob,
                              const char *const *stack, size_t count)
{
    static const char *const names[] = {"cap_vm_enough_memory", "security_vm_enough_memory_mm",
                                        "__vm_enough_memory"};

    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; stack[i] && n < ARRAY_LENGTH(names); n++) {
            if (strcmp(stack[i], names[n]) != 0)
                continue;
            memcpy(&capabilities->memory_check, blob->bytes + i * sizeof(uint64_t),
                   sizeof(uint64_t));
            capabilities->memory_check_depth = (uint32_t)i;
            return;
        }
    }
}

bool bpf_capabilities_memory_check(const BpfCapabilities *capabilities, uint64_t *ret_address,
                                   uint32_t *ret_depth)
{
    if (!capabilities->memory_check)
        return false;
    *ret_address = capabilities->memory_check;
    *ret_depth = capabilities->memory_check_depth;
    return true;
}

static const CapabilitySite *site_of(BpfCapabilities *capabilities, Observer *observer,
                                     const Captured *captured)
{
    const CapturedBlob *blob = captured_blob(captured, BLOB_STACK, CAPTURED_ANY);
    const KernelSymbols *symbols = symbols_of(capabilities, observer);
    const char *stack[EVENT_STACK_MAX];
    size_t count = 0;

    if (!blob || !symbols)
        return NULL;
    for (; count < EVENT_STACK_MAX && (count + 1) * sizeof(uint64_t) <= blob->size; count++) {
        uint64_t address;
        memcpy(&address, blob->bytes + count * sizeof address, sizeof address);
        /* Where a call returns to may lie behind the function, if that is not expected to return.
         */
        stack[count] = address ? kernel_symbols_find(symbols, address - 1) : NULL;
    }
    if (captured->event->value == CAP_SYS_ADMIN && !capabilities->memory_check)
        note_memory_check(capabilities, blob, stack, count);
    return capability_site_find(stack, count, (int)captured->event->value);
}

/* ---- whether it mattered -------------------------------------------------------------------- */

static int ask_read(void *data, uint64_t address, void *bytes, size_t length)
{
    return tracee_read(data, address, bytes, length);
}

/* The rules of ioctl() look whether it is a socket at all: the kernel came to a socket's site. */
static int ask_socket(void *data, int fd, int *ret_domain, int *ret_type, int *ret_protocol)
{
    (void)data;
    (void)fd;
    *ret_domain = AF_INET;
    *ret_type = SOCK_DGRAM;
    *ret_protocol = 0;
    return 0;
}

static void note(void *data, int capability, const char *rule, const char *object)
{
    (void)rule;
    (void)object;
    *(uint64_t *)data |= UINT64_C(1) << capability;
}

/* What the rules infer of the call, from its arguments alone. */
static bool rules_agree(Observer *observer, Tracee *tracee, int capability)
{
    static const CapabilityQueries queries = {.read = ask_read, .socket_info = ask_socket};
    const Pending *pending = tracee->pending;
    const Credentials *credentials;
    uint64_t needed = 0;

    if (!pending || !pending->active || tracee_credentials(tracee, &credentials) < 0)
        return true;
    Call call = pending->call;
    Credentials own = *credentials;
    /* The check was made in the namespace that counts, or it would not come so far. */
    own.own_user_namespace = false;
    own.effective |= UINT64_C(1) << capability;
    call.has_result = true;
    const CapabilityContext context = {
        .call = &call, .credentials = &own, .queries = &queries, .data = tracee};
    capability_infer(observer->capability_rules, &context, note, &needed);
    return needed >> capability & 1;
}

/* The call has a mode argument, and that sets the group id. */
static bool sets_group_id(const Captured *captured)
{
    for (size_t i = 0; captured->syscall && i < SYSCALL_ARGS; i++) {
        if (captured->syscall->args[i].role == ROLE_MODE)
            return captured->event->args[i] & S_ISGID;
    }
    return false;
}

static bool is_need(const CapabilitySite *site, Observer *observer, Tracee *tracee)
{
    const Captured *captured = tracee->captured;
    const struct event *event = captured->event;
    const SiteVerdict verdict = site ? site->verdict : SITE_NEED;

    if (event->flags & CAPABILITY_OTHER_NAMESPACE)
        return false;
    if (event->flags & CAPABILITY_OVERRIDDEN && verdict != SITE_ANY)
        return false;
    switch (verdict) {
    case SITE_PROBE:
    case SITE_TOUCH:
    case SITE_LINK:
    case SITE_MAP:
        return false;
    case SITE_RULE:
        return rules_agree(observer, tracee, (int)event->value);
    case SITE_MODE:
        return sets_group_id(captured);
    case SITE_USER:
        return event->credentials.euid != 0;
    default:
        return true;
    }
}

/* Who has no CAP_FOWNER gets as far with a file that is his to write. The supplementary groups are
 * not known. */
static bool is_writable(const struct stat *st, const Credentials *credentials)
{
    if (st->st_gid == credentials->fsgid)
        return st->st_mode & S_IWGRP;
    return (st->st_mode & S_IWOTH) && (st->st_mode & S_IWGRP);
}

/*
 * Since Linux 5.12 root can be mapped into a new user namespace if whoever made it held CAP_SETFCAP
 * then, which the kernel keeps in the namespace. A process that maps itself has made it, and is
 * root outside if that is who it is.
 */
static bool maps_root(const struct event *event)
{
    return (event->flags & CAPABILITY_OTHER_NAMESPACE) && event->credentials.euid == 0;
}

/* ---- the fact ------------------------------------------------------------------------------- */

/* A smaller capability that would have done: it was denied just before at the same place, or the
 * kernel would have asked for it next. */
static const Capability *alternative_to(const Capability *capability, const CapabilitySite *site,
                                        const struct event *event)
{
    const int denied =
        event->type == EVENT_CAPABILITY ? (int)(event->flags >> CAPABILITY_DENIED_SHIFT) - 1 : -1;
    const Capability *smaller = capability_by_number(denied);

    for (const char *const *name = capability->implied; smaller && *name; name++) {
        if (strcmp(*name, smaller->name) == 0)
            return smaller;
    }
    return site ? capability_by_number(site->alternative) : NULL;
}

static void add(const Capability *capability, const CapabilitySite *site, Observer *observer,
                Tracee *tracee)
{
    const Captured *captured = tracee->captured;
    const bool granted = captured->event->result == 0;
    const Capability *alternative =
        granted ? alternative_to(capability, site, captured->event) : NULL;
    Fact draft = {.kind = FACT_CAPABILITY, .name = capability->name};

    results_add(&draft.results, granted ? RESULT_OK : EPERM);
    if (captured->syscall)
        fact_set_text(&draft, FIELD_SYSCALL, captured->syscall->name);
    if (alternative)
        fact_set_text(&draft, FIELD_ALTERNATIVE, alternative->name);
    (void)observer_add(observer, tracee, &draft, 1);
}

int bpf_capabilities_event(BpfCapabilities *capabilities, Observer *observer, Tracee *tracee)
{
    const Captured *captured = tracee->captured;
    const struct event *event = captured->event;
    const SyscallStop stop = captured_stop(captured);
    Pending *pending = NULL;

    if (event->value > INT32_MAX)
        return -EBADMSG;
    const Capability *capability = capability_by_number((int)event->value);
    if (!capability)
        return 0; /* of a newer kernel */
    const CapabilitySite *site = site_of(capabilities, observer, captured);
    if (captured->syscall) {
        const int arch = arch_from_call(stop.audit_arch, stop.nr);
        pending = pending_begin(tracee, &stop, captured->syscall, (Arch)arch);
        if (!pending)
            return -ENOMEM;
    }
    if (is_need(site, observer, tracee))
        add(capability, site, observer, tracee);
    else if (site && (site->verdict == SITE_TOUCH || site->verdict == SITE_LINK))
        capabilities->asked[site->verdict] = site;
    else if (site && site->verdict == SITE_MAP && tracee->credentials.own_user_namespace &&
             maps_root(event))
        add(capability_by_name("CAP_SETFCAP"), NULL, observer, tracee);
    if (pending)
        pending->active = false;
    return 0;
}

/* Of which calls it is the file that tells whether a check mattered. */
static const struct {
    SiteVerdict verdict;
    int capability;
    const char *const *syscalls;
} by_file[] = {
    {SITE_TOUCH, CAP_FOWNER,
     (const char *const[]){"utime", "utimes", "futimesat", "utimensat", "utimensat_time64", NULL}},
    {SITE_LINK, CAP_DAC_OVERRIDE, (const char *const[]){"link", "linkat", NULL}},
};

static bool is_one_of(const Syscall *syscall, const char *const *names)
{
    for (; syscall && *names; names++) {
        if (strcmp(*names, syscall->name) == 0)
            return true;
    }
    return false;
}

void bpf_capabilities_call(BpfCapabilities *capabilities, Observer *observer, Tracee *tracee)
{
    const Captured *captured = tracee->captured;
    const Pending *pending = tracee->pending;
    const Credentials *credentials = &tracee->credentials;

    if (!captured_succeeded(captured) || !pending || pending->call.syscall != captured->syscall ||
        pending->call.paths_count == 0)
        return;
    const ResolvedPath *path = &pending->call.paths[0];
    if (path->has_stat &&
        (path->st.st_uid == credentials->fsuid || is_writable(&path->st, credentials)))
        return;
    for (size_t i = 0; i < ARRAY_LENGTH(by_file); i++) {
        const int capability = by_file[i].capability;
        const CapabilitySite *site = capabilities->asked[by_file[i].verdict];
        if (site && (credentials->effective >> capability & 1) &&
            is_one_of(captured->syscall, by_file[i].syscalls))
            add(capability_by_number(capability), site, observer, tracee);
    }
}
