/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks (docs/FORMATS.md) for a person, those that are alike as one. */
#pragma once

#include "base/buffer.h"
#include "generator/demangle.h"
#include "model/recording.h"

/*
 * Appends the stacks of COUNT facts: each sequence of functions once, whatever the addresses and
 * lines in them, with how many of the facts it is of and their names; at most MAX, then how many
 * more there are. Functions have the names that DEMANGLER finds. Nothing where no fact has a stack.
 * 0 or -ENOMEM.
 */
int explain_put_stacks(const Recording *recording, StoredFact *const *facts, size_t count,
                       size_t max, Demangler *demangler, Buffer *out);
