/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/sockets.h"

#include "base/io.h"
#include "base/memory.h"
#include "tracer/captured.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sockets come and go by the million; what was forgotten is asked again. */
enum { SOCKETS_KEPT = 4096 };

static void forget(SocketTable *table, bool pending_too)
{
    SocketInfo *socket;
    SocketInfo *next;

    HASH_ITER (hh, table->sockets, socket, next) {
        if (socket->connect_pending && !pending_too)
            continue;
        HASH_DEL(table->sockets, socket);
        free(socket);
    }
}

void socket_table_deinit(SocketTable *table)
{
    forget(table, true);
    *table = (SocketTable){0};
}

static int get_option(int fd, int name)
{
    int value;
    socklen_t size = sizeof value;

    return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

static void ask_kernel(const Tracee *tracee, int fd, SocketInfo *socket)
{
    const int pidfd = tracee->process->pidfd >= 0
                          ? tracee->process->pidfd
                          : (int)syscall(SYS_pidfd_open, tracee->process->pid, 0);
    if (pidfd < 0)
        return;
    CLEANUP(fd_close) int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
    if (pidfd != tracee->process->pidfd)
        (void)close(pidfd);
    if (copy < 0)
        return;
    socket->domain = get_option(copy, SO_DOMAIN);
    socket->type = get_option(copy, SO_TYPE);
    socket->protocol = get_option(copy, SO_PROTOCOL);
}

SocketInfo *socket_table_get(SocketTable *table, Tracee *tracee, int fd)
{
    char name[64];
    SocketInfo *socket;
    uint64_t inode;

    if (tracee->captured)
        return captured_socket(tracee->captured, fd);
    if (tracee_descriptor(tracee, fd, name, sizeof name) < 0 ||
        sscanf(name, "socket:[%" SCNu64 "]", &inode) != 1)
        return NULL;
    HASH_FIND(hh, table->sockets, &inode, sizeof inode, socket);
    if (socket)
        return socket;
    if (HASH_COUNT(table->sockets) >= SOCKETS_KEPT)
        forget(table, table->connects_pending >= SOCKETS_KEPT);
    if (table->sockets == NULL)
        table->connects_pending = 0;
    socket = calloc(1, sizeof *socket);
    if (!socket)
        return NULL;
    *socket = (SocketInfo){.inode = inode, .domain = -1, .type = -1, .protocol = -1};
    ask_kernel(tracee, fd, socket);
    HASH_ADD(hh, table->sockets, inode, sizeof socket->inode, socket);
    return socket;
}

static const struct {
    int value;
    const char *name;
} families[] = {
    {AF_UNSPEC, "unspec"},
    {AF_UNIX, "unix"},
    {AF_INET, "inet"},
    {AF_AX25, "ax25"},
    {AF_IPX, "ipx"},
    {AF_APPLETALK, "appletalk"},
    {AF_NETROM, "netrom"},
    {AF_BRIDGE, "bridge"},
    {AF_ATMPVC, "atmpvc"},
    {AF_X25, "x25"},
    {AF_INET6, "inet6"},
    {AF_ROSE, "rose"},
    {AF_NETLINK, "netlink"},
    {AF_PACKET, "packet"},
    {AF_ECONET, "econet"},
    {AF_ATMSVC, "atmsvc"},
    {AF_RDS, "rds"},
    {AF_PPPOX, "pppox"},
    {AF_LLC, "llc"},
    {AF_IB, "ib"},
    {AF_MPLS, "mpls"},
    {AF_CAN, "can"},
    {AF_TIPC, "tipc"},
    {AF_BLUETOOTH, "bluetooth"},
    {AF_IUCV, "iucv"},
    {AF_RXRPC, "rxrpc"},
    {AF_ISDN, "isdn"},
    {AF_PHONET, "phonet"},
    {AF_IEEE802154, "ieee802154"},
    {AF_CAIF, "caif"},
    {AF_ALG, "alg"},
    {AF_NFC, "nfc"},
    {AF_VSOCK, "vsock"},
    {AF_KCM, "kcm"},
    {AF_QIPCRTR, "qipcrtr"},
    {AF_SMC, "smc"},
    {AF_XDP, "xdp"},
    {AF_KEY, "key"},
};

const char *socket_family_text(int domain, char *out, size_t size)
{
    for (size_t i = 0; i < ARRAY_LENGTH(families); i++) {
        if (families[i].value == domain)
            return families[i].name;
    }
    (void)snprintf(out, size, "%d", domain);
    return out;
}

const char *socket_type_text(int type, char *out, size_t size)
{
    static const char *const names[] = {
        [SOCK_STREAM] = "stream", [SOCK_DGRAM] = "dgram",         [SOCK_RAW] = "raw",
        [SOCK_RDM] = "rdm",       [SOCK_SEQPACKET] = "seqpacket", [SOCK_PACKET] = "packet",
    };
    const int plain = type & 0xf;

    if ((size_t)plain < ARRAY_LENGTH(names) && names[plain])
        return names[plain];
    (void)snprintf(out, size, "%d", plain);
    return out;
}

const char *socket_protocol_text(int domain, int type, int protocol, char *out, size_t size)
{
    static const struct {
        int value;
        const char *name;
    } names[] = {
        {IPPROTO_ICMP, "icmp"},       {IPPROTO_IGMP, "igmp"},     {IPPROTO_TCP, "tcp"},
        {IPPROTO_UDP, "udp"},         {IPPROTO_ICMPV6, "icmpv6"}, {IPPROTO_SCTP, "sctp"},
        {IPPROTO_UDPLITE, "udplite"}, {IPPROTO_RAW, "raw"},       {262, "mptcp"},
    };

    if (domain == AF_INET || domain == AF_INET6) {
        if (protocol == 0)
            protocol = (type & 0xf) == SOCK_STREAM  ? IPPROTO_TCP
                       : (type & 0xf) == SOCK_DGRAM ? IPPROTO_UDP
                                                    : 0;
        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
            if (names[i].value == protocol)
                return names[i].name;
        }
    }
    if (protocol == 0)
        return NULL;
    (void)snprintf(out, size, "%d", protocol);
    return out;
}

static const char *class_of_v4(uint32_t a)
{
    static const struct {
        uint32_t net, mask;
        const char *name;
    } nets[] = {
        {0x00000000, 0xffffffff, "any"},       {0xffffffff, 0xffffffff, "broadcast"},
        {0x7f000000, 0xff000000, "loopback"},  {0x0a000000, 0xff000000, "private"},
        {0xac100000, 0xfff00000, "private"},   {0xc0a80000, 0xffff0000, "private"},
        {0x64400000, 0xffc00000, "private"},   {0xa9fe0000, 0xffff0000, "link-local"},
        {0xe0000000, 0xf0000000, "multicast"},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(nets); i++) {
        if ((a & nets[i].mask) == nets[i].net)
            return nets[i].name;
    }
    return "global";
}

static const char *class_of_v6(const struct in6_addr *a)
{
    if (IN6_IS_ADDR_V4MAPPED(a)) {
        uint32_t v4;
        memcpy(&v4, &a->s6_addr[12], sizeof v4);
        return class_of_v4(ntohl(v4));
    }
    if (IN6_IS_ADDR_UNSPECIFIED(a))
        return "any";
    if (IN6_IS_ADDR_LOOPBACK(a))
        return "loopback";
    if (IN6_IS_ADDR_MULTICAST(a))
        return "multicast";
    if (IN6_IS_ADDR_LINKLOCAL(a))
        return "link-local";
    return (a->s6_addr[0] & 0xfe) == 0xfc ? "private" : "global";
}

const char *address_class(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return class_of_v4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        return class_of_v6(&in6.sin6_addr);
    }
    return NULL;
}

int address_port(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return ntohs(in.sin_port);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        return ntohs(in6.sin6_port);
    }
    return -1;
}
