/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets: CAP_NET_BIND_SERVICE, CAP_NET_RAW, CAP_NET_ADMIN, CAP_NET_BROADCAST, CAP_AUDIT_*, and
 * ids forged in credentials. Kernel: net/ipv4/af_inet.c, net/core/sock.c, net/ipv4/ip_sockglue.c,
 * net/netlink, net/core/rtnetlink.c, kernel/audit.c.
 *
 * Netlink tells by a message whether a request was granted, not by the call's result; the rules
 * assume that a program which sent it wanted it.
 */
#include "tracer/capability_internal.h"

#include "base/memory.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

enum { SOCKET_TYPE_MASK = 0xf };

/* ---- making and naming ---------------------------------------------------------------------- */

static bool needs_port(const CapabilityContext *context, const CapabilityRule *rule,
                       CapabilityMatch *match)
{
    struct {
        uint16_t family;
        uint16_t port; /* at the same place in IPv4 and IPv6 */
    } name;
    int domain, type, protocol;
    long first_free;
    unsigned port;

    (void)rule;
    if (cap_arg_u32(context, 2) < sizeof(struct sockaddr_in) ||
        cap_read(context, cap_arg_long(context, 1), &name, sizeof name) < 0)
        return false;
    port = ntohs(name.port);
    if ((name.family != AF_INET && name.family != AF_INET6) || port == 0 ||
        cap_socket(context, cap_arg_int(context, 0), &domain, &type, &protocol) < 0 ||
        domain != name.family || (type & SOCKET_TYPE_MASK) == SOCK_RAW ||
        cap_sysctl(context, "net/ipv4/ip_unprivileged_port_start", &first_free) < 0)
        return false;
    (void)snprintf(match->text, sizeof match->text, "%u", port);
    match->object = match->text;
    return (long)port < first_free;
}

static bool needs_raw_socket(const CapabilityContext *context, const CapabilityRule *rule,
                             CapabilityMatch *match)
{
    enum { DOMAIN_XDP = 44, TYPE_PACKET = 10 };
    int domain = cap_arg_int(context, 0);
    int type = cap_arg_int(context, 1) & SOCKET_TYPE_MASK;

    (void)rule;
    (void)match;
    if (domain == AF_PACKET || domain == DOMAIN_XDP)
        return true;
    if (domain == AF_INET && type == TYPE_PACKET)
        return true;
    return (domain == AF_INET || domain == AF_INET6) && type == SOCK_RAW;
}

/* pfkey_create(). */
static bool needs_key_socket(const CapabilityContext *context, const CapabilityRule *rule,
                             CapabilityMatch *match)
{
    (void)rule;
    (void)match;
    return cap_arg_int(context, 0) == AF_KEY;
}

/* ---- options -------------------------------------------------------------------------------- */

typedef enum OptionValue {
    ANY_VALUE,
    TRUE_VALUE, /* not zero */
    HIGH_VALUE, /* outside 0 … 6 */
} OptionValue;

typedef struct OptionRow {
    int level, name;
    OptionValue value;
} OptionRow;

enum {
    OPTION_DEBUG = 1,
    OPTION_PRIORITY = 12,
    OPTION_SNDBUFFORCE = 32,
    OPTION_RCVBUFFORCE = 33,
    OPTION_MARK = 36,
    LEVEL_IP = 0,
    LEVEL_TCP = 6,
    LEVEL_IPV6 = 41,
    LEVEL_NETLINK = 270,
};

/* Numbers of SOL_SOCKET options are those of the generic ABI, which the tables' architectures
 * share. */
static const OptionRow admin_options[] = {
    {SOL_SOCKET, OPTION_DEBUG, TRUE_VALUE},
    {SOL_SOCKET, OPTION_SNDBUFFORCE, ANY_VALUE},
    {SOL_SOCKET, OPTION_RCVBUFFORCE, ANY_VALUE},
    {LEVEL_IP, 16 /* IP_IPSEC_POLICY */, ANY_VALUE},
    {LEVEL_IP, 17 /* IP_XFRM_POLICY */, ANY_VALUE},
    {LEVEL_IP, 64 /* IPT_SO_SET_REPLACE */, ANY_VALUE},
    {LEVEL_IP, 65 /* IPT_SO_SET_ADD_COUNTERS */, ANY_VALUE},
    {LEVEL_IP, 96 /* ARPT_SO_SET_REPLACE */, ANY_VALUE},
    {LEVEL_IP, 97 /* ARPT_SO_SET_ADD_COUNTERS */, ANY_VALUE},
    {LEVEL_IP, 128 /* EBT_SO_SET_ENTRIES */, ANY_VALUE},
    {LEVEL_IP, 129 /* EBT_SO_SET_COUNTERS */, ANY_VALUE},
    {LEVEL_IPV6, 34 /* IPV6_IPSEC_POLICY */, ANY_VALUE},
    {LEVEL_IPV6, 35 /* IPV6_XFRM_POLICY */, ANY_VALUE},
    {LEVEL_IPV6, 64 /* IP6T_SO_SET_REPLACE */, ANY_VALUE},
    {LEVEL_IPV6, 65 /* IP6T_SO_SET_ADD_COUNTERS */, ANY_VALUE},
    {LEVEL_TCP, 19 /* TCP_REPAIR */, ANY_VALUE},
};

/* Either of NET_RAW and NET_ADMIN does. For the first two that is so since Linux 5.17; before, only
 * NET_ADMIN did, so that is the one to name. */
static const OptionRow admin_or_raw_options[] = {
    {SOL_SOCKET, OPTION_MARK, ANY_VALUE},
    {SOL_SOCKET, OPTION_PRIORITY, HIGH_VALUE},
};

static const OptionRow raw_or_admin_options[] = {
    {LEVEL_IP, 19 /* IP_TRANSPARENT */, TRUE_VALUE},
    {LEVEL_IPV6, 75 /* IPV6_TRANSPARENT */, TRUE_VALUE},
};

static const OptionRow broadcast_options[] = {
    {LEVEL_NETLINK, 8 /* NETLINK_LISTEN_ALL_NSID */, TRUE_VALUE},
};

typedef struct OptionSet {
    const OptionRow *rows;
    size_t count;
} OptionSet;

enum { ADMIN_OPTIONS, ADMIN_OR_RAW_OPTIONS, RAW_OR_ADMIN_OPTIONS, BROADCAST_OPTIONS };

static const OptionSet option_sets[] = {
    [ADMIN_OPTIONS] = {admin_options, ARRAY_LENGTH(admin_options)},
    [ADMIN_OR_RAW_OPTIONS] = {admin_or_raw_options, ARRAY_LENGTH(admin_or_raw_options)},
    [RAW_OR_ADMIN_OPTIONS] = {raw_or_admin_options, ARRAY_LENGTH(raw_or_admin_options)},
    [BROADCAST_OPTIONS] = {broadcast_options, ARRAY_LENGTH(broadcast_options)},
};

static bool value_matches(const CapabilityContext *context, OptionValue wanted)
{
    uint32_t value;

    if (wanted == ANY_VALUE)
        return true;
    if (cap_arg_u32(context, 4) < sizeof value ||
        cap_read_u32(context, cap_arg_long(context, 3), &value) < 0)
        return false;
    return wanted == TRUE_VALUE ? value != 0 : (int32_t)value < 0 || (int32_t)value > 6;
}

/* The parameter is the set of options. */
static bool needs_option(const CapabilityContext *context, const CapabilityRule *rule,
                         CapabilityMatch *match)
{
    const OptionSet *set = &option_sets[rule->parameter];

    (void)match;
    for (size_t i = 0; i < set->count; i++)
        if (set->rows[i].level == cap_arg_int(context, 1) &&
            set->rows[i].name == cap_arg_int(context, 2))
            return value_matches(context, set->rows[i].value);
    return false;
}

/* Reading the tables of iptables: a raw socket and IPT_SO_GET_INFO, _GET_ENTRIES. */
static bool needs_filter_info(const CapabilityContext *context, const CapabilityRule *rule,
                              CapabilityMatch *match)
{
    int level = cap_arg_int(context, 1), name = cap_arg_int(context, 2);
    int domain, type, protocol;

    (void)rule;
    (void)match;
    return (level == LEVEL_IP || level == LEVEL_IPV6) && (name == 64 || name == 65) &&
           cap_socket(context, cap_arg_int(context, 0), &domain, &type, &protocol) == 0 &&
           (type & SOCKET_TYPE_MASK) == SOCK_RAW;
}

/* ---- netlink -------------------------------------------------------------------------------- */

/* Where the bytes of a sending call are. */
static bool first_bytes(const CapabilityContext *context, uint64_t *ret_address,
                        uint64_t *ret_length)
{
    uint64_t header = cap_arg_long(context, 1);
    uint64_t vector;

    if (!cap_call_is(context, "sendmsg") && !cap_call_is(context, "sendmmsg")) {
        *ret_address = header;
        *ret_length = cap_arg_long(context, 2);
        return true;
    }
    /* msg_name, msg_namelen with padding, msg_iov, msg_iovlen; sendmmsg() has an array of them. */
    return cap_read_pointer(context, header, 2, &vector) == 0 &&
           cap_read_pointer(context, vector, 0, ret_address) == 0 &&
           cap_read_pointer(context, vector, 1, ret_length) == 0;
}

typedef bool MessageTest(uint16_t type);

/* Whether the call sends a netlink message for PROTOCOL that passes TEST. Looks at the bytes first:
 * most that is sent is no netlink message, and to ask for a socket's kind costs more. */
static bool sends_message(const CapabilityContext *context, int protocol, MessageTest *test)
{
    enum { MESSAGES_MAX = 64 };
    struct nlmsghdr header;
    uint64_t address, length;
    int domain, type, actual;
    bool found = false;

    if (!first_bytes(context, &address, &length))
        return false;
    for (unsigned i = 0; !found && i < MESSAGES_MAX && length >= sizeof header; i++) {
        uint64_t step;

        if (cap_read(context, address, &header, sizeof header) < 0 ||
            header.nlmsg_len < sizeof header || header.nlmsg_len > length)
            break;
        found = test(header.nlmsg_type);
        step = NLMSG_ALIGN((uint64_t)header.nlmsg_len);
        if (step > length)
            break;
        address += step;
        length -= step;
    }
    return found && cap_socket(context, cap_arg_int(context, 0), &domain, &type, &actual) == 0 &&
           domain == AF_NETLINK && actual == protocol;
}

/* rtnetlink_rcv_msg(): the kind is in the low two bits, and all but reading is guarded. */
static bool is_route_change(uint16_t type)
{
    enum { BASE = 16, KIND_MASK = 3, KIND_GET = 2 };

    return type >= BASE && (type & KIND_MASK) != KIND_GET;
}

static bool is_any_request(uint16_t type)
{
    return type >= NLMSG_MIN_TYPE;
}

static bool is_socket_destroy(uint16_t type)
{
    enum { DESTROY = 21 };

    return type == DESTROY;
}

/* audit_netlink_ok() */
static bool is_audit_record(uint16_t type)
{
    return type == AUDIT_USER || (type >= AUDIT_FIRST_USER_MSG && type <= AUDIT_LAST_USER_MSG) ||
           (type >= AUDIT_FIRST_USER_MSG2 && type <= AUDIT_LAST_USER_MSG2);
}

static bool is_audit_control(uint16_t type)
{
    return type == AUDIT_GET || type == AUDIT_SET ||
           (type >= AUDIT_SIGNAL_INFO && type <= AUDIT_GET_FEATURE);
}

typedef struct NetlinkRow {
    int protocol;
    MessageTest *test;
} NetlinkRow;

enum {
    MESSAGE_ROUTE,
    MESSAGE_NETFILTER,
    MESSAGE_XFRM,
    MESSAGE_DIAGNOSTIC,
    MESSAGE_AUDIT_RECORD,
    MESSAGE_AUDIT_CONTROL
};

static const NetlinkRow netlink_rows[] = {
    [MESSAGE_ROUTE] = {NETLINK_ROUTE, is_route_change},
    [MESSAGE_NETFILTER] = {NETLINK_NETFILTER, is_any_request},
    [MESSAGE_XFRM] = {NETLINK_XFRM, is_any_request},
    [MESSAGE_DIAGNOSTIC] = {NETLINK_SOCK_DIAG, is_socket_destroy},
    [MESSAGE_AUDIT_RECORD] = {NETLINK_AUDIT, is_audit_record},
    [MESSAGE_AUDIT_CONTROL] = {NETLINK_AUDIT, is_audit_control},
};

static bool needs_message(const CapabilityContext *context, const CapabilityRule *rule,
                          CapabilityMatch *match)
{
    const NetlinkRow *row = &netlink_rows[rule->parameter];

    (void)match;
    return sends_message(context, row->protocol, row->test);
}

/* netlink_bind() to multicast groups. The parameter tells what kind of socket the rule is for. */
enum { GROUPS_ADMIN, GROUPS_AUDIT };

static bool needs_groups(const CapabilityContext *context, const CapabilityRule *rule,
                         CapabilityMatch *match)
{
    struct sockaddr_nl name;
    int domain, type, protocol;

    (void)match;
    if (cap_arg_u32(context, 2) < sizeof name ||
        cap_read(context, cap_arg_long(context, 1), &name, sizeof name) < 0 ||
        name.nl_family != AF_NETLINK || name.nl_groups == 0 ||
        cap_socket(context, cap_arg_int(context, 0), &domain, &type, &protocol) < 0 ||
        domain != AF_NETLINK)
        return false;
    if (rule->parameter == GROUPS_AUDIT)
        return protocol == NETLINK_AUDIT;
    return protocol == NETLINK_NETFILTER || protocol == NETLINK_XFRM;
}

/* ---- credentials ---------------------------------------------------------------------------- */

/* scm_check_creds(): ids that are not one's own, in the first control message. */
static bool needs_forged_id(const CapabilityContext *context, const CapabilityRule *rule,
                            CapabilityMatch *match)
{
    const Credentials *own = context->credentials;
    uint64_t header = cap_arg_long(context, 1);
    uint64_t control, length;
    struct {
        uint64_t length;
        int32_t level, type;
        uint32_t pid, uid, gid;
    } message;

    (void)match;
    if (cap_pointer_size(context) != 8 || cap_read_pointer(context, header, 4, &control) < 0 ||
        cap_read_pointer(context, header, 5, &length) < 0 || length < 28 ||
        cap_read(context, control, &message, 28) < 0 || message.level != SOL_SOCKET ||
        message.type != SCM_CREDENTIALS)
        return false;
    if (rule->capability == CAP_SETUID)
        return message.uid != own->uid && message.uid != own->euid && message.uid != own->suid;
    return message.gid != own->gid && message.gid != own->egid && message.gid != own->sgid;
}

#define ADMIN CAP_NET_ADMIN, NO_ALTERNATIVE
#define RAW   CAP_NET_RAW, NO_ALTERNATIVE
#define SENDS "sendto send sendmsg sendmmsg"

const CapabilityRule capability_rules_network[] = {
    {"bind-port", CAP_NET_BIND_SERVICE, NO_ALTERNATIVE, "bind", needs_port, 0},
    {"raw-socket", RAW, "socket", needs_raw_socket, 0},
    {"key-socket", ADMIN, "socket", needs_key_socket, 0},
    {"socket-option-admin", ADMIN, "setsockopt", needs_option, ADMIN_OPTIONS},
    {"socket-mark", CAP_NET_ADMIN, CAP_NET_RAW, "setsockopt", needs_option, ADMIN_OR_RAW_OPTIONS},
    {"transparent", CAP_NET_RAW, CAP_NET_ADMIN, "setsockopt", needs_option, RAW_OR_ADMIN_OPTIONS},
    {"netlink-all-namespaces", CAP_NET_BROADCAST, NO_ALTERNATIVE, "setsockopt", needs_option,
     BROADCAST_OPTIONS},
    {"packet-filter-info", ADMIN, "getsockopt", needs_filter_info, 0},
    {"route-change", ADMIN, SENDS, needs_message, MESSAGE_ROUTE},
    {"netfilter", ADMIN, SENDS, needs_message, MESSAGE_NETFILTER},
    {"xfrm", ADMIN, SENDS, needs_message, MESSAGE_XFRM},
    {"socket-destroy", ADMIN, SENDS, needs_message, MESSAGE_DIAGNOSTIC},
    {"audit-record", CAP_AUDIT_WRITE, NO_ALTERNATIVE, SENDS, needs_message, MESSAGE_AUDIT_RECORD},
    {"audit-control", CAP_AUDIT_CONTROL, NO_ALTERNATIVE, SENDS, needs_message,
     MESSAGE_AUDIT_CONTROL},
    {"netlink-groups", ADMIN, "bind", needs_groups, GROUPS_ADMIN},
    {"audit-read", CAP_AUDIT_READ, NO_ALTERNATIVE, "bind", needs_groups, GROUPS_AUDIT},
    {"forged-user", CAP_SETUID, NO_ALTERNATIVE, "sendmsg sendmmsg", needs_forged_id, 0},
    {"forged-group", CAP_SETGID, NO_ALTERNATIVE, "sendmsg sendmmsg", needs_forged_id, 0},
    {NULL, 0, 0, NULL, NULL, 0},
};
