/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving notifications without delay. A call is safe from signals only once its notification has
 * been received (tracer/notify.c), so a thread of its own, the receiver, does little else. The
 * other thread, the handler, is the one that called receiver_start().
 *
 * The receiver observes a call itself when that is quick, or when no other thread is at work, for
 * then nobody else is waiting; that saves a switch of threads. All else it leaves in a ring for the
 * handler.
 *
 *     receiver:  receive → ring ─┬─ quick, observer free: observe, answer
 *                                └─ else: wake the handler if it sleeps; receive the next
 *     handler:   while the ring has something: observe, answer; then sleep
 *
 * The ring lies in the page that the keeper shares: one thread writes at its end, and whoever holds
 * the observer's lock takes from its front.
 */
#pragma once

#include "tracer/notify_activity.h"
#include "tracer/notify_hold.h"
#include "tracer/notify_keeper.h"
#include "tracer/notify_restart.h"
#include "tracer/notify_urgency.h"
#include "tracer/observer.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

typedef struct Receiver {
    int listener;       /* borrowed */
    Observer *observer; /* borrowed; to be used under LOCK */
    KeeperPage *page;   /* borrowed */
    int wake_fd;        /* readable when the handler is to look at the ring; owned; -1 */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    Hold hold;       /* under LOCK */
    Restart restart; /* under LOCK */
    unsigned held;   /* in PAGE, for the handler; written by it alone */
    sem_t free_slots;
    atomic_uint end;     /* of the ring: written by the receiver */
    atomic_uint front;   /* written under LOCK */
    atomic_bool asleep;  /* the handler is about to sleep, or does */
    atomic_bool over;    /* the receiver is to end */
    atomic_int error;    /* the receiver has failed: a positive errno */
    uint64_t last_id;    /* the receiver's own, as what follows */
    uint32_t taken_back; /* notifications, for a signal came before they were received */
    unsigned wary;       /* for so many calls on, none waits while another is handled */
    Activity activity;
    unsigned alone; /* calls while no other thread was at work, counted on */
    Urgency urgency;
} Receiver;

/* Starts receiving. 0 or a negative errno. The descriptors and the page must outlive it. */
int receiver_start(Receiver *receiver, int listener, Observer *observer, KeeperPage *page);

/* Ends the receiver; calls in the ring run on, unobserved. Takes a receiver that was never started,
 * if its wake_fd is -1. */
void receiver_stop(Receiver *receiver);

/* The handler is about to wait for WAKE_FD and its other events: false if it should not sleep, for
 * the ring has something. Followed by receiver_awake(), WOKEN if wake_fd is readable. */
bool receiver_may_sleep(Receiver *receiver);
void receiver_awake(Receiver *receiver, bool woken);

/* Calls are held back: the handler is to sleep no longer than a millisecond, and no longer than to
 * the end of a process. */
bool receiver_holds(const Receiver *receiver);

/* Observes and answers some calls of the ring, if there are any, and calls held back no longer. */
void receiver_handle(Receiver *receiver);

/* A positive errno if the receiver cannot go on, else 0. */
int receiver_error(const Receiver *receiver);
