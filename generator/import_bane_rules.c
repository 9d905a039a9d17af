/* SPDX-License-Identifier: Apache-2.0 */
/* What bane's lists mean, as rules. */
#include "generator/import_bane.h"

#include "base/memory.h"
#include "generator/import_private.h"
#include "generator/knowledge.h"
#include "generator/rule_cover.h"

#include <errno.h>
#include <stdint.h>

/* ---- rules ---------------------------------------------------------------------------------- */

/* "bane: WritablePaths, line 9" in the policy's strings, NULL without memory. */
static const char *reason(const Bane *bane, BaneKey key, unsigned line)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    const char *dot = strrchr(bane_keys[key].path, '.');

    (void)buffer_printf(&text, "bane: %s, line %u", dot ? dot + 1 : bane_keys[key].path, line);
    return strset_add(policy_strings(bane->policy), buffer_text(&text));
}

static int add_rule(const Bane *bane, PolicyRule *rule)
{
    return rule->name && rule->reason ? policy_add(bane->policy, rule) : -ENOMEM;
}

/* Folders that are links: AppArmor sees where they lead. */
static const struct {
    const char *link, *place;
    bool in_all; /* images; of the others in some */
} links[] = {
    {"/bin/", "/usr/bin/", false},       {"/lib/", "/usr/lib/", false},
    {"/lib32/", "/usr/lib32/", false},   {"/lib64/", "/usr/lib64/", false},
    {"/libx32/", "/usr/libx32/", false}, {"/sbin/", "/usr/sbin/", false},
    {"/var/lock/", "/run/lock/", true},  {"/var/run/", "/run/", true},
};

/* PATTERN by way of the link that it begins with, if it is IN_ALL images. 1, 0 or -ENOMEM. */
static int follow_link(const char *pattern, bool in_all, Buffer *out)
{
    for (size_t i = 0; i < ARRAY_LENGTH(links); i++) {
        const size_t length = strlen(links[i].link);
        if (links[i].in_all == in_all && strncmp(pattern, links[i].link, length) == 0)
            return buffer_printf(out, "%s%s", links[i].place, pattern + length) < 0 ? -ENOMEM : 1;
    }
    return 0;
}

static int add_file_as(const Bane *bane, const char *pattern, const char *why, uint32_t access,
                       int deny)
{
    PolicyRule rule = {.section = POLICY_FILES,
                       .name = strset_add(policy_strings(bane->policy), pattern),
                       .access = access,
                       .deny = deny,
                       .reason = why};

    return add_rule(bane, &rule);
}

static int add_pattern(const Bane *bane, const char *pattern, const char *why, uint32_t access,
                       int deny)
{
    CLEANUP(buffer_deinit) Buffer place = BUFFER_INIT;
    const int r = follow_link(pattern, true, &place);

    return r < 0 ? r : add_file_as(bane, r ? buffer_text(&place) : pattern, why, access, deny);
}

/* Does one of the first COUNT rules grant what RULE does to PATTERN? 1, 0 or -ENOMEM. */
static int is_granted(const Bane *bane, size_t count, const PolicyRule *rule, const char *pattern)
{
    CLEANUP(glob_set_cleanup) GlobSet *set = glob_set_new();
    size_t wanted;
    size_t id;

    if (!set)
        return -ENOMEM;
    int r = glob_set_add(set, GLOB_POLICY, pattern, &wanted, NULL);
    for (size_t i = 0; i < count && r == 0; i++) {
        const PolicyRule *other = policy_rule(bane->policy, i);
        if (other->section != POLICY_FILES || other->deny ||
            rule_access(rule) & ~rule_access(other))
            continue;
        r = glob_set_add(set, GLOB_POLICY, other->name, &id, NULL);
        if (r == 0)
            r = glob_set_contains(set, &id, 1, wanted, NULL);
    }
    return r < 0 && r != -ENOMEM ? 0 : r;
}

/* The same for where the links of some images lead, as far as it is not granted there already. */
static int add_places(const Bane *bane)
{
    const size_t count = policy_rules_count(bane->policy);
    int r = 0;

    for (size_t i = 0; i < count && r >= 0; i++) {
        CLEANUP(buffer_deinit) Buffer place = BUFFER_INIT;
        const PolicyRule rule = *policy_rule(bane->policy, i);
        r = follow_link(rule.name, false, &place);
        if (r != 1)
            continue;
        r = rule.deny ? 0 : is_granted(bane, count, &rule, buffer_text(&place));
        if (r == 0)
            r = add_file_as(bane, buffer_text(&place), rule.reason, rule.access, rule.deny);
    }
    return r < 0 ? r : 0;
}

/* "**" behind a folder does not match the folder itself, which is listed by who may read all in it.
 */
static int add_folder(const Bane *bane, const char *pattern, const char *why)
{
    const size_t length = strlen(pattern);
    CLEANUP(buffer_deinit) Buffer folder = BUFFER_INIT;
    size_t stars = 0;

    while (stars < length && pattern[length - 1 - stars] == '*')
        stars++;
    if (stars == 0 || stars == length || pattern[length - 1 - stars] != '/')
        return 0;
    (void)buffer_append(&folder, pattern, length - stars);
    return folder.error ? folder.error
                        : add_pattern(bane, buffer_text(&folder), why, FILE_READ, POLICY_ALLOW);
}

/* One path of the list KEY. */
static int add_path(const Bane *bane, BaneKey key, const BaneText *path, uint32_t access, int deny,
                    Error *err)
{
    CLEANUP(buffer_deinit) Buffer pattern = BUFFER_INIT;
    CLEANUP(import_patterns_deinit) ImportPatterns rooted = {0};
    int r = import_pattern(&pattern, path->text, err);

    if (r == 0)
        r = import_rooted(&rooted, policy_strings(bane->policy), buffer_text(&pattern));
    if (r == 1)
        r = error_set(err, -EINVAL, "\"%.100s\" is no absolute path", path->text);
    const char *because = reason(bane, key, path->line);
    for (size_t i = 0; i < rooted.count && r == 0; i++) {
        r = add_pattern(bane, rooted.items[i], because, access, deny);
        if (r == 0 && !deny && access & FILE_READ)
            r = add_folder(bane, rooted.items[i], because);
    }
    return r;
}

static int add_paths(const Bane *bane, BaneKey key, uint32_t access, int deny, Error *err)
{
    const BaneList *list = &bane->lists[key];

    for (size_t i = 0; i < list->count; i++) {
        Error why = {0};
        const int r = add_path(bane, key, &list->items[i], access, deny, &why);
        if (r < 0)
            return why.code ? error_set(err, r, "%s:%u: %s: %s", bane->name, list->items[i].line,
                                        bane_keys[key].path, why.text)
                            : error_errno(err, r, "%s", bane->name);
    }
    return 0;
}

/* What bane denies in every profile. */
static const struct {
    const char *pattern;
    uint32_t access;
} always_denied[] = {
    {"/proc/sysrq-trigger", FILE_READ | FILE_WRITE | FILE_LOCK | FILE_LINK},
    {"/proc/mem", FILE_READ | FILE_WRITE | FILE_LOCK | FILE_LINK},
    {"/proc/kmem", FILE_READ | FILE_WRITE | FILE_LOCK | FILE_LINK},
    {"/proc/kcore", FILE_READ | FILE_WRITE | FILE_LOCK | FILE_LINK},
    {"/proc/sys/**", FILE_WRITE | FILE_LOCK | FILE_LINK},
    {"/sys/[^f]*/**", FILE_WRITE | FILE_LOCK | FILE_LINK},
    {"/sys/f[^s]*/**", FILE_WRITE | FILE_LOCK | FILE_LINK},
    {"/sys/fs/[^c]*/**", FILE_WRITE | FILE_LOCK | FILE_LINK},
    {"/sys/firmware/**", FILE_READ | FILE_WRITE | FILE_LOCK | FILE_LINK},
    {"/sys/kernel/security/**", FILE_READ | FILE_WRITE | FILE_LOCK | FILE_LINK},
};

static const char bane_always[] = "bane: in all its profiles";

/* bane's author lists what is read-only; what is not listed is not restricted, so that a list that
 * is not there restricts nothing. */
int bane_add_filesystem(const Bane *bane, Error *err)
{
    const bool reads = bane->lists[BANE_READ_ONLY].count > 0;
    const bool executes = bane->lists[BANE_ALLOW_EXEC].count > 0;
    const bool writes = bane->lists[BANE_WRITABLE].count > 0;
    const uint32_t write = FILE_READ | FILE_WRITE | FILE_LINK | FILE_LOCK;
    uint32_t read = FILE_READ | FILE_MMAP_EXEC;
    int r;

    if (!executes) {
        read |= FILE_EXEC_INHERIT;
        (void)buffer_printf(bane->notes,
                            "%s: there is no AllowExec, so all that may be read may "
                            "be executed, as with bane\n",
                            bane->name);
    }
    r = add_paths(bane, BANE_READ_ONLY, read, POLICY_ALLOW, err);
    if (r == 0 && !reads) {
        (void)buffer_printf(bane->notes,
                            "%s: there are no ReadOnlyPaths, so everything may be %s, as with "
                            "bane; list what the workload reads\n",
                            bane->name, writes ? "read" : "read and written");
        r = add_file_as(bane, "/{,**}", "bane: file,", writes ? read : read | write, POLICY_ALLOW);
    }
    if (r == 0)
        r = add_paths(bane, BANE_WRITABLE, write, POLICY_ALLOW, err);
    if (r == 0)
        r = add_paths(bane, BANE_ALLOW_EXEC, FILE_READ | FILE_MMAP_EXEC | FILE_EXEC_INHERIT,
                      POLICY_ALLOW, err);
    if (r == 0)
        r = add_paths(bane, BANE_DENY_EXEC, write | FILE_MMAP_EXEC | FILE_EXEC_INHERIT, POLICY_DENY,
                      err);
    for (size_t i = 0; i < ARRAY_LENGTH(always_denied) && r == 0; i++)
        r = add_file_as(bane, always_denied[i].pattern, bane_always, always_denied[i].access,
                        POLICY_DENY);
    return r < 0 ? r : add_places(bane);
}

int bane_add_capabilities(const Bane *bane, uint64_t *ret_caps, Error *err)
{
    const BaneList *allowed = &bane->lists[BANE_CAPS_ALLOW];
    const BaneList *denied = &bane->lists[BANE_CAPS_DENY];
    uint64_t caps = 0;

    for (BaneKey key = BANE_CAPS_ALLOW; key <= BANE_CAPS_DENY; key++) {
        for (size_t i = 0; i < bane->lists[key].count; i++) {
            const BaneText *item = &bane->lists[key].items[i];
            const Capability *capability = import_capability(item->text);
            const char *near = capability ? NULL : import_nearest_capability(item->text);
            if (!capability)
                return error_set(err, -EINVAL, "%s:%u: there is no capability \"%.60s\"%s%s%s",
                                 bane->name, item->line, item->text, near ? "; did you mean " : "",
                                 near ? near : "", near ? "?" : "");
            PolicyRule rule = {.section = POLICY_CAPABILITIES,
                               .name = capability->name,
                               .deny = key == BANE_CAPS_DENY ? POLICY_DENY : POLICY_ALLOW,
                               .reason = reason(bane, key, item->line)};
            const uint64_t bit = (uint64_t)1 << capability->number;
            caps = key == BANE_CAPS_ALLOW ? caps | bit : caps & ~bit;
            if (add_rule(bane, &rule) < 0)
                return error_errno(err, -ENOMEM, "%s", bane->name);
        }
    }
    /* Only what is denied is said: the others are what a container has. */
    if (allowed->count == 0 && denied->count > 0) {
        uint64_t out = 0;
        for (size_t i = 0; i < denied->count; i++)
            out |= (uint64_t)1 << import_capability(denied->items[i].text)->number;
        caps = docker_capabilities() & ~out;
        for (size_t i = 0; i < capability_count(); i++) {
            PolicyRule rule = {.section = POLICY_CAPABILITIES,
                               .name = capability_at(i)->name,
                               .reason = "Docker's default"};
            if (caps >> capability_at(i)->number & 1 && add_rule(bane, &rule) < 0)
                return error_errno(err, -ENOMEM, "%s", bane->name);
        }
        (void)buffer_printf(bane->notes,
                            "%s: Capabilities has only Deny: Docker's other default "
                            "capabilities are allowed\n",
                            bane->name);
    }
    *ret_caps = caps;
    return 0;
}

/* ---- network -------------------------------------------------------------------------------- */

static int add_socket(const Bane *bane, const char *family, const char *type, const char *why)
{
    PolicyRule rule = {.section = POLICY_NETWORK, .name = family, .type = type, .reason = why};

    return add_rule(bane, &rule);
}

static const struct {
    const char *protocol, *type;
    bool raw;
} protocols[] = {
    {"tcp", "stream", false},  {"stream", "stream", false}, {"udp", "dgram", false},
    {"dgram", "dgram", false}, {"icmp", "raw", true},       {"raw", "raw", true},
};

static int add_protocols(const Bane *bane, Error *err)
{
    const BaneList *list = &bane->lists[BANE_PROTOCOLS];

    for (size_t i = 0; i < list->count; i++) {
        const BaneText *item = &list->items[i];
        size_t p = 0;
        while (p < ARRAY_LENGTH(protocols) && strcasecmp(protocols[p].protocol, item->text) != 0)
            p++;
        if (p == ARRAY_LENGTH(protocols))
            return error_set(err, -EINVAL,
                             "%s:%u: there is no protocol \"%.60s\"; bane has tcp, udp and icmp",
                             bane->name, item->line, item->text);
        if (protocols[p].raw && !bane->flags[BANE_RAW]) {
            (void)buffer_printf(bane->notes,
                                "%s:%u: %s needs raw sockets, which Raw = false refuses: left "
                                "out\n",
                                bane->name, item->line, item->text);
            continue;
        }
        if (add_socket(bane, "inet", protocols[p].type, reason(bane, BANE_PROTOCOLS, item->line)) <
            0)
            return error_errno(err, -ENOMEM, "%s", bane->name);
    }
    (void)buffer_printf(bane->notes,
                        "%s: bane's Protocols are IPv4's alone; for IPv6 add \"inet6 stream\" "
                        "under network\n",
                        bane->name);
    return 0;
}

/* Rules that hold as long as FLAG is what they want; "network," of bane but for what it denies. */
static const struct {
    BaneKey flag; /* BANE_NETWORK: none is needed */
    PolicySection section;
    const char *rule;
} sockets[] = {
    {BANE_PROTOCOLS, POLICY_NETWORK, "inet stream"},
    {BANE_PROTOCOLS, POLICY_NETWORK, "inet dgram"},
    {BANE_PROTOCOLS, POLICY_NETWORK, "inet6 stream"},
    {BANE_PROTOCOLS, POLICY_NETWORK, "inet6 dgram"},
    {BANE_NETWORK, POLICY_UNIX, "connect dgram"},
    {BANE_NETWORK, POLICY_UNIX, "connect seqpacket"},
    {BANE_NETWORK, POLICY_UNIX, "connect stream"},
    {BANE_RAW, POLICY_NETWORK, "inet raw"},
    {BANE_RAW, POLICY_NETWORK, "inet6 raw"},
    {BANE_RAW, POLICY_NETWORK, "netlink raw"},
    {BANE_PACKET, POLICY_NETWORK, "packet"},
    {BANE_PACKET, POLICY_SYSCALLS, "socket 0=AF_PACKET"},
};

int bane_add_network(const Bane *bane, Error *err)
{
    const bool all = bane->lists[BANE_PROTOCOLS].count == 0;
    int r = all ? 0 : add_protocols(bane, err);

    for (size_t i = 0; i < ARRAY_LENGTH(sockets) && r == 0; i++) {
        const BaneKey flag = sockets[i].flag;
        PolicyRule rule;
        if (!(flag == BANE_NETWORK || (flag == BANE_PROTOCOLS ? all : bane->flags[flag])))
            continue;
        r = policy_rule_parse(sockets[i].section, sockets[i].rule, policy_strings(bane->policy),
                              &rule, err);
        rule.reason = "bane: Network";
        if (r == 0)
            r = policy_add(bane->policy, &rule);
    }
    return r;
}

/* ---- processes ------------------------------------------------------------------------------ */

/*
 * What bane's profiles have from abstractions/base, which bane includes in each of them: processes
 * under the profile may send each other signals, and read each other (ps). A server whose master
 * may not signal its workers cannot be reloaded or stopped.
 */
int bane_add_processes(const Bane *bane, Error *err)
{
    static const char why[] = "bane: abstractions/base";
    const PolicyRule rules[] = {
        {.section = POLICY_PTRACE, .name = "read", .reason = why},
        {.section = POLICY_SIGNALS, .name = POLICY_ANY_SIGNAL, .reason = why},
    };
    int r = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(rules) && r == 0; i++)
        r = policy_add(bane->policy, &rules[i]);
    return r < 0 ? error_errno(err, r, "%s", bane->name) : 0;
}
