/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine offers to whittle. Each check is one row in doctor_checks[]. */
#pragma once

#include <stddef.h>

typedef enum FindingState {
    FINDING_OK,   /* it is there */
    FINDING_NO,   /* it is not; `advice` tells how to get it or what it would be good for */
    FINDING_INFO, /* neither good nor bad */
} FindingState;

typedef struct Finding {
    FindingState state;
    char found[512];  /* what there is, or what is in the way */
    char advice[512]; /* "" for none */
} Finding;

typedef struct DoctorCheck {
    const char *group; /* rows of a group are neighbours */
    const char *name;
    void (*look)(const struct DoctorCheck *check, Finding *finding);
    const char *data;   /* for look() */
    const char *advice; /* what to do where it is missing */
} DoctorCheck;

/* Ended by a NULL name. Backends are not among them: they tell of themselves. */
extern const DoctorCheck doctor_checks[];

void finding_set(Finding *finding, FindingState state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Looks through PATH for PROGRAM: 0 with the whole path in OUT, or -ENOENT. */
int program_find(const char *program, char *out, size_t size);

/* The first line with " version " in it, or else the first, that PATH prints when called with
 * ARGUMENT, without a shell, in OUT; a program that takes longer than two seconds is killed. 0 or a
 * negative errno. */
int program_version(const char *path, const char *argument, char *out, size_t size);
