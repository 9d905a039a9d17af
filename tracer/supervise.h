/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recorded run from its start to its end: the front and the recorder process (tracer/backend.h
 * shows who is whose child).
 */
#pragma once

#include "model/recording.h"
#include "tracer/backend.h"

typedef struct Supervision {
    const Backend *backend;
    BackendPrepared *prepared; /* by the backend's prepare(), borrowed; NULL: nothing was */
    Launch *launch;            /* NULL to join; its signal_mask is filled here */
    const pid_t *join;
    size_t join_count;
    JoinAs join_as;
    int runtimes;              /* as BackendRun's; 0: none */
    const SeccompAgent *agent; /* as BackendRun's */
    const Cgroup *cgroups;     /* to join */
    size_t cgroups_count;
    Recording *recording; /* empty but for run RUN */
    uint32_t run;
    const char *label;
    Stacks *stacks;     /* as ObserverOptions' */
    Known known;        /* what need not be recorded; all zero: everything is */
    const char *output; /* the recording's path; "-" writes it to standard output at the end */
    /* In the front, when what is recorded may start or has; NULL none. */
    void (*started)(void *data);
    void *started_data;
    /* In the recorder, about once a second and once at the end (LAST); NULL none. */
    void (*progress)(void *data, const ObserverProgress *progress, bool last);
    void *progress_data;
} Supervision;

typedef struct SuperviseResult {
    bool started;   /* the workload ran */
    int exec_error; /* errno of its execve(), 0 */
    bool has_status;
    int wait_status; /* of the main process, wait(2) */
    bool complete;   /* the recording has everything */
    bool detached;   /* recording ended before the workload did */
    bool recorder_died;
    uint64_t facts, calls, losses, interrupted;
    Error output_error; /* with a code: the finished recording could not be put at OUTPUT */
} SuperviseResult;

/*
 * Runs it. The recording is at OUTPUT afterwards, in canonical form unless the recorder was killed
 * or there was no room for it: then as far as it came, without footer.
 * Returns 0 with *RESULT filled, or a negative errno with ERR if nothing could be recorded.
 */
int supervise(const Supervision *supervision, SuperviseResult *ret_result, Error *err);
