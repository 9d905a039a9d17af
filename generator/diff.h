/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one profile allows and another does not, whatever form they have: recordings, policies,
 * seccomp profiles, AppArmor profiles, capability lists, folders of them. Each change says how
 * dangerous it is (profiles/tables/risk.csv) and, where a recording tells, who needed it.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "base/strset.h"
#include "generator/risk.h"
#include "model/policy.h"
#include "model/recording.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum DiffKind {
    DIFF_ALLOWED,   /* the new one lets something happen that the old one did not */
    DIFF_FORBIDDEN, /* the other way round */
    DIFF_CHANGED,   /* neither: it is denied by another error, for example */
    DIFF_KIND_COUNT,
} DiffKind;

const char *diff_kind_name(DiffKind kind); /* "allowed", … */

/* Who did it in the recording. */
typedef struct DiffWitness {
    const char *subject; /* executable */
    const char *syscall; /* in which it was first seen; NULL */
    const char *command; /* command line; NULL */
    const char *labels;  /* blanks between; NULL */
    uint64_t count;
} DiffWitness;

enum { DIFF_WITNESSES_MAX = 4 };

/* Texts are the diff's; NULL where there is nothing to say. Name, what, example, before, after and
 * when are plain text, as a policy has it; the others may hold any bytes. */
typedef struct Change {
    DiffKind kind;
    const char *section; /* "syscalls", "capabilities", "files", … as in a policy */
    const char *name;    /* the call, capability, pattern: what the change is about */
    const char *what;    /* one line: "socket 0=AF_PACKET" */
    const char *before;  /* what the old one answered or granted */
    const char *after;
    const char *when;    /* only under this condition: "on i386", "with CAP_SYS_ADMIN" */
    const char *example; /* one thing that is so now and was not */
    Risk risk;           /* of allowing it; RISK_NONE of other kinds */
    bool undecided;      /* it may be so: too much to be compared, which WHEN says */
    const char *why;     /* why it is that dangerous */
    const char *source;  /* where that is known from */
    const char *reason;  /* of the policy's rule */
    DiffWitness who[DIFF_WITNESSES_MAX];
    size_t who_count; /* there may be more than are in who[] */
} Change;

typedef struct Diff {
    StringSet *strings;
    const char *old_name, *new_name;
    const char *old_kind, *new_kind; /* "policy", "seccomp profile", … */
    Change *changes; /* after diff_finish(): allowed before forbidden before changed, what is
                        undecided last of each, the dangerous first, then by section and name */
    size_t count, capacity;
    Buffer compared; /* sections that both have, a line each */
    Buffer notes;    /* what was not compared and why, a line each */
} Diff;

int diff_init(Diff *diff);
void diff_deinit(Diff *diff);

/* A copy of TEXT, that lives as long as DIFF; NULL gives NULL, as does a lack of memory. */
const char *diff_text(Diff *diff, const char *text);

/* Appends a copy of DRAFT with its texts. 0 or -ENOMEM. */
int diff_add(Diff *diff, const Change *draft);

/* "SECTION" was compared. */
void diff_compared(Diff *diff, const char *section);

/* Sorts. The highest risk of what became allowed. */
Risk diff_finish(Diff *diff);
size_t diff_count(const Diff *diff, DiffKind kind);

/* ---- input ---------------------------------------------------------------------------------- */

typedef struct DiffInput DiffInput;

/* Reads a file or folder; "-" is standard input, "/dev/null" something that allows nothing. What an
 * AppArmor profile includes is looked for in the folder INCLUDE (NULL: none) and in
 * /etc/apparmor.d. -EINVAL with ERR if it is nothing that can be compared. */
int diff_input_read(const char *path, const char *include, DiffInput **ret_input, Error *err);
DiffInput *diff_input_free(DiffInput *input);
void diff_input_cleanup(DiffInput **input); /* for CLEANUP() */

/* A recording, for what is known of who needed what; NULL if it is none. */
const Recording *diff_input_recording(const DiffInput *input);

/* Compares; EVIDENCE (may be NULL) tells who needed what became allowed. DIFF was initialised, and
 * is to be thrown away on failure. 0 or a negative errno with ERR. */
int diff_make(const DiffInput *old, const DiffInput *fresh, const Recording *evidence, Diff *diff,
              Error *err);

/* ---- output --------------------------------------------------------------------------------- */

/* The escape sequences of a terminal, "" each where there is none. */
typedef struct DiffColours {
    const char *bold, *dim, *red, *green, *yellow, *plain;
} DiffColours;

typedef struct DiffFormat {
    const char *name;
    int (*print)(const Diff *diff, const DiffColours *colours, Buffer *out);
} DiffFormat;

/* Ended by a NULL name. The first is the default. */
extern const DiffFormat diff_formats[];
const DiffFormat *diff_format_by_name(const char *name);

int diff_print_text(const Diff *diff, const DiffColours *colours, Buffer *out);
int diff_print_markdown(const Diff *diff, const DiffColours *colours, Buffer *out);
int diff_print_json(const Diff *diff, const DiffColours *colours, Buffer *out);
int diff_print_sarif(const Diff *diff, const DiffColours *colours, Buffer *out);
