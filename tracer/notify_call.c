/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/notify_call.h"

typedef struct Question {
    int listener;
    uint64_t id;
} Question;

static bool is_valid(void *data)
{
    const Question *question = data;

    return seccomp_notify_id_valid(question->listener, question->id) == 0;
}

void notify_mend(Restart *restart, Observer *observer, int listener,
                 const struct seccomp_notif *request, const SyscallStop *stop, uint32_t taken_back)
{
    Question question = {listener, request->id};

    restart_note(restart, stop, taken_back);
    if (restart_applies(restart, stop) &&
        restart_mend(restart, stop, is_valid, &question) == RESTART_INTERRUPTED)
        observer_interrupted(observer);
}

int notify_enter(Observer *observer, int listener, const struct seccomp_notif *request,
                 const SyscallStop *stop)
{
    const int verdict = observer_enter(observer, stop);

    if (verdict == OBSERVER_CONFIRM)
        observer_confirm(observer, stop->tid, seccomp_notify_id_valid(listener, request->id) == 0);
    return verdict;
}
