/* SPDX-License-Identifier: Apache-2.0 */
/* What the arguments and the result of a call in a log of strace say. */
#pragma once

#include "base/buffer.h"
#include "generator/strace_line.h"
#include "model/fact.h"

/* RESULT_OK, an errno or RESULT_UNKNOWN. */
int strace_result(const StraceSpan *result);

/* Fills in the selectors of FACT that can be decoded; one that cannot leaves it without any. */
void strace_set_selectors(const Syscall *syscall, const StraceCall *call, Fact *fact);

/* Appends the path that -y puts behind a descriptor. False if there is none. */
bool strace_descriptor_path(const StraceSpan *span, Buffer *out);

/* Appends the path of argument INDEX, absolute and without "." and "..". False if it is not known;
 * *RET_RELATIVE becomes true if that is for want of its folder. */
bool strace_argument_path(const Syscall *syscall, const StraceCall *call, unsigned index,
                          Buffer *out, bool *ret_relative);
