/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container's own seccomp profile refuses by an errno, so that a listener can be asked of
 * such calls, too, and gives the very answer that the kernel would have given. Registers decide,
 * and no memory of the workload's, so nothing can change between the answer and the call.
 *
 * The rest stays the kernel's alone: calls that kill, trap or go to a tracer; those for which rules
 * of several kinds compete; those with numbers beyond all that the profile names, to which runc
 * answers ENOSYS by a filter of its own; and on i386 socketcall() and ipc(), of which libseccomp
 * makes rules by itself.
 */
#pragma once

#include "model/tables.h"

#include <stdint.h>

struct json_t;

typedef struct ContainerFilter ContainerFilter;

/* Of the profile SECCOMP (linux.seccomp), not kept. 0 or -ENOMEM. */
int container_filter_new(const struct json_t *seccomp, ContainerFilter **ret_filter);
ContainerFilter *container_filter_free(ContainerFilter *filter);

/* For CLEANUP(). */
void container_filter_drop(ContainerFilter **filter);

/* Has the listener to be asked of every call of SYSCALL? The profile lets it run with some
 * arguments only, or never. */
bool container_filter_asks(const ContainerFilter *filter, const Syscall *syscall);

/* What the call gets: 0, it runs, or an errno. It runs where the kernel asked for no other reason
 * than to tell of it. FILTER may be NULL. */
int container_filter_answer(const ContainerFilter *filter, const Syscall *syscall, int arch,
                            const uint64_t args[SYSCALL_ARGS]);

/* The same of what a notification tells. */
int container_filter_notified(const ContainerFilter *filter, uint32_t audit_arch, int64_t nr,
                              const uint64_t *args);
