/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user-space stack of a thread that makes a call, as text: who asked for it. The same way for
 * every backend, from registers, memory and the text of /proc/PID/maps; by elfutils' libdw
 * (stacks.c), or not at all where whittle was built without that (stacks_missing.c).
 *
 * All that is read belongs to the workload and may be made to mislead: frames, files and bytes are
 * limited, nothing of it is run, and what comes of it is text and no more.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    STACK_REGISTERS = 33, /* by the numbers of the architecture's DWARF */
    STACK_FRAMES_MAX = 64,
    STACK_SLICE = 32 * 1024, /* bytes of a stack that are read at once, or copied */
};

typedef struct StackRegisters {
    uint64_t values[STACK_REGISTERS];
    uint64_t known; /* bit i: values[i] */
    uint64_t pc;
    uint64_t sp;
    bool narrow; /* of a 32-bit program */
} StackRegisters;

typedef struct StackRequest {
    const StackRegisters *registers;
    const char *maps; /* /proc/PID/maps */
    pid_t own_pid;    /* in its own pid namespace: for /tmp/perf-PID.map */
    /* Reads LENGTH bytes of its memory, all of them or a negative errno. */
    int (*read)(void *data, uint64_t address, void *bytes, size_t length);
    /* A regular file of its root by the name that `maps` has, opened for reading, for the caller to
     * close; or a negative errno. */
    int (*open_file)(void *data, const char *path);
    void *data;
} StackRequest;

typedef struct Stacks Stacks;
struct Stacks {
    /* Appends the frames, the innermost first, a line each without the last newline, as
     * docs/FORMATS.md has them ("Stacks"). 0 or a negative errno. */
    int (*take)(Stacks *stacks, const StackRequest *request, Buffer *out);
    Stacks *(*free)(Stacks *stacks);
};

/* 0; -ENOSYS with ERR where whittle was built without libdw. */
int stacks_new(Stacks **ret_stacks, Error *err);
