/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what the kernel side of the eBPF backend captured (bpf/events.h) to facts. Each event is
 * made into a call that is over, of a process that need not exist any more, and goes through the
 * same tables and handlers as the calls that other backends stop (observer_private.h).
 *
 * While a Capture exists the observer's journal is written in batches: call observer_flush() when
 * there is nothing more to read, and about once a second.
 */
#pragma once

#include "tracer/bpf/events.h"
#include "tracer/bpf_capabilities.h"
#include "tracer/observer.h"

#include <stddef.h>

typedef struct Capture Capture;

/* OBSERVER is borrowed, CAPABILITIES taken; NULL makes new ones. NULL without memory. */
Capture *capture_new(Observer *observer, BpfCapabilities *capabilities);
/* Events that still wait for the name of their program are told as of an unknown one. */
Capture *capture_free(Capture *capture);

/*
 * Takes SIZE bytes at EVENT, which must be aligned as struct event is. What it tells becomes facts
 * now, or once the program and the label that it names are told.
 * 0 or a negative errno: -EBADMSG for what is no event, -ENOMEM.
 */
int capture_event(Capture *capture, const struct event *event, size_t size);

/* Operations submitted through io_uring are not told: then io_uring_enter() counts as a loss. */
void capture_without_io_uring(Capture *capture);

/* To be called about once a second: lets go of folders that were opened to look up paths. */
void capture_tick(Capture *capture);

/* KEY was seen COUNT times in all: raises the counts of the facts of its event. For when all
 * events have been taken; what waits then is told first. */
void capture_count(Capture *capture, uint64_t key, uint64_t count);

/* bpf_capabilities_memory_check() of what CAPTURE was given. */
bool capture_memory_check(const Capture *capture, uint64_t *ret_address, uint32_t *ret_depth);
