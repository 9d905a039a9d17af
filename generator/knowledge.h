/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profiles/{runtimes,baselines,defaults,tables/risk.csv}, compiled in by compile_profiles.py. Rows
 * are sorted by their columns from left to right.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A system call that a container runtime makes under the container's filter. */
typedef struct RuntimeCall {
    const char *runtime;
    const char *version;
    bool no_new_privs;
    const char *phase; /* "start", "exec" */
    const char *syscall;
    const char *need; /* "required", "tolerated", "timing" */
    const char *args; /* "INDEX=VALUE;…": each a value that must be let through; "" any */
} RuntimeCall;

extern const RuntimeCall runtime_calls[];
extern const size_t runtime_calls_count;

/* Is there a row for a runtime of that name? */
bool runtime_is_known(const char *name);

/* A call that is needed once one of the others was seen. */
typedef struct BaselineCall {
    const char *syscall;
    const char *because; /* names, blanks between */
    const char *reason;
} BaselineCall;

extern const BaselineCall baseline_calls[];
extern const size_t baseline_calls_count;

/* System calls that come and go between runs of one workload. */
typedef struct EquivalentCalls {
    const char *level;   /* from which setting of --generalize on */
    const char *because; /* names, blanks between, or programs' as "/sh" */
    const char *rules;   /* as in a policy, ";" between */
    const char *reason;
} EquivalentCalls;

extern const EquivalentCalls equivalent_calls[];
extern const size_t equivalent_calls_count;

/* Names of scratch files that a program makes up; the file itself says what the columns mean. */
typedef struct TemporaryName {
    const char *program;
    const char *folder;
    const char *prefix;
    const char *length; /* two digits */
    const char *letters;
    const char *suffix;
    const char *source;
} TemporaryName;

extern const TemporaryName temporary_names[];
extern const size_t temporary_names_count;

/* Files of which one stands for all, for reading. */
typedef struct PathSet {
    const char *level;
    const char *path; /* "#": a number; "*": part of a name; "**": part of a path; none is empty */
    const char *pattern;
    const char *what;
} PathSet;

extern const PathSet path_sets[];
extern const size_t path_sets_count;

/* A system call that answers with the number of a process, a group or a session. */
typedef struct PidCall {
    const char *call;
    const char *answer; /* "its own number" */
} PidCall;

extern const PidCall pid_calls[];
extern const size_t pid_calls_count;

/* Where reading is never generalised. */
typedef struct GuardedPath {
    const char *path;
    const char *why;
} GuardedPath;

extern const GuardedPath guarded_paths[];
extern const size_t guarded_paths_count;

/* PATH is in a guarded place or is one. */
bool path_is_guarded(const char *path);

/* PATH is or is in what is guarded wherever it is: keys and passwords. */
bool path_is_secret(const char *path);

/* PATH matches the set's. */
bool path_set_has(const PathSet *set, const char *path);

/* A rule that every AppArmor profile of a container needs. */
typedef struct BaselineRule {
    const char *rule;
    const char *reason;
} BaselineRule;

extern const BaselineRule baseline_rules[];
extern const size_t baseline_rules_count;

/* What a read-only root needs where a workload writes. */
typedef struct Place {
    const char *path;
    const char *kind; /* "tmpfs", "shared", "volume", "given" */
} Place;

extern const Place places[];
extern const size_t places_count;

/* The longest place that PATH is in or is, NULL if there is none. */
const Place *place_of(const char *path);

/* What Docker's defaults grant. */
typedef struct DefaultGrant {
    const char *kind; /* "syscall", "capability" */
    const char *name;
    const char *when;
    const char *value;
} DefaultGrant;

extern const DefaultGrant docker_grants[];
extern const size_t docker_grants_count;

/* How dangerous it is to allow something: profiles/tables/risk.csv. */
typedef struct RiskRow {
    const char *kind; /* "syscall", "capability", "path", "network", … */
    const char *name; /* "*": all that have no row of their own */
    const char *risk; /* "none", "low", "medium", "high", "critical" */
    const char *why;
    const char *source;
} RiskRow;

extern const RiskRow risk_rows[];
extern const size_t risk_rows_count;

/* What `whittle lint` finds: profiles/tables/lint.csv. */
typedef struct LintCode {
    const char *code;     /* "W101": never given another meaning */
    const char *severity; /* "note", "warning", "error" */
    const char *title;
    const char *why;
    const char *advice; /* what to do; no full stop */
    const char *example;
} LintCode;

extern const LintCode lint_codes[];
extern const size_t lint_codes_count;

/* A link that every container has. */
typedef struct KnownLink {
    const char *path;
    const char *target; /* where it leads, in a policy's words */
    const char *source;
} KnownLink;

extern const KnownLink known_links[];
extern const size_t known_links_count;

/* Which calls a capability is for. */
typedef struct CapabilityCalls {
    const char *capability;
    const char *relation; /* "needs": the calls fail without; "uses": no other call asks for it */
    const char *calls;    /* names, blanks between */
    const char *source;
} CapabilityCalls;

extern const CapabilityCalls capability_calls[];
extern const size_t capability_calls_count;

/* By which calls what a rule grants can be done. */
typedef struct RuleCalls {
    const char *section;
    const char *name; /* "*": those without a row of their own; of files a letter */
    const char *calls;
} RuleCalls;

extern const RuleCalls rule_calls[];
extern const size_t rule_calls_count;

/* A word of a rule: "mount" is an operation, "self" a target, … */
typedef struct RuleWord {
    const char *kind;
    const char *word;
} RuleWord;

extern const RuleWord rule_words[];
extern const size_t rule_words_count;

/* Does Docker's default grant that call whatever the capabilities, arguments and architecture are?
 */
bool docker_grants_always(const char *syscall);

/* The 14 capabilities that Docker gives a container by default, bit N capability N. */
uint64_t docker_capabilities(void);

/* Is WORD one of WORDS (blanks between)? */
bool has_word(const char *words, const char *word);
