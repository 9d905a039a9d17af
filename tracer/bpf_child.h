/* SPDX-License-Identifier: Apache-2.0 */
/* The workload's first process under the eBPF backend: it waits until it is recorded. */
#pragma once

#include "tracer/backend.h"

typedef struct BpfChild {
    pid_t pid;  /* 0: none */
    int socket; /* -1 */
} BpfChild;

/* Forks the child, in the caller's session and process group. It ends if the caller does. 0 or a
 * negative errno with ERR. */
int bpf_child_start(const Launch *launch, BpfChild *ret_child, Error *err);

/* Lets it run the program. 0 or a negative errno. */
int bpf_child_go(const BpfChild *child);

/* Ends one that was not let go, and closes what is open. */
void bpf_child_deinit(BpfChild *child);

/* The errno of its failed execve(), 0 if it did not fail. */
int bpf_child_exec_error(const BpfChild *child);
