/* SPDX-License-Identifier: Apache-2.0 */
/* Rows for tracer/capability_network.c. */
#include "capability_rows.h"

#include <arpa/inet.h>
#include <linux/audit.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PORT(number) (uint16_t)((number) << 8 | (number) >> 8)
#else
#define PORT(number) (number)
#endif

#define PORT_START    .sysctl = "net/ipv4/ip_unprivileged_port_start", .value = 1024
#define TCP           .socket = {AF_INET, SOCK_STREAM, IPPROTO_TCP}
#define NETLINK(kind) .socket = {AF_NETLINK, SOCK_RAW, kind}
#define MESSAGE(type_)                                                                             \
    BYTES(struct nlmsghdr, {.nlmsg_len = sizeof(struct nlmsghdr), .nlmsg_type = type_})
#define USER_LOGIN 1112 /* AUDIT_USER_LOGIN */
#define SEND                                                                                       \
    {                                                                                              \
        3, MEMORY, sizeof(struct nlmsghdr)                                                         \
    }

typedef struct TwoMessages {
    struct nlmsghdr first;
    uint32_t body;
    struct nlmsghdr second;
} TwoMessages;

/* A struct msghdr of 64 bits, what it points to, and that. */
typedef struct SentMessage {
    uint64_t header[7];
    uint64_t vector[2];
    union {
        struct nlmsghdr message;
        struct {
            uint64_t length;
            int32_t level, type;
            uint32_t pid, uid, gid;
        } control;
    };
} SentMessage;

#define SENT_BODY   (MEMORY + offsetof(SentMessage, message))
#define SENT_VECTOR (MEMORY + offsetof(SentMessage, vector))
#define CREDENTIALS(uid_, gid_)                                                                    \
    BYTES(SentMessage, {.header = {[4] = SENT_BODY, [5] = 32},                                     \
                        .control = {28, SOL_SOCKET, SCM_CREDENTIALS, 1, uid_, gid_}})

static const Row rows[] = {
    {"bind-port",
     true,
     "bind",
     {3, MEMORY, 16},
     PORT_START,
     TCP,
     .object = "80",
     BYTES(struct sockaddr_in, {.sin_family = AF_INET, .sin_port = PORT(80)})},
    {"bind-port",
     true,
     "bind",
     {3, MEMORY, 28},
     PORT_START,
     .socket = {AF_INET6, SOCK_DGRAM, IPPROTO_UDP},
     BYTES(struct sockaddr_in6, {.sin6_family = AF_INET6, .sin6_port = PORT(53)})},
    {"bind-port",
     false,
     "bind",
     {3, MEMORY, 16},
     PORT_START,
     TCP,
     BYTES(struct sockaddr_in, {.sin_family = AF_INET, .sin_port = PORT(1024)})},
    {"bind-port",
     false,
     "bind",
     {3, MEMORY, 16},
     PORT_START,
     TCP,
     BYTES(struct sockaddr_in, {.sin_family = AF_INET, .sin_port = 0})},
    {"bind-port",
     false,
     "bind",
     {3, MEMORY, 16},
     TCP,
     .value = 0,
     .sysctl = "net/ipv4/ip_unprivileged_port_start",
     BYTES(struct sockaddr_in, {.sin_family = AF_INET, .sin_port = PORT(80)})},
    {"bind-port",
     false,
     "bind",
     {3, MEMORY, 16},
     PORT_START,
     .socket = {AF_INET, SOCK_RAW, 1},
     BYTES(struct sockaddr_in, {.sin_family = AF_INET, .sin_port = PORT(80)})},
    {"bind-port",
     false,
     "bind",
     {3, MEMORY, 16},
     TCP,
     BYTES(struct sockaddr_in, {.sin_family = AF_INET, .sin_port = PORT(80)})},
    {"raw-socket", true, "socket", {AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP}},
    {"raw-socket", true, "socket", {AF_PACKET, SOCK_DGRAM, 0}},
    {"raw-socket",
     true,
     "socketcall",
     {1, MEMORY},
     .arch = ARCH_I386,
     .bytes = (const uint32_t[]){AF_INET6, SOCK_RAW, 58},
     .size = 12},
    {"raw-socket",
     false,
     "socketcall",
     {1, MEMORY},
     .arch = ARCH_I386,
     .bytes = (const uint32_t[]){AF_INET6, SOCK_STREAM, 0},
     .size = 12},
    {"raw-socket", false, "socketcall", {99, MEMORY}, .arch = ARCH_I386},
    {"raw-socket", false, "socket", {AF_INET, SOCK_DGRAM, IPPROTO_ICMP}},
    {"raw-socket", false, "socket", {AF_NETLINK, SOCK_RAW, 0}},
    {"key-socket", true, "socket", {AF_KEY, SOCK_RAW, 2}},
    {"key-socket", false, "socket", {AF_UNIX, SOCK_RAW, 0}},
    {"socket-option-admin", true, "setsockopt", {3, SOL_SOCKET, SO_RCVBUFFORCE, MEMORY, 4}},
    {"socket-option-admin",
     true,
     "setsockopt",
     {3, SOL_SOCKET, SO_DEBUG, MEMORY, 4},
     BYTES(int, {1})},
    {"socket-option-admin", true, "setsockopt", {3, IPPROTO_IP, 64, MEMORY, 4}},
    {"socket-option-admin", false, "setsockopt", {3, SOL_SOCKET, SO_RCVBUF, MEMORY, 4}},
    {"socket-option-admin", false, "setsockopt", {3, SOL_SOCKET, SO_DEBUG, MEMORY, 4}},
    {"socket-mark", true, "setsockopt", {3, SOL_SOCKET, SO_MARK, MEMORY, 4}},
    {"socket-mark", true, "setsockopt", {3, SOL_SOCKET, SO_PRIORITY, MEMORY, 4}, BYTES(int, {7})},
    {"socket-mark", false, "setsockopt", {3, SOL_SOCKET, SO_PRIORITY, MEMORY, 4}, BYTES(int, {6})},
    {"socket-mark", false, "setsockopt", {3, SOL_SOCKET, SO_PRIORITY, MEMORY, 2}, BYTES(int, {7})},
    {"transparent", true, "setsockopt", {3, IPPROTO_IP, 19, MEMORY, 4}, BYTES(int, {1})},
    {"transparent", false, "setsockopt", {3, IPPROTO_IP, 19, MEMORY, 4}, BYTES(int, {0})},
    {"netlink-all-namespaces", true, "setsockopt", {3, 270, 8, MEMORY, 4}, BYTES(int, {1})},
    {"netlink-all-namespaces", false, "setsockopt", {3, 270, 11, MEMORY, 4}, BYTES(int, {1})},
    {"packet-filter-info",
     true,
     "getsockopt",
     {3, IPPROTO_IP, 64},
     .socket = {AF_INET, SOCK_RAW, 255}},
    {"packet-filter-info", false, "getsockopt", {3, IPPROTO_IP, 64}, TCP},
    {"route-change", true, "sendto", SEND, NETLINK(NETLINK_ROUTE), MESSAGE(RTM_NEWADDR)},
    {"route-change",
     true,
     "sendmsg",
     {3, MEMORY, 0},
     NETLINK(NETLINK_ROUTE),
     BYTES(SentMessage, {.header = {[2] = SENT_VECTOR, [3] = 1},
                         .vector = {SENT_BODY, 16},
                         .message = {16, RTM_SETLINK, 0, 0, 0}})},
    {"route-change",
     true,
     "sendto",
     {3, MEMORY, sizeof(TwoMessages)},
     NETLINK(NETLINK_ROUTE),
     BYTES(TwoMessages, {.first = {.nlmsg_len = 20, .nlmsg_type = RTM_GETLINK},
                         .second = {.nlmsg_len = 16, .nlmsg_type = RTM_DELROUTE}})},
    {"route-change", false, "sendto", SEND, NETLINK(NETLINK_ROUTE), MESSAGE(RTM_GETADDR)},
    {"route-change", false, "sendto", SEND, NETLINK(NETLINK_GENERIC), MESSAGE(RTM_NEWADDR)},
    {"route-change", false, "sendto", SEND, TCP, MESSAGE(RTM_NEWADDR)},
    {"route-change",
     false,
     "sendto",
     {3, MEMORY, 20},
     NETLINK(NETLINK_ROUTE),
     TEXT("HTTP/1.1 200 OK\r\n\r\n")},
    {"netfilter", true, "sendto", SEND, NETLINK(NETLINK_NETFILTER),
     MESSAGE(NFNL_SUBSYS_NFTABLES << 8)},
    {"netfilter", false, "sendto", SEND, NETLINK(NETLINK_NETFILTER), MESSAGE(NLMSG_NOOP)},
    {"xfrm", true, "sendto", SEND, NETLINK(NETLINK_XFRM), MESSAGE(16)},
    {"xfrm", false, "sendto", SEND, NETLINK(NETLINK_USERSOCK), MESSAGE(16)},
    {"socket-destroy", true, "sendto", SEND, NETLINK(NETLINK_SOCK_DIAG), MESSAGE(21)},
    {"socket-destroy", false, "sendto", SEND, NETLINK(NETLINK_SOCK_DIAG), MESSAGE(20)},
    {"audit-record", true, "sendto", SEND, NETLINK(NETLINK_AUDIT), MESSAGE(USER_LOGIN)},
    {"audit-record", false, "sendto", SEND, NETLINK(NETLINK_AUDIT), MESSAGE(AUDIT_GET)},
    {"audit-control", true, "sendto", SEND, NETLINK(NETLINK_AUDIT), MESSAGE(AUDIT_SET)},
    {"audit-control", false, "sendto", SEND, NETLINK(NETLINK_AUDIT), MESSAGE(USER_LOGIN)},
    {"netlink-groups",
     true,
     "bind",
     {3, MEMORY, 12},
     NETLINK(NETLINK_NETFILTER),
     BYTES(struct sockaddr_nl, {.nl_family = AF_NETLINK, .nl_groups = 1})},
    {"netlink-groups",
     false,
     "bind",
     {3, MEMORY, 12},
     NETLINK(NETLINK_ROUTE),
     BYTES(struct sockaddr_nl, {.nl_family = AF_NETLINK, .nl_groups = 1})},
    {"netlink-groups",
     false,
     "bind",
     {3, MEMORY, 12},
     NETLINK(NETLINK_NETFILTER),
     BYTES(struct sockaddr_nl, {.nl_family = AF_NETLINK})},
    {"audit-read",
     true,
     "bind",
     {3, MEMORY, 12},
     NETLINK(NETLINK_AUDIT),
     BYTES(struct sockaddr_nl, {.nl_family = AF_NETLINK, .nl_groups = 1})},
    {"audit-read",
     false,
     "bind",
     {3, MEMORY, 12},
     NETLINK(NETLINK_AUDIT),
     BYTES(struct sockaddr_nl, {.nl_family = AF_NETLINK})},
    {"forged-user", true, "sendmsg", {3, MEMORY, 0}, CREDENTIALS(33, 0)},
    {"forged-user", false, "sendmsg", {3, MEMORY, 0}, CREDENTIALS(0, 0)},
    {"forged-group", true, "sendmsg", {3, MEMORY, 0}, CREDENTIALS(0, 33)},
    {"forged-group", false, "sendmsg", {3, MEMORY, 0}, CREDENTIALS(33, 0)},
};

const RowTable rows_network = {rows, ARRAY_LENGTH(rows)};
