/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/oci_permissive.h"

#include "base/memory.h"
#include "model/tables.h"
#include "tracer/oci_json.h"

#include <errno.h>
#include <jansson.h>

#define LOGGED "SCMP_ACT_LOG"

static bool answers_enosys(const json_t *rule)
{
    return json_integer_value(json_object_get(rule, "errnoRet")) == ENOSYS;
}

static int log_instead(json_t *object, const char *action_key, const char *errno_key)
{
    if (oci_action_lets_run(oci_json_text(object, action_key)))
        return 0;
    (void)json_object_del(object, errno_key);
    return json_object_set_new(object, action_key, json_string(LOGGED)) < 0 ? -ENOMEM : 0;
}

/* A filter kills whoever makes calls of an architecture that it does not have. */
static int add_architectures(json_t *seccomp)
{
    static const struct {
        const char *one, *others[3];
    } families[] = {
        {"SCMP_ARCH_X86_64", {"SCMP_ARCH_X86", "SCMP_ARCH_X32"}},
        {"SCMP_ARCH_AARCH64", {"SCMP_ARCH_ARM"}},
    };
    json_t *list = json_object_get(seccomp, "architectures");
    const size_t count = json_array_size(list);

    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        for (size_t k = 0; name && k < ARRAY_LENGTH(families); k++) {
            if (strcmp(families[k].one, name) != 0)
                continue;
            /* The same one twice does no harm. */
            for (const char *const *other = families[k].others; *other; other++) {
                if (json_array_append_new(list, json_string(*other)) < 0)
                    return -ENOMEM;
            }
        }
    }
    return 0;
}

int oci_permissive_widen(json_t *seccomp)
{
    const json_t *rules = json_object_get(seccomp, "syscalls");
    int r = log_instead(seccomp, "defaultAction", "defaultErrnoRet");

    for (size_t i = 0; i < json_array_size(rules) && r == 0; i++) {
        json_t *rule = json_array_get(rules, i);
        if (json_is_object(rule) && !answers_enosys(rule))
            r = log_instead(rule, "action", "errnoRet");
    }
    return r == 0 ? add_architectures(seccomp) : r;
}

/* ---- what it refuses ------------------------------------------------------------------------- */

/* The names that some rule is about: of those that let run, and of those that refuse always. */
typedef struct Named {
    json_t *run, *refused, *kept;
} Named;

static void named_deinit(Named *named)
{
    json_decref(named->run);
    json_decref(named->refused);
    json_decref(named->kept);
}

static int sort_rules(const json_t *rules, Named *named)
{
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        const json_t *names = json_object_get(rule, "names");
        const bool runs = oci_action_lets_run(oci_json_text(rule, "action"));
        const bool always = json_array_size(json_object_get(rule, "args")) == 0;
        json_t *set = runs                   ? named->run
                      : answers_enosys(rule) ? named->kept
                      : always               ? named->refused
                                             : NULL;
        for (size_t k = 0; set && k < json_array_size(names); k++) {
            const char *name = json_string_value(json_array_get(names, k));
            if (name && json_object_set_new(set, name, json_true()) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

/* Names with the verdict DENIED (or not), with blanks before them. */
static int put_names(const Named *named, bool default_denies, bool denied, Buffer *out)
{
    for (size_t i = 0; i < syscall_count(); i++) {
        const Syscall *call = syscall_at(i);
        const char *name = call->name;
        if (syscall_number(call, arch_native()) < 0)
            continue;
        const bool refused = !json_object_get(named->run, name) &&
                             !json_object_get(named->kept, name) &&
                             (default_denies || json_object_get(named->refused, name));
        if (refused == denied)
            (void)buffer_printf(out, "%s%s", out->length > 0 ? " " : "", name);
    }
    return out->error;
}

static int put_denied(const json_t *seccomp, Buffer *out)
{
    CLEANUP(named_deinit) Named named = {json_object(), json_object(), json_object()};
    CLEANUP(buffer_deinit) Buffer others = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer names = BUFFER_INIT;
    const bool default_denies = !oci_action_lets_run(oci_json_text(seccomp, "defaultAction"));

    if (!named.run || !named.refused || !named.kept ||
        sort_rules(json_object_get(seccomp, "syscalls"), &named) < 0)
        return -ENOMEM;
    (void)buffer_puts(&others, "!");
    if (put_names(&named, default_denies, true, &names) < 0 ||
        put_names(&named, default_denies, false, &others) < 0)
        return -ENOMEM;
    return buffer_puts(out, buffer_text(names.length <= others.length ? &names : &others));
}

int oci_permissive_denies(const OciBundle *bundle, Buffer *out, Error *err)
{
    CLEANUP(oci_json_drop) json_t *seccomp = NULL;
    int r = oci_profile_read(bundle, &seccomp, err);

    if (r < 0 || !seccomp)
        return r;
    r = put_denied(seccomp, out);
    return r < 0 ? error_errno(err, r, "%s", bundle->path) : 0;
}
