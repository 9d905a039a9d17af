/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a frame, as docs/FORMATS.md, "Stacks", has it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct Span {
    const char *at; /* into the frame */
    size_t length;  /* 0: it has none */
} Span;

typedef struct Frame {
    Span module;
    Span address; /* "+0x12ab" */
    Span symbol;  /* as in the symbol table */
    Span line;    /* "(file.c:12)" */
    bool inlined;
} Frame;

/*
 * Takes LENGTH bytes without newline apart. What does not look like a frame, for nobody can trust
 * what a recording says, is a module's name, or has that as its symbol which is left over.
 */
Frame frame_parse(const char *text, size_t length);
