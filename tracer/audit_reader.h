/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads along what the kernel's audit system says of one AppArmor profile, beside auditd if that
 * runs: the multicast group of audit's netlink socket, which takes CAP_AUDIT_READ and the first
 * network namespace. A process of its own takes the records as they come, for the socket holds only
 * so many.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

typedef struct AuditReader {
    pid_t pid;
    int output; /* to read from: what it found, when it has ended */
    char end[48];
} AuditReader;

#define AUDIT_READER_NONE ((AuditReader){.pid = -1, .output = -1})

/* Starts it: from now on no record of PROFILE is missed. 0 or a negative errno with ERR. */
int audit_reader_start(const char *profile, AuditReader *reader, Error *err);

/*
 * Ends it once it has all records up to now, which it appends to RECORDS, a line each, as auditd
 * writes them. *RET_LOST: there were more than it could take, or the end was not seen. 0 or a
 * negative errno with ERR; READER is given up in either case. Nothing happens with
 * AUDIT_READER_NONE.
 */
int audit_reader_finish(AuditReader *reader, Buffer *records, bool *ret_lost, Error *err);
