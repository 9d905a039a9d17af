/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": what was perhaps meant by a word that nobody knows. */
#pragma once

/* The word of WORDS (ended by NULL) that is nearest to what was typed, or NULL if none is near. */
const char *nearest_word(const char *typed, const char *const *words);
