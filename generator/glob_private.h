/* SPDX-License-Identifier: Apache-2.0 */
/* The automata behind glob_set.h. */
#pragma once

#include "generator/glob_set.h"

enum {
    GLOB_NONE = UINT32_MAX,
    GLOB_NODES_MAX = 1 << 20,
    GLOB_PATTERN_MAX = 1 << 16, /* bytes of one pattern */
    GLOB_SETS_MAX = 1 << 12,
    GLOB_BYTES = 256, /* the first sets are of one byte each */
    GLOB_DEPTH_MAX = 50,
    GLOB_SEPARATOR = 0, /* between fields */
};

typedef struct ByteSet {
    uint64_t bits[GLOB_BYTES / 64];
} ByteSet;

static inline bool byte_set_has(const ByteSet *set, unsigned byte)
{
    return (set->bits[byte / 64] >> byte % 64 & 1) != 0;
}

static inline void byte_set_add(ByteSet *set, unsigned byte)
{
    set->bits[byte / 64] |= (uint64_t)1 << byte % 64;
}

typedef enum GlobNodeKind {
    GLOB_NODE_SPLIT, /* goes on to next and to other without a byte */
    GLOB_NODE_BYTES, /* one byte of a set, then next */
    GLOB_NODE_MATCH, /* the pattern is matched if this is the end */
} GlobNodeKind;

typedef struct GlobNode {
    GlobNodeKind kind;
    uint32_t next;
    uint32_t other; /* of a split, or GLOB_NONE */
    uint32_t set;   /* of bytes */
    uint32_t owner; /* the pattern */
    bool endless;   /* whatever follows, and if nothing does, the pattern is matched */
} GlobNode;

typedef struct GlobPattern {
    uint32_t start; /* its nodes are those from here… */
    uint32_t end;   /* … to before this */
    bool literal;   /* matches one thing only */
} GlobPattern;

struct GlobSet {
    GlobNode *nodes;
    size_t nodes_count;
    size_t nodes_capacity;
    ByteSet *sets; /* number GLOB_BYTES and on */
    size_t sets_count;
    size_t sets_capacity;
    GlobPattern *patterns;
    size_t patterns_count;
    size_t patterns_capacity;
};

/* The set that number ID means. */
ByteSet glob_set_bytes(const GlobSet *set, uint32_t id);

/* Compiles a rule's fields to one pattern. -EINVAL, -E2BIG, -ENOMEM. */
int glob_set_add_fields(GlobSet *set, GlobSyntax syntax, const GlobField *fields, size_t count,
                        size_t *ret_id, Error *err);

/* The same by their text. */
bool glob_same_fields(const GlobRule *a, const GlobRule *b);

/* One step of a search: what the bytes so far have matched, and what may still be. */
typedef struct GlobView {
    const GlobSet *set;
    const uint32_t *positions; /* nodes; matches among them */
    size_t count;
} GlobView;

/* The node at INDEX of the view, or NULL if that is none. */
const GlobNode *glob_view_node(const GlobView *view, size_t index);

typedef enum GlobVerdict {
    GLOB_GO_ON,
    GLOB_CUT,   /* nothing behind this is of interest */
    GLOB_NOTE,  /* this is an answer; the search goes on */
    GLOB_FOUND, /* this is the answer */
} GlobVerdict;

/* What a search needs room for, kept from one to the next of the same set. */
typedef struct GlobScratch {
    uint32_t *seen; /* by node: the last closure that had it */
    uint32_t *stack;
    uint32_t closure;
} GlobScratch;

int glob_scratch_init(GlobScratch *scratch, const GlobSet *set);
void glob_scratch_deinit(GlobScratch *scratch);

typedef struct GlobSearch {
    const GlobSet *set;
    GlobScratch *scratch;
    const size_t *patterns; /* those to walk */
    size_t count;
    bool paths; /* never two slashes in a row, before the first separator */
    /* Judges a step. NOTE and FOUND make found() be called with the bytes that lead there. */
    GlobVerdict (*judge)(void *context, const GlobView *view);
    int (*found)(void *context, const char *bytes, size_t length); /* NULL allowed */
    void *context;
} GlobSearch;

/* Walks all that the patterns can match, shortest first. 1 found, 0 not, -E2BIG, -ENOMEM. */
int glob_search(const GlobSearch *search);
