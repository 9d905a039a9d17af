/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine code of x86-64 says about frames: how large, and which function was called. */
#pragma once

#include "tracer/stacks.h"

enum { STACK_CODE_MAX = 4096, STACK_SIZES_MAX = 8 };

/*
 * True if the instruction before RETURN_TO, in the memory of REQUEST, calls ENTRY: directly, by a
 * stub of the procedure linkage table, or by the pointer that such a stub would use. False for any
 * other call, and where something cannot be read.
 */
bool stack_code_calls(const StackRequest *request, uint64_t return_to, uint64_t entry);

/*
 * The different constants by which the LENGTH bytes of CODE lower the stack pointer, each once and
 * 0 among them, in RET_SIZES: how many these are. More than STACK_SIZES_MAX are not told.
 */
size_t stack_code_sizes(const uint8_t *code, size_t length, uint32_t ret_sizes[STACK_SIZES_MAX]);
