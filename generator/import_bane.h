/* SPDX-License-Identifier: Apache-2.0 */
/* bane's file, read: what import_bane.c and import_bane_rules.c share. */
#pragma once

#include "generator/import_private.h"
#include "generator/toml_read.h"

typedef enum BaneKey {
    BANE_NAME,
    BANE_IMPORTS,
    BANE_INNER_IMPORTS,
    BANE_NETWORK,
    BANE_PROTOCOLS,
    BANE_RAW,
    BANE_PACKET,
    BANE_FILESYSTEM,
    BANE_READ_ONLY,
    BANE_LOG_ON_WRITE,
    BANE_WRITABLE,
    BANE_ALLOW_EXEC,
    BANE_DENY_EXEC,
    BANE_CAPABILITIES,
    BANE_CAPS_ALLOW,
    BANE_CAPS_DENY,
    BANE_KEY_COUNT,
} BaneKey;

typedef struct BaneKeyInfo {
    const char *path;
    TomlKind kind;
} BaneKeyInfo;

extern const BaneKeyInfo bane_keys[BANE_KEY_COUNT];

typedef struct BaneText {
    const char *text;
    unsigned line;
} BaneText;

typedef struct BaneList {
    BaneText *items;
    size_t count, capacity;
} BaneList;

typedef struct Bane {
    const ImportSource *source;
    const char *name; /* of the file */
    Policy *policy;
    Buffer *notes;
    BaneList lists[BANE_KEY_COUNT]; /* texts: of strings and arrays */
    bool flags[BANE_KEY_COUNT];     /* values of booleans */
} Bane;

/* Add rules to the policy; -EINVAL with ERR naming the line, -ENOMEM. The second gives what is
 * allowed, bit N capability N. */
int bane_add_filesystem(const Bane *bane, Error *err);
int bane_add_capabilities(const Bane *bane, uint64_t *ret_caps, Error *err);
int bane_add_network(const Bane *bane, Error *err);
int bane_add_processes(const Bane *bane, Error *err);

/* Adds what the includes of the profile allow and deny, once all else of files and sockets is
 * there; *CAPS gets the capabilities among it. What cannot be read is told. 0 or -ENOMEM with ERR.
 */
int bane_add_includes(const Bane *bane, uint64_t *caps, Error *err);
