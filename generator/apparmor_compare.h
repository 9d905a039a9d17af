/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one AppArmor profile allows and another does not, exactly: allowed is what some rule allows
 * and none denies, for each permission of each class of rules.
 */
#pragma once

#include "generator/apparmor_read.h"

typedef struct ApparmorChange {
    const ApparmorProfile *profile; /* of NEW */
    const ApparmorRule *rule;       /* of that; NULL: the profile as a whole, see text */
    uint32_t access;                /* apparmor_access_name() */
    const char *transition;         /* NULL, or how APPARMOR_EXEC changes: "ix" */
    GlobWho who;
    bool whole;          /* nothing that the rule matches was allowed this before */
    bool undecided;      /* may be newly allowed: too hard to say. No witness then. */
    const char *witness; /* an example, fields by blanks, escaped (base/escape.h): "/a/x/y" */
    const char *text;    /* for changes without a rule: "flag complain: nothing is enforced" */
    bool attachment;     /* of these: NEW confines programs that OLD is not for */
    const char *setting; /* of these: the name of its risk; NULL: the profile no longer confines */
} ApparmorChange;

typedef struct ApparmorChanges ApparmorChanges;

ApparmorChanges *apparmor_changes_free(ApparmorChanges *changes);
void apparmor_changes_cleanup(ApparmorChanges **changes); /* for CLEANUP() */
size_t apparmor_changes_count(const ApparmorChanges *changes);
const ApparmorChange *apparmor_change(const ApparmorChanges *changes, size_t index);

/*
 * What FRESH allows beyond OLD; what it forbids is the same with both exchanged. Either may be
 * NULL: no profile, which allows nothing here (for a child or hat that came or went). The changes
 * borrow from both. 0, -EINVAL with ERR naming file and line of a bad pattern, -ENOMEM.
 */
int apparmor_compare(const ApparmorProfile *old, const ApparmorProfile *fresh,
                     ApparmorChanges **ret_changes, Error *err);

/* The profile of FILE that corresponds to PROFILE of another file: the same name, or the only one
 * on its level in both. NULL if there is none. */
const ApparmorProfile *apparmor_counterpart(const ApparmorFile *file,
                                            const ApparmorProfile *profile);
