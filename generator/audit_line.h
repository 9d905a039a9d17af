/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of the kernel's audit system, as auditd, dmesg, syslog and journald write them:
 *
 *   type=AVC msg=audit(1700000000.123:45): apparmor="DENIED" operation="open" …
 *   [ 1234.5] audit: type=1400 audit(1700000000.123:45): apparmor="DENIED" …
 *   Nov 22 10:00:00 host audit[4242]: AVC apparmor="DENIED" operation="open" …
 *
 * No memory is owned: what is found points into the line.
 */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct AuditSpan {
    const char *text; /* not ended by a NUL; NULL: not there */
    size_t length;
} AuditSpan;

typedef enum AuditKind {
    AUDIT_APPARMOR,
    AUDIT_SECCOMP,
    AUDIT_SYSCALL,   /* comes with the record of the same id, if auditing of calls is on */
    AUDIT_PROCTITLE, /* likewise */
    AUDIT_OTHER,
} AuditKind;

typedef struct AuditRecord {
    AuditKind kind;
    AuditSpan id; /* "1700000000.123:45"; none in journald's own form */
    AuditSpan fields;
} AuditRecord;

/* False where the line is no audit record. */
bool audit_line_parse(const char *text, size_t length, AuditRecord *record);

/* The value of KEY as it stands, quotes taken off. False if it is not there. */
bool audit_value(const AuditRecord *record, const char *key, AuditSpan *ret_value);
bool audit_value_is(const AuditRecord *record, const char *key, const char *wanted);

/* The value of KEY, hexadecimal digits that stand for bytes decoded, into OUT (emptied). False
 * where it is not there, or has a NUL or more than 4096 bytes. */
bool audit_text(const AuditRecord *record, const char *key, Buffer *out);

/* The same of a process's title, in which the words are ended by NULs: blanks between. */
bool audit_title(const AuditRecord *record, const char *key, Buffer *out);

/* False where it is not there or no number in BASE (10 or 16). */
bool audit_number(const AuditRecord *record, const char *key, unsigned base, uint64_t *ret_number);
