/* SPDX-License-Identifier: Apache-2.0 */
/* A chained hash table: entries keep their address, so that an event can hold on to one. */
#include "tracer/ptrace_tasks.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>

enum { BUCKETS_MIN = 256 };

int ptrace_tasks_init(PtraceTasks *tasks)
{
    PtraceTask **buckets = calloc(BUCKETS_MIN, sizeof(PtraceTask *));

    if (!buckets)
        return -ENOMEM;
    *tasks = (PtraceTasks){.buckets = buckets, .buckets_count = BUCKETS_MIN};
    return 0;
}

void ptrace_tasks_deinit(PtraceTasks *tasks)
{
    for (size_t i = 0; i < tasks->buckets_count; i++) {
        PtraceTask *next;

        for (PtraceTask *task = tasks->buckets[i]; task; task = next) {
            next = task->next;
            free(task);
        }
    }
    free(tasks->buckets);
    *tasks = (PtraceTasks){0};
}

static PtraceTask **bucket_of(const PtraceTasks *tasks, pid_t tid)
{
    return &tasks->buckets[hash_mix((uint64_t)tid) & (tasks->buckets_count - 1)];
}

PtraceTask *ptrace_tasks_find(const PtraceTasks *tasks, pid_t tid)
{
    PtraceTask *task = *bucket_of(tasks, tid);

    while (task && task->tid != tid)
        task = task->next;
    return task;
}

/* Twice the buckets; without memory the chains merely stay longer. */
static void grow(PtraceTasks *tasks)
{
    PtraceTasks bigger = {.buckets_count = tasks->buckets_count * 2};

    bigger.buckets = calloc(bigger.buckets_count, sizeof(PtraceTask *));
    if (!bigger.buckets)
        return;
    for (size_t i = 0; i < tasks->buckets_count; i++) {
        PtraceTask *next;

        for (PtraceTask *task = tasks->buckets[i]; task; task = next) {
            PtraceTask **bucket = bucket_of(&bigger, task->tid);

            next = task->next;
            task->next = *bucket;
            *bucket = task;
        }
    }
    free(tasks->buckets);
    tasks->buckets = bigger.buckets;
    tasks->buckets_count = bigger.buckets_count;
}

PtraceTask *ptrace_tasks_add(PtraceTasks *tasks, pid_t tid)
{
    PtraceTask *task = ptrace_tasks_find(tasks, tid);
    PtraceTask **bucket;

    if (task)
        return task;
    if (tasks->entries >= tasks->buckets_count)
        grow(tasks);
    task = calloc(1, sizeof *task);
    if (!task)
        return NULL;
    task->tid = tid;
    bucket = bucket_of(tasks, tid);
    task->next = *bucket;
    *bucket = task;
    tasks->entries++;
    tasks->count++;
    return task;
}

void ptrace_tasks_remove(PtraceTasks *tasks, PtraceTask *task)
{
    PtraceTask **link = bucket_of(tasks, task->tid);

    while (*link != task)
        link = &(*link)->next;
    *link = task->next;
    tasks->entries--;
    if (!task->gone)
        tasks->count--;
    free(task);
}

void ptrace_tasks_mark_gone(PtraceTasks *tasks, PtraceTask *task)
{
    if (!task->gone)
        tasks->count--;
    task->gone = true;
}

void ptrace_tasks_each(PtraceTasks *tasks, void (*function)(void *data, PtraceTask *task),
                       void *data)
{
    for (size_t i = 0; i < tasks->buckets_count; i++) {
        PtraceTask *next;

        for (PtraceTask *task = tasks->buckets[i]; task; task = next) {
            next = task->next;
            function(data, task);
        }
    }
}
