/* SPDX-License-Identifier: Apache-2.0 */
/* The frame pointer of x86-64, where only the stack pointer is known. */
#pragma once

#include "tracer/stacks.h"

#include <elfutils/libdwfl.h>

/*
 * Adds rbp to REGISTERS, a copy of those of REQUEST, if the first function that needs it is told by
 * DWFL's files, and if it is proven what that had; else nothing is changed.
 */
void stack_frame_pointer_find(Dwfl *dwfl, const StackRequest *request, StackRegisters *registers);
