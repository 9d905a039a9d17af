/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of backend_listener when its recorder has been killed. */
#pragma once

#include "tracer/backend.h"

/* Takes what comes to AGENT, and lets all calls there run that the container's profile does not
 * refuse, until the container has ended: without that nobody could add a process to it any more. */
void listeners_let_run(const SeccompAgent *agent);
