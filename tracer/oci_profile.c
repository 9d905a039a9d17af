/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/oci_profile.h"

#include "base/memory.h"
#include "tracer/oci_json.h"
#include "tracer/oci_listener.h"
#include "tracer/oci_permissive.h"

#include <errno.h>
#include <jansson.h>

static const char *const linux_keys[] = {"linux", NULL};
static const char *const seccomp_keys[] = {"linux", "seccomp", NULL};
static const char *const apparmor_keys[] = {"process", "apparmorProfile", NULL};

int oci_profile_read(const OciBundle *bundle, json_t **ret, Error *err)
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

bool oci_action_lets_run(const char *action)
{
    static const char *const actions[] = {"SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY"};

    for (size_t i = 0; action && i < ARRAY_LENGTH(actions); i++) {
        if (strcmp(action, actions[i]) == 0)
            return true;
    }
    return false;
}

/* ---- the text -------------------------------------------------------------------------------- */

/* The profile but for its listener; NULL in *RET: there is none. */
static int kept_seccomp(const OciBundle *bundle, const OciProfileChange *change, json_t **ret,
                        Error *err)
{
    const int r = oci_profile_read(bundle, ret, err);

    if (r == 0 && change->lift && *ret && oci_permissive_widen(*ret) < 0)
        return error_errno(err, -ENOMEM, "%s", bundle->path);
    return r;
}

int oci_profile_filter(const OciBundle *bundle, const OciProfileChange *change,
                       ContainerFilter **ret, Error *err)
{
    CLEANUP(oci_json_drop) json_t *seccomp = NULL;
    const int r = kept_seccomp(bundle, change, &seccomp, err);

    *ret = NULL;
    if (r < 0 || !seccomp)
        return r;
    return container_filter_new(seccomp, ret) < 0 ? error_errno(err, -ENOMEM, "%s", bundle->path)
                                                  : 0;
}

/* The changed profile, to be freed; NULL in *RET: there is none. */
static int changed_seccomp(const OciBundle *bundle, const OciProfileChange *change, char **ret,
                           Error *err)
{
    CLEANUP(oci_json_drop) json_t *seccomp = NULL;
    int r = kept_seccomp(bundle, change, &seccomp, err);

    *ret = NULL;
    if (r == 0 && change->listener && !seccomp) {
        seccomp = oci_listener_open_profile();
        if (!seccomp)
            r = error_errno(err, -ENOMEM, "%s", bundle->path);
    }
    if (r == 0 && change->listener)
        r = oci_listener_notify(seccomp, change->listener, change->metadata, bundle->path, err);
    if (r < 0 || !seccomp)
        return r;
    *ret = json_dumps(seccomp, JSON_COMPACT);
    return *ret ? 0 : error_errno(err, -ENOMEM, "%s", bundle->path);
}

/* TEXT with VALUE at KEYS, or without that if it is NULL, into OUT. */
static int put(const char *text, const char *const *keys, const char *value, Buffer *out)
{
    const int r = value ? oci_json_set(text, keys, value, out) : oci_json_remove(text, keys, out);

    return r == -ENOENT && !value ? buffer_puts(out, text) : r;
}

/* A description may come without `linux`. */
static int put_seccomp(const char *text, const char *value, Buffer *out)
{
    CLEANUP(buffer_deinit) Buffer whole = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer object = BUFFER_INIT;

    const int r = value ? oci_json_value(text, linux_keys, &object) : 0;
    if (r != -ENOENT)
        return put(text, seccomp_keys, value, out);
    (void)buffer_printf(&whole, "{\"seccomp\":%s}", value);
    return whole.error < 0 ? whole.error : oci_json_set(text, linux_keys, buffer_text(&whole), out);
}

int oci_profile_text(const OciBundle *bundle, const OciProfileChange *change, Buffer *out,
                     Error *err)
{
    const bool is_process = oci_bundle_is_process(bundle);
    const char *text = oci_bundle_text(bundle);
    CLEANUP(buffer_deinit) Buffer half = BUFFER_INIT;
    CLEANUP(free_pointer) char *seccomp = NULL;
    int r = is_process ? 0 : changed_seccomp(bundle, change, &seccomp, err);

    if (r < 0)
        return r;
    r = seccomp ? put_seccomp(text, seccomp, &half) : buffer_puts(&half, text);
    if (r == 0)
        r = change->lift ? put(buffer_text(&half), apparmor_keys + is_process, NULL, out)
                         : buffer_puts(out, buffer_text(&half));
    return r < 0 ? error_errno(err, r, "%s: cannot change its profiles", bundle->path) : 0;
}

/* ---- and back -------------------------------------------------------------------------------- */

/* Is the profile of NOW what CHANGE made of that of BEFORE? */
static int is_changed(const OciBundle *before, const OciProfileChange *change, const OciBundle *now,
                      bool *ret_it, Error *err)
{
    CLEANUP(free_pointer) char *changed = NULL;
    CLEANUP(buffer_deinit) Buffer value = BUFFER_INIT;
    const int r = changed_seccomp(before, change, &changed, err);

    if (r < 0)
        return r;
    (void)oci_json_value(oci_bundle_text(now), seccomp_keys, &value);
    *ret_it = strcmp(buffer_text(&value), changed ? changed : "") == 0;
    return value.error;
}

/* The value at KEYS of BUNDLE, in BUFFER; NULL: there is none. */
static const char *value_at(const OciBundle *bundle, const char *const *keys, Buffer *buffer)
{
    return oci_json_value(oci_bundle_text(bundle), keys, buffer) == 0 ? buffer_text(buffer) : NULL;
}

int oci_profile_undo(const OciBundle *before, const OciProfileChange *change, Error *err)
{
    CLEANUP(oci_bundle_drop) OciBundle *now = NULL;
    CLEANUP(buffer_deinit) Buffer half = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer seccomp = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer apparmor = BUFFER_INIT;
    bool changed = false;

    int r = oci_bundle_read("", before->path, &now, err);
    if (r == 0)
        r = is_changed(before, change, now, &changed, err);
    if (r < 0 || !changed)
        return r;
    r = put(oci_bundle_text(now), seccomp_keys, value_at(before, seccomp_keys, &seccomp), &half);
    if (r == 0)
        r = put(buffer_text(&half), apparmor_keys, value_at(before, apparmor_keys, &apparmor),
                &text);
    if (r < 0)
        return error_errno(err, r, "%s: cannot put its profiles back", before->path);
    return oci_bundle_replace(now, buffer_text(&text), err);
}
