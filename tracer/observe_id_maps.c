/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The maps of user namespaces, /proc/PID/uid_map and gid_map: what is written there decides what
 * capability that needs in the namespace above (user_namespaces(7), kernel/user_namespace.c:
 * new_idmap_permitted(), verify_root_map()). A map is written once, so writes are looked at only
 * between the opening of one and that.
 */
#include "tracer/observer_private.h"

#include "base/io.h"
#include "base/memory.h"
#include "base/procfs.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MAP_TEXT_MAX = 4096 /* a map is written by one call, of less than a page */ };

typedef struct IdMap {
    unsigned lines;
    bool has_root;         /* 0 of the namespace above */
    uint32_t lower, count; /* of the only line */
} IdMap;

/* The namespace whose map is written. */
typedef struct MapOwner {
    bool is_child; /* of whittle's own */
    uid_t owner;
    bool setgroups_denied;
} MapOwner;

static bool ends_with(const char *text, const char *end)
{
    const size_t a = strlen(text);
    const size_t b = strlen(end);

    return a >= b && strcmp(text + a - b, end) == 0;
}

static bool parse_map(const char *text, IdMap *map)
{
    *map = (IdMap){0};
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        uint32_t inner;
        line += *line == '\n';
        if (*line == '\0')
            break;
        if (sscanf(line, "%u %u %u", &inner, &map->lower, &map->count) != 3)
            return false;
        map->lines++;
        map->has_root = map->has_root || (map->lower == 0 && map->count > 0);
    }
    return map->lines > 0;
}

static bool setgroups_denied(pid_t pid)
{
    char text[8];

    return procfs_read_task(pid, "setgroups", text, sizeof text) >= 4 &&
           memcmp(text, "deny", 4) == 0;
}

static bool look_at_namespace(const Observer *observer, pid_t pid, MapOwner *ret)
{
    char path[64];
    struct stat st;

    (void)snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP(fd_close) int above = fd >= 0 ? ioctl(fd, NS_GET_PARENT) : -1;
    if (above < 0 || fstat(above, &st) < 0 || ioctl(fd, NS_GET_OWNER_UID, &ret->owner) < 0)
        return false;
    ret->is_child = (uint64_t)st.st_ino == observer->table.own_user_namespace;
    ret->setgroups_denied = setgroups_denied(pid);
    return true;
}

static void draft_capability(Observer *observer, Tracee *tracee, Pending *pending, const char *name,
                             const char *rule, const char *map_name)
{
    Fact *fact = pending_draft(observer, tracee, pending, FACT_CAPABILITY, name, DRAFT_IF_SUCCESS);

    if (!fact)
        return;
    fact->rule = rule;
    fact_set_text(fact, FIELD_SYSCALL, pending->call.syscall->name);
    fact_set_text(fact, FIELD_OBJECT, map_name);
}

static bool holds(const Credentials *credentials, int capability)
{
    return (credentials->effective & (UINT64_C(1) << capability)) != 0;
}

/* One's own id alone may be mapped by the namespace's owner without privilege. */
static bool maps_own_id(const IdMap *map, bool users, const MapOwner *owner,
                        const Credentials *credentials)
{
    if (map->lines != 1 || map->count != 1 || owner->owner != credentials->euid)
        return false;
    return users ? map->lower == credentials->euid
                 : owner->setgroups_denied && map->lower == credentials->egid;
}

static void infer(Observer *observer, Tracee *tracee, Pending *pending, const IdMap *map,
                  bool users, pid_t pid)
{
    enum { SETGID = 6, SETUID = 7, SETFCAP = 31 };
    const char *map_name = users ? "/proc/[pid]/uid_map" : "/proc/[pid]/gid_map";
    const Credentials *credentials;
    Credentials maker;
    MapOwner owner;

    if (tracee_credentials(tracee, &credentials) < 0 ||
        !look_at_namespace(observer, credentials->own_user_namespace ? tracee->tid : pid, &owner) ||
        !owner.is_child)
        return;
    /* From within: whoever made the namespace had to hold CAP_SETFCAP then. That may be given up
     * meanwhile; what the parent, if it is of the workload, could hold is what still can be seen.
     */
    if (!credentials->own_user_namespace)
        maker = *credentials;
    else if (!process_table_find_process(&observer->table, tracee->process->parent) ||
             credentials_of_task(tracee->process->parent, &maker) < 0)
        maker.effective = UINT64_MAX;
    else
        maker.effective = maker.bounding;
    if (users && map->has_root && holds(&maker, SETFCAP))
        draft_capability(observer, tracee, pending, "CAP_SETFCAP", "id-map-root", map_name);
    if (!credentials->own_user_namespace && holds(&maker, users ? SETUID : SETGID) &&
        !maps_own_id(map, users, &owner, credentials))
        draft_capability(observer, tracee, pending, users ? "CAP_SETUID" : "CAP_SETGID", "id-map",
                         map_name);
}

void observe_id_map(Observer *observer, Tracee *tracee, Pending *pending)
{
    char name[PATH_MAX];
    char text[MAP_TEXT_MAX];
    const uint64_t length = pending->call.args[2];
    IdMap map;
    int pid;

    if (tracee->captured || strcmp(pending->call.syscall->name, "write") != 0 ||
        tracee_descriptor(tracee, arg_int(&pending->call, 0), name, sizeof name) < 0)
        return;
    const bool users = ends_with(name, "/uid_map");
    const char *process = strstr(name, "/proc/");
    if ((!users && !ends_with(name, "/gid_map")) || !process ||
        sscanf(process, "/proc/%d/", &pid) != 1)
        return;
    observer->id_maps_open--;
    if (length == 0 || length >= sizeof text ||
        tracee_read(tracee, pending->call.args[1], text, length) < 0)
        return;
    text[length] = '\0';
    if (parse_map(text, &map))
        infer(observer, tracee, pending, &map, users, pid);
}

static void enter_open(Observer *observer, Tracee *tracee, Pending *pending)
{
    const Call *call = &pending->call;
    const int flags = arg_int(call, strcmp(call->syscall->name, "open") == 0 ? 1 : 2);

    (void)tracee;
    if (call->paths_count > 0 && call->paths[0].text && (flags & O_ACCMODE) != O_RDONLY &&
        (ends_with(call->paths[0].text, "/uid_map") || ends_with(call->paths[0].text, "/gid_map")))
        observer->id_maps_open++;
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

const CallHandler id_map_handlers[] = {
    {NAMES("open", "openat"), enter_open, false},
    {NULL, NULL, false},
};
