/* SPDX-License-Identifier: Apache-2.0 */
/* The classes of rules in AppArmor profiles, apparmor.d(5). */
#include "generator/apparmor_classes.h"

#include "base/memory.h"

/* Permissions of sockets, in all classes that have them. */
#define SOCKET_ACCESS                                                                              \
    "create", "bind", "listen", "accept", "connect", "shutdown", "getattr", "setattr", "getopt",   \
        "setopt", "send", "receive"

const ClassSpec apparmor_classes[APPARMOR_CLASS_COUNT] = {
    [APPARMOR_FILE] = {.name = "file",
                       .fields = {"path"},
                       .access = {"r", "w", "a", "l", "k", "m", NULL, NULL, NULL, "x"}},
    [APPARMOR_LINK] = {.name = "link",
                       .fields = {"path", "target"},
                       .access = {NULL, NULL, NULL, "l"}},
    [APPARMOR_CAPABILITY] = {.name = "capability",
                             .fields = {"capability"},
                             .access = {"use"},
                             .word = EVERY_FIELD,
                             .arrow = NO_FIELD},
    [APPARMOR_NETWORK] = {.name = "network",
                          .fields = {"family", "type", "address", "port", "peer address",
                                     "peer port"},
                          .access = {SOCKET_ACCESS},
                          .keys = {{"ip", 2}, {"port", 3}, {"peer.ip", 4}, {"peer.port", 5}},
                          .word = SPECIAL_NETWORK,
                          .arrow = NO_FIELD},
    [APPARMOR_UNIX] = {.name = "unix",
                       .fields = {"type", "protocol", "address", "label", "peer address",
                                  "peer label"},
                       .access = {SOCKET_ACCESS},
                       .keys = {{"type", 0},
                                {"protocol", 1},
                                {"addr", 2},
                                {"label", 3},
                                {"peer.addr", 4},
                                {"peer.label", 5}},
                       .word = NO_FIELD,
                       .arrow = NO_FIELD},
    [APPARMOR_DBUS] = {.name = "dbus",
                       .fields = {"bus", "path", "interface", "member", "name", "peer name",
                                  "peer label"},
                       .access = {"send", "receive", "bind", "eavesdrop"},
                       .keys = {{"bus", 0},
                                {"path", 1},
                                {"interface", 2},
                                {"member", 3},
                                {"name", 4},
                                {"peer.name", 5},
                                {"peer.label", 6}},
                       .word = NO_FIELD,
                       .arrow = NO_FIELD,
                       .paths = 2},
    [APPARMOR_SIGNAL] = {.name = "signal",
                         .fields = {"signal", "peer"},
                         .access = {"send", "receive"},
                         .keys = {{"set", 0}, {"peer", 1}, {"peer.label", 1}},
                         .word = NO_FIELD,
                         .arrow = NO_FIELD},
    [APPARMOR_PTRACE] = {.name = "ptrace",
                         .fields = {"peer"},
                         .access = {"trace", "read", "tracedby", "readby"},
                         .keys = {{"peer", 0}, {"peer.label", 0}},
                         .word = NO_FIELD,
                         .arrow = NO_FIELD},
    [APPARMOR_MOUNT] = {.name = "mount",
                        .fields = {"source", "where", "file system type", "flags", "data"},
                        .access = {"mount"},
                        .keys = {{"fstype", 2},
                                 {"vfstype", 2},
                                 {"options", FLAGS_FIELD},
                                 {"option", FLAGS_FIELD},
                                 {"flags", FLAGS_FIELD}},
                        .word = 0,
                        .arrow = 1,
                        .flags = 3,
                        .paths = 3},
    [APPARMOR_UMOUNT] = {.name = "umount",
                         .fields = {"where", "flags", "data"},
                         .access = {"umount"},
                         .keys = {{"options", FLAGS_FIELD},
                                  {"option", FLAGS_FIELD},
                                  {"flags", FLAGS_FIELD}},
                         .word = 0,
                         .arrow = NO_FIELD,
                         .flags = 1,
                         .paths = 1},
    [APPARMOR_PIVOT_ROOT] = {.name = "pivot_root",
                             .fields = {"new root", "old root", "profile"},
                             .access = {"pivot_root"},
                             .keys = {{"oldroot", 1}},
                             .word = 0,
                             .arrow = 2,
                             .paths = 3},
    [APPARMOR_RLIMIT] = {.name = "rlimit", .fields = {"resource", "limit"}, .access = {"set"}},
    [APPARMOR_CHANGE_PROFILE] = {.name = "change_profile",
                                 .fields = {"executable", "profile"},
                                 .access = {"change_profile"},
                                 .word = 0,
                                 .arrow = 1},
    [APPARMOR_USERNS] = {.name = "userns",
                         .access = {"create"},
                         .word = NO_FIELD,
                         .arrow = NO_FIELD},
    [APPARMOR_MQUEUE] = {.name = "mqueue",
                         .fields = {"type", "label", "name"},
                         .access = {"create", "open", "delete", "read", "write", "getattr",
                                    "setattr"},
                         .keys = {{"type", 0}, {"label", 1}},
                         .word = 2,
                         .arrow = NO_FIELD},
    [APPARMOR_IO_URING] = {.name = "io_uring",
                           .fields = {"label"},
                           .access = {"sqpoll", "override_creds", "cmd"},
                           .keys = {{"label", 0}},
                           .word = NO_FIELD,
                           .arrow = NO_FIELD},
};

/* Other words for permissions. */
static const struct {
    ApparmorClass class;
    const char *word;
    const char *means[2];
} synonyms[] = {
    {APPARMOR_UNIX, "r", {"receive"}},
    {APPARMOR_UNIX, "read", {"receive"}},
    {APPARMOR_UNIX, "w", {"send"}},
    {APPARMOR_UNIX, "write", {"send"}},
    {APPARMOR_UNIX, "rw", {"send", "receive"}},
    {APPARMOR_NETWORK, "r", {"receive"}},
    {APPARMOR_NETWORK, "read", {"receive"}},
    {APPARMOR_NETWORK, "w", {"send"}},
    {APPARMOR_NETWORK, "write", {"send"}},
    {APPARMOR_NETWORK, "rw", {"send", "receive"}},
    {APPARMOR_DBUS, "r", {"receive"}},
    {APPARMOR_DBUS, "read", {"receive"}},
    {APPARMOR_DBUS, "w", {"send"}},
    {APPARMOR_DBUS, "write", {"send"}},
    {APPARMOR_DBUS, "rw", {"send", "receive"}},
    {APPARMOR_SIGNAL, "r", {"receive"}},
    {APPARMOR_SIGNAL, "read", {"receive"}},
    {APPARMOR_SIGNAL, "w", {"send"}},
    {APPARMOR_SIGNAL, "write", {"send"}},
    {APPARMOR_SIGNAL, "rw", {"send", "receive"}},
    {APPARMOR_PTRACE, "r", {"read"}},
    {APPARMOR_PTRACE, "w", {"trace"}},
    {APPARMOR_PTRACE, "write", {"trace"}},
    {APPARMOR_PTRACE, "rw", {"trace", "read"}},
    {APPARMOR_MQUEUE, "r", {"read"}},
    {APPARMOR_MQUEUE, "w", {"write"}},
    {APPARMOR_MQUEUE, "rw", {"read", "write"}},
};

const char *apparmor_class_name(ApparmorClass class)
{
    return apparmor_classes[class].name;
}

const char *apparmor_class_field(ApparmorClass class, size_t index)
{
    return index < APPARMOR_FIELDS_MAX ? apparmor_classes[class].fields[index] : NULL;
}

const char *apparmor_access_name(ApparmorClass class, unsigned bit)
{
    return bit < BITS_MAX ? apparmor_classes[class].access[bit] : NULL;
}

static uint32_t access_bit(ApparmorClass class, const char *word)
{
    for (unsigned bit = 0; bit < BITS_MAX; bit++) {
        if (apparmor_classes[class].access[bit] &&
            strcmp(word, apparmor_classes[class].access[bit]) == 0)
            return 1u << bit;
    }
    return 0;
}

uint32_t class_all_access(ApparmorClass class)
{
    uint32_t access = 0;

    for (unsigned bit = 0; bit < BITS_MAX; bit++) {
        if (apparmor_classes[class].access[bit])
            access |= 1u << bit;
    }
    return access;
}

uint32_t class_access(ApparmorClass class, const char *word)
{
    for (size_t i = 0; i < ARRAY_LENGTH(synonyms); i++) {
        if (synonyms[i].class == class && strcmp(synonyms[i].word, word) == 0)
            return access_bit(class, synonyms[i].means[0]) |
                   (synonyms[i].means[1] ? access_bit(class, synonyms[i].means[1]) : 0);
    }
    /* These have one permission, which is not written. */
    if (class == APPARMOR_CAPABILITY || class == APPARMOR_MOUNT || class == APPARMOR_UMOUNT ||
        class == APPARMOR_PIVOT_ROOT || class == APPARMOR_CHANGE_PROFILE)
        return 0;
    return access_bit(class, word);
}

/* The limit that RULE sets: a plain number, "infinity", or -1 where it has a unit or may be less.
 */
static double limit_of(const ApparmorRule *rule)
{
    const char *text = strstr(rule->text, "<= ");
    const char *value = text ? text + strlen("<= ") : "";
    const size_t digits = strspn(value, "0123456789");

    if (strncmp(value, "infinity,", strlen("infinity,")) == 0)
        return 1e30;
    return digits > 0 && value[digits] == ',' ? strtod(value, NULL) : -1;
}

bool limit_is_no_more(const ApparmorRule *old, const ApparmorRule *rule)
{
    return limit_of(rule) >= 0 && limit_of(old) >= limit_of(rule) &&
           strcmp(rule->fields[0].patterns[0], "nice") != 0;
}
