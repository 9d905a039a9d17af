/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AppArmor profiles as people write them, apparmor.d(5), up to AppArmor 4: with includes,
 * variables, conditions, hats and children. Needs neither apparmor_parser nor AppArmor in the
 * kernel.
 *
 * What is not understood is an error that names file, line and column; nothing is left out
 * silently.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "generator/glob_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ApparmorClass {
    APPARMOR_FILE,           /* path */
    APPARMOR_LINK,           /* path, target */
    APPARMOR_CAPABILITY,     /* name */
    APPARMOR_NETWORK,        /* family, type, address, port, peer's address, peer's port */
    APPARMOR_UNIX,           /* type, protocol, address, label, peer's address, peer's label */
    APPARMOR_DBUS,           /* bus, path, interface, member, name, peer's name, peer's label */
    APPARMOR_SIGNAL,         /* signal, peer */
    APPARMOR_PTRACE,         /* peer */
    APPARMOR_MOUNT,          /* source, where, file system type, flags (a digit each), data */
    APPARMOR_UMOUNT,         /* where, flags */
    APPARMOR_PIVOT_ROOT,     /* new root, old root, profile */
    APPARMOR_RLIMIT,         /* resource, limit */
    APPARMOR_CHANGE_PROFILE, /* executable, profile */
    APPARMOR_USERNS,
    APPARMOR_MQUEUE,   /* type, label, name */
    APPARMOR_IO_URING, /* label */
    APPARMOR_CLASS_COUNT,
} ApparmorClass;

enum { APPARMOR_FIELDS_MAX = 7 };

/* "file", "link", …: the keyword. */
const char *apparmor_class_name(ApparmorClass class);

/* What field INDEX of the class is: "path", "peer label"; NULL past the last. */
const char *apparmor_class_field(ApparmorClass class, size_t index);

/* The name of access bit BIT of the class: "r", "send"; NULL if there is none. Files: FILE_* of
 * model/policy.h, but for execution, which is APPARMOR_EXEC. */
const char *apparmor_access_name(ApparmorClass class, unsigned bit);

enum { APPARMOR_EXEC = 1u << 9 };

typedef struct ApparmorRule {
    ApparmorClass class;
    bool deny;
    bool audit;
    bool owner;
    bool subset; /* link: the target's permissions must cover the link's */
    int priority;
    uint32_t access;
    /* Variables expanded. Syntax GLOB_APPARMOR. A field that was not written has no patterns. */
    GlobField fields[APPARMOR_FIELDS_MAX];
    const char *transition; /* of APPARMOR_EXEC: "ix", "Px -> target", "cux"; NULL if none */
    const char *text;       /* as written, without comment and line ends */
    const char *file;
    unsigned line;
    unsigned column;
} ApparmorRule;

typedef struct ApparmorProfile {
    const char *name;     /* with its parents': "a//b" for the child or hat b of a */
    GlobField attachment; /* the executables it is for; none: only by name */
    bool hat;
    bool has_children;        /* or hats */
    const char *const *flags; /* sorted: "attach_disconnected", "complain" */
    size_t flags_count;
    const char *xattrs; /* as written, NULL without */
    const ApparmorRule *rules;
    size_t rules_count;
    const char *file;
    unsigned line;
} ApparmorProfile;

typedef struct ApparmorFile ApparmorFile;

typedef struct ApparmorReadOptions {
    /* Folders for "include <…>", in order; none means /etc/apparmor.d. */
    const char *const *include;
    size_t include_count;
    bool missing_includes; /* one that is not there is noted and left out, and no error */
} ApparmorReadOptions;

ApparmorFile *apparmor_file_free(ApparmorFile *file);
void apparmor_file_cleanup(ApparmorFile **file); /* for CLEANUP() */

/* OPTIONS may be NULL. -EINVAL with ERR "NAME:LINE:COLUMN: what, and what to do". */
int apparmor_parse(const char *name, const char *text, size_t length,
                   const ApparmorReadOptions *options, ApparmorFile **ret_file, Error *err);
int apparmor_read(const char *path, const ApparmorReadOptions *options, ApparmorFile **ret_file,
                  Error *err);

/* Looks like a profile: the first word that is no comment is one that a profile begins with. */
bool apparmor_detect(const char *text, size_t length);

/* In the order in which they are in the file, children behind their parents. */
size_t apparmor_profiles_count(const ApparmorFile *file);
const ApparmorProfile *apparmor_profile(const ApparmorFile *file, size_t index);

/* Includes that were not found, in order (ApparmorReadOptions.missing_includes). */
size_t apparmor_missing_count(const ApparmorFile *file);
const char *apparmor_missing(const ApparmorFile *file, size_t index);
