/* SPDX-License-Identifier: Apache-2.0 */
/* From JSON to OciBundle. The object is kept, since all texts are borrowed from it. */
#include "tracer/oci_bundle.h"

#include "base/io.h"
#include "base/memory.h"
#include "model/mark.h"
#include "tracer/oci_json.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#define VARIABLE_PREFIX "WHITTLE_"

typedef struct OciBundleText {
    Buffer text;
    json_t *json;
    bool is_process; /* the object is what `process` is in config.json */
} OciBundleText;

OciBundle *oci_bundle_free(OciBundle *bundle)
{
    if (!bundle)
        return NULL;
    OciProcess *process = &bundle->process;
    OciTexts *texts[] = {&process->args,      &process->env,       &process->bounding,
                         &process->effective, &process->permitted, &process->inheritable,
                         &process->ambient};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
        free(texts[i]->list);
    for (size_t i = 0; i < bundle->mounts_count; i++)
        free(bundle->mounts[i].options.list);
    free(bundle->mounts);
    free(process->groups);
    if (bundle->text) {
        buffer_deinit(&bundle->text->text);
        json_decref(bundle->text->json);
        free(bundle->text);
    }
    free(bundle->path);
    free(bundle);
    return NULL;
}

void oci_bundle_drop(OciBundle **bundle)
{
    *bundle = oci_bundle_free(*bundle);
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* The texts of an array; elements that are none are left out. 0 or -ENOMEM. */
static int read_texts(const json_t *array, OciTexts *ret)
{
    const size_t count = json_array_size(array);
    size_t used = 0;

    if (count == 0)
        return 0;
    const char **list = calloc(count, sizeof *list);
    if (!list)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (text)
            list[used++] = text;
    }
    *ret = (OciTexts){.list = list, .count = used};
    return 0;
}

/* A user or group; what cannot be one is 0, as if it were not there. */
static uint32_t read_id(const json_t *number)
{
    const double value = json_real_value(number);

    return value >= 0 && value <= (double)UINT32_MAX ? (uint32_t)value : 0;
}

static int read_user(const json_t *user, OciProcess *process)
{
    const json_t *groups = json_object_get(user, "additionalGids");
    const size_t count = json_array_size(groups);

    process->uid = read_id(json_object_get(user, "uid"));
    process->gid = read_id(json_object_get(user, "gid"));
    if (count == 0)
        return 0;
    process->groups = calloc(count, sizeof *process->groups);
    if (!process->groups)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        process->groups[i] = read_id(json_array_get(groups, i));
    process->groups_count = count;
    return 0;
}

static int read_process(const json_t *object, OciProcess *process)
{
    const json_t *capabilities = json_object_get(object, "capabilities");
    const struct {
        const json_t *from;
        const char *key;
        OciTexts *to;
    } lists[] = {
        {object, "args", &process->args},
        {object, "env", &process->env},
        {capabilities, "bounding", &process->bounding},
        {capabilities, "effective", &process->effective},
        {capabilities, "permitted", &process->permitted},
        {capabilities, "inheritable", &process->inheritable},
        {capabilities, "ambient", &process->ambient},
    };
    int r = read_user(json_object_get(object, "user"), process);

    for (size_t i = 0; i < ARRAY_LENGTH(lists) && r == 0; i++)
        r = read_texts(json_object_get(lists[i].from, lists[i].key), lists[i].to);
    process->cwd = oci_json_text(object, "cwd");
    process->apparmor = oci_json_text(object, "apparmorProfile");
    process->no_new_privileges = json_is_true(json_object_get(object, "noNewPrivileges"));
    process->has_capabilities = json_is_object(capabilities);
    return r;
}

static bool has_text(const OciTexts *texts, const char *text)
{
    for (size_t i = 0; i < texts->count; i++) {
        if (strcmp(texts->list[i], text) == 0)
            return true;
    }
    return false;
}

/* Docker: /var/lib/docker/volumes/NAME/_data, Podman: …/storage/volumes/NAME/_data, the kubelet:
 * /var/lib/kubelet/pods/UID/volumes/kubernetes.io~…/NAME. */
static OciMountClass classify(const OciMount *mount)
{
    const bool is_bind = (mount->type && strcmp(mount->type, "bind") == 0) ||
                         has_text(&mount->options, "bind") || has_text(&mount->options, "rbind");

    if (is_bind)
        return mount->source && strstr(mount->source, "/volumes/") ? OCI_MOUNT_VOLUME
                                                                   : OCI_MOUNT_BIND;
    return mount->type && strcmp(mount->type, "tmpfs") == 0 ? OCI_MOUNT_TMPFS : OCI_MOUNT_OTHER;
}

static int read_mounts(const json_t *array, OciBundle *bundle)
{
    const size_t count = json_array_size(array);

    bundle->mounts = calloc(count + 1, sizeof *bundle->mounts);
    if (!bundle->mounts)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const json_t *object = json_array_get(array, i);
        OciMount mount = {
            .destination = oci_json_text(object, "destination"),
            .type = oci_json_text(object, "type"),
            .source = oci_json_text(object, "source"),
        };
        if (!mount.destination)
            continue;
        if (read_texts(json_object_get(object, "options"), &mount.options) < 0)
            return -ENOMEM;
        mount.class = classify(&mount);
        mount.read_only = has_text(&mount.options, "ro") || has_text(&mount.options, "rro");
        bundle->mounts[bundle->mounts_count++] = mount;
    }
    return 0;
}

static void read_namespaces(const json_t *array, OciBundle *bundle)
{
    static const char *const names[OCI_NAMESPACES] = {
        [OCI_NAMESPACE_CGROUP] = "cgroup", [OCI_NAMESPACE_IPC] = "ipc",
        [OCI_NAMESPACE_MOUNT] = "mount",   [OCI_NAMESPACE_NETWORK] = "network",
        [OCI_NAMESPACE_PID] = "pid",       [OCI_NAMESPACE_TIME] = "time",
        [OCI_NAMESPACE_USER] = "user",     [OCI_NAMESPACE_UTS] = "uts",
    };

    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *object = json_array_get(array, i);
        const char *type = oci_json_text(object, "type");
        const char *path = oci_json_text(object, "path");
        for (size_t kind = 0; type && kind < OCI_NAMESPACES; kind++) {
            if (strcmp(names[kind], type) != 0)
                continue;
            const bool joined = path && *path;
            bundle->namespaces[kind] =
                (OciNamespace){.use = joined ? OCI_NAMESPACE_JOINED : OCI_NAMESPACE_NEW,
                               .path = joined ? path : NULL};
        }
    }
}

static int read_container(const json_t *json, OciBundle *bundle)
{
    const json_t *root = json_object_get(json, "root");
    const json_t *linux_part = json_object_get(json, "linux");

    bundle->root = oci_json_text(root, "path");
    bundle->root_read_only = json_is_true(json_object_get(root, "readonly"));
    bundle->hostname = oci_json_text(json, "hostname");
    bundle->cgroups_path = oci_json_text(linux_part, "cgroupsPath");
    bundle->has_seccomp = json_is_object(json_object_get(linux_part, "seccomp"));
    read_namespaces(json_object_get(linux_part, "namespaces"), bundle);
    return read_mounts(json_object_get(json, "mounts"), bundle);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Takes PATH, on failure as well. */
static int read_bundle(char *path, bool is_process, OciBundle **ret, Error *err)
{
    CLEANUP(oci_bundle_drop) OciBundle *bundle = calloc(1, sizeof *bundle);

    if (!bundle || !path) {
        free(path);
        return error_errno(err, -ENOMEM, "cannot read the container's description");
    }
    bundle->path = path;
    bundle->text = calloc(1, sizeof *bundle->text);
    if (!bundle->text)
        return error_errno(err, -ENOMEM, "%s", path);
    bundle->text->is_process = is_process;
    int r = oci_json_read(path, &bundle->text->text, &bundle->text->json, err);
    if (r < 0)
        return r;
    const json_t *json = bundle->text->json;
    r = read_process(is_process ? json : json_object_get(json, "process"), &bundle->process);
    if (r == 0 && !is_process)
        r = read_container(json, bundle);
    if (r < 0)
        return error_errno(err, r, "%s", path);
    *ret = TAKE(bundle);
    return 0;
}

int oci_bundle_read(const char *bundle, const char *config, OciBundle **ret, Error *err)
{
    char *path;

    /* crun changes to the bundle's folder before it opens what may be an absolute path. */
    if (config && config[0] == '/')
        path = strdup(config);
    else if (asprintf(&path, "%s/%s", bundle, config ? config : "config.json") < 0)
        path = NULL;
    return read_bundle(path, false, ret, err);
}

int oci_bundle_read_process(const char *path, OciBundle **ret, Error *err)
{
    return read_bundle(strdup(path), true, ret, err);
}

bool oci_bundle_is_process(const OciBundle *bundle)
{
    return bundle->text->is_process;
}

/* ---- what is wanted of whittle --------------------------------------------------------------- */

const char *oci_bundle_annotation(const OciBundle *bundle, const char *key)
{
    return oci_json_text(json_object_get(bundle->text->json, "annotations"), key);
}

const char *oci_bundle_variable(const OciBundle *bundle, const char *name)
{
    const OciTexts *env = &bundle->process.env;
    const size_t length = strlen(name);

    for (size_t i = env->count; i-- > 0;) {
        if (strncmp(env->list[i], name, length) == 0 && env->list[i][length] == '=')
            return env->list[i] + length + 1;
    }
    return NULL;
}

static const char *wish(const OciBundle *bundle, const char *annotation, const char *variable)
{
    const char *text = oci_bundle_annotation(bundle, annotation);

    if (!text || !*text)
        text = oci_bundle_variable(bundle, variable);
    return text && *text ? text : NULL;
}

static bool can_be_label(const char *text)
{
    if (strlen(text) > MARK_LABEL_MAX)
        return false;
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    }
    return true;
}

void oci_bundle_wish(const OciBundle *bundle, OciWish *ret_wish)
{
    static const char *const no[] = {"0", "false", "no", "off"};
    const char *label = wish(bundle, "org.whittle.label", "WHITTLE_LABEL");
    const char *record = wish(bundle, "org.whittle.record", "WHITTLE_RECORD");

    *ret_wish = (OciWish){
        .out = wish(bundle, "org.whittle.out", "WHITTLE_OUT"),
        .label = label && can_be_label(label) ? label : NULL,
        .record = true,
    };
    for (size_t i = 0; record && i < ARRAY_LENGTH(no); i++)
        ret_wish->record = ret_wish->record && strcasecmp(record, no[i]) != 0;
}

/* ---- changes --------------------------------------------------------------------------------- */

const char *oci_bundle_text(const OciBundle *bundle)
{
    return buffer_text(&bundle->text->text);
}

/* Writes TEXT into the open temporary file, which then looks like the one that ST is of. */
static int fill(int fd, const char *text, const struct stat *st)
{
    const int r = write_all(fd, text, strlen(text));

    if (r < 0)
        return r;
    if (fchown(fd, st->st_uid, st->st_gid) < 0 || fchmod(fd, st->st_mode & 07777) < 0)
        return -errno;
    return 0;
}

/* A file without a name, as oci_process_hold() makes; what has one stays alone. */
static int rewrite_nameless(const char *path, const char *text, Error *err)
{
    CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink > 0)
        return error_set(err, -EINVAL, "%s: is no ordinary file, so it is not changed", path);
    const int r = ftruncate(fd, 0) < 0 ? -errno : write_all(fd, text, strlen(text));
    return r < 0 ? error_errno(err, r, "%s: cannot change", path) : 0;
}

/* A link stays alone: who made it might mean to have it written elsewhere. */
static int replace_file(const char *path, const char *text, Error *err)
{
    CLEANUP(free_pointer) char *temporary = NULL;
    struct stat st;

    if (lstat(path, &st) < 0)
        return error_errno(err, errno, "%s", path);
    if (!S_ISREG(st.st_mode))
        return rewrite_nameless(path, text, err);
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
        temporary = NULL;
        return error_errno(err, -ENOMEM, "%s", path);
    }
    const int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, errno, "%s: cannot make a file beside it", path);
    int r = fill(fd, text, &st);
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0) {
        (void)unlink(temporary);
        return error_errno(err, r, "%s: cannot change", path);
    }
    return 0;
}

int oci_bundle_replace(OciBundle *bundle, const char *text, Error *err)
{
    CLEANUP(buffer_deinit) Buffer copy = BUFFER_INIT;

    if (buffer_puts(&copy, text) < 0)
        return error_errno(err, -ENOMEM, "%s", bundle->path);
    const int r = replace_file(bundle->path, text, err);
    if (r < 0)
        return r;
    buffer_deinit(&bundle->text->text);
    bundle->text->text = copy;
    copy = BUFFER_INIT;
    return 0;
}

static bool is_ours(const char *variable)
{
    return variable && strncmp(variable, VARIABLE_PREFIX, sizeof VARIABLE_PREFIX - 1) == 0;
}

static void strip_list(OciTexts *env)
{
    size_t used = 0;

    for (size_t i = 0; i < env->count; i++) {
        if (!is_ours(env->list[i]))
            env->list[used++] = env->list[i];
    }
    env->count = used;
}

/* The text without them. */
static int strip_text(const OciBundle *bundle, Buffer *out, Error *err)
{
    static const char *const keys[] = {"process", "env", NULL};
    const bool is_process = bundle->text->is_process;
    const Buffer *text = &bundle->text->text;
    CLEANUP(oci_json_drop) json_t *json = NULL; /* the text may have been replaced */

    const int r = oci_json_parse(bundle->path, buffer_text(text), text->length, &json, err);
    if (r < 0)
        return r;
    const json_t *process = is_process ? json : json_object_get(json, keys[0]);
    const json_t *env = json_object_get(process, keys[1]);
    const size_t count = json_array_size(env);
    CLEANUP(free_pointer) bool *drop = calloc(count + 1, sizeof *drop);
    if (!drop)
        return error_errno(err, -ENOMEM, "%s", bundle->path);
    for (size_t i = 0; i < count; i++)
        drop[i] = is_ours(json_string_value(json_array_get(env, i)));
    const int dropped =
        oci_json_drop_elements(buffer_text(text), keys + is_process, drop, count, out);
    return dropped < 0 ? error_errno(err, dropped, "%s: cannot change process.env", bundle->path)
                       : 0;
}

int oci_bundle_strip(OciBundle *bundle, Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    bool any = false;

    for (size_t i = 0; i < bundle->process.env.count; i++)
        any = any || is_ours(bundle->process.env.list[i]);
    if (!any)
        return 0;
    int r = strip_text(bundle, &text, err);
    if (r == 0)
        r = oci_bundle_replace(bundle, buffer_text(&text), err);
    if (r < 0)
        return r;
    strip_list(&bundle->process.env);
    return 1;
}
