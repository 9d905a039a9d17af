/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that let calls run become rules that notify, with the same conditions; those of calls that
 * are let run or refused by what the listener answers, rules without any. */
#include "tracer/oci_listener.h"

#include "base/memory.h"
#include "model/tables.h"
#include "tracer/container_filter.h"
#include "tracer/oci_json.h"
#include "tracer/oci_profile.h"

#include <errno.h>
#include <jansson.h>

#define NOTIFIED "SCMP_ACT_NOTIFY"

const char *const oci_listener_unnoticed[] = {"futex", "nanosleep", "sched_yield", "write", NULL};

static bool is_unnoticed(const char *name)
{
    const char *const *one = oci_listener_unnoticed;

    while (*one && strcmp(*one, name) != 0)
        one++;
    return *one != NULL;
}

json_t *oci_listener_open_profile(void)
{
    return json_pack("{ss s[sss] s[]}", "defaultAction", "SCMP_ACT_ALLOW", "architectures",
                     "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "syscalls");
}

static int set_text(json_t *object, const char *key, const char *text)
{
    return json_object_set_new(object, key, json_string(text)) < 0 ? -ENOMEM : 0;
}

typedef bool IsMoved(const void *data, const char *name);

/* For the listener to answer: tracer/container_filter.h. */
static bool is_answered(const void *data, const char *name)
{
    const Syscall *syscall = syscall_by_name(name);

    return syscall && !is_unnoticed(name) && container_filter_asks(data, syscall);
}

static bool goes_unnoticed(const void *data, const char *name)
{
    (void)data;
    return is_unnoticed(name);
}

/* Moves names out of an array of them; MOVED may be NULL. 0 or -ENOMEM. */
static int move_names(IsMoved *is_moved, const void *data, json_t *names, json_t *moved)
{
    for (size_t i = json_array_size(names); i-- > 0;) {
        json_t *name = json_array_get(names, i);
        const char *text = json_string_value(name);
        if (!text || !is_moved(data, text))
            continue;
        if (moved && json_array_append(moved, name) < 0)
            return -ENOMEM;
        (void)json_array_remove(names, i);
    }
    return 0;
}

/* RULE lets calls run: it notifies of them instead, and another one added to RULES lets those run
 * that go unnoticed. */
static int notify_by(json_t *rule, json_t *rules)
{
    CLEANUP(oci_json_drop) json_t *other = json_deep_copy(rule);
    CLEANUP(oci_json_drop) json_t *moved = json_array();
    json_t *names = json_object_get(rule, "names");

    if (!other || !moved || set_text(rule, "action", NOTIFIED) < 0)
        return -ENOMEM;
    if (move_names(goes_unnoticed, NULL, names, moved) < 0)
        return -ENOMEM;
    if (json_array_size(moved) == 0)
        return 0;
    return json_object_set(other, "names", moved) < 0 || json_array_append(rules, other) < 0
               ? -ENOMEM
               : 0;
}

/* One rule for all that is answered, in place of what RULES has for that. */
static int notify_of_answered(const ContainerFilter *filter, json_t *rules)
{
    CLEANUP(oci_json_drop) json_t *names = json_array();
    int r = names ? 0 : -ENOMEM;

    for (size_t i = 0; i < json_array_size(rules) && r == 0; i++)
        r = move_names(is_answered, filter, json_object_get(json_array_get(rules, i), "names"),
                       NULL);
    for (size_t i = 0; i < syscall_count() && r == 0; i++) {
        const char *name = syscall_at(i)->name;
        if (is_answered(filter, name) && json_array_append_new(names, json_string(name)) < 0)
            r = -ENOMEM;
    }
    if (r < 0 || json_array_size(names) == 0)
        return r;
    return json_array_append_new(rules, json_pack("{sO ss}", "names", names, "action", NOTIFIED)) <
                   0
               ? -ENOMEM
               : 0;
}

/* The names of RULES, as keys of a new object. */
static json_t *names_of(const json_t *rules)
{
    json_t *all = json_object();

    for (size_t i = 0; all && i < json_array_size(rules); i++) {
        const json_t *names = json_object_get(json_array_get(rules, i), "names");
        for (size_t k = 0; k < json_array_size(names); k++) {
            const char *name = json_string_value(json_array_get(names, k));
            if (name && json_object_set_new(all, name, json_true()) < 0) {
                json_decref(all);
                return NULL;
            }
        }
    }
    return all;
}

/* What no rule names runs by default: a rule for all of it. */
static int notify_of_others(json_t *rules)
{
    CLEANUP(oci_json_drop) json_t *named = names_of(rules);
    CLEANUP(oci_json_drop) json_t *others = json_array();

    if (!named || !others)
        return -ENOMEM;
    for (size_t i = 0; i < syscall_count(); i++) {
        const char *name = syscall_at(i)->name;
        if (!json_object_get(named, name) && !is_unnoticed(name) &&
            json_array_append_new(others, json_string(name)) < 0)
            return -ENOMEM;
    }
    json_t *rule = json_pack("{sO ss}", "names", others, "action", NOTIFIED);
    return rule && json_array_append_new(rules, rule) == 0 ? 0 : -ENOMEM;
}

/* Nothing that runs by default may have a rule with conditions only: what they do not hold for
 * would go unseen, and seccomp takes no second rule for it. */
static const char *half_ruled(const json_t *rules)
{
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        const json_t *names = json_object_get(rule, "names");
        if (json_array_size(json_object_get(rule, "args")) > 0 && json_array_size(names) > 0)
            return json_string_value(json_array_get(names, 0));
    }
    return NULL;
}

static int notify_all(json_t *seccomp, json_t *rules)
{
    CLEANUP(container_filter_drop) ContainerFilter *filter = NULL;
    const size_t count = json_array_size(rules); /* without those that are added here */

    if (container_filter_new(seccomp, &filter) < 0 || notify_of_answered(filter, rules) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        json_t *rule = json_array_get(rules, i);
        if (oci_action_lets_run(oci_json_text(rule, "action")) && notify_by(rule, rules) < 0)
            return -ENOMEM;
    }
    for (size_t i = json_array_size(rules); i-- > 0;) {
        if (json_array_size(json_object_get(json_array_get(rules, i), "names")) == 0)
            (void)json_array_remove(rules, i);
    }
    return 0;
}

static bool has_listener(const json_t *seccomp, const json_t *rules)
{
    bool any = oci_json_text(seccomp, "listenerPath") != NULL;

    for (size_t i = 0; i < json_array_size(rules); i++) {
        const char *action = oci_json_text(json_array_get(rules, i), "action");
        any = any || (action && strcmp(action, NOTIFIED) == 0);
    }
    return any;
}

int oci_listener_notify(json_t *seccomp, const char *path, const char *metadata, const char *name,
                        Error *err)
{
    if (!json_is_array(json_object_get(seccomp, "syscalls")) &&
        json_object_set_new(seccomp, "syscalls", json_array()) < 0)
        return error_errno(err, -ENOMEM, "%s", name);
    json_t *rules = json_object_get(seccomp, "syscalls");
    if (has_listener(seccomp, rules))
        return error_set(err, -EBUSY,
                         "%s: linux.seccomp has a listener of its own, and there can be one only",
                         name);
    const bool runs = oci_action_lets_run(oci_json_text(seccomp, "defaultAction"));
    int r = notify_all(seccomp, rules);
    const char *half = r == 0 && runs ? half_ruled(rules) : NULL;
    if (half)
        return error_set(err, -EINVAL,
                         "%s: linux.seccomp lets run what it does not name, and has conditions for "
                         "%.60s: the listener would miss calls",
                         name, half);
    if (r == 0 && runs)
        r = notify_of_others(rules);
    if (r < 0 || set_text(seccomp, "listenerPath", path) < 0 ||
        set_text(seccomp, "listenerMetadata", metadata) < 0)
        return error_errno(err, -ENOMEM, "%s", name);
    return 0;
}
