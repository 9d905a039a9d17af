/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are over (captured.h): entry and result in one. */
#include "tracer/captured.h"
#include "tracer/observer_private.h"

void observe_captured_operation(Observer *observer, Tracee *tracee, const SyscallStop *stop,
                                const Syscall *syscall, Arch arch, const char *seen_in)
{
    const int result = captured_result(tracee->captured);
    const CallHandler *handler = observer->handlers[syscall->index];

    Pending *pending = pending_begin(tracee, stop, syscall, arch);
    if (!pending) {
        observer_loss(observer, "memory", "no memory for a call", 1);
        return;
    }
    pending->seen_in = seen_in;
    pending->call.has_result = result != RESULT_UNKNOWN;
    pending->call.result = tracee->captured->event->result;
    observe_paths(observer, tracee, pending);
    if (handler)
        handler->enter(observer, tracee, pending);
    if (result == RESULT_OK && pending->on_success)
        pending->on_success(observer, tracee, pending);
    resolver_release(observer->resolver);
    pending_commit(observer, tracee, pending, result, true);
}

void observe_captured_call(Observer *observer, Tracee *tracee, const SyscallStop *stop)
{
    const int arch = arch_from_call(stop->audit_arch, stop->nr);
    const Syscall *syscall = tracee->captured->syscall;
    StoredFact *fact = syscall ? observe_call(observer, tracee, syscall, (Arch)arch, stop->args)
                               : observe_unknown_call(observer, tracee, stop);

    observe_result(observer, fact, captured_result(tracee->captured), true);
    if (!syscall)
        return;
    const uint8_t needs = observer->needs[syscall->index];
    if (needs & NEED_DESCRIPTORS)
        observe_descriptors(observer, syscall, stop->args);
    if (needs & (NEED_PENDING | NEED_IF_CONNECTED))
        observe_captured_operation(observer, tracee, stop, syscall, (Arch)arch, NULL);
}
