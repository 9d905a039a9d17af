/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the machine's administrator wants of whittle-oci: /etc/whittle/oci.yaml, one mapping of keys
 * to texts, all optional:
 *
 *     runtime: runc             the real one: a name in PATH, or an absolute path
 *     output: /var/lib/whittle  the folder below which all recordings go
 *     on-failure: run           if recording cannot start: run unrecorded, or refuse the container
 *     backend: auto             bpf, listener (seccomp's, of the OCI runtime), auto: what works
 *     permissive: false         true: the container's own seccomp and AppArmor are lifted meanwhile
 *     keep-ready: 15            minutes that a ready recorder waits for the next container; 0: none
 *     label: ci                 of containers that bring none of their own
 *
 * It says what runs as root, so it is taken from root (and from the caller) alone.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define OCI_CONFIG_PATH     "/etc/whittle/oci.yaml"
#define OCI_CONFIG_VARIABLE "WHITTLE_OCI_CONFIG"

typedef enum OciOnFailure {
    OCI_ON_FAILURE_RUN,
    OCI_ON_FAILURE_REFUSE,
} OciOnFailure;

typedef enum OciBackend {
    OCI_BACKEND_AUTO,
    OCI_BACKEND_BPF,
    OCI_BACKEND_LISTENER,
} OciBackend;

/* Texts are its own, and never NULL but for the label. */
typedef struct OciConfig {
    char *runtime;
    char *output; /* absolute, without "." and ".." */
    char *label;  /* NULL: none */
    OciOnFailure on_failure;
    OciBackend backend;
    bool permissive;
    unsigned keep_ready; /* minutes */
} OciConfig;

void oci_config_deinit(OciConfig *config);

/* Where the configuration is: what the environment says, else OCI_CONFIG_PATH. *RET_MAY_BE_MISSING
 * is true for the latter. Borrowed. */
const char *oci_config_path(bool *ret_may_be_missing);

/* Reads PATH. If it is not there and may be missing, all is as above. 0 or a negative errno, where
 * ERR says file:line:column, what is wrong and what is allowed. */
int oci_config_read(const char *path, bool may_be_missing, OciConfig *ret, Error *err);

/* The same from LENGTH bytes of TEXT that came from NAME. */
int oci_config_parse(const char *name, const char *text, size_t length, OciConfig *ret, Error *err);

/* The program to run: what `runtime` means, but never this very program, which would call itself
 * for ever. The caller frees *RET_PATH. 0 or a negative errno. */
int oci_config_find_runtime(const OciConfig *config, char **ret_path, Error *err);
