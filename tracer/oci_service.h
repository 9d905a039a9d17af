/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's recorder and the runtimes that want something of it, by a socket that the runtime's
 * state folder (ROOT, NULL: the default) and the container name.
 */
#pragma once

#include "base/error.h"

#include <sys/types.h>

/* The recorder's socket. A descriptor, or a negative errno. *RET_PATH is for oci_socket_remove().
 */
int oci_service_open(const char *root, const char *id, char **ret_path, Error *err);

typedef enum OciAsk {
    OCI_ASK_JOIN = 'j',  /* a runtime that is about to add a process waits to be joined */
    OCI_ASK_ALIVE = 'a', /* is anybody recorded? */
} OciAsk;

typedef struct OciRequest {
    int socket; /* -1: none */
    OciAsk what;
    pid_t runtime;
} OciRequest;

/* Where the container's runtime is to send listeners of seccomp (linux.seccomp.listenerPath). Path
 * to be freed. 0 or a negative errno. */
int oci_service_agent_path(const char *root, const char *id, char **ret_path, Error *err);

/* Listens there: as oci_service_open(). */
int oci_service_open_agent(const char *root, const char *id, char **ret_path, Error *err);

void oci_request_deinit(OciRequest *request);

/* In the recorder, when SERVICE is readable. 0, or a negative errno if nobody asks for anything. */
int oci_service_accept(int service, OciRequest *ret_request);

/* CODE: 0 or a negative errno; OCI_ASK_ALIVE: 1 for yes, 0. */
void oci_request_answer(const OciRequest *request, int code);

/* Asks that this process, before it becomes the runtime, be joined. 0; -ENOENT: the container has
 * no recorder; or another negative errno. */
int oci_service_ask(const char *root, const char *id, Error *err);

/* Where nobody is recorded any more: waits for the end of the container's recorder, at most
 * MILLISECONDS. 0, also if there is none, or -ETIMEDOUT. */
int oci_service_await_end(const char *root, const char *id, int milliseconds);
