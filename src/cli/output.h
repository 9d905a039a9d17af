/* SPDX-License-Identifier: Apache-2.0 */
/* Writing results to standard output so that a full disk or a closed pipe is not taken for success.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

/* Writes all of OUT's text to standard output; a buffer that ran out of memory is an error. */
int output_buffer(const Buffer *out, Error *err);

/* Each line of NOTES as a message "note: …". */
void message_notes(const Buffer *notes);

/* Flushes standard output and says if anything written to it was lost. */
int output_finish(Error *err);
