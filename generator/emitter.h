/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An emitter turns a policy into one file. Adding one touches its own file and two lines in
 * emitters.c.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "model/policy.h"

#include <stdbool.h>

#define POLICY_NAME_DEFAULT "workload"

typedef struct Emitter {
    const char *format;  /* as --format names it */
    const char *file;    /* its file in the output folder */
    const char *summary; /* what it is, one line */
    bool by_default;     /* without --format */
    /*
     * Appends the file's bytes to OUT, and to NOTES (NULL allowed), a line each, what the format
     * cannot say. POLICY is sorted and has a name. 0, or a negative errno with ERR.
     */
    int (*emit)(const Policy *policy, Buffer *out, Buffer *notes, Error *err);
} Emitter;

/* In the order of writing, ended by a NULL format. */
extern const Emitter emitters[];

const Emitter *emitter_by_format(const char *format);

int emit_policy(const Policy *policy, Buffer *out, Buffer *notes, Error *err);
int emit_seccomp(const Policy *policy, Buffer *out, Buffer *notes, Error *err);
int emit_apparmor(const Policy *policy, Buffer *out, Buffer *notes, Error *err);
int emit_capabilities(const Policy *policy, Buffer *out, Buffer *notes, Error *err);
int emit_docker(const Policy *policy, Buffer *out, Buffer *notes, Error *err);
