/* SPDX-License-Identifier: Apache-2.0 */
/* What a fact says, in words for a person: shared by all who print facts. Texts of the workload are
 * escaped (base/escape.h). A lack of memory is the buffer's error. */
#pragma once

#include "base/buffer.h"
#include "model/fact.h"

/* TEXT, escaped. */
void fact_words_text(Buffer *out, const char *text);

/* A number with a comma every three digits. */
void fact_words_number(Buffer *out, uint64_t number);

/* "read write" */
void fact_words_access(Buffer *out, int64_t access);

/* What tells FACT from others of its name: "AF_INET, SOCK_STREAM". OUT is to be empty. */
void fact_words_details(Buffer *out, const Fact *fact);

/* The errors among RESULTS: "EPERM ENOENT". */
void fact_words_failures(Buffer *out, const Results *results);

/* All of RESULTS: "ok ENOENT unknown". */
void fact_words_results(Buffer *out, const Results *results);
