/* SPDX-License-Identifier: Apache-2.0 */
/* What rules of each class look like (apparmor_classes.c). */
#pragma once

#include "generator/apparmor_read.h"

enum {
    BITS_MAX = 12,
    KEYS_MAX = 10,
    NO_FIELD = -1,
    EVERY_FIELD = 100, /* words are a union in field 0 */
    SPECIAL_NETWORK = 101,
    FLAGS_FIELD = 102, /* options and flags of mounts */
};

typedef struct Key {
    const char *name; /* "peer.label": within peer=() */
    int field;
} Key;

typedef struct ClassSpec {
    const char *name;
    const char *fields[APPARMOR_FIELDS_MAX];
    const char *access[BITS_MAX];
    Key keys[KEYS_MAX];
    int word;      /* the field of a word that is no permission */
    int arrow;     /* the field of what is behind "->" */
    int flags;     /* the field of mount flags; data is the next */
    uint8_t paths; /* bit i: field i is a path */
} ClassSpec;

extern const ClassSpec apparmor_classes[APPARMOR_CLASS_COUNT];

/* All permissions of the class. */
uint32_t class_all_access(ApparmorClass class);

/* The permissions that WORD means in rules of the class; 0 if it is none. */
uint32_t class_access(ApparmorClass class, const char *word);

/* RULE, a limit, is known to leave no more than OLD does for the same resource. Not of priorities,
 * where less may be more. */
bool limit_is_no_more(const ApparmorRule *old, const ApparmorRule *rule);
