/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of kernel functions by address, as far as somebody wants them: /proc/kallsyms has more than
 * a hundred thousand, of which whittle knows a few dozen.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct KernelSymbols KernelSymbols;

/* NAME is as kernel_symbol_name() gives it. */
typedef bool KernelSymbolWanted(void *data, const char *name);

/*
 * Reads FILE, which is like /proc/kallsyms. The kernel decides when it is opened whether addresses
 * are shown (CAP_SYSLOG, kernel.kptr_restrict). 0; -ENODATA where they are not; another negative
 * errno.
 */
int kernel_symbols_read(FILE *file, KernelSymbolWanted *wanted, void *data,
                        KernelSymbols **ret_symbols);
KernelSymbols *kernel_symbols_free(KernelSymbols *symbols);

/* The wanted function that ADDRESS is in; NULL for any other. */
const char *kernel_symbols_find(const KernelSymbols *symbols, uint64_t address);

/*
 * TEXT without what compilers put behind a name (".isra.0", ".part.0", ".constprop.0", ".cold"),
 * and with the several faces of a system call as one: __do_sys_X, __se_sys_X, __x64_sys_X, … are
 * sys_X. In OUT, cut to SIZE bytes.
 */
void kernel_symbol_name(const char *text, char *out, size_t size);
