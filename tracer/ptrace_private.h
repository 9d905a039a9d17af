/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the ptrace backend share. */
#pragma once

#include "model/tables.h"
#include "tracer/backend.h"
#include "tracer/job_control.h"
#include "tracer/ptrace_bell.h"
#include "tracer/ptrace_launch.h"
#include "tracer/ptrace_registers.h"
#include "tracer/ptrace_tasks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A call that the backend itself must know of, on one architecture. */
typedef struct PtraceWatched {
    uint32_t audit_arch;
    int64_t nr;
    bool starts; /* it may be the one that starts the workload's program */
    /* The thread is about to run it. Sets task->watch if the result matters. */
    void (*begin)(const SyscallStop *stop, PtraceTask *task);
} PtraceWatched;

enum { PTRACE_WATCHED_CALLS = 7, PTRACE_WATCHED_MAX = PTRACE_WATCHED_CALLS * ARCH_COUNT };

typedef struct PtraceLoop {
    BackendRun *run;
    PtraceTasks tasks;
    Bell bell;
    PtraceChild child; /* pid 0 where processes were joined */
    bool child_alive;  /* its end was not seen yet: its id is its own */
    bool child_execed; /* it runs the workload's program */
    bool finishing;    /* this is the copy that finishes the recording: it traces nothing */
    JobControl job;    /* of the launched process */
    bool setup_failed;
    bool filtered;            /* calls stop by PTRACE_EVENT_SECCOMP, once each */
    bool has_info;            /* PTRACE_GET_SYSCALL_INFO works, as far as we know */
    bool keeping;             /* records no more, only lets every stop go on */
    bool leaving;             /* lets go of every thread at its next stop */
    bool any_full;            /* some thread went over to two stops a call */
    size_t held;              /* threads that wait at their first stop */
    unsigned killed_ticks;    /* for so many seconds new threads do not wait */
    bool control_closed;      /* the front is gone */
    bool fds_closed;          /* all descriptors are */
    unsigned char control[2]; /* a message of which only the first byte came */
    size_t control_length;
    PtraceWatched watched[PTRACE_WATCHED_MAX];
    size_t watched_count;
} PtraceLoop;

/* ---- ptrace_events.c ------------------------------------------------------------------------ */

/* waitpid() gave STATUS for TID. */
void ptrace_event(PtraceLoop *loop, pid_t tid, int status);

/* Lets a thread run that is held at its first stop. */
void ptrace_release(PtraceLoop *loop, PtraceTask *task);

/* For ptrace_tasks_each(), with the loop as data. Once a second: who waits or is gone for too long.
 */
void ptrace_tick_task(void *data, PtraceTask *task);
/* Who is held runs on, whether its creator's event comes or not. */
void ptrace_adopt_held(void *data, PtraceTask *task);

/* ---- ptrace_front.c ------------------------------------------------------------------------- */

/* Starts the bell for what the loop must learn of. */
void ptrace_front_watch(PtraceLoop *loop);
/* waitpid() gave STATUS for the bell. */
void ptrace_bell_rang(PtraceLoop *loop, int status);
/* For ptrace_tasks_each(): makes the thread stop, to be let go there. */
void ptrace_interrupt_task(void *data, PtraceTask *task);

/* ---- ptrace_watch.c, ptrace_join.c, ptrace_probe.c ------------------------------------------ */

/* Which calls to watch, from the tables. */
void ptrace_watch_init(PtraceLoop *loop);
const PtraceWatched *ptrace_watch_find(const PtraceLoop *loop, const SyscallStop *stop);

/* A call that TASK was watched for has returned RESULT. */
void ptrace_watch_result(PtraceLoop *loop, PtraceTask *task, PtraceWatch watch, int64_t result);

/* Seizes run->join with all descendants. 0 or a negative errno with ERR. */
int ptrace_join_all(PtraceLoop *loop, Error *err);

int ptrace_probe(Error *err);
void ptrace_features(char *out, size_t size);
void ptrace_features_joined(char *out, size_t size);
