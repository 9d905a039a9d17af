/* SPDX-License-Identifier: Apache-2.0 */
/* Flags of AppArmor's mount rules, as text: a digit each, which patterns can be about. */
#include "base/memory.h"
#include "generator/apparmor_private.h"

#include <errno.h>

enum { NEVER = -1 };

/* apparmor.d(5), "Mount Rules". The recursive forms are two flags. */
static const struct {
    const char *set;
    const char *clear; /* the name for its absence; NULL: there is none */
} flags[] = {
    {"ro", "rw"},
    {"nosuid", "suid"},
    {"nodev", "dev"},
    {"noexec", "exec"},
    {"sync", "async"},
    {"remount", NULL},
    {"mand", "nomand"},
    {"dirsync", NULL},
    {"nosymfollow", "symfollow"},
    {"noatime", "atime"},
    {"nodiratime", "diratime"},
    {"bind", NULL},
    {"move", NULL},
    {"silent", "loud"},
    {"acl", "noacl"},
    {"unbindable", NULL},
    {"private", NULL},
    {"slave", NULL},
    {"shared", NULL},
    {"rec", NULL},
    {"relatime", "norelatime"},
    {"iversion", "noiversion"},
    {"strictatime", "nostrictatime"},
    {"lazytime", "nolazytime"},
    {"nouser", "user"},
};

static const struct {
    const char *name;
    const char *flag;
    bool recursive;
} synonyms[] = {
    {"r", "ro", false},
    {"read-only", "ro", false},
    {"w", "rw", false},
    {"read-write", "rw", false},
    {"B", "bind", false},
    {"M", "move", false},
    {"R", "bind", true},
    {"rbind", "bind", true},
    {"verbose", "silent", false},
    {"make-unbindable", "unbindable", false},
    {"make-private", "private", false},
    {"make-slave", "slave", false},
    {"make-shared", "shared", false},
    {"runbindable", "unbindable", true},
    {"make-runbindable", "unbindable", true},
    {"rprivate", "private", true},
    {"make-rprivate", "private", true},
    {"rslave", "slave", true},
    {"make-rslave", "slave", true},
    {"rshared", "shared", true},
    {"make-rshared", "shared", true},
};

void mount_flags_print(const char *text, size_t length, Buffer *out)
{
    bool any = false;

    for (size_t i = 0; i < ARRAY_LENGTH(flags) && i < length; i++) {
        const char *name = text[i] == '1' ? flags[i].set : i == 0 ? flags[i].clear : NULL;
        if (!name)
            continue;
        (void)buffer_printf(out, "%s%s", any ? "," : "", name);
        any = true;
    }
}

/* The flag called NAME, and in *RET_SET whether it is set then; -1 if there is none. */
static int find_flag(const char *name, bool *ret_set)
{
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        if (strcmp(name, flags[i].set) == 0 ||
            (flags[i].clear && strcmp(name, flags[i].clear) == 0)) {
            *ret_set = strcmp(name, flags[i].set) == 0;
            return (int)i;
        }
    }
    return NEVER;
}

static const char *resolve(const char *name, bool *ret_recursive)
{
    for (size_t i = 0; i < ARRAY_LENGTH(synonyms); i++) {
        if (strcmp(name, synonyms[i].name) == 0) {
            *ret_recursive = synonyms[i].recursive;
            return synonyms[i].flag;
        }
    }
    return name;
}

int mount_flags_pattern(const Words *options, bool any, Buffer *out, Buffer *data)
{
    bool may_be[ARRAY_LENGTH(flags)][2] = {{false}};
    bool named[ARRAY_LENGTH(flags)] = {false};

    for (size_t i = 0; i < options->count; i++) {
        bool recursive = false, set = false;
        const char *name = resolve(options->items[i], &recursive);
        const int flag = find_flag(name, &set);
        if (flag < 0) {
            (void)buffer_printf(data, "%s%s", data->length ? "," : "", name);
            continue;
        }
        named[flag] = true;
        may_be[flag][set] = true;
        if (recursive) {
            const int rec = find_flag("rec", &set);
            named[rec] = true;
            may_be[rec][1] = true;
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        const bool set = may_be[i][1];
        const bool clear = !named[i] || any || may_be[i][0];
        (void)buffer_puts(out, set && clear ? "[01]" : set ? "1" : "0");
    }
    return out->error ? out->error : data->error;
}

int mount_flags_any(const char *name, Buffer *out)
{
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++)
        (void)buffer_puts(out, name && strcmp(name, flags[i].set) == 0 ? "1" : "[01]");
    return out->error;
}
