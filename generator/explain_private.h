/* SPDX-License-Identifier: Apache-2.0 */
/* What the files explain*.c share. */
#pragma once

#include "generator/explain.h"
#include "generator/glob_set.h"

/* ---- which rules a fact needs: explain_rules.c ----------------------------------------------- */

typedef struct RuleToAsk {
    const PolicyRule *rule; /* borrowed */
    size_t pattern;         /* files: in the set */
    char *folder;           /* owned; tmpfs, volumes: the path, NULL if it is none */
    bool usable;            /* its pattern was no trouble */
} RuleToAsk;

typedef struct RulesToAsk {
    GlobSet *set;
    RuleToAsk *items;
    size_t count, capacity;
} RulesToAsk;

int rules_to_ask_init(RulesToAsk *rules);
void rules_to_ask_deinit(RulesToAsk *rules);
/* RULE is borrowed. 0 or -ENOMEM. */
int rules_to_ask_add(RulesToAsk *rules, const PolicyRule *rule);

/* Sets HITS[i] where rule i is one that FACT needs (or that denies it). 0 or -ENOMEM. */
int rules_needed_by(const RulesToAsk *rules, const Fact *fact, bool *hits);

/* Appends a fact's path as a real one could be, without a slash at its end: "/proc/1/stat" for
 * "/proc/[pid]/stat" and "/proc/self/stat". */
int explain_real_path(const char *path, Buffer *out);

/* ---- what is asked about: explain_query.c ------------------------------------------------------
 */

typedef struct Query {
    ExplainKind kind;
    Buffer text;       /* canonical */
    size_t line;       /* EXPLAIN_LINE */
    char protocol[16]; /* EXPLAIN_PORT; "" any */
    int64_t port;
    bool numbered; /* EXPLAIN_PATH: of a process by its number, which recordings leave out */
    GlobSet *set;  /* EXPLAIN_PATH, EXPLAIN_GLOB */
    size_t pattern;
    RulesToAsk own;     /* EXPLAIN_LINE, EXPLAIN_RULE */
    StringSet *strings; /* of parsed rules */
    PolicyRule *rules;  /* owned array, EXPLAIN_RULE */
    size_t rules_count;
} Query;

void query_deinit(Query *query);

/* The decimal number that is all of TEXT, at most MAX; -1. */
int64_t explain_number(const char *text, int64_t max);

/* 1: WHAT can be taken as KIND; 0: it does not look like it, and FORCED does not insist; negative
 * errno with ERR. QUERY was zeroed. */
int query_init(Query *query, ExplainKind kind, const char *what, bool forced,
               const ExplainInput *input, Error *err);

/* explain_match.c: FACT is about what is asked. 1, 0 or -ENOMEM. */
int query_has_fact(const Query *query, const Fact *fact);

/* RULE speaks of what is asked, whatever was seen. 1, 0 or -ENOMEM. */
int query_has_rule(const Query *query, const PolicyPlace *place);

/* ---- where rules without facts come from: explain_origin.c -------------------------------------
 */

/*
 * Why RULE is in a policy although no fact is about it: "baseline" or "equivalent", with the facts
 * because of which that is so added to EXPLANATION and the reason to its notes; else NULL.
 */
int explain_added_rule(const Recording *recording, const PolicyRule *rule, Explanation *explanation,
                       const char **ret_origin);

/* Notes which container runtimes call CALL by themselves, of those of POLICY (NULL: of all). */
int explain_start_up(const Policy *policy, const char *call, Explanation *explanation);

/* Notes how many facts of other kinds were first seen in CALL. */
int explain_seen_in(const Recording *recording, const char *call, Explanation *explanation);

/* ---- lines of a policy: explain_lines.c -------------------------------------------------------
 */

/* LINE is a part of what begins with a rule at line BEGIN (0: there is none). */
bool explain_line_continues(const ExplainInput *input, size_t begin, size_t line);

/* What LINE of the policy says if no rule is there, to the notes. 0 or -ENOMEM. */
int explain_plain_line(const ExplainInput *input, size_t line, Explanation *explanation);

int explanation_add_fact(Explanation *explanation, StoredFact *fact);

/* ---- what was perhaps meant: explain_nearest.c --------------------------------------------------
 */

int explain_nearest(const ExplainInput *input, const char *what, const Query *query, Buffer *out);

/* ---- what stands elsewhere, pasted: explain_pasted.c --------------------------------------------
 */

/*
 * Appends to OUT what WHAT is called here, if it is a line of a policy, an AppArmor profile or
 * seccomp.json, a call as strace writes it, or an address with a port; *RET_KIND is the ExplainKind
 * of that, -1 for any. 1, 0 if it is none of these, or -ENOMEM.
 */
int explain_pasted(const ExplainInput *input, const char *what, Buffer *out, int *ret_kind);

/* WHAT can be nothing but such a line, or a call with brackets. */
bool explain_is_line(const char *what);

/* The same of the line of the policy that begins with the key WHAT ("volumes"). */
int explain_key(const ExplainInput *input, const char *what, Buffer *out, int *ret_kind);
