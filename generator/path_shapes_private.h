/* SPDX-License-Identifier: Apache-2.0 */
/* What path_shapes.c and path_own_names.c share. */
#pragma once

#include "base/memory.h"
#include "generator/apparmor_text.h"
#include "generator/name_spans.h"
#include "generator/path_shapes.h"

/* Patterns of homes. The second is AppArmor's own @{HOME} (apparmor_text.h). */
#define HOMES_OF_USERS "/home/*"
#define HOMES_OF_ALL   APPARMOR_HOMES

enum { DEPTH_MAX = 128 }; /* below that nothing is generalised */

typedef struct Shape {
    const char *name; /* last component, in the path */
    size_t length;
    unsigned depth;
    NameSpans spans;
    const char *homes; /* the pattern of the homes that the path is in alike, NULL none */
} Shape;

struct PathShapes {
    const PathUses *uses;
    Generalise level;
    Shape *shapes; /* of each use */
    size_t *order; /* uses by depth */
    TimeSpan *times;
    uint32_t *commands; /* of each run: the first run with the same command */
    size_t runs_count;
};

/* Files there are nobody's for long: /tmp and its like. */
bool path_in_scratch(const char *path);

/* It was made and did not stay. */
static inline bool path_use_is_transient(const PathUse *use)
{
    return path_use_created(use) && (use->access & ACCESS_DELETE) != 0;
}

/* What the name of use I tells by itself; none at the level exact but what no rule can hold. */
void path_find_own(const PathShapes *shapes, size_t i, NameSpans *spans);

/* A hash alone, or with its first digits in folders above. */
bool path_find_hash(const PathShapes *shapes, size_t use, NameSpans *spans);

/* Appends the pattern of PATH's bytes from START, where a component begins with its slash, to
 * LENGTH; *KINDS gets a bit for each kind of span. */
void path_print_pattern(const PathShapes *shapes, const char *path, size_t start, size_t length,
                        Buffer *out, uint32_t *kinds);

/* How much of PATH is somebody's home; 0: it is in none. */
size_t path_home_length(const char *path);

/* Tells which paths are alike in several homes, once all else is done. 0 or -ENOMEM. */
int path_mark_homes(PathShapes *shapes, const Recording *recording);

/* Gives spans to the folders over which the hashes in them are spread. */
void path_mark_fan_outs(PathShapes *shapes);
