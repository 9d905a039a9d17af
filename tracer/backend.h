/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend stops the system calls of a workload and tells the observer of them. Each is one row in
 * backends[]; adding one touches its own file and that row.
 *
 * Processes of a recorded run (tracer/supervise.c):
 *
 *     whittle record   the front: what the shell started; forwards signals, stops and continues
 *      └─ recorder     runs Backend.run(): stops calls, observes, appends to the recording
 *          └─ workload
 *
 * The recorder lives in a session of its own, so that ^C and ^Z reach the front and the workload
 * but not the recorder.
 */
#pragma once

#include "base/error.h"
#include "tracer/cgroups.h"
#include "tracer/container_filter.h"
#include "tracer/observer.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What to start. Borrowed pointers. */
typedef struct Launch {
    const char *path;     /* resolved program, to be given to execve(2) */
    char *const *argv;    /* NULL-terminated */
    sigset_t signal_mask; /* to be in force in the workload: whittle's own blocks everything */
} Launch;

/* Messages from the front to the recorder: one byte KIND and one byte VALUE each, on control_fd.
 * End of file: the front is gone (it was killed). */
typedef enum ControlKind {
    CONTROL_SIGNAL = 's', /* send signal VALUE to the workload's main process */
    CONTROL_DETACH = 'd', /* stop recording, leave the workload running */
} ControlKind;

/* Messages from the recorder to the front, on report_fd. */
typedef struct Report {
    char kind; /* ReportKind */
    char padding[3];
    int32_t value;
} Report;

typedef enum ReportKind {
    REPORT_STARTED = 'p',     /* VALUE: pid of the main process; its execve() is under way; 0: the
                                 cgroups or the runtime are being recorded */
    REPORT_STOPPED = 't',     /* the main process is stopped: stop with it, unless there were more
                                 SIGCONTs than the VALUE (modulo 256) of which the recorder knew */
    REPORT_EXITED = 'x',      /* VALUE: wait status of the main process (wait(2)) */
    REPORT_EXEC_FAILED = 'e', /* VALUE: errno of execve() */
} ReportKind;

/* 0 or a negative errno. */
int report_send(int report_fd, ReportKind kind, int value);

/* What becomes of the processes that are joined. */
typedef enum JoinAs {
    JOIN_WORKLOAD, /* it is the workload: it and its descendants are recorded */
    /* A container runtime: its descendants are recorded … */
    JOIN_RUNTIME,            /* … from the moment the kernel has a seccomp filter for them */
    JOIN_RUNTIME_UNFILTERED, /* … from their first exec in another mount namespace: it loads none */
} JoinAs;

/* What took time and could be done before anybody knew what to record. */
typedef struct BackendPrepared BackendPrepared;

/* A container's runtime sends a listener for each process that it puts into the container. */
typedef struct SeccompAgent {
    int socket;       /* listens, SOCK_STREAM, and does not block */
    pid_t *container; /* gets the number of its first process; shared with the front */
    const ContainerFilter
        *filter; /* what the container's profile refuses; borrowed; NULL: nothing */
} SeccompAgent;

typedef struct BackendRun {
    Observer *observer;
    BackendPrepared *prepared; /* borrowed; used up by run(); NULL: nothing was */
    bool stacks;               /* whoever observes takes them */
    const Launch *launch;      /* what to start; NULL to join what runs already */
    const pid_t *join;         /* processes to join with all their descendants */
    size_t join_count;
    JoinAs join_as;
    int runtimes; /* JOIN_RUNTIME: socket of tracer/oci_service.h, where further runtimes ask to be
                     joined, which add processes to the container; borrowed; 0: none */
    const SeccompAgent *agent; /* of listeners, for backend_listener alone; borrowed */
    const Cgroup *cgroups;     /* where to join whoever is in there, as long as it is */
    size_t cgroups_count;
    int control_fd;  /* from the front; borrowed */
    int report_fd;   /* to the front; borrowed */
    pid_t front;     /* its process id */
    int recorder_fd; /* end of file: the recorder was killed (tracer/lifeline.h); negative: none */
    /* To be called about once a second. */
    void (*tick)(void *data);
    void *tick_data;
    /* Set by backend_child_ended(). */
    bool has_status;
    int wait_status;
    /* Set on return. */
    bool detached;      /* ended because of CONTROL_DETACH or because the front died */
    char features[256]; /* what Backend.features() foretold, as it came; "": no different */
} BackendRun;

typedef struct Backend {
    const char *name;    /* "bpf", "notify", "ptrace" */
    const char *summary; /* one line for doctor and help */
    bool sees_results;
    bool can_launch;
    bool can_join;
    bool can_join_cgroups;
    bool can_join_runtimes;
    bool filters;        /* a launched workload runs under a seccomp filter of the backend's, and
                            so with no_new_privs where the caller lacks CAP_SYS_ADMIN */
    bool keeps_workload; /* a launched workload needs the process that called run() to its end */
    /* 0 if this machine can; negative with ERR telling what is missing and how to get it. */
    int (*probe)(Error *err);
    /* Space-separated names of the optional kernel features that would be in use; into OUT. */
    void (*features)(char *out, size_t size);
    /* The same where processes are joined rather than launched; NULL: no different. */
    void (*features_joined)(char *out, size_t size);
    /* Prepares a run that joins processes or a runtime; it may be used in one child of the caller.
     * NULL: there is nothing to prepare. unprepare() takes NULL. */
    int (*prepare)(BackendPrepared **ret_prepared, Error *err);
    void (*unprepare)(BackendPrepared *prepared);
    /* The registers of a thread of which the observer is being told; NULL: events tell them. */
    int (*registers)(pid_t tid, StackRegisters *ret_registers);
    /* Returns when every recorded process has ended, or when told to detach. Leaves the front's
     * session and drops privileges (tracer/launch.h) as soon as it can. */
    int (*run)(BackendRun *run, Error *err);
} Backend;

/* The launched process has ended with WAIT_STATUS: notes it in RUN and tells the front. */
void backend_child_ended(BackendRun *run, int wait_status);

/* The exit status by which whittle passes WAIT_STATUS on: 128 plus the signal for a killed process.
 */
int exit_status_of(int wait_status);

extern const Backend backend_bpf;
extern const Backend backend_listener; /* whittle-oci's: not in backends[] */
extern const Backend backend_notify;
extern const Backend backend_ptrace;

/* Best first; ended by NULL. */
extern const Backend *const backends[];

const Backend *backend_by_name(const char *name);
