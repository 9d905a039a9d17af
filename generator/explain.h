/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Why is that in the policy?": the facts of a recording that are about one thing, who they are of,
 * and the rules of a policy that depend on them. docs/HOWTO_EXPLAIN.md is for users.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "model/policy_text.h"
#include "model/recording.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As what the word that is asked about is taken, in the order in which that is tried. */
typedef enum ExplainKind {
    EXPLAIN_LINE, /* "policy.yaml:42" */
    EXPLAIN_PATH,
    EXPLAIN_GLOB,
    EXPLAIN_CALL,
    EXPLAIN_CAPABILITY,
    EXPLAIN_PORT,
    EXPLAIN_NETWORK,
    EXPLAIN_UNIX,
    EXPLAIN_SIGNAL,
    EXPLAIN_PTRACE,
    EXPLAIN_MOUNT,
    EXPLAIN_IO_URING,
    EXPLAIN_RULE, /* the text of a rule: "socket 0=AF_INET" */
    EXPLAIN_KIND_COUNT
} ExplainKind;

const char *explain_kind_name(ExplainKind kind); /* "line", … */
int explain_kind_from_name(const char *name);    /* ExplainKind or -1 */

/* ---- input ---------------------------------------------------------------------------------- */

typedef struct ExplainInput {
    Recording *recording; /* owned; NULL: none was named */
    PolicyText *policy;   /* owned; NULL: none */
    char *policy_path;    /* owned; NULL: the policy was worked out from the recording */
    Buffer policy_bytes;  /* its text */
} ExplainInput;

void explain_input_deinit(ExplainInput *input);

/*
 * Adds the file at PATH ("-" standard input): a recording (several are united), a policy (one), a
 * folder with a policy.yaml, or one with recordings. -EINVAL with ERR for anything else.
 */
int explain_input_add(ExplainInput *input, const char *path, Error *err);

/* Adds a recording, or all that are in the folder PATH or below. */
int explain_input_add_recording(ExplainInput *input, const char *path, Error *err);

/* After all files: where there is no policy, that which `whittle generate` would make of the
 * recording takes its place. */
int explain_input_finish(ExplainInput *input, Error *err);

/* ---- answer --------------------------------------------------------------------------------- */

/* What a rule of the policy has to do with the question. */
typedef struct ExplainedRule {
    const PolicyPlace *place;
    size_t facts;       /* so many of the answer's facts need it */
    size_t others;      /* without any of these: so many other facts of the recording do */
    size_t names;       /* that are about so many different names: paths, calls, … */
    bool asked;         /* it is itself what was asked about */
    const char *origin; /* "observed", "generalised", "baseline", "equivalent", "not-seen",
                           "unknown": docs/FORMATS.md */
} ExplainedRule;

typedef struct Explanation {
    ExplainKind kind;   /* as which WHAT was taken */
    Buffer what;        /* in a canonical form: "CAP_CHOWN" */
    uint32_t also;      /* bit i: taken as ExplainKind i it would find something, too */
    StoredFact **facts; /* owned array; in the order of the recording, which is sorted */
    size_t facts_count, facts_capacity;
    bool stand_in;        /* the facts are not about the rule's own call, but why it is there */
    ExplainedRule *rules; /* owned array; in the order of the policy */
    size_t rules_count, rules_capacity;
    Buffer notes;   /* what else is to be said, a line each */
    Buffer nearest; /* if nothing was found: what was perhaps meant, a line each */
} Explanation;

void explanation_deinit(Explanation *explanation);

/*
 * Explains WHAT, taken as KIND (-1: as what it looks like and finds something). Sorts the
 * recording. Gives 0, or 1 if nothing was found, or a negative errno with ERR: -EINVAL for a KIND
 * that WHAT cannot be. EXPLANATION was zeroed, and is to be deinitialised whatever is returned.
 */
int explain(ExplainInput *input, const char *what, int kind, Explanation *explanation, Error *err);

/* ---- output --------------------------------------------------------------------------------- */

typedef struct ExplainStyle {
    bool all;                       /* every process and fact, not only the first ones */
    const char *bold, *dim, *plain; /* escape sequences of a terminal, "" where there is none */
} ExplainStyle;

int explain_print_text(const ExplainInput *input, const Explanation *explanation,
                       const ExplainStyle *style, Buffer *out);

/* profiles/schema/explain.schema.json */
int explain_print_json(const ExplainInput *input, const Explanation *explanation, const char *what,
                       Buffer *out);
