/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/notify_answer.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>

void notify_answer(int listener, uint64_t id, Answer given)
{
    struct seccomp_notif_resp response = {.id = id,
                                          .error = given.error,
                                          .flags =
                                              given.run_it ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0};

    /* ENOENT: the thread is gone. */
    (void)seccomp_notify_respond(listener, &response);
}

Answer answer_unobserved(const Observer *observer)
{
    if (observer_enforces(observer))
        return (Answer){.error = -EPERM};
    return (Answer){.run_it = true};
}

Answer answer_refusal(const Observer *observer, int listener, const struct seccomp_notif *request)
{
    const int refusal = observer_refusal(observer);

    if (refusal != REFUSE_KILL)
        return (Answer){.error = -refusal};
    /* A thread that waits in the call still has its number. */
    if (seccomp_notify_id_valid(listener, request->id) == 0)
        (void)kill((pid_t)request->pid, SIGKILL);
    return (Answer){.error = -EPERM};
}
