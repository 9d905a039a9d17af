/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of functions as compilers of C++ and Rust put them into symbol tables, made readable.
 *
 * They come from the workload's files, and a name of a few hundred bytes may stand for 2^100 bytes
 * of text, or for as many steps without any (docs/DEPENDENCIES.md). So a process of its own reads
 * them, confined to that and limited in time, and what it answers is cut.
 */
#pragma once

#include <stddef.h>

/* Of what is answered, in bytes, and of what is asked. Recordings have 512 of a name at most. */
enum { DEMANGLED_MAX = 1024, MANGLED_MAX = 512 };

typedef struct Demangler Demangler;

/* NULL without memory. No process is started before there is a name for it. */
Demangler *demangler_new(void);

/* Ends the process, too. */
Demangler *demangler_free(Demangler *demangler);
void demangler_cleanup(Demangler **demangler); /* for CLEANUP() */

/*
 * The readable form of the LENGTH bytes at NAME, which ends with "…" where it would be longer than
 * DEMANGLED_MAX. NULL if it is no such name, if it is too long or takes too much time, after many
 * such names, and where whittle was built without libiberty. Borrowed from DEMANGLER.
 */
const char *demangler_name(Demangler *demangler, const char *name, size_t length);
