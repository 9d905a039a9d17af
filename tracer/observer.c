/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame: which thread, which call, which fact; what depends on the call's kind is in
 * observe_*.c.
 *
 * The common case must be short: a call whose arguments name nothing is found in a small cache by
 * program, call and selector arguments, and counted. Everything else goes through a Pending: drafts
 * of facts made at entry, added to the recording when the call is known to run (observer_confirm)
 * or to have run (observer_result).
 */
#include "tracer/observer_private.h"
#include "tracer/reopened.h"

#include "model/mark.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>

/* How many results of one system call fact are looked at where none of them matters by itself. */
enum { RESULTS_SAMPLED = 8 };

/* How often, so far. */
static uint64_t count_of(const Observer *observer, const StoredFact *fact)
{
    return recording_fact_count(observer->options.recording, fact);
}

/* ---- entry, confirmation, result ------------------------------------------------------------ */

Pending *pending_begin(Tracee *tracee, const SyscallStop *stop, const Syscall *syscall, Arch arch)
{
    Pending *pending = tracee->pending;

    if (!pending) {
        pending = calloc(1, sizeof *pending);
        if (!pending)
            return NULL;
        tracee->pending = pending;
    }
    pending->count = 0;
    pending->active = true;
    pending->syscall_fact = NULL;
    pending->predicted = RESULT_UNKNOWN;
    pending->on_success = NULL;
    pending->seen_in = NULL;
    pending->call = (Call){.tracee = tracee,
                           .syscall = syscall,
                           .arch = arch,
                           .audit_arch = stop->audit_arch,
                           .nr = stop->nr};
    memcpy(pending->call.args, stop->args, sizeof pending->call.args);
    return pending;
}

/* What an earlier call of this process may have changed is looked at again. */
static void settle(Observer *observer, Tracee *tracee)
{
    if (tracee->process->exec_pending) {
        tracee->process->exec_pending = false;
        tracee->credentials_valid = false;
        process_identify(&observer->table, tracee->process);
    }
    if (tracee->credentials_stale_after) {
        tracee->credentials_stale_after = false;
        tracee->credentials_valid = false;
    }
    if (tracee->root_stale_after) {
        tracee->root_stale_after = false;
        observer->table.root_epoch++;
    }
}

/* `whittle mark`: from now on facts bear this label. */
static bool take_mark(Observer *observer, Tracee *tracee, const SyscallStop *stop)
{
    char label[MARK_LABEL_MAX + 1];
    const uint64_t length = stop->args[2];

    if ((uint32_t)stop->args[0] != MARK_PRCTL_OPTION || length == 0 || length > MARK_LABEL_MAX ||
        tracee_read(tracee, stop->args[1], label, length) < 0)
        return false;
    label[length] = '\0';
    if (strlen(label) != length)
        return false;
    const char *kept = strset_add(recording_strings(observer->options.recording), label);
    if (!kept)
        return false;
    observer->label = kept;
    /* Facts in the cache would not get the new label. */
    memset(observer->cache, 0, CALL_CACHE_SIZE * sizeof *observer->cache);
    reopened_forget(observer->reopened);
    return true;
}

/*
 * prctl(PR_GET_SECCOMP) of a workload that has no filter but the recorder's: it gets the answer
 * that it would get without (0). Some programs do not confine themselves if they find a filter.
 */
static bool asks_for_filter(const Observer *observer, const SyscallStop *stop,
                            const Syscall *syscall)
{
    return syscall == observer->prctl && (uint32_t)stop->args[0] == PR_GET_SECCOMP &&
           observer->options.own_filter && prctl(PR_GET_SECCOMP) == 0 &&
           seccomp_filters(stop->tid) == 1;
}

static bool takes_path(const Syscall *syscall)
{
    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        if (syscall->args[i].role == ROLE_PATH)
            return true;
    }
    return false;
}

/*
 * The call was seen often, all that it names was used before with success, and by its path it will
 * succeed again: a stop for its result would show nothing new. (A path that could not even be read
 * promises nothing.)
 */
static bool result_is_known(const Observer *observer, const Pending *pending,
                            const CallHandler *handler, uint8_t needs)
{
    if ((handler && handler->needs_result) || (needs & (NEED_IDENTITY | NEED_ROOT)) ||
        !pending->syscall_fact || count_of(observer, pending->syscall_fact) <= RESULTS_SAMPLED)
        return false;
    if (takes_path(pending->call.syscall) && pending->predicted != RESULT_OK)
        return false;
    return pending->count == 0 || observed_before(observer, pending);
}

static bool takes_program(const Syscall *syscall)
{
    return strncmp(syscall->name, "execve", strlen("execve")) == 0;
}

/* Is what the call in PENDING is about to do refused? Then observer_refusal() tells how. */
static bool refuses_facts(Observer *observer, const Pending *pending)
{
    const Enforcement *enforcement = observer_enforcement(observer);

    observer->refusal = REFUSE_NOT;
    if (!enforcement || !enforcement->fact_refusal ||
        (pending->predicted != RESULT_OK && pending->predicted != RESULT_UNKNOWN))
        return false;
    for (size_t i = 0; i < pending->count && observer->refusal == REFUSE_NOT; i++) {
        if (pending->drafts[i].when != DRAFT_SETTLED)
            observer->refusal =
                enforcement->fact_refusal(enforcement->fact_data, &pending->drafts[i].fact);
    }
    return observer->refusal != REFUSE_NOT;
}

static int enter_special(Observer *observer, Tracee *tracee, const SyscallStop *stop,
                         const Syscall *syscall, Arch arch, uint8_t needs, StoredFact *fact)
{
    Pending *pending = pending_begin(tracee, stop, syscall, arch);

    if (!pending) {
        observer_loss(observer, "memory", "no memory for a call", 1);
        return OBSERVER_CONTINUE;
    }
    pending->syscall_fact = fact;
    observe_paths(observer, tracee, pending);
    const CallHandler *handler = observer->handlers[syscall->index];
    if (handler)
        handler->enter(observer, tracee, pending);
    /* Afterwards it is another program's. */
    if (takes_program(syscall) && !observed_before(observer, pending))
        (void)observe_stack(observer, tracee);
    /* Before the call runs: afterwards the limits, owners and credentials it met are gone. */
    observe_capabilities(observer, tracee, pending);
    resolver_release(observer->resolver);
    if (refuses_facts(observer, pending)) {
        /* Facts tell what it would have done, as where it is the kernel that refuses. */
        pending_commit(observer, tracee, pending, pending->predicted, false);
        return OBSERVER_REFUSE;
    }
    tracee->credentials_stale_after = (needs & NEED_IDENTITY) != 0;
    tracee->root_stale_after = (needs & NEED_ROOT) != 0;
    if (!observer->options.sees_results)
        return OBSERVER_CONFIRM;
    if (result_is_known(observer, pending, handler, needs)) {
        for (size_t i = 0; i < pending->count; i++)
            (void)observer_add(observer, tracee, &pending->drafts[i].fact, 1);
        pending->active = false;
        return OBSERVER_CONTINUE;
    }
    return OBSERVER_WANT_RESULT;
}

/*
 * Calls of whittle itself are not the workload's: those of the launched child before it runs its
 * program, and those of `whittle mark`.
 */
static bool skip_own_call(const Observer *observer, Tracee *tracee, const Syscall *syscall)
{
    Process *process = tracee->process;

    if (process->launching && syscall && strcmp(syscall->name, "execve") == 0) {
        process->launching = false;
        return false;
    }
    if (!process->launching && !process->is_mark)
        return false;
    if (syscall && (observer->needs[syscall->index] & NEED_IDENTITY) && !process->launching)
        process->exec_pending = true;
    return true;
}

static uint8_t needs_now(const Observer *observer, const Syscall *syscall)
{
    const uint8_t needs = observer->needs[syscall->index];

    if ((needs & NEED_IF_CONNECTED) &&
        (observer->sockets.connects_pending > 0 || observer->id_maps_open > 0))
        return needs | NEED_PENDING;
    return needs;
}

bool observer_is_brief(const Observer *observer, const SyscallStop *stop)
{
    const Tracee *tracee = process_table_find(&observer->table, stop->tid);
    const int arch = arch_from_call(stop->audit_arch, stop->nr);
    const Syscall *syscall = arch < 0 ? NULL : syscall_by_number((Arch)arch, stop->nr);

    return tracee && !tracee->process->exec_pending && syscall &&
           (needs_now(observer, syscall) & NEED_PENDING) == 0;
}

const Enforcement *observer_enforcement(const Observer *observer)
{
    return observer->options.known.enforcement;
}

bool observer_enforces(const Observer *observer)
{
    return observer_enforcement(observer) != NULL;
}

int observer_refusal(const Observer *observer)
{
    return observer->refusal;
}

/* Is the call refused? Then observer_refusal() tells how. */
static bool refuses(Observer *observer, const Syscall *syscall, int arch, const SyscallStop *stop)
{
    const Enforcement *enforcement = observer_enforcement(observer);

    observer->refusal = enforcement && enforcement->refusal
                            ? enforcement->refusal(enforcement->data, syscall, arch, stop->args)
                            : REFUSE_NOT;
    return observer->refusal != REFUSE_NOT;
}

/* The call will not run: it is a fact all the same, and what it names, as something that failed. */
static int enter_refused(Observer *observer, Tracee *tracee, const SyscallStop *stop,
                         const Syscall *syscall, Arch arch)
{
    const int result = observer->refusal > 0 ? observer->refusal : EPERM;
    StoredFact *fact = observe_call(observer, tracee, syscall, arch, stop->args);
    Pending *pending = takes_path(syscall) ? pending_begin(tracee, stop, syscall, arch) : NULL;

    if (!pending) {
        observe_result(observer, fact, result, true);
        return OBSERVER_REFUSE;
    }
    pending->syscall_fact = fact;
    observe_paths(observer, tracee, pending);
    resolver_release(observer->resolver);
    pending_commit(observer, tracee, pending, result, true);
    return OBSERVER_REFUSE;
}

int observer_enter(Observer *observer, const SyscallStop *stop)
{
    const int arch = arch_from_call(stop->audit_arch, stop->nr);
    const Syscall *syscall = arch < 0 ? NULL : syscall_by_number((Arch)arch, stop->nr);

    observer->calls++;
    Tracee *tracee = process_table_get(&observer->table, stop->tid, 0);
    if (!tracee) {
        /* One that was killed meanwhile never makes this call. */
        if (kill(stop->tid, 0) == 0 || errno != ESRCH)
            observer_loss(observer, "unreadable-process", "a task that could not be read in /proc",
                          1);
        return refuses(observer, syscall, arch, stop) ? OBSERVER_REFUSE : OBSERVER_CONTINUE;
    }
    settle(observer, tracee);
    tracee->stack = NULL;

    if (syscall && syscall == observer->prctl && take_mark(observer, tracee, stop))
        return OBSERVER_ANSWER;
    if (skip_own_call(observer, tracee, syscall))
        return OBSERVER_CONTINUE;
    if (!syscall) {
        (void)observe_unknown_call(observer, tracee, stop);
        return refuses(observer, NULL, arch, stop) ? OBSERVER_REFUSE : OBSERVER_CONTINUE;
    }
    const uint8_t needs = needs_now(observer, syscall);
    if (needs & NEED_DESCRIPTORS)
        observe_descriptors(observer, syscall, stop->args);
    if (refuses(observer, syscall, arch, stop))
        return enter_refused(observer, tracee, stop, syscall, (Arch)arch);
    StoredFact *fact = observe_call(observer, tracee, syscall, (Arch)arch, stop->args);
    if (asks_for_filter(observer, stop, syscall)) {
        observe_result(observer, fact, RESULT_OK, true);
        return OBSERVER_ANSWER;
    }
    if (reopened_is_known(observer, observer->reopened, tracee, syscall, stop, fact))
        return OBSERVER_CONTINUE;
    if (needs & NEED_PENDING)
        return enter_special(observer, tracee, stop, syscall, (Arch)arch, needs, fact);
    if (!fact)
        return OBSERVER_CONTINUE;
    if (!observer->options.sees_results) {
        if (results_empty(recording_fact_results(observer->options.recording, fact)))
            observe_result(observer, fact, RESULT_UNKNOWN, false);
        if (syscall == observer->exit) /* this thread makes no other call */
            process_table_drop_thread(&observer->table, tracee);
        return OBSERVER_CONTINUE;
    }
    if ((needs & NEED_RESULT) == 0 && count_of(observer, fact) > RESULTS_SAMPLED)
        return OBSERVER_CONTINUE;
    Pending *pending = pending_begin(tracee, stop, syscall, (Arch)arch);
    if (!pending)
        return OBSERVER_CONTINUE;
    pending->syscall_fact = fact;
    return OBSERVER_WANT_RESULT;
}

void pending_commit(Observer *observer, Tracee *tracee, Pending *pending, int result, bool seen)
{
    observe_result(observer, pending->syscall_fact, result, seen);
    for (size_t i = 0; i < pending->count; i++) {
        Draft *draft = &pending->drafts[i];
        if (draft->when == DRAFT_IF_SUCCESS && result != RESULT_OK && result != RESULT_UNKNOWN)
            continue;
        if (draft->when != DRAFT_SETTLED) {
            results_add(&draft->fact.results, result);
            draft->fact.predicted = !seen;
        }
        (void)observer_add(observer, tracee, &draft->fact, 1);
    }
    pending->active = false;
}

void observer_confirm(Observer *observer, pid_t tid, bool still_valid)
{
    Tracee *tracee = process_table_find(&observer->table, tid);
    Pending *pending = tracee ? tracee->pending : NULL;

    if (!pending || !pending->active)
        return;
    if (still_valid) {
        pending_commit(observer, tracee, pending, pending->predicted, false);
        reopened_note(observer, observer->reopened, tracee, pending);
    }
    pending->active = false;
}

int result_of_call(int64_t result)
{
    if (result >= 0 || result < -4095)
        return RESULT_OK;
    const int error = (int)-result;
    if (error < RESULT_UNKNOWN)
        return error;
    return error >= 512 && error <= 516 ? EINTR : RESULT_UNKNOWN;
}

void observer_result(Observer *observer, pid_t tid, int64_t result)
{
    Tracee *tracee = process_table_find(&observer->table, tid);
    Pending *pending = tracee ? tracee->pending : NULL;

    if (!pending || !pending->active)
        return;
    const int outcome = result_of_call(result);
    pending->call.has_result = true;
    pending->call.result = result;
    if (tracee->process->is_mark) {
        pending->active = false;
        return;
    }
    if (outcome == RESULT_OK && pending->on_success) {
        pending->on_success(observer, tracee, pending);
        resolver_release(observer->resolver);
    }
    pending_commit(observer, tracee, pending, outcome, true);
}
