/* SPDX-License-Identifier: Apache-2.0 */
/* The process that makes names readable. */
#pragma once

/*
 * Confines the process, which has a single thread, to what follows and answers on SOCKET, of the
 * kind SOCK_SEQPACKET: to each name, a packet, its readable form, at most DEMANGLED_MAX bytes and
 * "…", and a NUL; only the NUL if there is none. It ends when nobody asks any more; behind an
 * answer to a name that stands for very much text, which therefore has no NUL; and without answer
 * where it cannot be confined, or after a second of processor time. Closes all other descriptors.
 */
_Noreturn void demangle_serve(int socket);
