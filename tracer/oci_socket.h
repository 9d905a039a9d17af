/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the processes of whittle-oci find each other: sockets (SOCK_SEQPACKET) in a folder that only
 * their own user may enter, /run/whittle, or $XDG_RUNTIME_DIR/whittle but for root.
 */
#pragma once

#include "base/error.h"

#include <sys/socket.h>

/* Listens at NAME, in the place of an earlier process that has ended. A descriptor that does not
 * block, or a negative errno with ERR. *RET_PATH is for oci_socket_remove(). */
int oci_socket_listen(const char *name, char **ret_path, Error *err);

/* The same for a runtime, which speaks SOCK_STREAM; and its path, to be freed. */
int oci_socket_listen_stream(const char *name, char **ret_path, Error *err);
int oci_socket_path(const char *name, char **ret_path, Error *err);

/* Takes the name away. PATH may be NULL, and is freed. */
void oci_socket_remove(char *path);

/* Takes away the names that processes left which were killed. Recent ones stay: who listens there
 * may be about to. */
void oci_socket_tidy(void);

/* The next who asks, waited for no longer than oci_socket_connect() would. A descriptor and who
 * that is, or a negative errno. */
int oci_socket_accept(int listener, struct ucred *ret_peer);

/* Whoever listens at NAME. A descriptor, on which nothing takes longer than some seconds, or a
 * negative errno with ERR: -ENOENT if nobody does. */
int oci_socket_connect(const char *name, struct ucred *ret_peer, Error *err);

/* Takes the lock called NAME. A descriptor, to be closed with it; -EWOULDBLOCK: somebody has it. */
int oci_socket_lock(const char *name, Error *err);
