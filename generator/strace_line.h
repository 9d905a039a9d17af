/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of strace(1), taken apart: with or without process numbers (-f) and names (-Y), times (-t,
 * -tt, -ttt, -r), call numbers (-n), instruction pointers (-i), durations (-T), stacks (-k).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { STRACE_ARGS_MAX = 8 };

typedef enum StraceKind {
    STRACE_OTHER,      /* not understood */
    STRACE_NOTHING,    /* empty, strace's own message, or a frame of a stack */
    STRACE_CALL,       /* "name(args) = result" */
    STRACE_UNFINISHED, /* "name(args <unfinished ...>" */
    STRACE_RESUMED,    /* "<... name resumed>args) = result" */
    STRACE_SIGNAL,     /* "--- SIGCHLD {…} ---" */
    STRACE_EXIT,       /* "+++ exited with 0 +++" */
} StraceKind;

typedef struct StraceSpan {
    const char *text; /* inside of the line, not ended by NUL */
    size_t length;
} StraceSpan;

typedef struct StraceLine {
    StraceKind kind;
    long pid;        /* 0: the line has none */
    StraceSpan name; /* of the call */
    /* CALL: all arguments; UNFINISHED: those before the break; RESUMED: those behind it */
    StraceSpan rest;
    int status; /* EXIT: that of the process, 128 + signal; -1 not known */
} StraceLine;

/* Takes LENGTH bytes of TEXT, without the newline, apart. Never fails: kind may be OTHER. */
void strace_line_parse(const char *text, size_t length, StraceLine *ret_line);

typedef struct StraceCall {
    StraceSpan args[STRACE_ARGS_MAX];
    size_t args_count;
    StraceSpan result; /* "3</etc/passwd>", "-1 ENOENT (No such …)", "?" */
} StraceCall;

/* Takes "args) = result" apart. False if it is none. */
bool strace_call_parse(const char *text, size_t length, StraceCall *ret_call);

bool strace_span_begins(const StraceSpan *span, const char *text);
