/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of ioctl(2). The tables say which request needs what; requests whose check depends on
 * what the device knows (its owner, the controlling terminal) are left out. */
#include "tracer/capability_internal.h"

#include "base/memory.h"

#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/random.h>
#include <linux/rtc.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>

#ifndef TIOCSTI
#error "no TIOCSTI on this system"
#endif

static bool contains(const uint32_t *values, size_t count, uint32_t value)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] == value)
            return true;
    return false;
}

/* dev_ioctl(), ip_rt_ioctl(), arp_ioctl(), br_ioctl(): what changes an interface, route or
 * neighbour. */
static const uint32_t interface_requests[] = {
    SIOCADDRT,      SIOCDELRT,          SIOCSIFFLAGS,    SIOCSIFADDR,     SIOCSIFDSTADDR,
    SIOCSIFBRDADDR, SIOCSIFNETMASK,     SIOCSIFMETRIC,   SIOCSIFMTU,      SIOCSIFNAME,
    SIOCSIFHWADDR,  SIOCSIFSLAVE,       SIOCADDMULTI,    SIOCDELMULTI,    SIOCSIFPFLAGS,
    SIOCDIFADDR,    SIOCSIFHWBROADCAST, SIOCSIFTXQLEN,   SIOCSARP,        SIOCDARP,
    SIOCSIFMAP,     SIOCSIFVLAN,        SIOCBONDENSLAVE, SIOCBONDRELEASE, SIOCBONDCHANGEACTIVE,
    SIOCBRADDBR,    SIOCBRDELBR,        SIOCBRADDIF,     SIOCBRDELIF,     SIOCSHWTSTAMP,
};

/* Those whose argument begins with something else than an interface's name. */
static const uint32_t unnamed_requests[] = {SIOCADDRT, SIOCDELRT, SIOCSARP, SIOCDARP};

/* The name of the interface at the head of a struct ifreq, where it reads well. */
static void name_interface(const CapabilityContext *context, CapabilityMatch *match)
{
    char name[IFNAMSIZ];
    size_t length;

    if (cap_read(context, cap_arg_long(context, 2), name, sizeof name) < 0)
        return;
    length = strnlen(name, sizeof name);
    for (size_t i = 0; i < length; i++)
        if (name[i] <= ' ' || name[i] > '~')
            return;
    if (length == 0 || length == sizeof name)
        return;
    memcpy(match->text, name, length + 1);
    match->object = match->text;
}

static bool needs_interface(const CapabilityContext *context, const CapabilityRule *rule,
                            CapabilityMatch *match)
{
    uint32_t request = cap_arg_u32(context, 1);
    int domain, type, protocol;

    (void)rule;
    if (!contains(interface_requests, ARRAY_LENGTH(interface_requests), request) ||
        cap_socket(context, cap_arg_int(context, 0), &domain, &type, &protocol) < 0)
        return false;
    if (!contains(unnamed_requests, ARRAY_LENGTH(unnamed_requests), request))
        name_interface(context, match);
    return true;
}

/* tun_set_iff(): making one. To attach to one that is there may be everybody's, but such a one is
 * given to an owner, or there is no point in making it before. */
static bool needs_tunnel(const CapabilityContext *context, const CapabilityRule *rule,
                         CapabilityMatch *match)
{
    (void)rule;
    if (cap_arg_u32(context, 1) != TUNSETIFF)
        return false;
    name_interface(context, match);
    return true;
}

/* The flags are at the head of what the argument of FS_IOC_SETFLAGS and FS_IOC_FSSETXATTR points
 * to. */
static bool inode_flags(const CapabilityContext *context, uint32_t *ret_flags, bool *ret_immutable)
{
    enum { IMMUTABLE_OR_APPEND = FS_IMMUTABLE_FL | FS_APPEND_FL };
    uint32_t request = cap_arg_u32(context, 1);
    bool plain = request == (uint32_t)FS_IOC_SETFLAGS || request == (uint32_t)FS_IOC32_SETFLAGS;

    if ((!plain && request != (uint32_t)FS_IOC_FSSETXATTR) ||
        cap_read_u32(context, cap_arg_long(context, 2), ret_flags) < 0)
        return false;
    *ret_immutable = *ret_flags & (plain ? (uint32_t)IMMUTABLE_OR_APPEND
                                         : (uint32_t)(FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND));
    return true;
}

static bool needs_immutable(const CapabilityContext *context, const CapabilityRule *rule,
                            CapabilityMatch *match)
{
    uint32_t flags;
    bool immutable;

    (void)rule;
    (void)match;
    return inode_flags(context, &flags, &immutable) && immutable;
}

static bool needs_flags_owner(const CapabilityContext *context, const CapabilityRule *rule,
                              CapabilityMatch *match)
{
    struct stat st;
    uint32_t flags;
    bool immutable;

    (void)rule;
    (void)match;
    return inode_flags(context, &flags, &immutable) &&
           cap_fd_stat(context, cap_arg_int(context, 0), &st) == 0 &&
           st.st_uid != context->credentials->fsuid;
}

/* Requests that need a capability whatever else is the case, with the file type they are for: their
 * numbers mean something else elsewhere. */
typedef struct IoctlRow {
    uint32_t request;
    int capability;
    mode_t type; /* 0 any */
} IoctlRow;

static const IoctlRow fixed_requests[] = {
    {TIOCCONS, CAP_SYS_ADMIN, S_IFCHR},
    {0x5437 /* TIOCVHANGUP */, CAP_SYS_ADMIN, S_IFCHR},
    {BLKRRPART, CAP_SYS_ADMIN, S_IFBLK},
    {BLKFLSBUF, CAP_SYS_ADMIN, S_IFBLK},
    {BLKROSET, CAP_SYS_ADMIN, S_IFBLK},
    {FIFREEZE, CAP_SYS_ADMIN, 0},
    {FITHAW, CAP_SYS_ADMIN, 0},
    {FITRIM, CAP_SYS_ADMIN, 0},
    {RNDADDENTROPY, CAP_SYS_ADMIN, S_IFCHR},
    {RNDADDTOENTCNT, CAP_SYS_ADMIN, S_IFCHR},
    {RNDZAPENTCNT, CAP_SYS_ADMIN, S_IFCHR},
    {RNDCLEARPOOL, CAP_SYS_ADMIN, S_IFCHR},
    {RNDRESEEDCRNG, CAP_SYS_ADMIN, S_IFCHR},
    {RTC_SET_TIME, CAP_SYS_TIME, S_IFCHR},
    {RTC_EPOCH_SET, CAP_SYS_TIME, S_IFCHR},
    {0x560b /* VT_LOCKSWITCH */, CAP_SYS_TTY_CONFIG, S_IFCHR},
    {0x560c /* VT_UNLOCKSWITCH */, CAP_SYS_TTY_CONFIG, S_IFCHR},
    {FIBMAP, CAP_SYS_RAWIO, S_IFREG},
};

static bool needs_request(const CapabilityContext *context, const CapabilityRule *rule,
                          CapabilityMatch *match)
{
    uint32_t request = cap_arg_u32(context, 1);
    struct stat st;

    (void)match;
    for (size_t i = 0; i < ARRAY_LENGTH(fixed_requests); i++) {
        const IoctlRow *row = &fixed_requests[i];

        if (row->request == request && row->capability == rule->capability)
            return !row->type || (cap_fd_stat(context, cap_arg_int(context, 0), &st) == 0 &&
                                  (st.st_mode & S_IFMT) == row->type);
    }
    return false;
}

/* Since Linux 6.2 TIOCSTI may be for CAP_SYS_ADMIN alone; before, it asks for the terminal. */
static bool needs_terminal_input(const CapabilityContext *context, const CapabilityRule *rule,
                                 CapabilityMatch *match)
{
    long legacy;

    (void)rule;
    (void)match;
    return cap_arg_u32(context, 1) == TIOCSTI &&
           cap_sysctl(context, "dev/tty/legacy_tiocsti", &legacy) == 0 && !legacy;
}

static bool needs_locked_termios(const CapabilityContext *context, const CapabilityRule *rule,
                                 CapabilityMatch *match)
{
    enum { SET_LOCKED = 0x5457 }; /* TIOCSLCKTRMIOS */
    struct stat st;

    (void)rule;
    (void)match;
    return cap_arg_u32(context, 1) == SET_LOCKED &&
           cap_fd_stat(context, cap_arg_int(context, 0), &st) == 0 && S_ISCHR(st.st_mode);
}

const CapabilityRule capability_rules_ioctl[] = {
    {"interface", CAP_NET_ADMIN, NO_ALTERNATIVE, "ioctl", needs_interface, 0},
    {"tunnel", CAP_NET_ADMIN, NO_ALTERNATIVE, "ioctl", needs_tunnel, 0},
    {"immutable", CAP_LINUX_IMMUTABLE, NO_ALTERNATIVE, "ioctl", needs_immutable, 0},
    {"inode-flags-owner", CAP_FOWNER, NO_ALTERNATIVE, "ioctl", needs_flags_owner, 0},
    {"device-admin", CAP_SYS_ADMIN, NO_ALTERNATIVE, "ioctl", needs_request, 0},
    {"hardware-clock", CAP_SYS_TIME, NO_ALTERNATIVE, "ioctl", needs_request, 0},
    {"console-switch", CAP_SYS_TTY_CONFIG, NO_ALTERNATIVE, "ioctl", needs_request, 0},
    {"file-block-map", CAP_SYS_RAWIO, NO_ALTERNATIVE, "ioctl", needs_request, 0},
    {"terminal-input", CAP_SYS_ADMIN, NO_ALTERNATIVE, "ioctl", needs_terminal_input, 0},
    {"terminal-lock", CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN, "ioctl", needs_locked_termios, 0},
    {NULL, 0, 0, NULL, NULL, 0},
};
