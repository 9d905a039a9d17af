/* SPDX-License-Identifier: Apache-2.0 */
/* What libdw knows of address spaces: a session for each that was asked about lately. */
#pragma once

#include "base/buffer.h"
#include "tracer/stack_maps.h"
#include "tracer/stacks.h"

#include <elfutils/libdwfl.h>

enum { STACK_MODULES_MAX = 512, STACK_NAMES = 2048 };

/* What an address is called. */
typedef struct StackName {
    uint64_t key; /* the address times two, and one if it is where a call returns to; 0: none */
    Buffer head;  /* all before the place of the build id */
    Buffer tail;
} StackName;

/* A file that was told to libdw, or could not be. */
typedef struct StackFile {
    uint64_t base;
    uint64_t inode;
    uint64_t path; /* its hash */
} StackFile;

typedef struct StackSessions StackSessions;

typedef struct StackSession {
    StackSessions *owner;
    StackFile files[STACK_MODULES_MAX];
    size_t files_count;
    bool attached;
    uint64_t used; /* when, for the one to forget */
    Dwfl *dwfl;
    StackName names[STACK_NAMES]; /* by address; the later one wins */
    /* Of the request in progress. */
    const StackRequest *request;
    const StackMap *maps;
    size_t maps_count;
    Buffer *out;
    unsigned frames;
    const Dwfl_Module *told[STACK_FRAMES_MAX + 1]; /* whose build id was told */
    unsigned told_count;
    uint8_t slice[STACK_SLICE]; /* what lies at the stack pointer */
    size_t slice_size;
} StackSession;

StackSessions *stack_sessions_new(void);
StackSessions *stack_sessions_free(StackSessions *sessions);

/*
 * The session of the COUNT maps of REQUEST, with all their files told to libdw; REQUEST is its
 * request. It is SESSIONS' until the next is opened. NULL: no memory.
 */
StackSession *stack_sessions_open(StackSessions *sessions, const StackRequest *request,
                                  const StackMap *maps, size_t count);
