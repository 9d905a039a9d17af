/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fact: one distinct thing that the workload did, with its evidence. docs/FORMATS.md specifies
 * what each field means; the tables here say which kind has which, so that reading, writing,
 * comparing and merging are one loop each.
 *
 * A Fact has everything in place, for those who tell one to a recording (a draft) and those who
 * read one out of it (a view). What a recording keeps is a StoredFact, a tenth of its size:
 * model/recording.h. Nothing of a Fact is owned: a draft borrows from anywhere, a view from its
 * recording, where equal text has equal pointers.
 */
#pragma once

#include "model/tables.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum FactKind {
    FACT_SYSCALL,
    FACT_FILE,
    FACT_EXEC,
    FACT_CAPABILITY,
    FACT_NETWORK,
    FACT_UNIX,
    FACT_SIGNAL,
    FACT_PTRACE,
    FACT_MOUNT,
    FACT_IO_URING,
    FACT_RESOURCE,
    FACT_KIND_COUNT,
} FactKind;

const char *fact_kind_name(FactKind kind); /* "syscall", "file", … */
int fact_kind_from_name(const char *name); /* FactKind or -1 */

typedef enum Phase {
    PHASE_RUNTIME_INIT,
    PHASE_RUN,
    PHASE_EXEC,
    PHASE_COUNT,
} Phase;

const char *phase_name(Phase phase);
int phase_from_name(const char *name);

/* AppArmor's view of a file access, plus what only whittle tells apart. */
enum {
    ACCESS_READ = 1u << 0,
    ACCESS_WRITE = 1u << 1,
    ACCESS_APPEND = 1u << 2,
    ACCESS_CREATE = 1u << 3,
    ACCESS_DELETE = 1u << 4,
    ACCESS_RENAME = 1u << 5, /* this name was renamed away or replaced by a rename */
    ACCESS_LINK = 1u << 6,   /* hard link made from or to */
    ACCESS_LOCK = 1u << 7,
    ACCESS_EXEC = 1u << 8,
    ACCESS_MMAP_EXEC = 1u << 9,
    ACCESS_CHMOD = 1u << 10,
    ACCESS_CHOWN = 1u << 11,
    ACCESS_TRUNCATE = 1u << 12,
    ACCESS_CONNECT = 1u << 13, /* a unix socket at that path was connected or sent to */
    ACCESS_STAT = 1u << 14,    /* only looked at: needs no permission */
    ACCESS_BITS = 15,
};

const char *access_bit_name(unsigned bit); /* "read", … for bit 0 ≤ bit < ACCESS_BITS */
int access_bit_from_name(const char *name);

/* ---- fields: what a kind has beside name, subject, phase ------------------------------------ */

typedef enum FactField {
    FIELD_ARCH,        /* syscall: arch_name() or "audit-0xHEX" for one the tables do not know */
    FIELD_NUMBER,      /* syscall: its number there */
    FIELD_ACCESS,      /* file: ACCESS_* */
    FIELD_FILE_TYPE,   /* file: regular directory symlink fifo socket char block */
    FIELD_OWNER,       /* file: the process's fsuid owns it */
    FIELD_MOUNT,       /* file: file system type of the mount it is on */
    FIELD_NAMED_AFTER, /* file: "pid", "pid-hex": its creator's number is part of the name */
    FIELD_LOADED_AS,   /* exec: program script script-interpreter elf-interpreter */
    FIELD_SYSCALL,     /* capability: the call that needed it */
    FIELD_OBJECT,      /* capability: what it was about, where one can say (a path, a port) */
    FIELD_ALTERNATIVE, /* capability: a smaller one that would have done as well */
    FIELD_FAMILY,      /* network: "inet", "inet6", "netlink", "packet", … (AppArmor's names) */
    FIELD_SOCKET_TYPE, /* network, unix: "stream", "dgram", "seqpacket", "raw", … */
    FIELD_PROTOCOL,    /* network: "tcp", "udp", "icmp", a number as text */
    FIELD_PORT,        /* network: absent where there is none */
    FIELD_ADDRESS,     /* network: address class; unix: path, "@abstract", "unnamed" */
    FIELD_TARGET,      /* signal, ptrace: relation; mount: where */
    FIELD_SOURCE,      /* mount */
    FIELD_FSTYPE,      /* mount */
    FIELD_FLAGS,       /* mount: as text, "ro|nosuid" */
    FIELD_VALUE,       /* resource: the peak; merges by maximum, no part of the identity */
    FIELD_COUNT,
} FactField;

typedef enum FieldType {
    FIELD_TYPE_TEXT,
    FIELD_TYPE_NUMBER,
    FIELD_TYPE_FLAG,
    FIELD_TYPE_ACCESS,
} FieldType;

typedef struct FieldInfo {
    const char *name; /* in JSON */
    FieldType type;
    bool identity;
} FieldInfo;

const FieldInfo *field_info(FactField field);

enum { FACT_FIELDS_MAX = 5 };

/* The fields that KIND can have, ended by FIELD_COUNT. */
const FactField *fact_kind_fields(FactKind kind);

typedef struct FactValue {
    bool present;
    union {
        const char *text;
        int64_t number; /* also flag (0 or 1) and access bits */
    };
} FactValue;

/* ---- results: the set of outcomes seen ------------------------------------------------------ */

/* Bit 0 is success, bit N errno N (1 … 190), bit 191 "unknown": the recorder could not see. */
enum { RESULT_OK = 0, RESULT_UNKNOWN = 191, RESULT_WORDS = 3 };

typedef struct Results {
    uint64_t words[RESULT_WORDS];
} Results;

void results_add(Results *results, int result); /* RESULT_OK, an errno, RESULT_UNKNOWN */
bool results_has(const Results *results, int result);
bool results_empty(const Results *results);
/* What was seen includes success, or a call whose outcome could not be seen. */
bool results_may_succeed(const Results *results);

/* May the right to a file have been checked? Where it succeeded, and where a device or pipe
 * answered that nobody is behind it (ENXIO): before that comes the check. */
bool results_may_be_checked(const Results *results);

/* ---- the fact ------------------------------------------------------------------------------- */

typedef struct RunCount {
    uint32_t run; /* index into the recording's runs */
    uint64_t count;
} RunCount;

enum { ANCESTRY_MAX = 8 };

/* Where a fact was seen first (merging keeps the one that sorts first). */
typedef struct FirstSeen {
    const char *ancestry[ANCESTRY_MAX]; /* executables, the process itself first */
    size_t depth;
    const char *command; /* its command line, blanks between, cut at 256 bytes; NULL unknown */
    const char *syscall; /* the call in which it was seen; NULL for none */
    const char *stack;   /* frames, the innermost first, a line each; NULL: none was taken */
} FirstSeen;

typedef struct Fact {
    FactKind kind;
    Phase phase;
    const char *name;
    const char *subject;               /* executable of the process */
    const char *rule;                  /* NULL: observed; else inferred, by the rule of this name */
    FactValue values[FACT_FIELDS_MAX]; /* in the order of fact_kind_fields() */
    /* syscall: selector arguments, masked by their family. Bit i of args_present: args[i] counts.
     */
    uint8_t args_present;
    uint64_t args[SYSCALL_ARGS];

    Results results;
    bool predicted; /* results were worked out before the call ran, not seen after it */
    FirstSeen first;
    /* Of views only. A view's arrays may be inside of it: it is not to be copied. */
    const char *const *labels; /* sorted */
    size_t labels_count;
    const RunCount *runs; /* sorted by run */
    size_t runs_count;
    const char *own_label;
    RunCount own_run;
} Fact;

/* Setting a field that the kind does not have is a programming error (assert). */
void fact_set_text(Fact *fact, FactField field, const char *text); /* NULL: absent */
void fact_set_number(Fact *fact, FactField field, int64_t number);

/* NULL / FALLBACK where absent. */
const char *fact_text(const Fact *fact, FactField field);
int64_t fact_number(const Fact *fact, FactField field, int64_t fallback);
bool fact_has(const Fact *fact, FactField field);

uint64_t fact_count(const Fact *fact); /* over all runs */

/* Identity order: kind, name, subject, phase, rule, identity fields, arguments. Total, and free of
 * addresses. 0 for the same fact. */
int fact_compare(const Fact *a, const Fact *b);

/* The textual form of selector argument INDEX ("AF_INET"), in OUT. */
char *fact_arg_text(const Fact *fact, unsigned index, char *out, size_t size);
