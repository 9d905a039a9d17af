/* SPDX-License-Identifier: Apache-2.0 */
/* The threads that the ptrace backend traces, by thread id. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A result that the backend itself waits for. */
typedef enum PtraceWatch {
    WATCH_NONE,
    WATCH_FILTER, /* the thread installs a seccomp filter of its own */
    WATCH_TRACER, /* the thread wants to trace another one */
} PtraceWatch;

typedef struct PtraceTask PtraceTask;
struct PtraceTask {
    PtraceTask *next; /* in its bucket */
    pid_t tid;
    bool known;          /* its creator's event came, or none is to come: it may run */
    bool held;           /* waits at its first stop until it is known */
    bool adopted;        /* it runs though its creator's event did not come, and still may */
    bool gone;           /* ended before its creator's event came */
    bool full;           /* every call stops at entry and exit (PTRACE_SYSCALL) */
    bool in_call;        /* the next system call stop is an exit */
    bool observer_waits; /* the observer wants the result of the call in progress */
    PtraceWatch watch;   /* what the backend wants it for */
    bool watch_all;      /* WATCH_FILTER: the filter is for all threads of the process */
    bool watch_strict;   /* WATCH_FILTER: strict mode is asked for */
    pid_t watch_target;  /* WATCH_TRACER: whom it wants to trace */
    unsigned ticks;      /* seconds that it was held or gone */
    int held_signal;     /* the stop signal it was held with */
};

typedef struct PtraceTasks {
    PtraceTask **buckets;
    size_t buckets_count; /* a power of two */
    size_t count;         /* entries without the gone ones */
    size_t entries;
} PtraceTasks;

int ptrace_tasks_init(PtraceTasks *tasks);
void ptrace_tasks_deinit(PtraceTasks *tasks);

PtraceTask *ptrace_tasks_find(const PtraceTasks *tasks, pid_t tid);

/* The entry of TID, a blank one if it is new; NULL without memory. */
PtraceTask *ptrace_tasks_add(PtraceTasks *tasks, pid_t tid);

void ptrace_tasks_remove(PtraceTasks *tasks, PtraceTask *task);

/* It has ended already; the entry stays until its creator's event is seen. */
void ptrace_tasks_mark_gone(PtraceTasks *tasks, PtraceTask *task);

/* Calls FUNCTION for every entry, the gone ones too; it may remove the one it is called for. */
void ptrace_tasks_each(PtraceTasks *tasks, void (*function)(void *data, PtraceTask *task),
                       void *data);
