/* SPDX-License-Identifier: Apache-2.0 */
/* The two halves of the importer of audit logs: import_audit.c has the log and seccomp's records,
 * import_audit_apparmor.c what the records of AppArmor mean. */
#pragma once

#include "generator/audit_line.h"
#include "model/fact.h"

/* A record and what all facts of it have. Borrowed. */
typedef struct AuditTarget {
    struct Audit *audit;
    const AuditRecord *record;
    const char *label;
    int result;
} AuditTarget;

/* Adds FACT, with who did it, to the recording. 0 or a negative errno. */
int import_audit_add(const AuditTarget *target, Fact *fact);

/* Adds the facts of a record of AppArmor. 0, 1 if none can be made of it, or a negative errno. */
int import_audit_apparmor(const AuditTarget *target);
