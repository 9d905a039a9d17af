/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks of `whittle lint` share: generator/lint*.c. */
#pragma once

#include "generator/glob_set.h"
#include "generator/lint.h"
#include "generator/rule_cover.h"
#include "generator/seccomp_rules.h"

/* How much work may be spent, so that no policy takes more than seconds: pairs of rules that are
 * looked at, and questions about patterns. */
enum {
    LINT_PAIRS_MAX = 20 * 1000 * 1000,
    LINT_GLOBS_MAX = 40 * 1000,
    LINT_DENIALS_MAX = 50 * 1000,
};

/* A rule as it stands in the text, and what is known of it. */
typedef struct LintRule {
    const PolicyPlace *place;
    const PolicyRule *rule; /* the place's */
    uint32_t access;        /* files: what it grants (rule_access()) and nothing denies */
    uint32_t denied;        /* files: what rules that deny take away of that, */
    const PolicyRule *by;   /* the first of these */
    bool dead;              /* nothing is left of what it grants */
    bool risky;             /* a finding tells of its risk already */
    const char *path;       /* files: the pattern up to its first wildcard, as a path */
    bool wild;              /* files: it has one */
    size_t glob;            /* files: its pattern in Lint.globs, NO_GLOB: too hard */
} LintRule;

#define NO_GLOB SIZE_MAX

/* File rules as lint_nearby() finds them. */
typedef struct LintNear {
    StringSet *paths;
    LintRule **plain; /* without wildcards, sorted by path */
    LintRule **wild;
    size_t plain_count, wild_count;
} LintNear;

typedef struct Lint {
    const PolicyText *text;
    const Policy *policy;                   /* sorted */
    LintRule *rules;                        /* by section, in the order of the text */
    size_t first[POLICY_SECTION_COUNT + 1]; /* of each section in rules[] */
    GlobSet *globs;
    LintNear near;
    SeccompRules seccomp;  /* what seccomp.json would let through */
    bool has_seccomp;      /* false: none can be made */
    Error seccomp_error;   /* why not */
    uint8_t *calls;        /* by Syscall.index: LINT_CALL_* */
    uint64_t capabilities; /* bit N: capability N is granted */
    uint64_t included;     /* as well as those that these include */
    bool any_call;         /* the policy itself allows some */
    /* A process may make itself a user namespace, in which it has all capabilities. */
    bool namespaces;
    bool ring; /* io_uring is allowed, which makes calls past the filter */
    size_t pairs_left, globs_left;
    const LintCode *code; /* that is looked for */
    LintReport *report;
} Lint;

enum {
    LINT_CALL_ALLOWED = 1, /* by some rule, or for a runtime */
    LINT_CALL_OWN = 2,     /* by a rule of the policy */
    LINT_CALL_WHOLE = 4,   /* whatever the arguments, by a rule of the policy */
    LINT_CALL_DENIED =
        8, /* a rule of the policy denies it, whatever the arguments: no other holds */
    LINT_CALL_NAMED = 16, /* there is a rule that would allow it */
};

/* The rules of SECTION, and what is behind them. */
static inline LintRule *lint_begin(const Lint *lint, PolicySection section)
{
    return lint->rules + lint->first[section];
}

static inline LintRule *lint_end(const Lint *lint, PolicySection section)
{
    return lint->rules + lint->first[section + 1];
}

/* What the file rule ENTRY grants: as its access, but only the way to execute that it says. */
uint32_t lint_granted(const LintRule *entry);

/* The rule takes something away: it denies, and does not just log. */
bool lint_denies(const PolicyRule *rule);

/* Adds a finding of the code that is looked for, about ENTRY. */
int lint_tell(Lint *lint, const LintRule *entry, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same about KEY of the policy; where that is not there, about the policy's first line. */
int lint_tell_key(Lint *lint, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same about a line and column of the text. */
int lint_tell_line(Lint *lint, size_t line, size_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* RULE's text in BUFFER, which is emptied before; "" without memory. */
const char *lint_rule_text(const PolicyRule *rule, Buffer *buffer);

/* The line of the rule of the policy that is RULE; 0: it has none. */
size_t lint_line_of(Lint *lint, const PolicyRule *rule);

/* The call of that name has one of LINT_CALL_*. */
bool lint_call_is(const Lint *lint, const char *name, uint8_t what);
/* One of CALLS (blanks between) is let through by the filter. */
bool lint_allows_any(const Lint *lint, const char *calls);

/* A process may make itself a user namespace: Lint.namespaces. */
bool lint_makes_user_namespaces(const Lint *lint);

/* May one more pair of rules be looked at, or one more question about patterns be asked? */
bool lint_may_pair(Lint *lint);
bool lint_may_glob(Lint *lint);

/* Do the files' patterns of A and B have a path in common (1, 0, or a negative errno)? Where that
 * is not known, 0. */
int lint_files_meet(Lint *lint, const LintRule *a, const LintRule *b, Buffer *witness);

/* lint_near.c: made and freed by lint.c. 0 or -ENOMEM. */
int lint_near_make(Lint *lint);
void lint_near_deinit(LintNear *near);

/* One after the other the file rules that may have a path in common with ENTRY, itself too; NULL
 * behind the last one, or if no more pairs may be looked at. */
typedef struct LintNearby {
    const LintRule *entry;
    size_t wild, plain;
} LintNearby;

LintNearby lint_nearby(const Lint *lint, const LintRule *entry);
LintRule *lint_nearby_next(Lint *lint, LintNearby *nearby);

/* The bytes of PATTERN up to the first wildcard, as a path, appended to OUT; true if there is none
 * behind. */
bool lint_literal(const char *pattern, Buffer *out);

/* PATH is FOLDER or below. */
bool lint_is_below(const char *path, const char *folder);

/* The bits of argument INDEX that a filter compares. */
uint64_t lint_argument_mask(const Syscall *syscall, unsigned index);

/* ---- checks: each tells of one code ------------------------------------------------------------
 */

typedef int LintCheck(Lint *lint);

/* lint_rules.c */
LintCheck lint_allowed_and_denied, lint_denied_values, lint_twice, lint_covered, lint_denied_anyway,
    lint_silenced, lint_mounted_twice;
/* lint_syscalls.c */
LintCheck lint_no_such_call, lint_masked_bits, lint_pointer, lint_no_argument, lint_clone3,
    lint_multiplexer, lint_ring, lint_deny_log, lint_no_fallback, lint_follows, lint_no_calls;
/* lint_files.c */
LintCheck lint_two_ways, lint_never_matches, lint_link, lint_folder_letters, lint_socket_path,
    lint_write_exec, lint_exec_unread, lint_root_read_only, lint_tmpfs_exec;
/* lint_words.c */
LintCheck lint_word, lint_runtime;
/* lint_risk.c */
LintCheck lint_critical, lint_high, lint_medium, lint_beyond_docker;
/* lint_container.c */
LintCheck lint_runtime_denied, lint_no_runtime, lint_no_arch, lint_lacks_capability,
    lint_no_network_rule;
/* lint_unused.c */
LintCheck lint_unused_capability, lint_unused_network, lint_user_capabilities, lint_unused_rule;

/* lint_accept.c: marks what comments accept and tells of comments that are no good. */
int lint_accept(Lint *lint);
