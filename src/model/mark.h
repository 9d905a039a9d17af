/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How `whittle mark` reaches the recorder: a system call that no kernel knows and that every
 * recorder sees,
 *
 *     prctl(MARK_PRCTL_OPTION, label, length, 0, 0)
 *
 * with LABEL the address of LENGTH bytes. A recorder that stops calls answers it with 0; the
 * kernel, outside a recorded run, with EINVAL. So it does under the eBPF backend, which cannot
 * change what a call returns: there the caller gets the signal MARK_SIGNAL instead, before prctl()
 * returns, once the label is in force.
 */
#pragma once

#define MARK_PRCTL_OPTION 0x5754484c /* "WTHL" */

/* A real-time signal that no C library keeps for itself; to be blocked by who marks. */
enum { MARK_SIGNAL = 37 };

/* A label is 1 … 255 bytes of UTF-8 without control characters. */
enum { MARK_LABEL_MAX = 255 };
