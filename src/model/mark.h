/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How `whittle mark` reaches the recorder: a system call that no kernel knows and that every
 * recorder sees,
 *
 *     prctl(MARK_PRCTL_OPTION, label, length, 0, 0)
 *
 * with LABEL the address of LENGTH bytes. A recorder answers it with 0; the kernel, outside a
 * recorded run, with EINVAL.
 */
#pragma once

#define MARK_PRCTL_OPTION 0x5754484c /* "WTHL" */

/* A label is 1 … 255 bytes of UTF-8 without control characters. */
enum { MARK_LABEL_MAX = 255 };
