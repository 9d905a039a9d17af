/* SPDX-License-Identifier: Apache-2.0 */
/* What several importers need. */
#pragma once

#include "generator/import.h"

/* The rows of importers[]. */
bool import_apparmor_detect(const ImportSource *source);
int import_apparmor(const ImportSource *source, Imported *ret_imported, Buffer *notes, Error *err);
/* The same, without a note that there are no system calls. */
int import_apparmor_rules(const ImportSource *source, Imported *ret_imported, Buffer *notes,
                          Error *err);
bool import_bane_detect(const ImportSource *source);
int import_bane(const ImportSource *source, Imported *ret_imported, Buffer *notes, Error *err);
bool import_audit_detect(const ImportSource *source);
int import_audit(const ImportSource *source, Imported *ret_imported, Buffer *notes, Error *err);
bool import_strace_detect(const ImportSource *source);
int import_strace(const ImportSource *source, Imported *ret_imported, Buffer *notes, Error *err);
bool import_spo_detect(const ImportSource *source);
int import_spo(const ImportSource *source, Imported *ret_imported, Buffer *notes, Error *err);
bool import_seccomp_detect(const ImportSource *source);
int import_seccomp(const ImportSource *source, Imported *ret_imported, Buffer *notes, Error *err);

/* An empty policy for this machine's architecture and those whose calls it takes as well. */
Policy *import_policy_new(void);

/* The same log is the same run: an id of 32 digits by what SOURCE says. */
void import_run_id(const ImportSource *source, char out[33]);

/*
 * Appends an AppArmor pattern as a policy's. 0, or -EINVAL with ERR saying what of it a policy
 * cannot say.
 */
int import_pattern(Buffer *out, const char *apparmor, Error *err);

/* Patterns of a policy, which are in some StringSet. */
typedef struct ImportPatterns {
    const char **items;
    size_t count, capacity;
} ImportPatterns;

void import_patterns_deinit(ImportPatterns *patterns);

/* Adds PATTERN, which gets into STRINGS. 0 or -ENOMEM. */
int import_patterns_add(ImportPatterns *patterns, StringSet *strings, const char *pattern);

/* The same as patterns that begin with "/", as a policy's paths do: "{,/var}/run" becomes two. 1 if
 * they do not. */
int import_rooted(ImportPatterns *patterns, StringSet *strings, const char *pattern);

/* The capability by any of its spellings ("chown", "CAP_CHOWN"), or NULL. */
const Capability *import_capability(const char *name);

/* The nearest name of a capability in small letters without "cap_", or NULL. */
const char *import_nearest_capability(const char *name);

/* Adds the system calls that Docker's default grants to a container with the capabilities CAPS.
 * 0 or -ENOMEM. */
int import_docker_calls(Policy *policy, uint64_t caps);
