/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the workload's sockets, by inode number: domain, type and protocol, asked of the
 * kernel once through a duplicate of the descriptor (pidfd_getfd(2)), and datagram sockets that
 * were connected but did not send yet.
 */
#pragma once

#include "tracer/process_table.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

typedef struct SocketInfo {
    uint64_t inode;
    int domain, type, protocol; /* -1 unknown */
    bool connect_pending;       /* a datagram connect() whose use is not yet seen */
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_storage storage;
    } pending_address;
    UT_hash_handle hh;
} SocketInfo;

typedef struct SocketTable {
    SocketInfo *sockets;
    size_t connects_pending; /* while 0, plain writes need not be looked at */
} SocketTable;

void socket_table_deinit(SocketTable *table);

/* The socket behind descriptor FD of the tracee; NULL if that is none. */
SocketInfo *socket_table_get(SocketTable *table, Tracee *tracee, int fd);

/* ---- names (AppArmor's where it has one) ---------------------------------------------------- */

/* "inet", "inet6", "unix", …; the number as text in OUT where it has none. */
const char *socket_family_text(int domain, char *out, size_t size);
/* "stream", "dgram", …; flags such as SOCK_CLOEXEC are ignored. */
const char *socket_type_text(int type, char *out, size_t size);
/* "tcp", "udp", …; NULL for 0 with a family that has none. */
const char *socket_protocol_text(int domain, int type, int protocol, char *out, size_t size);
/* "any", "loopback", "private", "link-local", "multicast", "broadcast", "global"; NULL if the
 * family has no such classes. */
const char *address_class(const struct sockaddr *address);
/* Port in host order, -1 where the family has none. */
int address_port(const struct sockaddr *address);
