/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel side is told of this machine and of the run. */
#pragma once

#include "tracer/backend.h"
#include "tracer/bpf/events.h"

/* HIERARCHIES as in struct bpf_settings. */
struct bpf_settings bpf_settings_here(uint64_t hierarchies, bool stacks);

/* In the recorder. */
struct bpf_session bpf_session_of(const BackendRun *run);
