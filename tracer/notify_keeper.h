/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: a process that holds a second descriptor of the notification listener and does
 * nothing until the recorder is gone. Then it lets every call run, but for those that a container's
 * own profile refuses. Without it the workload's calls
 * would fail with ENOSYS after the last holder's death, and a thread whose notification had been
 * taken but not answered would wait for ever. Where the workload may not do all that it asks for,
 * that is as it should be: then the keeper just ends, and all calls fail.
 */
#pragma once

#include "tracer/container_filter.h"

#include <seccomp.h>
#include <stdbool.h>
#include <sys/types.h>

/* As many notifications may wait to be handled (a power of two), and as many be in handling. */
enum { KEEPER_SLOTS = 256, KEEPER_HANDS = 2, KEEPER_HELD = 32 };

/* Memory that the recorder and the keeper share. The recorder receives notifications right into it,
 * so that whatever the kernel handed out is known to the keeper. */
typedef struct KeeperPage {
    struct seccomp_notif ring[KEEPER_SLOTS]; /* id 0: none */
    struct seccomp_notif in_hand[KEEPER_HANDS];
    struct seccomp_notif held[KEEPER_HELD];
} KeeperPage;

typedef struct Keeper {
    KeeperPage *page;
    int life_fd; /* while this is open the recorder lives */
} Keeper;

/* Forks the keeper of LISTENER_FD; LETS_RUN: what it is for, FILTER: but for what that refuses,
 * NULL for nothing. 0 or a negative errno. */
int keeper_start(Keeper *keeper, int listener_fd, bool lets_run, const ContainerFilter *filter);

/* The recorder needs it no more: it will end when no recorded process is left. */
void keeper_release(Keeper *keeper);
