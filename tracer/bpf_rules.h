/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel side of the eBPF backend is to look at in each system call, worked out from the
 * tables: argument roles for most of it, and rows of what is special about single calls, which
 * follow the handlers in observe_*.c. Computes only; needs no libbpf.
 */
#pragma once

#include "model/tables.h"
#include "tracer/bpf/events.h"

/* The tables' architecture of an entry path; -1 where machines like this one do not have it. */
int bpf_abi_arch(enum call_abi abi);

/* Fills *RULE for SYSCALL, in the form of its architecture (syscall_by_number()); NULL, a number
 * that the tables do not know, gives an empty rule. */
void bpf_rule_fill(const Syscall *syscall, struct call_rule *rule);
