/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of `exec --process` where it is no ordinary one: what comes through a pipe, as from a
 * shell's `--process <(…)`, can be read only once, and the runtime is to read it after whittle.
 */
#pragma once

#include "base/error.h"
#include "tracer/oci_arguments.h"

/* Where that file is a pipe, a link or the like, reads it to its end and has the word of ARGV that
 * names it name a file without a name with the same contents, which this process and the program
 * that it becomes have open; oci_bundle_replace() can change that. ARGUMENTS were read of ARGV, and
 * are made to say the same. The new word is the caller's to free, as long as ARGV is not used any
 * more; NULL where nothing was to be done, also since the file cannot be opened or read: the
 * runtime will say so. 0, or a negative errno: the file was read, and cannot be handed on. */
int oci_process_hold(int argc, char **argv, OciArguments *arguments, char **ret_word, Error *err);
