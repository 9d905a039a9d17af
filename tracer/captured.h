/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event of the kernel side (bpf/events.h), taken apart and checked: what is known of a call
 * that is over. A Tracee that has one (Tracee.captured) answers from it instead of from /proc.
 * The event itself is whittle's, but the strings and memory in it are the workload's.
 */
#pragma once

#include "tracer/bpf/events.h"
#include "tracer/process_table.h"
#include "tracer/sockets.h"

/* Room for every argument twice, its memory and what it names, and what belongs to the event. */
enum { CAPTURED_BLOBS_MAX = 48 };

/* Where, for captured_read_string(), the name lies that EVENT_EXEC tells. */
enum { CAPTURED_NAME_ADDRESS = 1 };

typedef struct CapturedBlob {
    uint8_t kind; /* enum blob_kind */
    uint8_t flags;
    int32_t number;
    uint64_t address;
    const char *bytes;
    size_t size;
    const struct file_blob *file; /* the same bytes, of a kind that describes a file; else NULL */
} CapturedBlob;

typedef struct CaptureRoots CaptureRoots;
typedef struct SeenFiles SeenFiles;
typedef struct CaptureStacks CaptureStacks;

struct Captured {
    const struct event *event;
    CapturedBlob blobs[CAPTURED_BLOBS_MAX];
    size_t count;
    const Syscall *syscall; /* NULL: none, or one that the tables do not know */
    CaptureRoots *roots;    /* borrowed: capture_roots.h */
    SeenFiles *seen;        /* borrowed: capture_seen.h */
    CaptureStacks *stacks;  /* borrowed: capture_stacks.h */
    const Captured *asked;  /* of an exec: EVENT_STACK; NULL: not told */
    SocketInfo socket;      /* what captured_socket() gave last */
};

/*
 * Checks the SIZE bytes of EVENT (aligned to 8), which RET_CAPTURED then points into.
 * 0, or -EBADMSG where they are no event.
 */
int captured_parse(const struct event *event, size_t size, Captured *ret_captured);

/* The path or kind behind FILE, with NUL. */
const char *captured_file_text(const struct file_blob *file);

/* The first blob of KIND; with NUMBER, or with any if that is CAPTURED_ANY. NULL: none. */
enum { CAPTURED_ANY = INT32_MIN };
const CapturedBlob *captured_blob(const Captured *captured, enum blob_kind kind, int32_t number);
/* The same for kinds that describe a file; NULL also for a FILE_NONE. */
const struct file_blob *captured_file(const Captured *captured, enum blob_kind kind,
                                      int32_t number);

/* What descriptor FD was, that the call was given or gave; NULL if that was not captured. */
const struct file_blob *captured_descriptor(const Captured *captured, int fd);

/* The call ended, and not with an error. */
bool captured_succeeded(const Captured *captured);
/* What it returned as a result of a fact: RESULT_OK, an errno, RESULT_UNKNOWN. */
int captured_result(const Captured *captured);

void captured_file_stat(const struct file_blob *file, struct stat *ret_stat);

/* ---- the questions of tracee.h and sockets.h ------------------------------------------------ */

/* -ENODATA: not captured. -EFAULT: the kernel could not read it either. */
int captured_read(const Captured *captured, uint64_t address, void *bytes, size_t length);
long captured_read_string(const Captured *captured, uint64_t address, char *out, size_t size);
int captured_descriptor_text(const Captured *captured, int fd, char *out, size_t size);
int captured_descriptor_stat(const Captured *captured, int fd, struct stat *ret_stat);

/* Good until the next call. NULL: no socket, or not captured. */
SocketInfo *captured_socket(Captured *captured, int fd);

/* Who the process that the call was about is to the caller, in the words of a fact; NULL: not told.
 */
const char *captured_relation(const Captured *captured);
