/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording: a set of facts, the runs they come from, and the loss account.
 * File format: docs/FORMATS.md (JSON Lines: header, facts, footer).
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "base/strset.h"
#include "model/fact.h"

#include <sys/types.h>

#define RECORDING_FORMAT 1

/*
 * A fact as a recording keeps it: packed, with references to what it has in common with others. Its
 * address stays good as long as the recording.
 */
typedef struct StoredFact StoredFact;

/* One run of a workload. Strings are borrowed from the recording's StringSet; NULL is not known. */
typedef struct Run {
    const char *id; /* 32 hexadecimal digits, random: tells the same run from another one */
    const char *label;
    const char *arch;
    const char *kernel;
    const char *backend;
    const char *features; /* what of the backend was in use: "sync-wakeup wait-killable" */
    const char *runtime;
    const char *runtime_version;
    const char *image;
    const char *image_digest;
    const char *engine; /* who had it started: "docker", "podman", … */
    const char *container;
    const char *container_id;
    const char *service;        /* compose's service, or a pod's container */
    const char *capabilities;   /* that the container was given, blanks between */
    const char *mounts;         /* that it was given, blanks between: "volume:/data tmpfs:/run";
                                   docs/FORMATS.md says what a blank is in there */
    const char *profile_denies; /* calls that its own seccomp profile refuses whatever their
                                   arguments are, blanks between, or "!" and all others; the
                                   profile was lifted. NULL: it was in force, or there was none */
    const char *cgroup;         /* folders of the control groups that were joined, blanks between */
    const char *user;           /* whom the command was started as: "UID:GID" */
    const char *version;        /* whittle's */
    const char *start;          /* RFC 3339, UTC, seconds */
    const char *end;
    const char **command; /* owned array */
    size_t command_count;
    int exit_status; /* as whittle record's own; -1 not known */
    bool no_new_privs;
    bool complete;        /* a footer was there and nothing was lost */
    uint64_t calls;       /* system calls looked at */
    uint64_t interrupted; /* docs/FORMATS.md */
} Run;

typedef struct Loss {
    const char *cause;   /* one of the names in docs/FORMATS.md: "unreadable-argument", … */
    const char *example; /* the first one, in words; may be NULL */
    uint64_t count;
} Loss;

typedef struct Recording Recording;

Recording *recording_new(void);
Recording *recording_free(Recording *recording);
void recording_cleanup(Recording **recording); /* for CLEANUP() */

StringSet *recording_strings(Recording *recording);

/*
 * Adds a run (its strings are copied, overlong ones cut) and gives its index, which holds until
 * recording_sort(). 0 or a negative errno: -EINVAL without an id of 1 to 64 letters, digits, '.',
 * '_' or '-'; -EEXIST if a run of that id is there.
 */
int recording_add_run(Recording *recording, const Run *run, uint32_t *ret_index);
size_t recording_runs_count(const Recording *recording);
/* NULL past the end. Good until the next run is added or the recording is sorted. */
Run *recording_run(Recording *recording, uint32_t index);

/*
 * Adds COUNT sightings of DRAFT in run RUN, or adds them to the same fact if it is there already
 * (results and labels are united, peaks maximised, `predicted` cleared once seen otherwise).
 * Everything of the draft is copied; draft->labels and draft->runs are ignored, LABEL may be NULL.
 * *RET_FACT gets the fact. Returns 1 if it is new, 0 if it was there, -ENOMEM, -EINVAL for a run
 * that is not there, -EMSGSIZE for a text of more than 64 KiB.
 */
int recording_add(Recording *recording, const Fact *draft, uint32_t run, uint64_t count,
                  const char *label, StoredFact **ret_fact);

/* Adds LABEL to a fact's labels. 1 new, 0 there already, -ENOMEM. */
int recording_add_label(Recording *recording, StoredFact *fact, const char *label);

/* N more sightings of a fact that is there, in run RUN. 0, -ENOMEM. */
int recording_add_count(Recording *recording, StoredFact *fact, uint32_t run, uint64_t n);

/* Adds an outcome. While a fact has none but predicted ones, it is `predicted`. 0, -ENOMEM. */
int recording_add_result(Recording *recording, StoredFact *fact, int result, bool predicted);

/* Replaces what is told of where it was seen first. 0, -ENOMEM, -EMSGSIZE. */
int recording_set_first(Recording *recording, StoredFact *fact, const FirstSeen *first);

size_t recording_facts_count(const Recording *recording);
/* In the order of arrival; recording_sort() makes that the order of fact_compare(), and that of the
 * runs the order of their ids: run indexes change. 0 or -ENOMEM. */
StoredFact *recording_stored(const Recording *recording, size_t index);
int recording_sort(Recording *recording);

/* A name of half the size of an address, as good as that: from 1, not without gaps. */
uint32_t recording_fact_number(const StoredFact *fact);
StoredFact *recording_by_number(const Recording *recording, uint32_t number);

/* The fact equal to DRAFT by fact_compare(), or NULL. */
StoredFact *recording_find(const Recording *recording, const Fact *draft);

/* Fills VIEW with what FACT says, good until that changes, and returns it. NULL gives NULL. */
const Fact *recording_view(const Recording *recording, const StoredFact *fact, Fact *view);

/* recording_view() of recording_stored(): for (…; (fact = recording_fact(recording, i, &view));) */
const Fact *recording_fact(const Recording *recording, size_t index, Fact *view);

/* Without unpacking all of it. */
uint64_t recording_fact_count(const Recording *recording, const StoredFact *fact);
const Results *recording_fact_results(const Recording *recording, const StoredFact *fact);

/* Bytes that it holds in memory. */
size_t recording_memory(const Recording *recording);

/* Counts N losses of CAUSE in the run added last; the first EXAMPLE (may be NULL) is kept. 0,
 * -ENOMEM, -EINVAL while there is no run. */
int recording_add_loss(Recording *recording, const char *cause, const char *example, uint64_t n);
/* What the public accessors give are sums over all runs; good until the next change. */
size_t recording_losses_count(const Recording *recording);
const Loss *recording_loss(const Recording *recording, size_t index); /* ordered by cause */

/* Would the profile that was lifted in RUN have refused the call NAME? */
bool run_profile_denies(const Run *run, const char *name);

/* Appends the names of calls that were made in such runs, each once, blanks between, in the order
 * of the facts. 0 or -ENOMEM. */
int recording_profile_denied(Recording *recording, Buffer *out);

/* Every run has its footer and nothing was lost. */
bool recording_is_complete(const Recording *recording);

/* Adds all of FROM to INTO: a union; the same run in both counts once. */
int recording_merge(Recording *into, const Recording *from);

/* The same for recordings one after the other: *INTO is NULL before the first, which is taken as it
 * is, *FROM then being NULL. NAME is for ERR. 0 or a negative errno. */
int recording_gather(Recording **into, Recording **from, const char *name, Error *err);

/* ---- file format ---------------------------------------------------------------------------- */

/* Reads PATH ("-" standard input). A file without footer is read as far as its last whole line and
 * marked incomplete. Errors name the line. */
int recording_read(const char *path, Recording **ret_recording, Error *err);

/* Parses LENGTH bytes of TEXT; NAME is for messages. */
int recording_parse(const char *name, const char *text, size_t length, Recording **ret_recording,
                    Error *err);

/*
 * As recording_read() of a file of which the first LENGTH bytes, in TEXT, were read already, to see
 * what it is; the others come from FD.
 */
int recording_read_on(const char *name, const char *text, size_t length, int fd,
                      Recording **ret_recording, Error *err);

/* recording_read_on() and recording_gather(): what is read is added to *ALL. */
int recording_gather_read(Recording **all, const char *name, const char *text, size_t length,
                          int fd, Error *err);

/* The canonical form: sorted, every fact with its final counts, footer last. */
int recording_print(Recording *recording, Buffer *out);

/* The same into a file, without having more than a part of it in memory; what is appended to a
 * journal has no header (HEADER false). */
int recording_write(Recording *recording, int fd, bool header);

/* One line each, with newline: what a recorder appends while it runs. */
int recording_print_header(const Recording *recording, Buffer *out);
int recording_print_fact(const Recording *recording, const StoredFact *fact, Buffer *out);
int recording_print_footer(const Recording *recording, Buffer *out);

/* The first bytes are those of a recording. */
bool recording_detect(const char *text, size_t length);

/* As one JSON document, for `show --json`; its head is all before the facts, which have a line each
 * and "\n]}\n" behind them. */
int recording_print_document(Recording *recording, Buffer *out);
int recording_print_document_head(const Recording *recording, Buffer *out);
