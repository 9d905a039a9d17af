/* SPDX-License-Identifier: Apache-2.0 */
/* The names of one address, by libdwfl: module, symbol, inlined functions, source lines. */
#pragma once

#include "base/buffer.h"

#include <elfutils/libdwfl.h>
#include <stdbool.h>

/*
 * Appends the frame that is at PC in MODULE as docs/FORMATS.md has it, a line for each function
 * that was inlined there and one for the function itself, no newline behind the last: to HEAD all
 * before the place of the build id, to TAIL what is behind that. CALLED: PC is where a call returns
 * to, and the call itself is what is to be named.
 */
void stack_names(Dwfl_Module *module, Dwarf_Addr pc, bool called, Buffer *head, Buffer *tail);

/* True if PC is in a segment of MODULE's file, and not between two, where libdw takes for the
 * module's what somebody else has mapped. */
bool stack_is_of_file(Dwfl_Module *module, Dwarf_Addr pc);

/* Appends " [BUILD-ID]", nothing if MODULE has none. */
void stack_put_build_id(Dwfl_Module *module, Buffer *out);

/* Appends LENGTH bytes of TEXT, with "?" for what would not be one line of text: at most 512. */
void stack_put_text(const char *text, size_t length, Buffer *out);
