/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the recording module share; nobody else includes this. */
#pragma once

#include "base/arena.h"
#include "base/blobset.h"
#include "base/hash.h"
#include "base/reftable.h"
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

enum {
    STORED_NO_RUN = UINT32_MAX,        /* not seen in any run */
    STORED_MANY_RUNS = UINT32_MAX - 1, /* its StoredMore has them */
};

/*
 * A million of them are nothing out of the ordinary, so: texts are references into the StringSet;
 * whatever a fact is likely to share with others is a reference into the BlobSet; and what few
 * facts have is elsewhere. A fact's identity is its name and its shape.
 */
struct StoredFact {
    uint32_t name;
    uint32_t shape;     /* of the identity all but the name: recording_pack.c */
    uint32_t first;     /* FirstSeen; 0: nothing is known */
    uint32_t results;   /* a Results; 0: none */
    uint32_t label;     /* the only one; 0: none, or in StoredMore */
    uint32_t run;       /* the only one */
    uint32_t more : 31; /* index into the recording's, plus one; 0: none */
    uint32_t predicted : 1;
    uint32_t number; /* its own reference */
    uint64_t count;  /* in RUN */
};

typedef struct StoredMore {
    const char **labels; /* sorted */
    uint32_t labels_count;
    uint32_t runs_count;
    RunCount *runs; /* sorted by run */
    int64_t value;  /* the peak of a resource: the one field that is not of the identity */
    bool has_value;
} StoredMore;

struct Recording {
    HashKey key;
    StringSet *strings;
    BlobSet *blobs;
    Arena arena;     /* of StoredFact */
    RefTable index;  /* by name and shape */
    uint32_t *facts; /* references: by arrival, or sorted */
    size_t facts_count;
    size_t facts_capacity;
    StoredMore *more;
    size_t more_count;
    size_t more_capacity;
    Run *runs;
    size_t runs_count;
    size_t runs_capacity;
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

/* The run of that id, or -1. */
long recording_find_run(const Recording *recording, const char *id);

/* ---- packing, recording_pack.c ---- */

/* The reference of a text's own copy, 0 for NULL: 0, -ENOMEM, or -EMSGSIZE. */
int pack_text(const Recording *recording, const char *text, uint32_t *ret_ref);

/* All that identifies DRAFT but its name. find_shape() adds nothing and gives 0 for
 * one that is not there. */
int pack_shape(Recording *recording, const Fact *draft, uint32_t *ret_shape);
uint32_t find_shape(const Recording *recording, const Fact *draft);
int pack_first(Recording *recording, const FirstSeen *first, uint32_t *ret_first);
int pack_results(Recording *recording, const Results *results, uint32_t *ret_results);
void unpack_first(const Recording *recording, uint32_t ref, FirstSeen *first);

/* What few facts have, made if need be (NULL without memory) or NULL; good until the next is made.
 */
StoredMore *stored_more(const Recording *recording, const StoredFact *fact);
StoredMore *stored_make_more(Recording *recording, StoredFact *fact);

/* fact_compare() of the two. */
int stored_compare(const Recording *recording, const StoredFact *a, const StoredFact *b);

static inline StoredFact *stored_at(const Recording *recording, uint32_t ref)
{
    return arena_at(&recording->arena, ref);
}

/* ---- the set, recording.c ---- */

/*
 * The fact of DRAFT's identity, made with DRAFT's evidence (but without labels and runs) if it is
 * not there. 1 if it is new, 0 if it was there (then DRAFT's evidence is not looked at), -ENOMEM.
 */
int recording_put(Recording *recording, const Fact *draft, StoredFact **ret_fact);

/*
 * A fact like LIKE, which has nothing in StoredMore, in everything but its name, of LENGTH bytes
 * and at most RECORDING_STRING_MAX. 1 if it was added, 0 if there is one of its identity, -ENOMEM.
 */
int recording_put_like(Recording *recording, const StoredFact *like, const char *name,
                       size_t length);

/*
 * The fact of the name and shape of FACT, which is made like FACT (its number aside, and with
 * nothing in StoredMore) if it is not there. 1 if it is new, 0 if it was there, -ENOMEM.
 */
int recording_put_stored(Recording *recording, const StoredFact *fact, StoredFact **ret_fact);

/* As recording_add_label(), of one that is in the recording's StringSet. */
int stored_add_label(Recording *recording, StoredFact *fact, uint32_t ref);

/* The count of FACT in RUN, which is made as 0 if need be. NULL without memory. */
uint64_t *stored_run_count(Recording *recording, StoredFact *fact, uint32_t run);

/* The higher one of the peaks, where DRAFT has one. */
int unite_peak(Recording *recording, StoredFact *fact, const Fact *draft);

/* Unites what DRAFT says (results, predicted, peak, and if FIRST first) with FACT, whichever came
 * first. */
int recording_unite(Recording *recording, StoredFact *fact, const Fact *draft, bool first);

/* As recording_add_loss(), for one run. MERGE: the higher count and the smaller example win,
 * else counts add up and the first example stays. */
int recording_add_run_loss(Recording *recording, const char *cause, const char *example, uint64_t n,
                           uint32_t run, bool merge);

/* Nothing of that run was lost, and it has its footer. */
bool recording_run_complete(const Recording *recording, uint32_t run);

/* An errno or pseudo result by its name in a file ("ok", "ENOENT", "errno-150", "unknown"): in OUT,
 * if it has no name of its own. */
const char *result_text(int result, char *out, size_t size);

/* ---- lines that differ in the name and the counts only, recording_print_frame.c ---- */

typedef struct FrameCache FrameCache;

/* Where, in a buffer, parts of a fact's line begin. */
typedef struct LineSeams {
    size_t begin;
    size_t name;
    size_t values; /* what is behind the name */
    size_t count;
    size_t rest; /* what is behind the count */
    size_t runs; /* the counts of each run, or the line's end */
} LineSeams;

/* What is around the name, the count and the runs. */
typedef struct LineFrame {
    const char *head;
    size_t head_length;
    const char *middle;
    size_t middle_length;
    const char *tail;
    size_t tail_length;
} LineFrame;

/* NULL without memory, which all here take for a cache that remembers nothing. */
FrameCache *frame_cache_new(void);
void frame_cache_free(FrameCache **cache);

/* Of a line with FACT's evidence and all of its identity but the name; good until the next is
 * remembered. NULL: there is none. A fact that has one has one run, and nothing in StoredMore. */
const LineFrame *frame_find(FrameCache *cache, const StoredFact *fact);

/* LINE, which begins at SEAMS' begin, tells FACT. */
void frame_remember(FrameCache *cache, const StoredFact *fact, const char *line,
                    const LineSeams *seams);

/* ---- a fact as JSON, recording_print_fact.c ---- */

/* Appends FACT without a line's end, and gives where its parts are. */
void recording_put_fact(Buffer *out, const Recording *recording, const Fact *fact,
                        LineSeams *seams);

/* recording_print_fact(), by a line that CACHE (or NULL) remembers if it has one. */
int recording_print_framed(const Recording *recording, const StoredFact *fact, FrameCache *cache,
                           Buffer *out);
