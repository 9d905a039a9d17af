/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message in the log of the runtime, where engines look for what went wrong, written as runc does
 * (logrus): --log FILE, standard error without it; --log-format text or json. crun's ways are
 * understood as well: --log file:PATH, syslog:NAME, journald:NAME.
 *
 * containerd and Podman show the last message of level `error` to the user if the runtime fails;
 * what does not keep a container from running must be a warning.
 */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <time.h>

typedef enum OciLogLevel {
    OCI_LOG_DEBUG,
    OCI_LOG_INFO,
    OCI_LOG_WARNING,
    OCI_LOG_ERROR,
    OCI_LOG_LEVELS,
} OciLogLevel;

/* A key and its value beside the message, for those who read by program: {"whittle", "refused"}. */
typedef struct OciLogField {
    const char *key; /* letters, digits, "_" and "-" */
    const char *value;
} OciLogField;

/* Appends one line, newline included. MESSAGE and values are any bytes. 0 or -ENOMEM. */
int oci_log_format(Buffer *out, bool json, OciLogLevel level, time_t when, const char *message,
                   const OciLogField *fields, size_t fields_count);

/* Logs to where LOG says, in the way FORMAT says (both as on the command line; NULL: not given).
 * 0 or a negative errno. */
int oci_log(const char *log, const char *format, OciLogLevel level, const char *message,
            const OciLogField *fields, size_t fields_count);
