/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fact of a system call: found in a small cache by program, call and selector arguments, and
 * counted. This is all that the usual call costs.
 */
#include "tracer/observer_private.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* clone3(2) has its flags in memory, first of all: what they select is recorded as clone's is. */
static void mask_clone_flags(Tracee *tracee, unsigned index, uint64_t address, Fact *draft)
{
    const FlagFamily *family = flag_family("clone_flags");
    uint64_t flags;

    if (!family || tracee_read(tracee, address, &flags, sizeof flags) < 0)
        return;
    draft->args[index] = flags & family->mask;
    draft->args_present |= (uint8_t)(1u << index);
}

static void mask_args(Tracee *tracee, const Syscall *syscall, const uint64_t *args, Fact *draft)
{
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        const SyscallArg *arg = &syscall->args[i];
        if (arg->role == ROLE_CLONE_ARGS)
            mask_clone_flags(tracee, i, args[i], draft);
        if (arg->role != ROLE_SELECTOR || !arg->family)
            continue;
        const uint64_t value = arg->wide ? args[i] : (uint32_t)args[i];
        draft->args[i] = value & arg->family->mask;
        draft->args_present |= (uint8_t)(1u << i);
    }
}

StoredFact *observe_unknown_call(Observer *observer, Tracee *tracee, const SyscallStop *stop)
{
    char name[32];
    char arch_text[32];
    Fact draft = {.kind = FACT_SYSCALL};
    const int arch = arch_from_call(stop->audit_arch, stop->nr);

    (void)snprintf(name, sizeof name, "syscall_%" PRId64, stop->nr);
    (void)snprintf(arch_text, sizeof arch_text, "audit-0x%08x", stop->audit_arch);
    draft.name = name;
    fact_set_text(&draft, FIELD_ARCH, arch >= 0 ? arch_name((Arch)arch) : arch_text);
    fact_set_number(&draft, FIELD_NUMBER, stop->nr);
    if (!observer->options.sees_results && !tracee->captured) {
        results_add(&draft.results, RESULT_UNKNOWN);
        draft.predicted = true;
    }
    if (arch < 0)
        observer_loss(observer, "unknown-architecture", arch_text, 1);
    return observer_add(observer, tracee, &draft, 1);
}

StoredFact *observe_call(Observer *observer, Tracee *tracee, const Syscall *syscall, Arch arch,
                         const uint64_t *args)
{
    Fact draft = {.kind = FACT_SYSCALL, .name = syscall->name};
    const char *subject = tracee->process->subject;

    mask_args(tracee, syscall, args, &draft);
    uint64_t h = hash_u64((uintptr_t)subject, (uint64_t)syscall->index << 8 | (uint64_t)arch);
    const Phase phase = tracee->process->phase;
    if (draft.args_present) {
        for (unsigned i = 0; i < SYSCALL_ARGS; i++)
            h = hash_u64(h, draft.args[i]);
    }
    CallCacheEntry *entry = &observer->cache[h % CALL_CACHE_SIZE];
    if (!tracee->captured && entry->fact && entry->subject == subject && entry->phase == phase &&
        entry->syscall == syscall && entry->arch == arch &&
        memcmp(entry->args, draft.args, sizeof draft.args) == 0) {
        (void)recording_add_count(observer->options.recording, entry->fact, observer->options.run,
                                  1);
        return entry->fact;
    }
    fact_set_text(&draft, FIELD_ARCH, arch_name(arch));
    fact_set_number(&draft, FIELD_NUMBER, syscall_number(syscall, arch));
    StoredFact *fact = observer_add(observer, tracee, &draft, 1);
    /* What was captured comes once, and counted: it also has a label and phase of its own. */
    if (fact && !tracee->captured) {
        *entry = (CallCacheEntry){
            .subject = subject, .phase = phase, .syscall = syscall, .arch = arch, .fact = fact};
        memcpy(entry->args, draft.args, sizeof entry->args);
    }
    return fact;
}

void observe_descriptors(Observer *observer, const Syscall *syscall, const uint64_t *args)
{
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        const ArgRole role = syscall->args[i].role;
        if (role != ROLE_FD && role != ROLE_DIRFD)
            continue;
        const int fd = (int)(uint32_t)args[i];
        if (fd >= 0 && (uint64_t)fd < 1u << 20 && (uint64_t)fd + 1 > observer->peak_descriptor)
            observer->peak_descriptor = (uint64_t)fd + 1;
    }
}
