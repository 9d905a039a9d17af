/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of capability rules share. Not for others: see tracer/capability_rules.h. */
#pragma once

#include "tracer/capability_rules.h"

#include <linux/capability.h>

/* What a firing rule found out. */
typedef struct CapabilityMatch {
    const char *object; /* borrowed from the call, or TEXT below, or NULL */
    char text[32];
} CapabilityMatch;

typedef struct CapabilityRule CapabilityRule;

typedef bool CapabilityPredicate(const CapabilityContext *context, const CapabilityRule *rule,
                                 CapabilityMatch *match);

enum { NO_ALTERNATIVE = -1 };

/* One row. A rule whose argument positions differ between calls has one row for each. */
struct CapabilityRule {
    const char *name;     /* NULL ends the table */
    int capability;       /* the smallest that does */
    int alternative;      /* a larger one that the kernel takes instead, or NO_ALTERNATIVE */
    const char *syscalls; /* names, blanks between; NULL: every call with a path argument */
    CapabilityPredicate *needs;
    unsigned parameter; /* what it means is the predicate's affair, mostly an argument's index */
};

/* Every table of rules, ended by NULL. */
extern const CapabilityRule *const capability_tables[];

extern const CapabilityRule capability_rules_access[];
extern const CapabilityRule capability_rules_admin[];
extern const CapabilityRule capability_rules_identity[];
extern const CapabilityRule capability_rules_ioctl[];
extern const CapabilityRule capability_rules_network[];
extern const CapabilityRule capability_rules_ownership[];
extern const CapabilityRule capability_rules_resources[];
extern const CapabilityRule capability_rules_system[];

/* ---- arguments and memory ------------------------------------------------------------------- */

static inline int32_t cap_arg_int(const CapabilityContext *context, unsigned index)
{
    return (int32_t)(uint32_t)context->call->args[index];
}

static inline uint32_t cap_arg_u32(const CapabilityContext *context, unsigned index)
{
    return (uint32_t)context->call->args[index];
}

/* A long or pointer argument, as wide as the call's architecture has them. */
uint64_t cap_arg_long(const CapabilityContext *context, unsigned index);

/* A user or group id; (uint32_t)-1 for "leave it" also from the 16-bit calls of i386 and arm. */
uint32_t cap_arg_id(const CapabilityContext *context, unsigned index);

size_t cap_long_size(const CapabilityContext *context);
size_t cap_pointer_size(const CapabilityContext *context);

/* All 0 or a negative errno. */
int cap_read(const CapabilityContext *context, uint64_t address, void *bytes, size_t length);
int cap_read_u32(const CapabilityContext *context, uint64_t address, uint32_t *ret);
/* The element INDEX of an array of longs (pointers). */
int cap_read_long(const CapabilityContext *context, uint64_t address, unsigned index,
                  uint64_t *ret);
int cap_read_pointer(const CapabilityContext *context, uint64_t address, unsigned index,
                     uint64_t *ret);

bool cap_call_is(const CapabilityContext *context, const char *name);

/* ---- queries: negative errno where there is no answer ---------------------------------------- */

int cap_sysctl(const CapabilityContext *context, const char *name, long *ret);
int cap_rlimit(const CapabilityContext *context, int resource, struct rlimit *ret);
int cap_task(const CapabilityContext *context, pid_t pid, Credentials *ret);
int cap_schedule(const CapabilityContext *context, pid_t pid, CapabilitySchedule *ret);
int cap_memory(const CapabilityContext *context, CapabilityMemory *ret);
int cap_fd_stat(const CapabilityContext *context, int fd, struct stat *ret);
int cap_socket(const CapabilityContext *context, int fd, int *ret_domain, int *ret_type,
               int *ret_protocol);

/* ---- the file that a call is about ----------------------------------------------------------- */

/* 1 yes, 0 no, negative: cannot tell, because the list of groups was cut. */
int cap_in_group(const CapabilityContext *context, gid_t gid);

/* The metadata of the call's first path, or of descriptor argument 0 where it has none or an empty
 * one. *RET_OBJECT gets its name or NULL. */
bool cap_subject(const CapabilityContext *context, struct stat *ret_st, const char **ret_object);

/* The file's permission checks follow its mode bits, as far as one can tell. */
bool cap_follows_modes(const ResolvedPath *path);

enum { CAP_MAY_EXEC = 1, CAP_MAY_WRITE = 2, CAP_MAY_READ = 4 };

/* Whether mode bits let the thread in without capabilities: 1 yes, 0 no, negative cannot tell. PATH
 * is for the ACL question; NULL where there is no name. */
int cap_mode_allows(const CapabilityContext *context, const struct stat *st, const char *path,
                    unsigned mask);

/* The flags of open(2) and its kin; false for another call or unreadable ones. */
bool cap_open_flags(const CapabilityContext *context, uint64_t *ret_flags);

/* While no result is known: nothing about the paths says that the call will fail. */
bool cap_paths_promise_success(const CapabilityContext *context);

/* ---- predicates of common use -----------------------------------------------------------------
 */

/* The call always needs it. */
CapabilityPredicate cap_needs_always;

/* The extended attribute's name that argument INDEX points to. */
bool cap_xattr_name(const CapabilityContext *context, unsigned index, char out[static 256]);
