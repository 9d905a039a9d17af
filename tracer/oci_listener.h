/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seccomp profile that notifies a listener of what it lets through, by linux.seccomp.listenerPath
 * of the OCI specification, for recording without eBPF; and of what it refuses by an errno, which
 * whoever listens has to refuse in its place (tracer/container_filter.h).
 *
 * SCMP_ACT_NOTIFY cannot be the default action. Neither can it be for what runc does between
 * loading the filter and handing the listener over, when nobody is there who could answer: write(),
 * and what Go's runtime does often. What it does seldom is answered late (runtime_listener.h).
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>

struct json_t;

/* The calls that go unnoticed, ended by NULL. */
extern const char *const oci_listener_unnoticed[];

/* Changes SECCOMP. 0 or a negative errno with ERR: -EBUSY if it has a listener of its own, -EINVAL
 * if that cannot be said by its rules. NAME is the file's, for ERR. */
int oci_listener_notify(struct json_t *seccomp, const char *path, const char *metadata,
                        const char *name, Error *err);

/* Lets everything run, and so serves a container that has no profile; NULL without memory. */
struct json_t *oci_listener_open_profile(void);
