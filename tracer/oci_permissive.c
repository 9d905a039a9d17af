/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/oci_permissive.h"

#include "base/memory.h"
#include "model/tables.h"
#include "tracer/oci_json.h"

#include <errno.h>
#include <jansson.h>

#define LOGGED "SCMP_ACT_LOG"

static const char *const seccomp_keys[] = {"linux", "seccomp", NULL};
static const char *const apparmor_keys[] = {"process", "apparmorProfile", NULL};

/* The profile, whose numbers are whole ones; NULL in *RET: there is none. */
static int read_seccomp(const OciBundle *bundle, json_t **ret, Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    json_error_t error;

    *ret = NULL;
    const int r = oci_json_value(oci_bundle_text(bundle), seccomp_keys, &text);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return error_errno(err, r, "%s", bundle->path);
    json_t *json = json_loadb(buffer_text(&text), text.length, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        return error_set(err, -EINVAL, "%s: linux.seccomp cannot be changed: %s", bundle->path,
                         error.text);
    *ret = json;
    return 0;
}

/* Does the action let the call run? */
static bool lets_run(const char *action)
{
    static const char *const actions[] = {"SCMP_ACT_ALLOW", LOGGED, "SCMP_ACT_NOTIFY"};

    for (size_t i = 0; action && i < ARRAY_LENGTH(actions); i++) {
        if (strcmp(action, actions[i]) == 0)
            return true;
    }
    return false;
}

static bool answers_enosys(const json_t *rule)
{
    return json_integer_value(json_object_get(rule, "errnoRet")) == ENOSYS;
}

/* ---- the text -------------------------------------------------------------------------------- */

static int log_instead(json_t *object, const char *action_key, const char *errno_key)
{
    if (lets_run(oci_json_text(object, action_key)))
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

static int widen(json_t *seccomp)
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

/* The lifted profile, to be freed; NULL in *RET: there is none. */
static int lifted_seccomp(const OciBundle *bundle, char **ret, Error *err)
{
    CLEANUP(oci_json_drop) json_t *seccomp = NULL;
    int r = read_seccomp(bundle, &seccomp, err);

    *ret = NULL;
    if (r < 0 || !seccomp)
        return r;
    r = widen(seccomp);
    *ret = r == 0 ? json_dumps(seccomp, JSON_COMPACT) : NULL;
    return *ret ? 0 : error_errno(err, -ENOMEM, "%s", bundle->path);
}

static int put_seccomp(const OciBundle *bundle, Buffer *out, Error *err)
{
    CLEANUP(free_pointer) char *text = NULL;
    const int r = lifted_seccomp(bundle, &text, err);

    if (r < 0)
        return r;
    if (text)
        (void)oci_json_set(oci_bundle_text(bundle), seccomp_keys, text, out);
    else
        (void)buffer_puts(out, oci_bundle_text(bundle));
    return out->error < 0 ? error_errno(err, out->error, "%s", bundle->path) : 0;
}

int oci_permissive_text(const OciBundle *bundle, Buffer *out, Error *err)
{
    const char *const *const keys = apparmor_keys;
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    const bool is_process = oci_bundle_is_process(bundle);
    int r = put_seccomp(bundle, &text, err);

    if (r < 0)
        return r;
    r = oci_json_remove(buffer_text(&text), keys + is_process, out);
    if (r == -ENOENT)
        r = buffer_puts(out, buffer_text(&text));
    return r < 0 ? error_errno(err, r, "%s: cannot lift its profiles", bundle->path) : 0;
}

/* ---- and back -------------------------------------------------------------------------------- */

/* Is the profile of NOW the lifted one of BEFORE? */
static int is_lifted(const OciBundle *before, const OciBundle *now, bool *ret_it, Error *err)
{
    CLEANUP(free_pointer) char *lifted = NULL;
    CLEANUP(buffer_deinit) Buffer value = BUFFER_INIT;
    const int r = lifted_seccomp(before, &lifted, err);

    if (r < 0)
        return r;
    (void)oci_json_value(oci_bundle_text(now), seccomp_keys, &value);
    *ret_it = strcmp(buffer_text(&value), lifted ? lifted : "") == 0;
    return value.error;
}

/* NOW's text with the member at KEYS as in BEFORE, into OUT. */
static int put_back(const OciBundle *before, const char *now, const char *const *keys, Buffer *out)
{
    CLEANUP(buffer_deinit) Buffer value = BUFFER_INIT;
    const int r = oci_json_value(oci_bundle_text(before), keys, &value);

    if (r == -ENOENT)
        return buffer_puts(out, now);
    return r < 0 ? r : oci_json_set(now, keys, buffer_text(&value), out);
}

int oci_permissive_undo(const OciBundle *before, Error *err)
{
    CLEANUP(oci_bundle_drop) OciBundle *now = NULL;
    CLEANUP(buffer_deinit) Buffer half = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    bool lifted = false;

    int r = oci_bundle_read("", before->path, &now, err);
    if (r == 0)
        r = is_lifted(before, now, &lifted, err);
    if (r < 0 || !lifted)
        return r;
    r = put_back(before, oci_bundle_text(now), seccomp_keys, &half);
    if (r == 0)
        r = put_back(before, buffer_text(&half), apparmor_keys, &text);
    if (r < 0)
        return error_errno(err, r, "%s: cannot put its profiles back", before->path);
    return oci_bundle_replace(now, buffer_text(&text), err);
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
        const bool runs = lets_run(oci_json_text(rule, "action"));
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
    const bool default_denies = !lets_run(oci_json_text(seccomp, "defaultAction"));

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
    int r = read_seccomp(bundle, &seccomp, err);

    if (r < 0 || !seccomp)
        return r;
    r = put_denied(seccomp, out);
    return r < 0 ? error_errno(err, r, "%s", bundle->path) : 0;
}
