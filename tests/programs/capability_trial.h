/* SPDX-License-Identifier: Apache-2.0 */
/* Actions that need a capability, or look as if they did. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef enum Outcome {
    WORKED = 0,
    REFUSED = 1, /* the call failed, or did less than was asked */
    CANNOT = 77, /* not on this machine; said why */
} Outcome;

typedef struct Action {
    const char *name;
    const char *capability;  /* the one whittle must name; "-" for none */
    const char *alternative; /* also enough, so that both must go for it to fail; "-" for none */
    Outcome (*act)(void);
} Action;

extern const Action file_actions[]; /* ended by a NULL name */
extern const Action probe_actions[];
extern const Action process_actions[];
extern const Action system_actions[];
extern const Action namespace_actions[];

/* ---- for the actions ------------------------------------------------------------------------ */

enum { USER_ID = 1000, USER_GROUP = 50, OTHER_ID = 2000, FOREIGN_GROUP = 70 };

/* What comes is the action: labels it for the recorder, and drops what the command line says. */
void begin(void);

/* WORKED or REFUSED. */
Outcome outcome(bool worked);
Outcome cannot(const char *why);

/* PATH below the working folder, absolute; good until the program ends. */
const char *at(const char *path);

/* Make it anew with these properties and give its path, or end the program. */
const char *make_file(const char *path, mode_t mode, uid_t uid, gid_t gid);
const char *make_folder(const char *path, mode_t mode, uid_t uid, gid_t gid);

/* From root to USER_ID with group USER_GROUP, all capabilities kept. */
void become_user(void);

/* A process of OTHER_ID that waits and dies with this one. */
pid_t other_process(void);

/* A number under /proc/sys, or -1. */
long read_sysctl(const char *name);

void check(bool good, const char *what);
