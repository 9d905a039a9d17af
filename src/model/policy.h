/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy: what a workload may do, as rules that people write, read and review. File format:
 * docs/FORMATS.md, "Policy" (YAML, one rule a line).
 *
 * Strings of a rule are borrowed from the StringSet of the policy it is in.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "base/strset.h"
#include "model/tables.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_FORMAT 1

/* The name of a rule of signals that is for all of them. */
#define POLICY_ANY_SIGNAL "any"

typedef enum PolicySection {
    POLICY_SYSCALLS,
    POLICY_CAPABILITIES,
    POLICY_FILES,
    POLICY_NETWORK,
    POLICY_UNIX,
    POLICY_SIGNALS,
    POLICY_PTRACE,
    POLICY_MOUNTS,
    POLICY_TMPFS,
    POLICY_VOLUMES,
    POLICY_SECTION_COUNT,
} PolicySection;

/* The key in YAML: "syscalls", … */
const char *policy_section_name(PolicySection section);
int policy_section_from_name(const char *name); /* PolicySection or -1 */

/* What a file rule grants: AppArmor's letters. */
enum {
    FILE_READ = 1u << 0,            /* r */
    FILE_WRITE = 1u << 1,           /* w: also create, delete, chmod, chown, truncate */
    FILE_APPEND = 1u << 2,          /* a: write at the end only; w includes it */
    FILE_LINK = 1u << 3,            /* l */
    FILE_LOCK = 1u << 4,            /* k */
    FILE_MMAP_EXEC = 1u << 5,       /* m */
    FILE_EXEC_INHERIT = 1u << 6,    /* ix: the new program stays under this policy */
    FILE_EXEC_PROFILE = 1u << 7,    /* px: it gets the profile of its name */
    FILE_EXEC_UNCONFINED = 1u << 8, /* ux: it gets none */
    FILE_ANY_EXEC = FILE_EXEC_INHERIT | FILE_EXEC_PROFILE | FILE_EXEC_UNCONFINED,
};

/* What answers a system call that a rule denies. */
typedef enum PolicyDeny {
    POLICY_ALLOW = 0,      /* not denied */
    POLICY_DENY = -1,      /* as the policy's deny-action says */
    POLICY_DENY_KILL = -2, /* the process is killed */
    POLICY_DENY_LOG = -3,  /* allowed, and written to the audit log */
    /* positive: fails with that errno */
} PolicyDeny;

typedef struct PolicyRule {
    PolicySection section;
    /* Call, capability, path pattern, network family, unix operation, signal, ptrace operation,
     * mount operation, folder. */
    const char *name;
    const char *type;     /* network, unix: socket type; mounts: file system type */
    const char *source;   /* mounts */
    const char *target;   /* files: what may be linked to; unix: address; signals, ptrace: whom;
                             mounts: where */
    const char *options;  /* mounts: "ro,nosuid"; tmpfs: "exec" */
    uint32_t access;      /* files: FILE_* */
    bool owner;           /* files: only what the process owns */
    uint8_t args_present; /* syscalls: bit i: args[i], masked as its family says, must be equal */
    uint64_t args[SYSCALL_ARGS];
    int deny; /* PolicyDeny */
    bool keep;
    const char *reason;
} PolicyRule;

typedef struct Policy Policy;

Policy *policy_new(void);
Policy *policy_free(Policy *policy);
void policy_cleanup(Policy **policy); /* for CLEANUP() */
StringSet *policy_strings(Policy *policy);

/* ---- what there is once in a policy. Text is copied; NULL where there is none. --------------- */

const char *policy_name(const Policy *policy);
int policy_set_name(Policy *policy, const char *name);

/* The name can be a profile's and a file's: letters, digits, ".", "_", "-", no "." or "-" first. */
bool policy_name_is_valid(const char *name);

/* "33", "33:33", "www-data" */
const char *policy_user(const Policy *policy);
int policy_set_user(Policy *policy, const char *user);

/* Bit i: Arch i is allowed. */
uint32_t policy_archs(const Policy *policy);
void policy_set_archs(Policy *policy, uint32_t archs);

/* Container runtimes by name, sorted. */
size_t policy_runtimes_count(const Policy *policy);
const char *policy_runtime(const Policy *policy, size_t index);
int policy_add_runtime(Policy *policy, const char *name);
void policy_clear_runtimes(Policy *policy);

/* What answers a system call that no rule names: POLICY_DENY_KILL, POLICY_DENY_LOG or an errno. */
int policy_deny_action(const Policy *policy);
void policy_set_deny_action(Policy *policy, int deny);

bool policy_read_only_root(const Policy *policy);
void policy_set_read_only_root(Policy *policy, bool read_only);
bool policy_no_new_privs(const Policy *policy);
void policy_set_no_new_privs(Policy *policy, bool no_new_privs);

/* Resource limits by their key in YAML ("pids", "memory", "nofile"); 0 is none. */
typedef enum PolicyLimit {
    POLICY_LIMIT_MEMORY, /* bytes */
    POLICY_LIMIT_NOFILE, /* descriptors a process */
    POLICY_LIMIT_PIDS,   /* tasks in the container */
    POLICY_LIMIT_COUNT,
} PolicyLimit;

const char *policy_limit_name(PolicyLimit limit);
uint64_t policy_limit(const Policy *policy, PolicyLimit limit);
void policy_set_limit(Policy *policy, PolicyLimit limit, uint64_t value);

/* ---- rules ---------------------------------------------------------------------------------- */

/*
 * Adds a copy of DRAFT, whose strings may be borrowed from anywhere, or unites it with the rule
 * that is the same but for access, keep and reason (the first reason stays). 0 or -ENOMEM.
 */
int policy_add(Policy *policy, const PolicyRule *draft);

size_t policy_rules_count(const Policy *policy);
const PolicyRule *policy_rule(const Policy *policy, size_t index);

/* Order: section, name, then what else identifies. Needed before print, find and ranges. */
void policy_sort(Policy *policy);

/* First rule of SECTION and one past its last, after policy_sort(). */
void policy_range(const Policy *policy, PolicySection section, size_t *ret_first, size_t *ret_end);

/* The rule at INDEX of a sorted policy allows something: it does not deny, and no rule denies the
 * same. (Patterns that overlap are not compared.) */
bool policy_grants(const Policy *policy, size_t index);

/* Identity order: 0 for rules that policy_add() would unite. */
int policy_rule_compare(const PolicyRule *a, const PolicyRule *b);

/* Adds all that FROM holds. Text and deny-action of INTO stay unless unset; limits become the
 * larger one; a read-only root and no_new_privs need both. 0 or -ENOMEM. */
int policy_merge(Policy *into, const Policy *from);

/* ---- text ----------------------------------------------------------------------------------- */

/* The rule without its attributes, as in the file: "/etc/passwd r", "socket 0=AF_INET". */
int policy_rule_print(const PolicyRule *rule, Buffer *out);

/* The rule as an item of a list in YAML, with its attributes, on one line. */
int policy_rule_print_item(const PolicyRule *rule, Buffer *out);

/* Parses what policy_rule_print() writes. Strings of *RET_RULE are added to STRINGS. Returns
 * -EINVAL with ERR saying what is wrong with it. */
int policy_rule_parse(PolicySection section, const char *text, StringSet *strings,
                      PolicyRule *ret_rule, Error *err);

/* "EPERM", "KILL", "LOG"; the parse takes small letters and errno numbers too. */
int policy_deny_print(int deny, Buffer *out);
int policy_deny_parse(const char *text, int *ret_deny);

/*
 * Path patterns. "*" any bytes but "/", "**" any bytes, "?" one byte but "/", "[a-z]", "{a,b}",
 * "@{pid}" and "@{tid}" a number. A byte that would mean something else is written \xHH or with a
 * backslash before it.
 */
int policy_pattern_append_literal(Buffer *out, const char *bytes, size_t length);

/* The path that PATTERN stands for, appended to OUT. 1, with OUT unchanged, if it stands for more
 * than one; 0 or a negative errno. */
int policy_pattern_to_literal(const char *pattern, Buffer *out);

/* Can TEXT be a pattern? Gives -EINVAL with ERR if not. */
int policy_pattern_check(const char *text, Error *err);

/* One element of a pattern at a time, for those who translate it. */
typedef struct PatternToken {
    enum {
        PATTERN_END,
        PATTERN_BYTE,     /* byte */
        PATTERN_ONE,      /* ? */
        PATTERN_STAR,     /* * */
        PATTERN_GLOBSTAR, /* ** */
        PATTERN_CLASS,    /* text, length: "[a-z]" */
        PATTERN_OPEN,     /* { */
        PATTERN_COMMA,    /* , within {} */
        PATTERN_CLOSE,    /* } */
        PATTERN_VARIABLE, /* text, length: "@{pid}" */
    } kind;
    unsigned char byte;
    const char *text;
    size_t length;
} PatternToken;

typedef struct PatternReader {
    const char *at;
    unsigned depth;  /* of open braces */
    unsigned commas; /* bit i: the brace at depth i has had one */
} PatternReader;

/* 0, or -EINVAL where the pattern is none. At the end kind is PATTERN_END, again and again. */
int pattern_next(PatternReader *reader, PatternToken *ret_token);

/* ---- file format ---------------------------------------------------------------------------- */

/* The sorted POLICY; parsing it gives the same policy, and printing that the same bytes. */
int policy_print(const Policy *policy, Buffer *out);

int policy_parse(const char *name, const char *text, size_t length, Policy **ret_policy,
                 Error *err);
int policy_read(const char *path, Policy **ret_policy, Error *err);

/* The first lines are those of a policy. */
bool policy_detect(const char *text, size_t length);
