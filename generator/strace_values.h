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

/* What an open with these flags, or this struct open_how, does: ACCESS_ bits, ACCESS_STAT alone for
 * O_PATH. *RET_DIRECTORY becomes true if it opens nothing but directories. */
uint32_t strace_open_access(const StraceSpan *flags, bool *ret_directory);

/* WORD is anywhere in SPAN. */
bool strace_span_has(const StraceSpan *span, const char *word);

/* Appends the path that -y puts behind a descriptor. False if there is none. */
bool strace_descriptor_path(const StraceSpan *span, Buffer *out);

/* A descriptor's argument is AT_FDCWD. */
bool strace_is_cwd(const StraceSpan *span);

/* Appends the path of argument INDEX, absolute and without "." and "..". CWD is the process's
 * working directory, NULL if that is not known. False if the path is not known; *RET_RELATIVE
 * becomes true if that is for want of its folder. */
bool strace_argument_path(const Syscall *syscall, const StraceCall *call, unsigned index,
                          const char *cwd, Buffer *out, bool *ret_relative);
