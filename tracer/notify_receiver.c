/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/notify_receiver.h"

#include "base/io.h"
#include "base/memory.h"
#include "tracer/notify_answer.h"
#include "tracer/notify_call.h"
#include "tracer/notify_priority.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Ends a wait in the ioctl; whittle blocks it everywhere else. */
enum { STOP_SIGNAL = SIGUSR1 };

/* With one thread at work the receiver looks for others, and for ends of processes, as often. */
enum { LOOK_AFTER = 8 };

/* A signal that took a notification back may have others follow, as often. */
enum { WARY_CALLS = 2000 };

/* The handler looks at its other events after so many calls. */
enum { HANDLED_AT_ONCE = 16 };

typedef enum Hand { HAND_RECEIVER, HAND_HANDLER } Hand;

_Static_assert((int)HAND_HANDLER < (int)KEEPER_HANDS,
               "each thread has a place for the call it handles");

/* ---- one call ------------------------------------------------------------------------------- */

static Answer observe(Receiver *receiver, const struct seccomp_notif *request)
{
    const SyscallStop stop = notify_stop(request);

    notify_mend(&receiver->restart, receiver->observer, receiver->listener, request, &stop,
                request->flags);
    const int verdict = notify_enter(receiver->observer, receiver->listener, request, &stop);

    hold_note(&receiver->hold, receiver->observer, &stop);
    urgency_note(&receiver->urgency, &stop);
    if (verdict == OBSERVER_REFUSE)
        return answer_refusal(receiver->observer, receiver->listener, request);
    return (Answer){.run_it = verdict != OBSERVER_ANSWER};
}

/* ---- the ring ------------------------------------------------------------------------------- */

static bool ring_is_empty(const Receiver *receiver)
{
    return atomic_load(&receiver->front) == atomic_load(&receiver->end);
}

static struct seccomp_notif *ring_slot(const Receiver *receiver, unsigned position)
{
    return &receiver->page->ring[position % KEEPER_SLOTS];
}

/* Moves the first request to the place of WHOSE hand. Under the lock, and not empty. The keeper may
 * see it in both for a moment: answering twice does no harm. */
static struct seccomp_notif *ring_take(Receiver *receiver, Hand whose)
{
    const unsigned front = atomic_load(&receiver->front);
    struct seccomp_notif *slot = ring_slot(receiver, front);
    struct seccomp_notif *taken = &receiver->page->in_hand[whose];

    *taken = *slot;
    slot->id = 0;
    atomic_store(&receiver->front, front + 1);
    (void)sem_post(&receiver->free_slots);
    return taken;
}

/* ---- the handler ---------------------------------------------------------------------------- */

bool receiver_may_sleep(Receiver *receiver)
{
    atomic_store(&receiver->asleep, true);
    return ring_is_empty(receiver) && atomic_load(&receiver->error) == 0;
}

void receiver_awake(Receiver *receiver, bool woken)
{
    uint64_t ignored;

    atomic_store(&receiver->asleep, false);
    if (woken)
        (void)!read(receiver->wake_fd, &ignored, sizeof ignored);
}

int receiver_error(const Receiver *receiver)
{
    return atomic_load(&receiver->error);
}

/* The number of a process that has ended may be another's already: its end comes first. */
static void reap_ended(const Receiver *receiver)
{
    struct pollfd ended = {.fd = observer_exit_fd(receiver->observer), .events = POLLIN};

    if (poll(&ended, 1, 0) > 0)
        observer_reap(receiver->observer);
}

/* Under the lock, which it releases before the answer. */
static void handle(Receiver *receiver, struct seccomp_notif *request)
{
    const Answer given = observe(receiver, request);

    (void)pthread_mutex_unlock(&receiver->lock);
    notify_answer(receiver->listener, request->id, given);
    request->id = 0;
}

static bool is_held(Receiver *receiver, const struct seccomp_notif *request)
{
    const SyscallStop stop = notify_stop(request);

    return hold_applies(&receiver->hold, receiver->observer, &stop);
}

/* Those whose wait is over are handled, the others move up. */
static void handle_held(Receiver *receiver)
{
    struct seccomp_notif *held = receiver->page->held;
    unsigned kept = 0;

    for (unsigned i = 0; i < receiver->held; i++) {
        (void)pthread_mutex_lock(&receiver->lock);
        reap_ended(receiver);
        if (!is_held(receiver, &held[i])) {
            handle(receiver, &held[i]);
            continue;
        }
        (void)pthread_mutex_unlock(&receiver->lock);
        if (kept != i) {
            held[kept] = held[i];
            held[i].id = 0;
        }
        kept++;
    }
    receiver->held = kept;
}

static void handle_first(Receiver *receiver)
{
    (void)pthread_mutex_lock(&receiver->lock);
    if (ring_is_empty(receiver)) {
        (void)pthread_mutex_unlock(&receiver->lock);
        return;
    }
    struct seccomp_notif *request = ring_take(receiver, HAND_HANDLER);
    reap_ended(receiver);
    if (receiver->held == KEEPER_HELD || !is_held(receiver, request)) {
        handle(receiver, request);
        return;
    }
    (void)pthread_mutex_unlock(&receiver->lock);
    receiver->page->held[receiver->held++] = *request;
    request->id = 0;
}

bool receiver_holds(const Receiver *receiver)
{
    return receiver->held > 0;
}

void receiver_handle(Receiver *receiver)
{
    for (unsigned i = 0; i < HANDLED_AT_ONCE && !ring_is_empty(receiver); i++)
        handle_first(receiver);
    handle_held(receiver);
}

/* ---- the receiver --------------------------------------------------------------------------- */

static void wake_handler(Receiver *receiver)
{
    const uint64_t one = 1;

    /* The handler marks itself before it looks at the ring a last time, and the ring was filled
     * before this: one of the two sees the other. */
    if (atomic_exchange(&receiver->asleep, false))
        (void)!write(receiver->wake_fd, &one, sizeof one);
}

static bool is_hung_up(const Receiver *receiver)
{
    struct pollfd listener = {.fd = receiver->listener};

    return poll(&listener, 1, 0) > 0;
}

/* Notifications are received in the order of their numbers: what is missing was taken back. How
 * many were until then goes with the notification, in a field that the kernel does not use. */
static void note_gap(Receiver *receiver, struct seccomp_notif *request)
{
    const uint32_t gap =
        receiver->last_id == 0 ? 0 : (uint32_t)(request->id - receiver->last_id - 1);

    receiver->taken_back += gap;
    if (gap > 0)
        receiver->wary = WARY_CALLS;
    else if (receiver->wary > 0)
        receiver->wary--;
    receiver->last_id = request->id;
    request->flags = receiver->taken_back;
}

/* Waits for a notification, and puts it into the ring, where a slot must have been taken. */
static void receive(Receiver *receiver)
{
    const unsigned end = atomic_load(&receiver->end);
    struct seccomp_notif *slot = ring_slot(receiver, end);

    memset(slot, 0, sizeof *slot);
    if (seccomp_notify_receive(receiver->listener, slot) == 0) {
        note_gap(receiver, slot);
        const SyscallStop stop = notify_stop(slot);
        activity_note(&receiver->activity, &stop);
        atomic_store(&receiver->end, end + 1);
        return;
    }
    const int error = errno;
    slot->id = 0;
    (void)sem_post(&receiver->free_slots);
    if (error == EINTR)
        return;
    /* ENOENT: the thread was gone before, or all are: the handler sees that too. */
    if (error != ENOENT)
        atomic_store(&receiver->error, error);
    if (error != ENOENT || is_hung_up(receiver))
        atomic_store(&receiver->over, true);
}

/*
 * The receiver alone receives, so that what poll() shows is there for it. Calls send signals (kill,
 * exit): before one is let run, all notifications that wait are received.
 */
static void receive_waiting(Receiver *receiver, short events)
{
    struct pollfd listener = {.fd = receiver->listener, .events = POLLIN};

    while ((events & POLLIN) && sem_trywait(&receiver->free_slots) == 0) {
        receive(receiver);
        events = poll(&listener, 1, 0) > 0 ? listener.revents : 0;
    }
}

static void observe_here(Receiver *receiver, bool brief)
{
    struct pollfd fds[] = {{.fd = observer_exit_fd(receiver->observer), .events = POLLIN},
                           {.fd = receiver->listener, .events = POLLIN}};
    struct seccomp_notif *request = ring_take(receiver, HAND_RECEIVER);
    /* Where one thread alone has been making calls, none of another is likely to wait, nor has its
     * number become another's meanwhile: looking costs as much as half of all the rest. */
    const bool look = receiver->urgency.is_urgent || activity_of_others(&receiver->activity) ||
                      ++receiver->alone % LOOK_AFTER == 0;

    if (look && poll(fds, 2, 0) > 0) {
        if (fds[0].revents)
            observer_reap(receiver->observer);
        receive_waiting(receiver, fds[1].revents);
    }
    const Answer given = observe(receiver, request);
    (void)pthread_mutex_unlock(&receiver->lock);
    if (look && !brief && poll(&fds[1], 1, 0) > 0)
        receive_waiting(receiver, fds[1].revents);
    notify_answer(receiver->listener, request->id, given);
    request->id = 0;
}

/* False if the first call of the ring is the handler's: it is busy, or the call takes long and
 * others may come meanwhile that a signal could take back. Handing a call over costs more than most
 * calls themselves. */
static bool handle_here(Receiver *receiver)
{
    if (pthread_mutex_trylock(&receiver->lock) != 0)
        return false;
    if (ring_is_empty(receiver)) {
        (void)pthread_mutex_unlock(&receiver->lock);
        return true;
    }
    const SyscallStop stop = notify_stop(ring_slot(receiver, atomic_load(&receiver->front)));
    const bool brief = observer_is_brief(receiver->observer, &stop);
    if ((!brief && receiver->wary > 0 && activity_of_others(&receiver->activity)) ||
        hold_applies(&receiver->hold, receiver->observer, &stop)) {
        (void)pthread_mutex_unlock(&receiver->lock);
        return false;
    }
    observe_here(receiver, brief);
    return true;
}

static void *receiver_main(void *data)
{
    Receiver *receiver = data;
    sigset_t stop;

    urgency_begin(&receiver->urgency);
    priority_short_slice();
    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, STOP_SIGNAL);
    (void)pthread_sigmask(SIG_UNBLOCK, &stop, NULL);
    while (!atomic_load(&receiver->over)) {
        if (sem_wait(&receiver->free_slots) < 0)
            continue; /* the signal */
        receive(receiver);
        urgency_adapt(&receiver->urgency);
        bool mine = true;
        while (mine && !ring_is_empty(receiver) && !atomic_load(&receiver->over))
            mine = handle_here(receiver);
        if (!mine)
            wake_handler(receiver);
    }
    if (atomic_load(&receiver->error) != 0)
        wake_handler(receiver);
    return NULL;
}

/* ---- start and stop ------------------------------------------------------------------------- */

static void on_stop(int number)
{
    (void)number; /* it is enough that the ioctl returns */
}

int receiver_start(Receiver *receiver, int listener, Observer *observer, KeeperPage *page)
{
    const struct sigaction action = {.sa_handler = on_stop};

    *receiver = (Receiver){.listener = listener, .observer = observer, .page = page, .wake_fd = -1};
    CLEANUP(fd_close) int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CLEANUP(restart_deinit) Restart restart = {0};
    CLEANUP(urgency_deinit) Urgency urgency = {0};
    CLEANUP(activity_deinit) Activity activity = {0};
    int r = restart_init(&restart);
    if (r == 0)
        r = urgency_init(&urgency);
    if (r == 0)
        r = activity_init(&activity);
    if (r < 0)
        return r;
    if (wake < 0 || sigaction(STOP_SIGNAL, &action, NULL) < 0 ||
        sem_init(&receiver->free_slots, 0, KEEPER_SLOTS) < 0)
        return -errno;
    (void)pthread_mutex_init(&receiver->lock, NULL);
    receiver->urgency = urgency;
    receiver->restart = restart;
    receiver->activity = activity;
    receiver->wake_fd = wake;
    const int error = pthread_create(&receiver->thread, NULL, receiver_main, receiver);
    if (error != 0) {
        receiver->wake_fd = -1;
        receiver->urgency = (Urgency){0};
        receiver->restart = (Restart){0};
        receiver->activity = (Activity){0};
        return -error;
    }
    receiver->started = true;
    wake = -1;
    urgency = (Urgency){0};
    restart = (Restart){0};
    activity = (Activity){0};
    return 0;
}

/* The signal may come just before the ioctl: it is sent until the thread has ended. */
static void join(Receiver *receiver)
{
    struct timespec until;

    do {
        (void)pthread_kill(receiver->thread, STOP_SIGNAL);
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 2 * 1000 * 1000;
        if (until.tv_nsec >= 1000 * 1000 * 1000) {
            until.tv_nsec -= 1000 * 1000 * 1000;
            until.tv_sec++;
        }
    } while (pthread_timedjoin_np(receiver->thread, NULL, &until) == ETIMEDOUT);
}

void receiver_stop(Receiver *receiver)
{
    if (!receiver->started)
        return;
    receiver->started = false;
    atomic_store(&receiver->over, true);
    join(receiver);
    while (!ring_is_empty(receiver)) {
        struct seccomp_notif *request = ring_take(receiver, HAND_HANDLER);
        notify_answer(receiver->listener, request->id, answer_unobserved(receiver->observer));
        request->id = 0;
    }
    for (; receiver->held > 0; receiver->held--) {
        struct seccomp_notif *request = &receiver->page->held[receiver->held - 1];
        notify_answer(receiver->listener, request->id, answer_unobserved(receiver->observer));
        request->id = 0;
    }
    restart_deinit(&receiver->restart);
    urgency_deinit(&receiver->urgency);
    activity_deinit(&receiver->activity);
    (void)sem_destroy(&receiver->free_slots);
    (void)pthread_mutex_destroy(&receiver->lock);
    fd_close(&receiver->wake_fd);
}
