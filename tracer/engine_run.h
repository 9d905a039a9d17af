/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of a container through its engine while it is recorded, and nothing of it left behind.
 *
 *     whittle            engine_run_init(): makes the control group, where the container is to be
 *      ├─ the janitor    in a session of its own and no child of whittle: waits until all others
 *      │                 here have ended, however that was, and removes container and group
 *      └─ the recorded run's front (tracer/supervise.h)
 *          ├─ recorder   records whoever comes to the control group
 *          └─ the driver engine_run_start(): creates, starts, looks at, tests and stops
 *
 * The container runs beneath the engine's daemon, or beneath nobody: so it is known by the control
 * group, and all that is said to it goes through the engine.
 */
#pragma once

#include "tracer/cgroups.h"
#include "tracer/engine.h"

enum { ENGINE_GROUPS_MAX = 24 };

/* What the driver found out: memory that all processes share. */
typedef struct EngineSeen {
    bool created; /* the engine was asked to make the container: it may be there */
    bool looked;  /* what is below is known, of its first process while it ran */
    int seccomp;  /* mode: 2 is a filter */
    bool no_new_privs;
    bool read_only;     /* its root file system */
    uint64_t bounding;  /* capabilities */
    uint64_t effective; /* the same */
    bool powerless;     /* its user is not root, and the engine gives such a one no capability: what
                           --cap-add names only programs with set-user-id or file capabilities
                           have; known once it is created */
    char apparmor[256]; /* as the kernel calls its profile and mode; "": it has none */
    bool has_status;
    int status;    /* the container's exit status; of the test's, where there is one */
    Error problem; /* with a code: the run did not come about */
} EngineSeen;

typedef struct EngineRun {
    const Engine *engine;
    char name[64];            /* of the container, and of the control group */
    char parent[80];          /* what the engine is told of the group */
    const CommandLine *words; /* of `create` from the options on; borrowed */
    const CommandLine *test;  /* with the container running; its first word is a path; NULL: none */
    Cgroup groups[ENGINE_GROUPS_MAX]; /* to join */
    size_t groups_count;
    char *folders[ENGINE_GROUPS_MAX]; /* of the group in each hierarchy, be it there or not */
    size_t folders_count;
    EngineSeen *seen;
    pid_t driver;
    int janitor[2]; /* closed by everybody: it begins; and its end; -1 */
} EngineRun;

/* Makes the control group of a name that nobody else has. ENGINE is borrowed. 0 or a negative errno
 * with ERR; RUN is to be given up in either case. */
int engine_run_init(EngineRun *run, const Engine *engine, Error *err);

/* Closes RUN and waits until all of it is removed. For the process that called engine_run_init().
 */
void engine_run_deinit(EngineRun *run);

/* Starts the driver of DATA, an EngineRun (Supervision.started). */
void engine_run_start(void *data);

/* Waits for the driver; if INTERRUPTED, it is told to stop the container. 0 or a negative errno
 * with ERR. */
int engine_run_finish(EngineRun *run, bool interrupted, Error *err);

/* Fills in SEEN what the kernel says of PID. True if its filter is there: that may be the last
 * thing before its program is started. */
bool engine_look_at(EngineSeen *seen, pid_t pid);

/* USER as `--user` and images name it; "" and what is behind a line's end mean nothing. */
bool engine_user_is_root(const char *user);
