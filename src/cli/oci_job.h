/* SPDX-License-Identifier: Apache-2.0 */
/* A container that is to be recorded, as one process of whittle-oci tells another one. */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "tracer/backend.h"
#include "tracer/background.h"
#include "tracer/oci_profile.h"

typedef struct OciJob {
    const char *root;            /* the runtime's --root; NULL: not given */
    const char *id;              /* the container's */
    const char *bundle;          /* absolute path */
    const char *config;          /* its description's name there; NULL: config.json */
    const char *runtime;         /* path of the real one */
    const char *output;          /* path of the recording */
    const char *label;           /* NULL: none */
    const char *configuration;   /* where the environment says that it is; NULL: does not say */
    const char *permissive;      /* not NULL: the container's profiles are about to be lifted */
    const char *listener;        /* where its runtime will send listeners; NULL: eBPF records it */
    const char *runtime_version; /* NULL: not looked at yet; not told to other processes */
    pid_t process;               /* that becomes the runtime */
} OciJob;

/* All of it but the process. 0 or -ENOMEM. */
int oci_job_write(const OciJob *job, Buffer *out);

/* Takes it from LENGTH bytes of TEXT, of which all strings are. 0 or -EBADMSG. */
int oci_job_read(const char *text, size_t length, OciJob *ret_job);

/* What becomes of the container's profiles. */
OciProfileChange oci_job_change(const OciJob *job);

/* Records it, which takes as long as the container lives. BACKGROUND hears when it is ready, or
 * that it failed. PREPARED may be NULL. */
void oci_job_run(const OciJob *job, BackendPrepared *prepared, Background *background);
