/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel side (tracer/bpf/whittle.bpf.c) in the kernel: loading and attaching it, and what the
 * recorder reads from and writes to its maps. Everything of it ends with this process.
 */
#pragma once

#include "base/error.h"
#include "tracer/bpf/events.h"
#include "tracer/bpf_probes.h"
#include "tracer/cgroups.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct BpfLoader BpfLoader;

/* Loads what this kernel takes, with rules from the tables, and attaches it; nothing is recorded
 * until a process is put in scope: by bpf_loader_join() if JOINS, else by bpf_loader_launch(). 0 or
 * a negative errno with ERR. */
int bpf_loader_new(const struct bpf_settings *settings, bool joins, BpfLoader **ret_loader,
                   Error *err);

/* Attaches again what bpf_loader_detach() has detached, maybe in a child of the process that loaded
 * it. 0 or a negative errno with ERR. */
int bpf_loader_attach(BpfLoader *loader, Error *err);

/* For this run; before anybody is put in scope. */
void bpf_loader_begin(BpfLoader *loader, const struct bpf_session *session);
BpfLoader *bpf_loader_free(BpfLoader *loader);

/* What was attached in the end. */
const BpfProbes *bpf_loader_probes(const BpfLoader *loader);

/* Why the kernel refused a program that was then left out; "" if it refused none. */
const char *bpf_loader_refusal(const BpfLoader *loader);

/* Puts PID, a process of one thread that was just forked, in scope: its calls are recorded from its
 * execve() on. 0 or a negative errno. */
int bpf_loader_launch(BpfLoader *loader, pid_t pid);

/* Puts COUNT processes that run already in scope, with all that descends from them; -ESRCH if one
 * of them does not. From here on tasks they make are in scope from the start. ROOT, for the map
 * `roots`, is the phase, and ROOT_RUNTIME for those that become a container runtime. */
int bpf_loader_join(BpfLoader *loader, const pid_t *pids, size_t count, uint32_t root);

/* Puts who is in one of COUNT cgroups, or comes there, in scope for as long as it stays; their
 * hierarchies are in the settings already (bpf_loader_hierarchy()). ROOT as above. 0 or a negative
 * errno. */
int bpf_loader_join_cgroups(BpfLoader *loader, const Cgroup *cgroups, size_t count, uint32_t root);

/* The bit of settings.hierarchies that stands for the cgroup's. */
uint64_t bpf_loader_hierarchy(const Cgroup *cgroup);

/* Has a look at processes with several threads that were moved between cgroups since the last time,
 * if there are any. 0 or a negative errno. */
int bpf_loader_settle(BpfLoader *loader);

/* Once all is detached: what is counted in the state of tasks that were joined, or their
 * descendants, and live on goes where bpf_loader_seen() finds it. 0 or a negative errno. */
int bpf_loader_settle_counts(const BpfLoader *loader);

/* There are some. */
bool bpf_loader_unsettled(const BpfLoader *loader);

/* Some task was in scope since it was loaded. */
bool bpf_loader_populated(const BpfLoader *loader);

/* EVENT is good until the function returns, and is as long as SIZE says; what it says of its own
 * size is not checked yet. */
typedef void BpfEventSink(void *data, const struct event *event, size_t size);

/* Readable when events wait; borrowed. */
int bpf_loader_fd(const BpfLoader *loader);

/* Gives events that wait to SINK, but not without end. How many, 0 if none is left, or a negative
 * errno. */
int bpf_loader_consume(BpfLoader *loader, BpfEventSink *sink, void *data);

/* After bpf_loader_detach(): tells SINK of the operations of io_uring of which nobody saw the end.
 */
void bpf_loader_unfinished(const BpfLoader *loader, BpfEventSink *sink, void *data);

/* What capture_memory_check() found: such checks are not told any more. */
void bpf_loader_skip_memory_check(BpfLoader *loader, uint64_t address, uint32_t depth);

/* 0 where it cannot be read. */
uint64_t bpf_loader_counter(const BpfLoader *loader, enum counter counter);

/* System calls seen, but those of tasks that are alive since their last lull. */
uint64_t bpf_loader_calls(const BpfLoader *loader);

/* Nothing is recorded any more; what was can still be read. */
void bpf_loader_detach(BpfLoader *loader);

/* For each key of the map `seen`, how often; of `peaks`, program and pages. 0 or a negative errno:
 * some are missing. Only after bpf_loader_detach(), else some may come twice. */
typedef void BpfPairSink(void *data, uint64_t key, uint64_t value);
int bpf_loader_seen(const BpfLoader *loader, BpfPairSink *sink, void *data);
int bpf_loader_peaks(const BpfLoader *loader, BpfPairSink *sink, void *data);

/* How many things were seen and never told. */
uint64_t bpf_loader_lost(const BpfLoader *loader);
