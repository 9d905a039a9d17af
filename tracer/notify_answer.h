/* SPDX-License-Identifier: Apache-2.0 */
/* What a call whose notification was received gets. */
#pragma once

#include "tracer/observer.h"

#include <seccomp.h>

/* It is run, or returns 0, or a negative errno. */
typedef struct Answer {
    bool run_it;
    int error;
} Answer;

/* Nothing happens if the thread is gone. */
void notify_answer(int listener, uint64_t id, Answer given);

/* A call that nobody looks at any more: it runs, unless it may be one that is to be refused. */
Answer answer_unobserved(const Observer *observer);

/* After OBSERVER_REFUSE of REQUEST; kills its process where it is to be killed. */
Answer answer_refusal(const Observer *observer, int listener, const struct seccomp_notif *request);
