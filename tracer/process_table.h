/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes and threads of a recorded run: who they are, what they run, who started them.
 * Entries appear when a task is first seen and go when it ends; a process id that the kernel hands
 * out again is a new entry.
 */
#pragma once

#include "base/strset.h"
#include "model/fact.h"
#include "tracer/tracee.h"

#include <limits.h>
#include <stdbool.h>
#include <uthash.h>

typedef struct Captured Captured; /* tracer/captured.h */

/* The file system a process sees: its root folder in its mount namespace. Shared, counted. */
typedef struct Root {
    unsigned refs;
    int fd;       /* O_PATH; -1 where it is whittle's own root */
    char *prefix; /* the root's path as whittle's d_path prints it, "" for "/" */
    bool own;     /* the same root as whittle's, in the same mount namespace */
} Root;

/* Executables from a process up to the first recorded one; immutable, shared, kept for the run. */
typedef struct Lineage Lineage;
struct Lineage {
    const char *subject;
    const Lineage *parent;
};

typedef struct Process {
    pid_t pid;
    pid_t parent;        /* 0: not known */
    pid_t own_pid;       /* PID in its own pid namespace; 0 until process_own_pid() is asked */
    Phase phase;         /* of its facts */
    int pidfd;           /* -1: not watched */
    const char *subject; /* path of the executable, in the process's own root; interned */
    const char *command; /* command line, interned; NULL until needed */
    const Lineage *lineage;
    const char *inferred_for; /* the program of which an unheard call was inferred last, … */
    Phase inferred_in;        /* … and its phase */
    unsigned programs;        /* that it was seen to run */
    uint64_t
        programs_age;    /* when the latest was seen first: clock ticks since the system's start */
    Root *root;          /* NULL until needed */
    uint64_t root_epoch; /* of the table when ROOT was taken */
    bool exec_pending;   /* a thread entered execve(): look again who this is at its next call */
    bool launching;      /* whittle's own child that has not yet run the workload's program */
    bool is_mark;        /* runs `whittle mark`: nothing of it is recorded */
    unsigned threads;
    UT_hash_handle hh;
} Process;

struct Tracee {
    pid_t tid;
    Process *process;
    Captured *captured; /* what is told of a call that is over; NULL: ask the live process */
    Credentials credentials;
    bool credentials_valid;
    bool credentials_stale_after; /* the call in progress may change them */
    bool root_stale_after;        /* … the root folder or the mount namespace */
    const char *stack;            /* of the call in progress, interned; NULL: not taken */
    void *pending;                /* the observer's: what the call in progress will add */
    UT_hash_handle hh;
};

typedef struct ProcessTable {
    Process *processes;
    Tracee *tracees;
    StringSet *strings; /* borrowed: the recording's */
    Lineage **lineages; /* every lineage made, owned */
    size_t lineages_count, lineages_capacity;
    uint64_t root_epoch; /* raised when a root or mount namespace may have changed */
    Root own_root;
    dev_t own_exe_dev; /* whittle's own program file */
    ino_t own_exe_ino;
    uint64_t own_mount_namespace; /* inode numbers of /proc/self/ns/… */
    uint64_t own_user_namespace;
    int exit_fd; /* epoll of the pidfds; -1: the backend reports exits itself */
    size_t processes_peak;
    void (*tracee_gone)(void *data, Tracee *tracee); /* frees `pending` */
    void *tracee_gone_data;
} ProcessTable;

/* WATCH_EXITS: learn of ends through pidfds (backends that get no exit events). */
int process_table_init(ProcessTable *table, StringSet *strings, bool watch_exits);
void process_table_deinit(ProcessTable *table);

/* The entry of TID, made from /proc if it is new. PARENT: the creating process, 0 if not known.
 * NULL when the task is gone or memory is short. */
Tracee *process_table_get(ProcessTable *table, pid_t tid, pid_t parent);
Tracee *process_table_find(const ProcessTable *table, pid_t tid);
Process *process_table_find_process(const ProcessTable *table, pid_t pid);

/* The thread has ended; the process too if it was the last. */
void process_table_drop_thread(ProcessTable *table, Tracee *tracee);
void process_table_drop_process(ProcessTable *table, Process *process);
/* Forgets every thread of the process but the one with id PID (as exec does). */
void process_table_keep_leader(ProcessTable *table, Process *process);

/* Handles ended processes; for when exit_fd is readable. */
void process_table_reap(ProcessTable *table);

/* Reads again which program the process runs. */
void process_identify(ProcessTable *table, Process *process);

/* The process's number in the innermost pid namespace it is in. */
pid_t process_own_pid(Process *process);

/* The command line, "" if it cannot be read. */
const char *process_command(ProcessTable *table, Process *process);

/* The root of the tracee, current. NULL if it cannot be opened. */
const Root *process_root(ProcessTable *table, Process *process);

/* A path as whittle's /proc shows it → as the process sees it: the root's prefix is taken off.
 * PATH is changed in place; false where it does not lie under that root. */
bool root_strip(const Root *root, char *path);
