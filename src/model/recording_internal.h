/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the recording module share; nobody else includes this. */
#pragma once

#include "model/recording.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits on what a file may hold, docs/FORMATS.md. */
#define RECORDING_LINE_MAX   ((size_t)16 * 1024 * 1024)
#define RECORDING_STRING_MAX ((size_t)64 * 1024)
#define RECORDING_FILE_MAX   ((uint64_t)4 * 1024 * 1024 * 1024)

enum {
    RUNS_MAX = 16384,
    RUN_ID_MAX = 64,
    RUN_TEXT_MAX = 4096,     /* one text of a run; longer ones are cut */
    RUN_COMMAND_MAX = 16384, /* all words of its command; what is beyond is left out */
};

/* Losses are kept for each run, so that merging a run with itself does not count them twice. */
typedef struct RunLoss {
    const char *cause;
    const char *example;
    uint64_t count;
    uint32_t run;
} RunLoss;

typedef struct FactChunk FactChunk;

struct Recording {
    StringSet *strings;
    Run *runs;
    size_t runs_count;
    size_t runs_capacity;
    Fact **facts; /* by arrival, or sorted */
    size_t facts_count;
    size_t facts_capacity;
    Fact **slots; /* by identity: open addressing, a power of two, at most half full */
    size_t slots_capacity;
    FactChunk *chunks;
    RunLoss *run_losses; /* by cause, then run */
    size_t run_losses_count;
    size_t run_losses_capacity;
    Loss *losses; /* sums of run_losses; by cause */
    size_t losses_count;
    size_t losses_capacity;
};

/* The text fields of a Run, in the order in which they are written. */
typedef struct RunField {
    const char *name;
    size_t offset;
    bool footer; /* known only at the end */
} RunField;

extern const RunField run_fields[];
extern const size_t run_fields_count;

const char *run_text(const Run *run, const RunField *field);
void run_set_text(Run *run, const RunField *field, const char *text);

/* Copies the words of a command line as far as they go into RUN_COMMAND_MAX bytes: an array for the
 * caller to free. */
int run_copy_command(Recording *recording, const Run *run, const char ***ret_command,
                     size_t *ret_count);

bool run_id_valid(const char *id);

/* The run of that id, or -1. */
long recording_find_run(const Recording *recording, const char *id);

/*
 * The fact of DRAFT's identity, made with DRAFT's evidence (but without labels and runs) if it is
 * not there. 1 if it is new, 0 if it was there (then DRAFT's evidence is not looked at), -ENOMEM.
 */
int recording_put(Recording *recording, const Fact *draft, Fact **ret_fact);

/* The count of FACT in RUN, which is made as 0 if need be. NULL without memory. */
uint64_t *fact_run_count(Fact *fact, uint32_t run);

/* Unites what DRAFT says (results, predicted, peak, first) with FACT, whichever came first. */
int recording_unite(Recording *recording, Fact *fact, const Fact *draft);

/* As recording_add_loss(), for one run. MERGE: the higher count and the smaller example win,
 * else counts add up and the first example stays. */
int recording_add_run_loss(Recording *recording, const char *cause, const char *example, uint64_t n,
                           uint32_t run, bool merge);

/* Nothing of that run was lost, and it has its footer. */
bool recording_run_complete(const Recording *recording, uint32_t run);

/* An errno or pseudo result by its name in a file ("ok", "ENOENT", "errno-150", "unknown"): in OUT,
 * or -1. */
const char *result_text(int result, char *out, size_t size);
int result_from_text(const char *text);
