/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From system calls to facts. A backend tells the observer of each call it stopped; the observer
 * reads what it needs from the tracee and adds facts to the recording. Backends that see results
 * report them; for those that do not, outcomes are predicted at entry and marked so.
 *
 * Nothing here ends the run: what cannot be read goes into the loss account.
 */
#pragma once

#include "base/error.h"
#include "model/policy.h"
#include "model/recording.h"
#include "tracer/enforcement.h"
#include "tracer/stacks.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct Observer Observer;

/*
 * Where only what is outside a policy is asked: what a backend may leave out. What it leaves out it
 * leaves out entirely; who leaves out nothing is right, too.
 */
typedef struct Known {
    const Policy *policy; /* sorted, borrowed; NULL: nothing is known, all is recorded */
    uint32_t sections;    /* bit i: what PolicySection i is about is asked */
    bool no_capabilities; /* nobody in the workload has capabilities, or can get any but in a user
                             namespace */
    const Enforcement *enforcement; /* what the workload may not; borrowed; NULL: it may all */
} Known;

typedef struct ObserverOptions {
    Recording *recording;
    uint32_t run;
    int journal_fd;    /* facts are appended here as they appear; borrowed; -1 none */
    const char *label; /* first label, NULL none */
    bool sees_results; /* the backend calls observer_result() when asked to */
    bool own_filter;   /* the workload runs under a seccomp filter of the backend's */
    Known known;
    Stacks *stacks; /* takes the stack of who does what is new; borrowed; NULL: nobody does */
    /* The registers of thread TID, which is in the call that is told of. NULL: no backend's. */
    int (*registers)(pid_t tid, StackRegisters *ret_registers);
} ObserverOptions;

/* 0 or a negative errno with ERR. */
int observer_new(const ObserverOptions *options, Observer **ret_observer, Error *err);
Observer *observer_free(Observer *observer);

typedef struct SyscallStop {
    pid_t tid;
    uint32_t audit_arch; /* AUDIT_ARCH_* of the entry path */
    int64_t nr;
    uint64_t args[SYSCALL_ARGS];
    uint64_t instruction_pointer;
} SyscallStop;

enum {
    OBSERVER_CONTINUE = 0,    /* let the call run */
    OBSERVER_WANT_RESULT = 1, /* let it run, and call observer_result() when it returned */
    OBSERVER_ANSWER = 2,      /* `whittle mark`: do not run it, let it return 0 */
    OBSERVER_CONFIRM = 3,     /* let it run, but call observer_confirm() before: facts depend on the
                                 tracee's memory (only if options.sees_results is false) */
    OBSERVER_REFUSE = 4,      /* do not run it: observer_refusal() is what it gets */
};

/* The thread is about to run a system call. Gives one of the verdicts above. */
int observer_enter(Observer *observer, const SyscallStop *stop);

/* After OBSERVER_REFUSE: an errno, or REFUSE_KILL. */
int observer_refusal(const Observer *observer);

/* The workload may not do all that it asks for: no call may run that was not looked at. */
bool observer_enforces(const Observer *observer);

/* What the workload may not; NULL: it may all. */
const Enforcement *observer_enforcement(const Observer *observer);

/* observer_enter() of this call would count it and read nothing of the tracee's: a matter of about
 * a microsecond. */
bool observer_is_brief(const Observer *observer, const SyscallStop *stop);

/*
 * The caller has checked that the thread still waits in that very call, so that what
 * observer_enter() read from its memory was its own (seccomp_unotify(2), "checking the cookie").
 * Backends whose stops cannot go away (ptrace) never need it. STILL_VALID false drops the call's
 * facts: the thread was killed and its call never ran.
 * Only after observer_enter() gave OBSERVER_CONFIRM.
 */
void observer_confirm(Observer *observer, pid_t tid, bool still_valid);

/* The call of OBSERVER_WANT_RESULT returned RESULT (negative errno for failure; internal restart
 * codes -512 … -516 count as EINTR). */
void observer_result(Observer *observer, pid_t tid, int64_t result);

/* PID is whittle's own child, which will run the workload's program PATH: recording starts with its
 * execve(), whose facts are PATH's. To be called before the child's first stop. */
void observer_task_launched(Observer *observer, pid_t pid, const char *path);

/* What the process of TID does belongs to PHASE from here on, and what processes do that it starts.
 * Gives false if the task is gone. */
bool observer_set_phase(Observer *observer, pid_t tid, Phase phase);

/* The program of TID may make the calls NAMES (ended by NULL), of which the backend hears nothing:
 * inferred by RULE. */
void observer_infer_calls(Observer *observer, pid_t tid, const char *const *names,
                          const char *rule);

/* A task appeared (PARENT 0: unknown), replaced its program, ended. A backend that cannot see these
 * need not call them: the observer then works it out from /proc. After exec by a thread that was
 * not the leader FORMER_TID tells its old id, else it equals TID. */
void observer_task_new(Observer *observer, pid_t parent, pid_t tid);
void observer_task_exec(Observer *observer, pid_t tid, pid_t former_tid);
void observer_task_exit(Observer *observer, pid_t tid);

/* Something was lost that only the backend knows of; see recording_add_loss(). */
void observer_loss(Observer *observer, const char *cause, const char *example, uint64_t n);

/* A call may have returned EINTR because it is recorded. */
void observer_interrupted(Observer *observer);

/* For backends without exit events: a descriptor that is readable when observer_reap() has ended
 * processes to forget; -1 if options.sees_results. Borrowed. */
int observer_exit_fd(const Observer *observer);
void observer_reap(Observer *observer);

/* Whose thread TID is, and in RET_PARENT who started that process (0: not known); 0 if it was not
 * seen yet. */
pid_t observer_process_of(const Observer *observer, pid_t tid, pid_t *ret_parent);
/* Seen, and its end not yet reaped. */
bool observer_knows_process(const Observer *observer, pid_t pid);

/* Writes facts that wait to be appended to the journal: see capture.h. */
void observer_flush(Observer *observer);

/* What a call returned as a result of a fact: RESULT_OK, an errno, RESULT_UNKNOWN. */
int result_of_call(int64_t result);

/* For progress lines. */
typedef struct ObserverProgress {
    uint64_t calls;
    uint64_t facts;
    uint64_t processes; /* alive now */
    uint64_t losses;
    uint64_t interrupted;
} ObserverProgress;

ObserverProgress observer_progress(const Observer *observer);

/* Writes the counts that are only kept in memory while running into the recording. */
void observer_finish(Observer *observer);
